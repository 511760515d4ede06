"""From a request to its draft orders and the patient's chart: the prefetch first, then the FHIR server."""
