"""The errors that this service raises on purpose.

    CdsServiceError
    ├── InvalidRequest      400  the body is not a CDS Hooks request; names the field
    ├── NotAuthenticated    401  no valid token proves who sent the request
    ├── UnknownService      404  no service has this id
    ├── BodyTooSlow         408  the body did not arrive in time
    ├── DataNotObtained     412  an order is or may be for acetylcysteine, but no data about the patient could be read
    ├── BodyTooLarge        413  the body exceeds the limit in bytes
    ├── TooManyOrders       413  the request has more orders than are read in one call
    ├── TooMuchText         413  the orders have more names and free text than are read in one call
    ├── NotJson             415  the body is not JSON, or is compressed
    ├── Busy                503  this process is at its limit of concurrent work
    ├── StoreDown           503  the database is unavailable; the request may be sent again
    ├── DatabaseRefused     at start: the database has another schema, or CDS_DATABASE_URL is not a database URL
    ├── ContentError        at start: mistakes in `cards/` or another file, each with file and line
    ├── DemoDataMissing     at start: demo mode is on, but its patients cannot be read
    ├── WrongSettings       at start: settings that cannot be read
    ├── CannotStart         at start: a setting names something that is missing or unusable
    ├── PortTaken           at start: the port is in use, or this process may not use it
    ├── ExportUnusable      of `replay`: the export or an option of the command cannot be used
    ├── NotCompared         of `diff`: there is no such content to compare with
    ├── NotSigned           of `sign`: the card, its examples, or who signs
    └── OutputUnusable      of `replay`: the folder for the report cannot be written, or its disk is full

Any other exception is a bug: a 500 that reveals nothing. No message contains a value from a request, only the names of
fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class CdsServiceError(Exception):
    """The base class of them all."""


class InvalidRequest(CdsServiceError):
    """The body cannot be used. `field` is the path of the invalid member, and `problem` says what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class NotAuthenticated(CdsServiceError):
    """The caller is unknown.

    `reason`, a fixed word, and `client`, a configured name, are for the log and never part of the response.
    """

    def __init__(self, reason: str, client: str) -> None:
        super().__init__("the request is not authenticated")
        self.reason = reason
        self.client = client


class UnknownService(CdsServiceError):
    """No service has the id in the path."""


class DataNotObtained(CdsServiceError):
    """Neither the prefetch nor the FHIR server had the data that an answer needs. `missing` gives the reason by key."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        super().__init__("the data that the guidance needs came neither by prefetch nor from the FHIR server")
        self.missing = missing


class BodyTooLarge(CdsServiceError):
    """The body is larger than `limit`, in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit} bytes")
        self.limit = limit


class StoreDown(CdsServiceError):
    """The database does not answer, or not in time, and nothing was stored. `why` is in fixed words, or a code."""

    retry_after = 5  # seconds

    def __init__(self, why: str = "") -> None:
        super().__init__("the database is not available now; send this again later")
        self.why = why


class DatabaseRefused(CdsServiceError):
    """This version of the service cannot use the database."""


class BodyTooSlow(CdsServiceError):
    """The body was not complete within the limit, in seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body was not complete within {seconds:g} seconds")


class TooManyOrders(CdsServiceError):
    """The request has more orders than are read. It is refused as a whole: cards for some orders would pass for all."""

    def __init__(self, field: str, limit: int) -> None:
        super().__init__(f"{field}: has more than {limit} entries; send them in several calls")
        self.field = field


class TooMuchText(CdsServiceError):
    """The orders have more text than is read. Refused as a whole: what is left out could be the sign of an antidote."""

    def __init__(self, field: str, limit: int) -> None:
        super().__init__(f"{field}: its orders have more than {limit} characters of text; send them in several calls")
        self.field = field


class NotJson(CdsServiceError):
    """The headers declare a body that is not uncompressed JSON."""


class Busy(CdsServiceError):
    """This process is at its limit of concurrent calls or of bytes held."""

    def __init__(self) -> None:
        super().__init__("the service is busy; ask again in a moment")


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in the content: where it is, and a sentence that says what is wrong."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


class ContentError(CdsServiceError):
    """The content cannot be used. `mistakes` holds all that were found, in order of file and line."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class DemoDataMissing(CdsServiceError):
    """Demo mode has no patients: the folder of the fixtures is missing, or no patient in it can be read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"CDS_DEMO is on, but no invented patients can be read in {folder}. "
            "Set CDS_FIXTURES to the folder of the fixtures, or turn CDS_DEMO off."
        )


class WrongSettings(CdsServiceError):
    """Settings that cannot be read: a line for each, with its name but not its value, which may be a secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))


class CannotStart(CdsServiceError):
    """A setting names something that is missing or unusable. The message says what to do."""


class PortTaken(CdsServiceError):
    """The service cannot listen there."""


class ExportUnusable(CdsServiceError):
    """An export, or an option beside it, cannot be replayed. The message says what to do."""


class NotCompared(CdsServiceError):
    """There is no content to compare with. The message says why."""


class NotSigned(CdsServiceError):
    """A card cannot be signed. The message says why."""


class OutputUnusable(CdsServiceError):
    """The report cannot be written. The message says why."""
