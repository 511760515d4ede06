"""What is known about a patient and an order, fact by fact, each with how it is known."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import NewType

import msgspec

Value = str | Decimal | None
Text = str | tuple[str, ...]  # words for a card; a tuple is a list of items


class State(Enum):
    """*Known*; *absent*: looked for and not there; *unknown*: not sent, failed or unreadable."""

    KNOWN = "known"
    ABSENT = "absent"
    UNKNOWN = "unknown"


KNOWN, ABSENT, UNKNOWN = State.KNOWN, State.ABSENT, State.UNKNOWN


class Origin(msgspec.Struct, frozen=True):
    """Where a value came from: the reference of the resource, and the value as sent. Never logged."""

    resource: str
    sent: str


class Fact(msgspec.Struct, frozen=True):
    """One fact. `note` says in words why it is absent or unknown; `texts` are what a card may show of it.

    A number that was given as "less than" or "more than" keeps its comparator (`<`, `<=`, `>`, `>=`).
    """

    state: State
    value: Value = None
    note: str = ""
    texts: Mapping[str, Text] = {}
    origins: tuple[Origin, ...] = ()
    comparator: str = ""


def known(value: Value, origins: tuple[Origin, ...] = (), note: str = "", **texts: Text) -> Fact:
    """A fact with a value."""
    return Fact(KNOWN, value, note, texts, origins)


def absent(note: str, origins: tuple[Origin, ...] = (), **texts: Text) -> Fact:
    """A fact for which there is no value: it was looked for."""
    return Fact(ABSENT, None, note, texts, origins)


def unknown(note: str, origins: tuple[Origin, ...] = (), **texts: Text) -> Fact:
    """A fact whose value is not known; the note says why."""
    return Fact(UNKNOWN, None, note, texts, origins)


Facts = Mapping[str, Fact]
PatientFacts = NewType("PatientFacts", dict[str, Fact])  # what does not depend on an order
OrderFacts = NewType("OrderFacts", dict[str, Fact])  # what is read for each order; the names of the two never meet
