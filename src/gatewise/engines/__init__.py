"""The dialects that a network can be spoken in."""
