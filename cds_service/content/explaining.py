"""Explains a response: for each order every card, every condition, and the facts behind it with their origins."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from cds_service.answering import Answer, answer
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Fact, Facts, Origin
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.content.silence import explain_silence, sort_orders
from cds_service.content.unread import (
    UnreadCode,
    UnreadOrder,
    code_row,
    find_unread_codes,
    printable,
    read_unread_order,
)
from cds_service.fhir.json import UNREADABLE
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.deciding import Decision, OrderDecision, Reason
from cds_service.guidance.model import Content
from cds_service.guidance.modes import ALL_ON, Modes, say_mode
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import HookRequest, read_request


@dataclass(frozen=True, slots=True)
class ExplainedFact:
    """A fact: its state and value, the texts that cards show of it, and the resources that it comes from."""

    label: str
    state: str
    value: str
    note: str
    shown: tuple[tuple[str, str], ...]
    origins: tuple[Origin, ...]

    def say(self) -> str:
        """State, value and note in one line."""
        value = f" {self.value}" if self.value else ""
        return f"{self.state}{value}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True)
class ExplainedCondition:
    """A row of a card in words, its reason, its truth value, and its facts."""

    text: str
    because: str
    truth: str
    facts: tuple[ExplainedFact, ...]


@dataclass(frozen=True, slots=True)
class ExplainedCard:
    """A card: what it decided, its conditions, and what the site file makes of it, in words."""

    id: str
    title: str
    outcome: str
    by_site: str
    conditions: tuple[ExplainedCondition, ...]


@dataclass(frozen=True, slots=True)
class ExplainedOrder:
    """An acetylcysteine order, and what every card decided about it.

    `local_code` is the code of the site by which it was recognised, in words.
    """

    reference: str
    name: str
    local_code: str
    cards: tuple[ExplainedCard, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of a call: ids of the cards that are shown, and of those that the site keeps silent. `silence`
    says why nothing was shown; empty where something was. `unread_orders` are those that were not recognised as
    acetylcysteine, `unread_codes` those of results that bear the name of glutamate or cystine and are in no code list.
    """

    as_of: datetime
    cards: tuple[str, ...]
    silent_cards: tuple[str, ...]
    silence: str
    orders: tuple[ExplainedOrder, ...]
    unread_orders: tuple[UnreadOrder, ...]
    unread_codes: tuple[UnreadCode, ...]

    def lines(self) -> list[str]:
        """For a terminal."""
        if not self.orders:
            return [self.silence, *_unread_lines(self)]
        lines = [f"Cards: {', '.join(self.cards) or 'none'}", f"As of: {self.as_of.isoformat()}"]
        lines += [f"Silent: {', '.join(self.silent_cards)}"] if self.silent_cards else []
        lines += [self.silence] if self.silence else []
        lines += _unread_lines(self)
        return lines + [line for order in self.orders for line in _lines(order)]

    def as_json(self) -> bytes:
        """For a program, in UTF-8."""
        return msgspec.json.format(msgspec.json.encode(self))


def explain(answered: Answer) -> tuple[ExplainedOrder, ...]:
    """Every decision of an answer with its reasons, by order; empty if no order is for acetylcysteine."""
    by_order: dict[int, list[OrderDecision]] = {}
    for decided in answered.decisions:
        by_order.setdefault(id(decided.order), []).append(decided)
    return tuple(_explain_order(decisions, answered.modes) for decisions in by_order.values())


def _explain_order(decisions: Sequence[OrderDecision], modes: Modes) -> ExplainedOrder:
    order = decisions[0].order
    cards = tuple(_explain_card(decided.decision, modes) for decided in decisions)
    local_code = next((f"{row.term}: code {row.local}" for row in order.products if row.local), "")
    return ExplainedOrder(order.reference, order.name, local_code, cards)


def _explain_card(decision: Decision, modes: Modes) -> ExplainedCard:
    conditions = tuple(_explain_condition(reason, decision.facts) for reason in decision.reasons)
    card, by_site = decision.card, say_mode(decision, modes)
    return ExplainedCard(card.id, card.title, decision.outcome.value, by_site, conditions)


