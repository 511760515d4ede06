"""One call answered: gather, read, decide, render. In that order, and nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from cds_service.clinical.chart import Chart
from cds_service.clinical.orders.indication import poisoning_as_reason
from cds_service.clinical.orders.recognise import (
    Order,
    has_unread_drug,
    index_medications,
    is_nameless,
    is_order,
    read_order,
)
from cds_service.clinical.reading import dose_together, read_order_facts, read_patient_facts
from cds_service.errors import DataNotObtained
from cds_service.fhir.json import Resource, objects, resource_name, text
from cds_service.fhir.versions import drug_pointers, likely_versions, shows_version, version_of
from cds_service.gathering.prefetch import gather
from cds_service.gathering.server import NO_SERVER, Source
from cds_service.guidance.deciding import ADVISE, decide, undecided
from cds_service.guidance.model import Content
from cds_service.guidance.rendering import Call, Decided, by_urgency, render
from cds_service.hooks import cards as wire
from cds_service.hooks.requests import HookRequest
from cds_service.telemetry.tracing import Spans, untraced


@dataclass(frozen=True)
class Answer:
    """The response, and what led to it: every decision for every acetylcysteine order."""

    response: wire.Response
    decided: tuple[Decided, ...] = ()
    unread_orders: int = 0

    @cached_property
    def card_ids(self) -> list[str]:
        """The ids of the cards that are shown, in their order."""
        return [card.source.topic.code for card in self.response.cards]

    @cached_property
    def facts_lacking(self) -> set[str]:
        """The facts without which some card could not tell."""
        return set(undecided(one.decision for one in self.decided))


NOTHING = Answer(wire.Response(cards=()))


@dataclass
class OrdersInQuestion:
    """The acetylcysteine orders of a call, and how many orders name a drug that nothing at hand resolves."""

    found: list[Order] = field(default_factory=list)
    unread: list[Resource] = field(default_factory=list)


async def answer(
    request: HookRequest,
    content: Content,
    now: datetime,
    new_id: Callable[[], str],
    source: Source = NO_SERVER,
    span: Spans = untraced,
    pages: str = "",
) -> Answer:
    """The cards for one call. Its prefetch is parsed, and its FHIR server asked, only if an order may be for
    acetylcysteine. Raises `DataNotObtained` where nothing could be read that the cards need.
    `pages` is where this service's own pages are."""
    in_question = orders_of(request)
    at_hand = find_orders(in_question, request.entries, content)
    if not at_hand.found and not at_hand.unread:
        return NOTHING
    prefetch = request.prefetch()
    with span("gather"):
        orders, along = await _resolve(at_hand, in_question, request.entries, prefetch, content, source)
        if not orders.found:
            return _for_no_order(orders, along)
        likely = _likely(request, orders, along, prefetch)
        answers = await source.complete(prefetch, request.patient_id, version_of(orders.found[0].resource, likely))
        came = _entries_in(list(answers.values()))
        along += await source.medications(_nameless([*along, *came]))
        chart = gather(request.patient_id, answers, source.why)
    with span("decide"):
        drafts = _drafts(request.entries, [*along, *came])
        decided = decide_all(orders.found, drafts, chart, content, now)
    with span("render"):
        likely = likely if answers is prefetch else _likely(request, orders, along, answers)
        call = Call(likely, request.patient_id, now.date(), new_id, pages)
        cards = _render_all(decided, content, call)
    _refuse_without_data(chart, cards)
    return Answer(wire.Response(cards=cards), tuple(decided), len(orders.unread))


async def _resolve(
    orders: OrdersInQuestion,
    in_question: Sequence[Resource],
    entries: Sequence[Resource],
    prefetch: Mapping[str, Any],
    content: Content,
    source: Source,
) -> tuple[OrdersInQuestion, list[Resource]]:
    """The orders, and the entries that came along: what a reference leads to is looked for, and then asked for."""
    along = [*entries]
    if orders.unread:
        along += _entries_in(list(prefetch.values()))
        orders = find_orders(in_question, along, content)
    if orders.unread:
        along += await source.medications(pointer for order in orders.unread for pointer in drug_pointers(order))
        orders = find_orders(in_question, along, content)
    return orders, along


def _for_no_order(orders: OrdersInQuestion, along: Sequence[Resource]) -> Answer:
    """No cards. An order whose drug is behind a reference that cannot be read may be for anything."""
    medications = index_medications(along)
    if any(is_nameless(order, medications) for order in orders.unread):
        raise DataNotObtained({"Medication": "the drug of an order stands behind a reference that cannot be read"})
    return Answer(wire.Response(cards=()), unread_orders=len(orders.unread))


