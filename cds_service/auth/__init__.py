"""Authentication of CDS clients: their keys, their tokens, and replay protection."""
