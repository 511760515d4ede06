"""Demo mode: a FHIR server that only reads, with the invented people of the fixtures. Off unless it is asked for."""
