"""Feedback of clients on cards that were shown. One invalid item makes the whole request invalid."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cds_service.errors import InvalidRequest
from cds_service.fhir.json import decode
from cds_service.hooks.decoding import decode_member

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9][\w.:~-]{0,63}", re.ASCII)
_SYSTEM = re.compile(r"(?:https?://|urn:)[!-~]{1,200}", re.ASCII)
FREE_TEXT = "free-text"  # in place of a reason that is no code: somebody may have typed it, about a patient
_MAX_LENGTH, _MAX_COMMENT_LENGTH = 500, 10_000


@dataclass(frozen=True)
class Feedback:
    """What became of one card, by its uuid. `suggestions` are the uuids of those that were accepted."""

    card: str
    outcome: str
    at: datetime
    suggestions: tuple[str, ...] = ()
    reason_system: str = ""
    reason_code: str = ""
    comment: str = ""


@dataclass(frozen=True)
class _Member:
    """A value in the body, with its path for error messages."""

    path: str
    value: Any

    def error(self, problem: str) -> InvalidRequest:
        """The error about this member, without its value."""
        return InvalidRequest(self.path, problem)

    def get(self, name: str) -> "_Member":
        """A member of this object; its value is None if it is absent."""
        if not isinstance(self.value, dict):
            raise self.error("is not an object")
        return _Member(f"{self.path}.{name}", self.value.get(name))

    def items(self) -> "list[_Member]":
        """The items of this list."""
        if not isinstance(self.value, list):
            raise self.error("is missing" if self.value is None else "is not a list")
        return [_Member(f"{self.path}[{index}]", item) for index, item in enumerate(self.value)]

    def text(self, max_length: int = _MAX_LENGTH) -> str:
        """This string; empty if there is none."""
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise self.error("is not a string")
        if len(self.value) > max_length:
            raise self.error(f"is longer than {max_length} characters")
        if "\0" in self.value:  # PostgreSQL cannot hold it
            raise self.error("holds a null character")
        return self.value.strip()

    def required_text(self) -> str:
        """This string, which must not be blank."""
        found = self.text()
        if not found:
            raise self.error("is missing" if self.value is None else "is blank")
        return found


def read_feedback(body: bytes) -> tuple[Feedback, ...]:
    """All items of a feedback request. Raises `InvalidRequest` that names the first member at fault."""
    feedback = decode_member(body, "body", decode)
    if not isinstance(feedback, dict):
        raise InvalidRequest("body", "is not an object")
    return tuple(_item(item) for item in _Member("feedback", feedback.get("feedback")).items())


def _item(item: _Member) -> Feedback:
    card = item.get("card").required_text()
    outcome = _outcome(item.get("outcome"))
    at = _timestamp(item.get("outcomeTimestamp"))
    if outcome == "accepted":
        return Feedback(card, outcome, at, suggestions=_suggestions(item.get("acceptedSuggestions")))
    override = item.get("overrideReason")
    if override.value is None:
        return Feedback(card, outcome, at)
    system, code = _reason(override.get("reason"))
    comment = override.get("userComment").text(_MAX_COMMENT_LENGTH)
    return Feedback(card, outcome, at, reason_system=system, reason_code=code, comment=comment)


def _outcome(member: _Member) -> str:
    outcome = member.required_text()
    if outcome not in ("accepted", "overridden"):
        raise member.error("is neither accepted nor overridden")
    return outcome


def _suggestions(member: _Member) -> tuple[str, ...]:
    ids: Sequence[str] = [suggestion.get("id").required_text() for suggestion in member.items()]
    if not ids:
        raise member.error("is empty")
    return tuple(sorted(set(ids)))


def _reason(member: _Member) -> tuple[str, str]:
    """System and code. A client may leave out the system, and may send reasons that no card offered.

    Of what does not look like a code, or like the address of a code system, only that there was one is kept.
    """
    if member.value is None:
        return "", ""
    system, code = member.get("system").text(), member.get("code").required_text()
    if not _CODE.fullmatch(code):
        return "", FREE_TEXT
    return (system if _SYSTEM.fullmatch(system) else "", code)


def _timestamp(member: _Member) -> datetime:
    written = member.required_text().upper()
    if not _RFC_3339.fullmatch(written):
        raise member.error("is not a moment as RFC 3339 writes it, with its offset from UTC")
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise member.error("is not a moment that exists") from None
