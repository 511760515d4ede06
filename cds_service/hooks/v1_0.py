"""The answer as CDS Hooks 1.0 has it, for clients that speak only that.

What 1.0 does not define is left out: a card's uuid, its override reasons, the topic of its source. A `delete` names
its resource in `resource`. 1.0 knows only `at-most-one`: a card whose suggestions may all be taken becomes one card for
each of them, the same but for the suggestion, so that none is lost and taking one does not put the others away.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from cds_service.hooks.cards import Response

_NOT_IN_1_0 = ("uuid", "overrideReasons")
Json = dict[str, Any]


def as_1_0(response: Response) -> Json:
    """The same cards in the form of 1.0."""
    written = msgspec.to_builtins(response, builtin_types=(Decimal,))
    return {"cards": [one for card in written["cards"] for one in _cards(card)]}


def _cards(card: Json) -> Iterator[Json]:
    kept = {name: value for name, value in card.items() if name not in _NOT_IN_1_0}
    kept["source"] = {name: value for name, value in card["source"].items() if name != "topic"}
    suggestions = [_suggestion(one) for one in card.get("suggestions", [])]
    if not suggestions:
        yield kept
    elif card["selectionBehavior"] == "at-most-one":
        yield {**kept, "suggestions": suggestions}
    else:
        yield from ({**kept, "suggestions": [one], "selectionBehavior": "at-most-one"} for one in suggestions)


def _suggestion(suggestion: Json) -> Json:
    return {**suggestion, "actions": [_action(action) for action in suggestion["actions"]]}


def _action(action: Json) -> Json:
    if "resourceId" not in action:
        return action
    others = {name: value for name, value in action.items() if name != "resourceId"}
    return {**others, "resource": action["resourceId"]}
