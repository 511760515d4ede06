"""What FHIR versions call differently: the one place that knows it.

`elements` reads an element under each name that it has, `detecting` tells which version a resource is written in, and
`writing` writes in the version that is asked for. R4B is R4 for everything that is read here.
"""

DSTU2, STU3, R4, R5 = "DSTU2", "STU3", "R4", "R5"

RENAMED_TYPES = {"MedicationOrder": "MedicationRequest"}  # in DSTU2 -> since STU3
