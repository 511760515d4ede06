"""Deciding: from facts and cards to decisions. Pure: no I/O, no clock, no framework."""
