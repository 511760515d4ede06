"""The response in the format of CDS Hooks 1.0, for clients that speak only that version.

What 1.0 does not define is left out: a card's uuid, its override reasons, and the topic of its source. A `delete`
names its resource in `resource`. 1.0 knows only the selection behaviour `at-most-one`, so a card with several
suggestions becomes one card for each: none is lost, and accepting one does not dismiss the others.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from cds_service.hooks.cards import Response

_NOT_IN_1_0 = ("uuid", "overrideReasons")
Json = dict[str, Any]


def as_1_0(response: Response) -> Json:
    """The same cards in the format of 1.0."""
    written = msgspec.to_builtins(response, builtin_types=(Decimal,))
    return {"cards": [card_1_0 for card in written["cards"] for card_1_0 in _cards(card)]}


def _cards(card: Json) -> Iterator[Json]:
    kept = {name: value for name, value in card.items() if name not in _NOT_IN_1_0}
    kept["source"] = {name: value for name, value in card["source"].items() if name != "topic"}
    suggestions = [_suggestion(suggestion) for suggestion in card.get("suggestions", [])]
    if not suggestions:
        yield kept
    for suggestion in suggestions:
        yield {**kept, "suggestions": [suggestion], "selectionBehavior": "at-most-one"}


def _suggestion(suggestion: Json) -> Json:
    return {**suggestion, "actions": [_action(action) for action in suggestion["actions"]]}


def _action(action: Json) -> Json:
    if "resourceId" not in action:
        return action
    others = {name: value for name, value in action.items() if name != "resourceId"}
    return {**others, "resource": action["resourceId"]}
