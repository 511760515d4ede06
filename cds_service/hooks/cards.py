"""What goes out: cards as CDS Hooks 2.0 has them, and discovery. Strict: nothing null, nothing empty.

Fields are named as on the wire, so that a reader finds them in the specification.
"""

from typing import Any, Literal

import msgspec

SUMMARY_LIMIT = 140


class _Wire(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Members without a value are left out."""


class Coding(_Wire):
    """A code in a system."""

    system: str
    code: str
    display: str | None = None


class Source(_Wire):
    """Who says so; `topic` is the card's id."""

    label: str
    topic: Coding


class Link(_Wire):
    """An absolute link."""

    label: str
    url: str
    type: Literal["absolute"]


class Action(_Wire):
    """What a suggestion does: create or update a resource, delete by `resourceId`."""

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
    """One card. `selectionBehavior` is there whenever suggestions are."""

    uuid: str
    summary: str
    detail: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    suggestions: tuple[Suggestion, ...] = ()
    selectionBehavior: Literal["at-most-one", "any"] | None = None
    overrideReasons: tuple[Coding, ...] = ()
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        """A card that breaks the specification is a bug here, not a problem of the client's."""
        if len(self.summary) >= SUMMARY_LIMIT:
            raise ValueError("a summary has fewer than 140 characters")
        if bool(self.suggestions) != (self.selectionBehavior is not None):
            raise ValueError("suggestions and selectionBehavior come together")


class Response(_Wire):
    """The answer to a hook call."""

    cards: tuple[Card, ...]


class Service(_Wire):
    """One service of the discovery answer."""

    hook: str
    id: str
    title: str
    description: str
    usageRequirements: str
    prefetch: dict[str, str] | None = None


class Discovery(_Wire):
    """The answer to discovery."""

    services: tuple[Service, ...]


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def to_json(wire: msgspec.Struct | dict[str, Any]) -> bytes:
    """The bytes on the wire; decimals stay exact numbers."""
    return _ENCODER.encode(wire)
