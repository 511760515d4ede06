"""Demo mode: a read-only FHIR server with the invented patients of the fixtures. Off by default."""
