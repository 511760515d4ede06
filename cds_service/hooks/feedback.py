"""Feedback of clients on cards that were shown. One invalid item makes the whole request invalid.

Reasons are the exception, since clients send them in several shapes: one that cannot be read costs the reason and not
the item, and where it stood is told.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from cds_service.errors import InvalidRequest
from cds_service.fhir.json import decode
from cds_service.hooks.decoding import decode_member

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9][\w.:~-]{0,63}", re.ASCII)
_SYSTEM = re.compile(r"(?:https?://|urn:)[!-~]{1,200}", re.ASCII)
FREE_TEXT = "free-text"  # in place of a reason that is no code: somebody may have typed it, about a patient
_MAX_LENGTH, _MAX_COMMENT_LENGTH, _MAX_NUMBER = 500, 10_000, 10**12


OTHER_MEMBER = "another member"
_HOLDERS = ("overrideReason", "overrideReasons")  # the specification has the first, samples of Epic's the second
_KNOWN = frozenset(("card", "outcome", "outcomeTimestamp", "acceptedSuggestions", "extension", *_HOLDERS))
UNREAD_PATHS = (  # of reasons that could not be read: the members that are looked at, and one for all others
    *_HOLDERS,
    *(f"{holder}.{member}" for holder in _HOLDERS for member in ("extension", "reason", "userComment")),
    *(f"{holder}.reason.{member}" for holder in _HOLDERS for member in ("code", "system")),
    "extension",
    OTHER_MEMBER,
)
_INDEX = re.compile(r"\[\d+\]")
Read = TypeVar("Read")


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


@dataclass(frozen=True)
class FeedbackBatch:
    """How many items there were, what they say (an item with several reasons says several things), and how often a
    reason could not be read, by where it stood (`UNREAD_PATHS`)."""

    items: int
    feedback: tuple[Feedback, ...]
    unread: Mapping[str, int]


def read_feedback(body: bytes, reason_extensions: Collection[str] = ()) -> FeedbackBatch:
    """All items of a feedback request. Raises `InvalidRequest` that names the first member at fault.

    `reason_extensions` are the names of extensions whose values are codes of reasons.
    """
    feedback = decode_member(body, "body", decode)
    if not isinstance(feedback, dict):
        raise InvalidRequest("body", "is not an object")
    items = _Member("feedback", feedback.get("feedback")).items()
    reasons = _Reasons(reason_extensions)
    read = tuple(said for item in items for said in _item(item, reasons))
    return FeedbackBatch(len(items), read, reasons.unread)


def _item(item: _Member, reasons: "_Reasons") -> list[Feedback]:
    card = item.get("card").required_text()
    outcome = _outcome(item.get("outcome"))
    at = _timestamp(item.get("outcomeTimestamp"))
    if outcome == "accepted":
        return [Feedback(card, outcome, at, suggestions=_suggestions(item.get("acceptedSuggestions")))]
    found = reasons.read(item) or [_Reason()]
    return [Feedback(card, outcome, at, (), reason.system, reason.code, reason.comment) for reason in found]


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


@dataclass(frozen=True)
class _Reason:
    """Why a card was not followed. A client may leave out the system, and may send reasons that no card offered."""

    system: str = ""
    code: str = ""
    comment: str = ""


class _Reasons:
    """Reads the reasons of items, and counts what cannot be read."""

    def __init__(self, extensions: Collection[str]) -> None:
        self._extensions = extensions
        self.unread: Counter[str] = Counter()

    def read(self, item: _Member) -> list[_Reason]:
        """Every reason of an item; none where none was sent, or none can be read."""
        found = [reason for name in _HOLDERS for reason in self._held(item.get(name))]
        found += [_Reason(*coded) for coded in self._of_extension(item.get("extension"))]
        if not found and item.value.keys() - _KNOWN:
            self.unread[OTHER_MEMBER] += 1
        return list(dict.fromkeys(found))

    def _held(self, holder: _Member) -> list[_Reason]:
        """The reasons of an `overrideReason`, or of a list of them."""
        holders = holder.items() if isinstance(holder.value, list) else [holder]
        return [reason for each in holders if each.value is not None for reason in self._of_holder(each)]

    def _of_holder(self, holder: _Member) -> list[_Reason]:
        if not isinstance(holder.value, dict):
            self._note(holder.path)
            return []
        comment = self._try(partial(_comment, holder)) or ""
        coded = [*(self._try(partial(_coding, holder)) or ()), *self._of_extension(holder.get("extension"))]
        if not coded and holder.value.keys() - {"reason", "userComment", "extension"}:
            self._note(holder.path)
        if comment and not coded:
            coded = [("", "")]
        return [_Reason(system, code, comment) for system, code in coded]

    def _of_extension(self, extension: _Member) -> list[tuple[str, str]]:
        """The codes of the extensions that hold reasons, each with the name of its extension for a system."""
        if extension.value is None:
            return []
        values = extension.value if isinstance(extension.value, dict) else {}
        named = [(name, code) for name in self._extensions if (code := _written_code(values.get(name)))]
        if not named:
            self._note(extension.path)
        return [_as_code(name, code) for name, code in named]

    def _try(self, read: Callable[[], Read]) -> Read | None:
        try:
            return read()
        except InvalidRequest as error:
            self._note(error.field)
            return None

    def _note(self, path: str) -> None:
        self.unread[_INDEX.sub("", path).removeprefix("feedback.")] += 1


def _comment(holder: _Member) -> str:
    return holder.get("userComment").text(_MAX_COMMENT_LENGTH)


def _coding(holder: _Member) -> list[tuple[str, str]]:
    """System and code of its reason, if it has one."""
    reason = holder.get("reason")
    if reason.value is None:
        return []
    system, code = reason.get("system").text(), reason.get("code").required_text()
    return [_as_code(system if _SYSTEM.fullmatch(system) else "", code)]


def _written_code(value: Any) -> str:
    """A string, or a number that somebody uses as a code; empty for anything else."""
    if isinstance(value, str) and len(value) <= _MAX_LENGTH:
        return value.strip()
    return str(value) if type(value) is int and 0 <= value < _MAX_NUMBER else ""


def _as_code(system: str, code: str) -> tuple[str, str]:
    """System and code. Of what does not look like a code only that there was one is kept."""
    return (system, code) if _CODE.fullmatch(code) else ("", FREE_TEXT)


def _timestamp(member: _Member) -> datetime:
    written = member.required_text().upper()
    if not _RFC_3339.fullmatch(written):
        raise member.error("is not a moment as RFC 3339 writes it, with its offset from UTC")
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise member.error("is not a moment that exists") from None
