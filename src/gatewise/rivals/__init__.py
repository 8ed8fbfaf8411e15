"""Baselines for text and sequences: what every network must beat to be worth its cost."""
