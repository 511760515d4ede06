"""Examines a FHIR server for one patient: whether what the guidance needs arrives, in time, and can be read."""
