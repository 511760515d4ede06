"""Wire formats of CDS Hooks: what a client sends and what it gets back."""
