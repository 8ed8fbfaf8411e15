"""What is said of a network beside its baselines: classes, tags, language, translations."""
