"""Reads FHIR of any version. Pure: no I/O, no clock, no framework."""
