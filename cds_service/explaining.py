"""Why the service said that: each card, each condition, the value found, where it came from, the outcome."""

import asyncio
from collections.abc import Iterator
from datetime import datetime

import msgspec

from cds_service.answering import answer
from cds_service.clinical.facts import Fact
from cds_service.discovery import SERVICES
from cds_service.guidance.deciding import Decision
from cds_service.guidance.model import Content
from cds_service.hooks.requests import read_request
from cds_service.rendering import Decided


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
    if not answered.decided:
        return ["No order in question is for acetylcysteine: no cards."]
    lines = [f"Cards: {', '.join(answered.card_ids) or 'none'}", f"As of: {now.isoformat()}"]
    for order in dict.fromkeys(id(one.order) for one in answered.decided):
        lines += _explain_order([one for one in answered.decided if id(one.order) == order])
    return lines


def _explain_order(decided: list[Decided]) -> Iterator[str]:
    order = decided[0].order
    yield f"\nOrder {order.reference}: {order.name}"
    for one in decided:
        yield from _explain_card(one.decision)


def _explain_card(decision: Decision) -> Iterator[str]:
    yield f"\n  {decision.card.id}: {decision.outcome.value}"
    for reason in decision.reasons:
        yield f"    {reason.answer.value:<11}  {reason.row.say()}"
        for fact in (decision.facts[condition.fact] for condition in reason.row.conditions()):
            yield f"                 found: {_found(fact)}"
            for origin in fact.origins:
                yield f"                 from:  {origin.resource} ({origin.sent})"


def _found(fact: Fact) -> str:
    value = f" {fact.value}" if fact.value is not None else ""
    return f"{fact.state.value}{value}" + (f" ({fact.note})" if fact.note else "")
