"""What the service would have said: the live core over a FHIR Bulk Data export of the past."""
