"""The gallery: what LSTM tutorials teach, each case done right, with its score and its baselines.

A case is one short file that reads like a tutorial and uses nothing but what any user has: its
docstring says what the data are, which trap tutorials fall into and what right looks like, its
function `run` does it.
"""
