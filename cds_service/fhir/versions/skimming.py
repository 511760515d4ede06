"""Reads of a resource only what tells whether it matters: its type, whom it is about, and what it is.

Everything else is passed over without being built, which is several times as fast as decoding the whole.
"""

from typing import Any

import msgspec

from cds_service.fhir.json import Resource, relative_part
from cds_service.fhir.versions import RENAMED_TYPES
from cds_service.fhir.versions.elements import subjects_of

_NOTHING = msgspec.Raw()


class Skimmed(msgspec.Struct):
    """The members of a resource that are looked at. `code` and the drug stay bytes: they recur, and are read once."""

    resourceType: str = ""
    id: Any = None
    subject: Any = None
    patient: Any = None
    status: Any = None
    code: msgspec.Raw = _NOTHING
    medicationCodeableConcept: msgspec.Raw = _NOTHING
    medicationReference: Any = None
    medication: Any = None

    @property
    def type(self) -> str:
        """The type by its name since STU3."""
        return RENAMED_TYPES.get(self.resourceType, self.resourceType)

    @property
    def patient_id(self) -> str:
        """The id of the patient that it is about; empty if it names none."""
        if self.resourceType == "Patient":
            return self.id if isinstance(self.id, str) else ""
        about = self.subject if self.patient is None else self.patient
        if isinstance(about, dict) and isinstance(stated := about.get("reference"), str):
            return patient_of(stated)
        return next(map(patient_of, subjects_of({"subject": about})), "")

    @property
    def drug_by_reference(self) -> Any:
        """What an order points to instead of naming its drug."""
        return self.medicationReference if self.medication is None else self.medication


_DECODER = msgspec.json.Decoder(Skimmed)


def skim(line: bytes) -> Skimmed:
    """The resource of a line. Raises one of `UNREADABLE` where it is none."""
    return _DECODER.decode(line)


def patient_of(reference: str) -> str:
    """The id of the patient behind a reference; empty where it points to something else."""
    if reference.startswith("urn:uuid:"):
        return reference.removeprefix("urn:uuid:")
    kind, _, identity = relative_part(reference.strip()).rpartition("/")
    return identity if kind in ("Patient", "") and not reference.startswith(("#", "urn:")) else ""


def subject_of(resource: Resource) -> str:
    """The id of the patient that a resource is about; empty if it names none."""
    return next(map(patient_of, subjects_of(resource)), "")


# The same members for a query language that knows JSON paths: the first that is there counts.
ORDER_TYPES = tuple({**RENAMED_TYPES, **{name: name for name in RENAMED_TYPES.values()}})
SUBJECT_PATHS = ("$.patient.reference", "$.subject.reference")
DRUG_PATH = "$.medicationCodeableConcept"
DRUG_REFERENCE_PATHS = ("$.medication", "$.medicationReference")
