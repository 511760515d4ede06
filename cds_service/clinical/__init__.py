"""Reads facts from the chart of a patient and the orders of a call. Pure: no I/O, no clock, no framework."""
