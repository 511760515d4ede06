"""What differs between FHIR versions: no other package knows it.

`elements` reads an element under any of its names, `detecting` finds out which version a resource is written in, and
`writing` writes in a given version. Nothing that is read here differs between R4 and R4B.
"""

DSTU2, STU3, R4, R5 = "DSTU2", "STU3", "R4", "R5"

RENAMED_TYPES = {"MedicationOrder": "MedicationRequest"}  # in DSTU2 -> since STU3
LABORATORY_ORDER = "ServiceRequest"  # in R4 and R5
LABORATORY_ORDERS = {DSTU2: "DiagnosticOrder", STU3: "ProcedureRequest", R4: LABORATORY_ORDER, R5: LABORATORY_ORDER}
