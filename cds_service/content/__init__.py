"""Content of `cards/`: loading, checking, reviewing, explaining."""
