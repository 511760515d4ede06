"""Orders: which are for acetylcysteine, what for, how much and how long."""
