"""Answers as each client can read them: the version of CDS Hooks and the dialect of its entry, applied when writing.

What is decided, and what is recorded of it, is the same for every client.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec.structs import replace

from cds_service.hooks.cards import Action, Card, Coding, Response, Source, Suggestion, to_json
from cds_service.hooks.v1_0 import as_1_0

CdsHooks = Literal["1.0", "2.0", "3.0"]
DialectName = Literal["standard", "epic"]
TopicCode = Literal["id", "camel"]
ReasonCodes = Literal["own", "published"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a client departs from the specification, each difference by itself. The defaults are the specification.

    `actions_per_suggestion` is the most that it takes, 0 for any number. With an `order_code_system` it creates orders
    by a code of that system alone, and `amino_acids_order_code` is the one of plasma amino acids. `feedback_reasons`
    name the extensions of its feedback whose values are codes of reasons.
    """

    topic_code: TopicCode = "id"
    update_suggestions: bool = True
    actions_per_suggestion: int = 0
    order_code_system: str = ""
    amino_acids_order_code: str = ""
    feedback_reasons: tuple[str, ...] = ()
    override_reasons: ReasonCodes = "own"


STANDARD = Dialect()
DIALECTS: Mapping[DialectName, Dialect] = {
    "standard": STANDARD,
    # As Epic's documentation of CDS Hooks describes its client (fhir.epic.com, releases to February 2024).
    "epic": Dialect(
        topic_code="camel",
        update_suggestions=False,
        actions_per_suggestion=1,
        order_code_system="urn:com.epic.cdshooks.action.code.system.preference-list-item",
        feedback_reasons=("com.epic.cdshooks.feedback.overrideReason.reasonCategory",),
    ),
}


class Writer:
    """Writes answers for one client. `published` are the published categories of our override reasons, by our code."""

    def __init__(
        self, cds_hooks: CdsHooks = "2.0", dialect: Dialect = STANDARD, published: Mapping[str, Coding] | None = None
    ) -> None:
        self._is_1_0, self._dialect = cds_hooks == "1.0", dialect
        self._published = (published or {}) if dialect.override_reasons == "published" else {}

    def write(self, response: Response) -> bytes:
        """The answer as JSON."""
        if response.cards and self._dialect != STANDARD:
            response = Response(cards=tuple(map(self._card, response.cards)))
        return to_json(as_1_0(response) if self._is_1_0 else response)

    def _card(self, card: Card) -> Card:
        suggestions = tuple(
            written for suggestion in card.suggestions if (written := self._suggestion(suggestion)) is not None
        )
        return replace(
            card,
            source=self._source(card.source),
            suggestions=suggestions,
            selectionBehavior=card.selectionBehavior if suggestions else None,
            overrideReasons=self._reasons(card.overrideReasons),
        )

    def _source(self, source: Source) -> Source:
        if self._dialect.topic_code == "id":
            return source
        return replace(source, topic=replace(source.topic, code=camel_case(source.topic.code)))

    def _suggestion(self, suggestion: Suggestion) -> Suggestion | None:
        """The suggestion; None where the client cannot do all of it: half of it would be another suggestion."""
        actions, most = suggestion.actions, self._dialect.actions_per_suggestion
        if most and len(actions) > most:
            return None
        written = tuple(action for each in actions if (action := self._action(each)) is not None)
        return replace(suggestion, actions=written) if len(written) == len(actions) else None

    def _action(self, action: Action) -> Action | None:
        dialect = self._dialect
        if action.type == "update":
            return action if dialect.update_suggestions else None
        if action.type == "delete" or action.resource is None or not dialect.order_code_system:
            return action
        if not dialect.amino_acids_order_code:
            return None
        coding = {"system": dialect.order_code_system, "code": dialect.amino_acids_order_code}
        return replace(action, resource=_with_code(action.resource, coding))

    def _reasons(self, reasons: tuple[Coding, ...]) -> tuple[Coding, ...]:
        """The override reasons; of several that have the same published category, one."""
        return tuple(
            {reason.code: reason for reason in (self._published.get(given.code, given) for given in reasons)}.values()
        )


def _with_code(order: dict[str, Any], coding: dict[str, str]) -> dict[str, Any]:
    """The order with this coding alone before its words; in R5 its `code` has them in `concept`."""
    code = order["code"]
    if "concept" in code:
        return {**order, "code": {**code, "concept": {**code["concept"], "coding": [coding]}}}
    return {**order, "code": {**code, "coding": [coding]}}


def camel_case(identity: str) -> str:
    """The id of a card in letters and digits alone: `doseAboveStudied` for `dose-above-studied`."""
    first, *others = identity.split("-")
    return first + "".join(word.capitalize() for word in others)
