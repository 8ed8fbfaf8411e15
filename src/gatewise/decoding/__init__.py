"""How an answer is read off a network that goes token by token."""