def _likely(
    request: HookRequest, orders: OrdersInQuestion, along: Sequence[Resource], answers: Mapping[str, Any]
) -> Sequence[str]:
    """The FHIR versions, the likeliest first, by everything that has come so far, where the orders leave it open."""
    if all(shows_version(order.resource) for order in orders.found):
        return likely_versions(request.hook, ())
    entries = [*along, *_entries_in(list(answers.values()))]
    return likely_versions(request.hook, [one for entry in entries if isinstance(one := entry.get("resource"), dict)])


def _refuse_without_data(chart: Chart, cards: Sequence[wire.Card]) -> None:
    """Nothing at all was obtained: not an answer, unless the orders alone are reason for a warning, or for silence."""
    if chart.is_bare and cards and all(card.indicator == "info" for card in cards):
        raise DataNotObtained({key: data.gap for key, data in chart.data.items()})


def _nameless(entries: Sequence[Resource]) -> Iterator[str]:
    """The references to Medications among orders that nothing at hand resolves or names: not worked out until asked."""
    medications = index_medications(entries)
    for entry in entries:
        if is_order(order := entry.get("resource")) and is_nameless(order, medications):
            yield from drug_pointers(order)


def orders_of(request: HookRequest) -> list[Resource]:
    """The orders in question: those that `selections` names, or all of them."""
    resources = [entry["resource"] for entry in request.entries if is_order(entry.get("resource"))]
    if request.hook != "order-select":
        return resources
    selected = [one for one in resources if _is_selected(one, request.selections)]
    named = any(_is_selected(entry.get("resource"), request.selections) for entry in request.entries)
    return selected if named else resources


def _is_selected(resource: object, selections: Sequence[str]) -> bool:
    if not isinstance(resource, dict) or not text(resource.get("id")):
        return False
    return resource_name(resource) in selections or text(resource["id"]) in selections


def find_orders(in_question: Sequence[Resource], entries: Sequence[Resource], content: Content) -> OrdersInQuestion:
    """The acetylcysteine orders among them; `entries` may hold the Medication that an order points to."""
    medications = index_medications(entries)
    orders = OrdersInQuestion()
    for resource in in_question:
        order = read_order(resource, medications, content.vocabulary)
        if order is not None:
            orders.found.append(order)
        elif has_unread_drug(resource, medications):
            orders.unread.append(resource)
    return orders


def _drafts(sent: Sequence[Resource], along: Sequence[Resource]) -> list[Resource]:
    """All medication orders of the call, in question or not, and each Medication that one may point to."""
    orders = [one for entry in sent if is_order(one := entry.get("resource"))]
    came = [entry.get("resource") for entry in along]
    return orders + [one for one in came if isinstance(one, dict) and one.get("resourceType") == "Medication"]


def _entries_in(answers: Sequence[object]) -> list[Resource]:
    """The entries of every Bundle in the prefetch, and every resource that stands there by itself."""
    bundles = [one for one in answers if isinstance(one, dict)]
    return [entry for one in bundles for entry in [*objects(one.get("entry")), {"resource": one}]]


def decide_all(
    orders: Sequence[Order], drafts: Sequence[Resource], chart: Chart, content: Content, now: datetime
) -> list[Decided]:
    """Every decision for every order; `drafts` are all medication orders of the call, in question or not."""
    patient_facts = read_patient_facts(chart, content.vocabulary, drafts, now)
    stated = poisoning_as_reason(orders, chart, content.vocabulary)
    if stated is not None:  # the reason of one order is about the patient of all
        patient_facts = {**patient_facts, "poisoning": stated}
    of_orders = [read_order_facts(order, patient_facts, chart, content.vocabulary, now) for order in orders]
    together = {"dose_together": dose_together(of_orders)}
    return [
        Decided(decision, order)
        for order, facts in zip(orders, of_orders, strict=True)
        for decision in decide({**patient_facts, **facts, **together}, content.cards)
    ]


def _render_all(decided: Sequence[Decided], content: Content, call: Call) -> tuple[wire.Card, ...]:
    return by_urgency([render(group, content, call) for group in speaking(decided)])


def speaking(decided: Sequence[Decided]) -> list[list[Decided]]:
    """The decisions to advise, grouped into cards: one for each order, or one for the patient."""
    groups: dict[tuple[str, str], list[Decided]] = {}
    for index, one in enumerate(decided):
        if one.decision.outcome is ADVISE:
            card = one.decision.card
            key = (card.id, "" if card.scope == "patient" else str(index))
            groups.setdefault(key, []).append(one)
    return list(groups.values())
