"""Raw data in: frames, series, splits, data sets."""
