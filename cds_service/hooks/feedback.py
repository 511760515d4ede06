"""Feedback as it comes in: what became of cards that were shown. One bad item refuses the batch, and is named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cds_service.errors import InvalidRequest
from cds_service.fhir.json import UNREADABLE, decode

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_LONGEST, _LONGEST_COMMENT = 500, 10_000


@dataclass(frozen=True)
class Feedback:
    """What became of one card. `suggestions` are those accepted; the reason is one of ours or one of the client's."""

    card: str
    outcome: str
    at: datetime
    suggestions: tuple[str, ...] = ()
    reason_system: str = ""
    reason_code: str = ""
    comment: str = ""


@dataclass(frozen=True)
class _Member:
    """A value with the path that names it in an error."""

    path: str
    value: Any

    def wrong(self, problem: str) -> InvalidRequest:
        """The error to raise; it never holds the value."""
        return InvalidRequest(self.path, problem)

    def get(self, name: str) -> "_Member":
        """A member of this object; what is not there is None."""
        if not isinstance(self.value, dict):
            raise self.wrong("is not an object")
        return _Member(f"{self.path}.{name}", self.value.get(name))

    def items(self) -> "list[_Member]":
        """The items of this list."""
        if not isinstance(self.value, list):
            raise self.wrong("is missing" if self.value is None else "is not a list")
        return [_Member(f"{self.path}[{index}]", one) for index, one in enumerate(self.value)]

    def text(self, longest: int = _LONGEST) -> str:
        """This string, or an empty one where there is none."""
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise self.wrong("is not a string")
        if len(self.value) > longest:
            raise self.wrong(f"is longer than {longest} characters")
        if "\0" in self.value:  # PostgreSQL cannot hold it
            raise self.wrong("holds a null character")
        return self.value.strip()

    def required(self) -> str:
        """This string, which must be there and say something."""
        found = self.text()
        if not found:
            raise self.wrong("is missing" if self.value is None else "is blank")
        return found


def read_feedback(body: bytes) -> tuple[Feedback, ...]:
    """All items of a body; `InvalidRequest` names the first member that is wrong."""
    try:
        parsed = decode(body)
    except RecursionError:
        raise InvalidRequest("body", "is nested too deeply") from None
    except UNREADABLE:
        raise InvalidRequest("body", "is not valid JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidRequest("body", "is not an object")
    return tuple(_item(one) for one in _Member("feedback", parsed.get("feedback")).items())


def _item(item: _Member) -> Feedback:
    card = item.get("card").required()
    outcome = _outcome(item.get("outcome"))
    at = _moment(item.get("outcomeTimestamp"))
    if outcome == "accepted":
        return Feedback(card, outcome, at, suggestions=_suggestions(item.get("acceptedSuggestions")))
    given = item.get("overrideReason")
    if given.value is None:
        return Feedback(card, outcome, at)
    system, code = _reason(given.get("reason"))
    comment = given.get("userComment").text(_LONGEST_COMMENT)
    return Feedback(card, outcome, at, reason_system=system, reason_code=code, comment=comment)


def _outcome(member: _Member) -> str:
    outcome = member.required()
    if outcome not in ("accepted", "overridden"):
        raise member.wrong("is neither accepted nor overridden")
    return outcome


def _suggestions(member: _Member) -> tuple[str, ...]:
    ids: Sequence[str] = [one.get("id").required() for one in member.items()]
    if not ids:
        raise member.wrong("is empty")
    return tuple(sorted(set(ids)))


def _reason(member: _Member) -> tuple[str, str]:
    """System and code; a client may leave out the system, and may use reasons that no card offered."""
    if member.value is None:
        return "", ""
    return member.get("system").text(), member.get("code").required()


def _moment(member: _Member) -> datetime:
    written = member.required().upper()
    if not _RFC_3339.fullmatch(written):
        raise member.wrong("is not a moment as RFC 3339 writes it, with its offset from UTC")
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise member.wrong("is not a moment that exists") from None
