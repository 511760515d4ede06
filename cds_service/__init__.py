"""A CDS Hooks service for acetylcysteine: hook in, guidance cards out."""

__version__ = "0.1.0"
