"""Tuning: many settings tried on a validation part, the best of them judged on the test part."""