def _explain_condition(reason: Reason, facts: Facts) -> ExplainedCondition:
    row = reason.row
    explained = tuple(_explain_fact(condition.fact, facts[condition.fact]) for condition in row.conditions())
    return ExplainedCondition(row.say(), row.because, reason.truth.value, explained)


def _explain_fact(name: str, fact: Fact) -> ExplainedFact:
    value = "" if fact.value is None else f"{fact.comparator}{fact.value}"
    texts = ((key, text if isinstance(text, str) else "; ".join(text)) for key, text in fact.texts.items())
    shown = tuple((key, text) for key, text in texts if text and text not in (value, fact.note))
    return ExplainedFact(CATALOGUE[name].label, fact.state.value, value, fact.note, shown, fact.origins)


class _Hook(msgspec.Struct):
    hook: str = ""


def read_call(body: bytes) -> HookRequest:
    """The hook call in a body, of whichever hook it names. Raises `InvalidRequest` that names the member at fault."""
    try:
        hook = msgspec.json.decode(body, type=_Hook).hook
    except UNREADABLE:
        hook = ""
    return read_request(body, hook if hook in SERVICES.values() else "order-sign")


def explain_request(
    request: HookRequest, content: Content, now: datetime, modes_of: Callable[[str], Modes] = lambda _: ALL_ON
) -> Explanation:
    """The explanation of a hook call. It shows patient data: it is for whoever has the body anyway.

    `modes_of` gives the modes of the cards for a hook.
    """
    answered = asyncio.run(answer(request, content, now, lambda: "", modes=modes_of(request.hook)))
    silence = explain_silence(request, answered, content.vocabulary)
    silent_cards = tuple(card.id for card in answered.silent_cards)
    explained = explain(answered)
    unread = (_unread_orders(request, explained, content.vocabulary), _unread_codes(request, content.vocabulary))
    return Explanation(now, tuple(answered.card_ids), silent_cards, silence, explained, *unread)


def _unread_orders(
    request: HookRequest, explained: Sequence[ExplainedOrder], vocabulary: Vocabulary
) -> tuple[UnreadOrder, ...]:
    """The orders that nothing names acetylcysteine; one that the prefetch names so is explained."""
    read = {order.reference for order in explained}
    _, others, medications = sort_orders(request, vocabulary)
    unread = (read_unread_order(order, medications) for order in others)
    return tuple(order for order in unread if order.reference not in read)


def _unread_codes(request: HookRequest, vocabulary: Vocabulary) -> tuple[UnreadCode, ...]:
    """The codes of amino acid results in the prefetch that are not read, whatever the call orders."""
    chart = build_chart(request.patient_id, request.prefetch())
    return tuple(sorted(code for code in find_unread_codes(chart.data.values(), vocabulary) if code.means))


def _unread_lines(explanation: Explanation) -> Iterator[str]:
    """What came and was not read, with rows for the site file."""
    if explanation.unread_orders:
        yield "\nNot recognised as acetylcysteine:"
        yield from (f"  {order.say()}" for order in explanation.unread_orders)
    if explanation.unread_codes:
        yield "\nResults under codes that are not read; check each before a row goes into the site file:"
        for unread in explanation.unread_codes:
            yield f"  “{printable(unread.name)}”, by its name {unread.means}:\n{code_row(unread)}"


def _lines(order: ExplainedOrder) -> Iterator[str]:
    yield f"\nOrder {order.reference}: {order.name}" + (f" ({order.local_code})" if order.local_code else "")
    for card in order.cards:
        yield f"\n  {card.id}: {card.outcome}" + (f", {card.by_site}" if card.by_site else "")
        for condition in card.conditions:
            yield f"    {condition.truth:<11}  {condition.text}"
            for fact in condition.facts:
                yield f"                 found: {fact.say()}"
                for origin in fact.origins:
                    yield f"                 from:  {origin.resource} ({origin.sent})"
