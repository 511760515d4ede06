"""Why a query has no answer. A reason goes to the card: it never holds an address or anything that a server sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a query has no answer: the reason in words for a card, the kind for metrics, and the HTTP status if any."""

    reason: str
    kind: str = "not asked"
    status: int = 0


TOO_LATE = Failure("the FHIR server did not answer in time", "late")
UNREACHABLE = Failure("the FHIR server could not be reached", "unreachable")
NO_SUCH_PATIENT = Failure("the FHIR server does not know the patient")
NOT_A_FHIR_ID = Failure("the id of the patient is not one that a FHIR server can have")
NOT_JSON = Failure("the answer of the FHIR server is not JSON that can be read", "unreadable")
COMPRESSED = Failure("the answer of the FHIR server is compressed, which it was not asked for", "compressed")
TOO_LARGE = Failure("the answer of the FHIR server is too large", "too large")
TOO_LARGE_IN_ALL = Failure("what the FHIR server answered to this call is too large", "too large")
NOT_A_SEARCHSET = Failure("the answer of the FHIR server is not the result of a search")
# Of this service, not of the EHR:
BUSY = Failure("this service was busy", "busy")
RESTING = Failure("the FHIR server has failed again and again, and is not asked for a while", "resting")


def failed_with(status: int) -> Failure:
    """The failure for an HTTP status other than 200."""
    return Failure(f"the FHIR server answered with status {status}", "status", status)
