"""The responses of CDS Hooks 2.0: cards and discovery. Members without a value are left out, never null.

Fields have the names of the specification, so that they can be looked up there.
"""

from typing import Any, Literal

import msgspec

SUMMARY_LIMIT = 140  # the specification: fewer than 140 characters


class _Wire(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The base of everything on the wire."""


class Coding(_Wire):
    """A code, its system, and how it is displayed."""

    system: str
    code: str
    display: str | None = None


class Source(_Wire):
    """Whose guidance a card is. The code of `topic` is the id of the card."""

    label: str
    topic: Coding


class Link(_Wire):
    """An absolute link."""

    label: str
    url: str
    type: Literal["absolute"]


class Action(_Wire):
    """What a suggestion does: creates or updates `resource`, or deletes the one that `resourceId` names."""

    type: Literal["create", "update", "delete"]
    description: str
    resource: dict[str, Any] | None = None
    resourceId: str | None = None


class Suggestion(_Wire):
    """A change that the clinician may accept."""

    label: str
    uuid: str
    actions: tuple[Action, ...]


class Card(_Wire):
    """One card."""

    uuid: str
    summary: str
    detail: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    suggestions: tuple[Suggestion, ...] = ()
    selectionBehavior: Literal["any"] | None = None
    overrideReasons: tuple[Coding, ...] = ()
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        """Raises `ValueError` for a card that breaks the specification: that is a bug of this service."""
        if len(self.summary) >= SUMMARY_LIMIT:
            raise ValueError("a summary has fewer than 140 characters")
        if bool(self.suggestions) != (self.selectionBehavior is not None):
            raise ValueError("suggestions and selectionBehavior come together")


class Response(_Wire):
    """The response to a hook call."""

    cards: tuple[Card, ...]


class Service(_Wire):
    """One service in the response to discovery."""

    hook: str
    id: str
    title: str
    description: str
    usageRequirements: str
    prefetch: dict[str, str] | None = None
    version: str | None = None
    extension: dict[str, Any] | None = None


class Discovery(_Wire):
    """The response to discovery."""

    services: tuple[Service, ...]


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def to_json(wire: msgspec.Struct | dict[str, Any]) -> bytes:
    """The JSON; decimals are written as exact numbers."""
    return _ENCODER.encode(wire)
