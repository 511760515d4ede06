"""Monitoring: acetylcysteine that is being taken, and what became of it since it was started."""
