"""Explains a response: for each order every card, every condition, and the facts behind it with their origins."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from cds_service.answering import Answer, answer
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Fact, Facts, Origin
from cds_service.content.silence import explain_silence
from cds_service.fhir.json import UNREADABLE
from cds_service.guidance.deciding import Decision, OrderDecision, Reason
from cds_service.guidance.model import Content
from cds_service.guidance.modes import ALL_ON, Modes, say_mode
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import read_request


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
    says why nothing was shown; empty where something was.
    """

    as_of: datetime
    cards: tuple[str, ...]
    silent_cards: tuple[str, ...]
    silence: str
    orders: tuple[ExplainedOrder, ...]

    def lines(self) -> list[str]:
        """For a terminal."""
        if not self.orders:
            return [self.silence]
        lines = [f"Cards: {', '.join(self.cards) or 'none'}", f"As of: {self.as_of.isoformat()}"]
        lines += [f"Silent: {', '.join(self.silent_cards)}"] if self.silent_cards else []
        lines += [self.silence] if self.silence else []
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


def explain_request(
    body: bytes, content: Content, now: datetime, modes_of: Callable[[str], Modes] = lambda _: ALL_ON
) -> Explanation:
    """The explanation of a hook call. It shows patient data: it is for whoever has the body anyway.

    `modes_of` gives the modes of the cards for a hook.
    """
    try:
        hook = msgspec.json.decode(body, type=_Hook).hook
    except UNREADABLE:
        hook = ""
    request = read_request(body, hook if hook in SERVICES.values() else "order-sign")
    answered = asyncio.run(answer(request, content, now, lambda: "", modes=modes_of(request.hook)))
    silence = explain_silence(request, answered, content.vocabulary)
    silent_cards = tuple(card.id for card in answered.silent_cards)
    return Explanation(now, tuple(answered.card_ids), silent_cards, silence, explain(answered))


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
