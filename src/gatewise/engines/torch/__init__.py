"""The PyTorch dialect."""
