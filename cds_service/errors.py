"""Every error this service raises on purpose.

    CdsServiceError
    ├── InvalidRequest      400  the body is not a CDS Hooks request; names the field
    ├── NotAuthenticated    401  the request has no token that proves who sends it
    ├── UnknownService      404  no service has this id
    ├── DataNotObtained     412  an order is for acetylcysteine, or may be, and nothing about it could be read
    ├── BodyTooSlow         408  the body did not come in time
    ├── BodyTooLarge        413  more bytes than the limit
    ├── TooManyOrders       413  more orders than are looked at in one call
    ├── NotJson             415  the body is something other than JSON, or is compressed
    ├── Busy                503  as much is under way as this process takes on at once
    ├── StoreDown           503  the database is away; the same request may be sent again
    ├── DatabaseRefused     at start only: the database is of another schema, or its URL is none
    ├── ContentError        at start only: every mistake in `cards/` or another file, with file and line
    ├── DemoDataMissing     at start only: demo mode is on, and its people cannot be read
    ├── WrongSettings       at start only: every setting that cannot be read
    └── CannotStart         at start only: the settings ask for something that is not there

Anything else is a bug: 500, and nothing about it on the wire. No message here ever holds a value
from a request, only names of fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class CdsServiceError(Exception):
    """The base of every error in the tree above."""


class InvalidRequest(CdsServiceError):
    """The body cannot be used; `field` is the path of the member that is wrong, `problem` says why."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class NotAuthenticated(CdsServiceError):
    """The caller is not known. `reason` and `client` are for the log alone: a fixed word, and a configured name."""

    def __init__(self, reason: str, client: str) -> None:
        super().__init__("the request is not authenticated")
        self.reason = reason
        self.client = client


class UnknownService(CdsServiceError):
    """No service of this host has the id that was called."""


class DataNotObtained(CdsServiceError):
    """What an answer needs is neither in the prefetch nor to be had from the FHIR server; `missing` says why."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        super().__init__("the data that the guidance needs came neither by prefetch nor from the FHIR server")
        self.missing = missing


class BodyTooLarge(CdsServiceError):
    """The body is larger than the limit, in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit} bytes")
        self.limit = limit


class StoreDown(CdsServiceError):
    """The database does not answer, or not in time. Nothing was kept."""

    retry_after = 5  # seconds

    def __init__(self, why: str = "") -> None:
        super().__init__("the database is not available now; send this again later")
        self.why = why


class DatabaseRefused(CdsServiceError):
    """This version of the service cannot use the database that it was given."""


class BodyTooSlow(CdsServiceError):
    """The body was not complete in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body was not complete within {seconds:g} seconds")


class TooManyOrders(CdsServiceError):
    """More orders than are looked at. The call is refused as a whole: part of an answer would look like all of it."""

    def __init__(self, field: str, limit: int) -> None:
        super().__init__(f"{field}: has more than {limit} entries; send them in several calls")
        self.field = field


class NotJson(CdsServiceError):
    """The body says of itself that it is not plain JSON."""


class Busy(CdsServiceError):
    """This process takes on no more for the moment."""

    def __init__(self) -> None:
        super().__init__("the service is busy; ask again in a moment")


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in the content: where it is and what is wrong, in a sentence."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


class ContentError(CdsServiceError):
    """The content cannot be used. Carries every mistake found, not the first."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class DemoDataMissing(CdsServiceError):
    """Demo mode has nobody to show: the folder of the fixtures is not there, or holds no readable people."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"CDS_DEMO is on, but no invented patients can be read in {folder}. "
            "Set CDS_FIXTURES to the folder of the fixtures, or leave CDS_DEMO off."
        )


class WrongSettings(CdsServiceError):
    """Settings that cannot be read: one line for each, with its name and without its value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))


class CannotStart(CdsServiceError):
    """The settings ask for something that is not there; says what to do about it."""
