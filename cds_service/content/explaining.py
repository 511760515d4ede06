"""Why the service said that: each card, each condition, the value found, where it came from, the outcome."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from cds_service.answering import Answer, answer
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Fact, Origin
from cds_service.content.silence import explain_silence
from cds_service.guidance.conditions import When
from cds_service.guidance.deciding import Decision, OrderDecision
from cds_service.guidance.model import Content
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import read_request


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one fact: how it is known, its value, the words that cards show of it, where it came from."""

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
class Row:
    """One condition of a card, what it answered, and what was found of its facts."""

    condition: str
    because: str
    answer: str
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class OfCard:
    """One card: what it decided, and each of its conditions."""

    card: str
    title: str
    outcome: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class OfOrder:
    """One acetylcysteine order, and what every card decided about it."""

    reference: str
    name: str
    cards: tuple[OfCard, ...]


def explain(answered: Answer) -> tuple[OfOrder, ...]:
    """Every decision of an answer with its reasons, order by order; none without an acetylcysteine order."""
    orders = dict.fromkeys(id(one.order) for one in answered.decisions)
    return tuple(_of_order([one for one in answered.decisions if id(one.order) == order]) for order in orders)


def _of_order(decided: Sequence[OrderDecision]) -> OfOrder:
    order = decided[0].order
    return OfOrder(order.reference, order.name, tuple(_of_card(one.decision) for one in decided))


def _of_card(decision: Decision) -> OfCard:
    rows = tuple(_row(one.row, one.truth.value, decision) for one in decision.reasons)
    return OfCard(decision.card.id, decision.card.title, decision.outcome.value, rows)


def _row(row: When, answered: str, decision: Decision) -> Row:
    found = tuple(_found(condition.fact, decision.facts[condition.fact]) for condition in row.conditions())
    return Row(row.say(), row.because, answered, found)


def _found(name: str, fact: Fact) -> Found:
    value = "" if fact.value is None else f"{fact.comparator}{fact.value}"
    texts = ((key, text if isinstance(text, str) else "; ".join(text)) for key, text in fact.texts.items())
    shown = tuple((key, text) for key, text in texts if text and text not in (value, fact.note))
    return Found(CATALOGUE[name].label, fact.state.value, value, fact.note, shown, fact.origins)


class _Hook(msgspec.Struct):
    hook: str = ""


def explain_request(body: bytes, content: Content, now: datetime) -> list[str]:
    """The explanation of a hook call, line by line. It shows patient data: it is for the person who has the body."""
    try:
        hook = msgspec.json.decode(body, type=_Hook).hook
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        hook = ""
    asked = read_request(body, hook if hook in SERVICES.values() else "order-sign")
    answered = asyncio.run(answer(asked, content, now, lambda: ""))
    orders = explain(answered)
    silence = explain_silence(asked, answered, content.vocabulary)
    if not orders:
        return [silence]
    lines = [f"Cards: {', '.join(answered.card_ids) or 'none'}", f"As of: {now.isoformat()}"]
    lines += [silence] if silence else []
    return lines + [line for order in orders for line in _lines_of(order)]


def _lines_of(order: OfOrder) -> Iterator[str]:
    yield f"\nOrder {order.reference}: {order.name}"
    for card in order.cards:
        yield f"\n  {card.card}: {card.outcome}"
        for row in card.rows:
            yield f"    {row.answer:<11}  {row.condition}"
            for found in row.found:
                yield f"                 found: {found.say()}"
                for origin in found.origins:
                    yield f"                 from:  {origin.resource} ({origin.sent})"
