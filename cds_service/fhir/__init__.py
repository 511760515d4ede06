"""Reading FHIR, in any of its versions. Pure: no I/O, no clock, no framework, no clinical subject."""
