"""Which cases there are."""

from __future__ import annotations

# in the order in which they are read; a case's module is its name with underscores
CASES = (
    "sine-next",
    "sine-future",
    "multi-sine",
    "multi-step",
    "weather",
    "random-walk",
    "random-labels",
    "word-order",
    "reviews-zh",
    "reviews-en",
    "attention",
    "names",
    "questions",
    "spoken-digits",
    "entities",
    "reverse",
    "translate-toy",
    "spelling",
    "shakespeare",
    "alice",
    "cells",
    "from-scratch",
    "vanishing",
    "architectures",
    "masking",
    "regularise",
    "tune",
)
