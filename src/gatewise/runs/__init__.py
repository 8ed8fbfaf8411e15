"""What became of trainings: a log of each run, trackers beside it, and reading them back."""
