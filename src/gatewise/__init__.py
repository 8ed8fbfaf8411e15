"""gatewise: an LSTM's whole way, from raw data to a watched model."""
