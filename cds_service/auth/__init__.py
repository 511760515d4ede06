"""Who may call: clients, their keys and their tokens."""
