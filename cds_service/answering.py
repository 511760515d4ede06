"""One call answered: gather, read, decide, render. In that order, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.clinical.chart import Chart
from cds_service.clinical.elements import Resource, objects, resource_name, text
from cds_service.clinical.orders import Order, has_unread_drug, index_medications, is_order, read_order
from cds_service.clinical.reading import dose_together, read_order_facts, read_patient_facts
from cds_service.clinical.use import poisoning_as_reason
from cds_service.fhir.gathering import gather
from cds_service.guidance.deciding import Outcome, decide
from cds_service.guidance.model import Content
from cds_service.hooks import responses as wire
from cds_service.hooks.requests import HookRequest
from cds_service.rendering import Call, Decided, by_urgency, render


@dataclass(frozen=True)
class Answer:
    """The response, and what led to it: every decision for every acetylcysteine order."""

    response: wire.Response
    decided: tuple[Decided, ...] = ()
    unread_orders: int = 0

    @property
    def card_ids(self) -> list[str]:
        """The ids of the cards that are shown, in their order."""
        return [card.source.topic.code for card in self.response.cards]


NOTHING = Answer(wire.Response(cards=()))


@dataclass
class OrdersInQuestion:
    """The acetylcysteine orders of a call, and how many orders name a drug that nothing at hand resolves."""

    found: list[Order] = field(default_factory=list)
    unread: list[Resource] = field(default_factory=list)


def answer(
    request: HookRequest, content: Content, now: datetime, new_id: Callable[[], str], not_sent: str = ""
) -> Answer:
    """The cards for one call. Its prefetch is parsed only if an order may be for acetylcysteine."""
    in_question = orders_of(request)
    orders = find_orders(in_question, request.entries, content)
    if not orders.found and not orders.unread:
        return NOTHING
    prefetch = request.prefetch()
    if orders.unread:
        orders = find_orders(in_question, [*request.entries, *_entries_in(list(prefetch.values()))], content)
    if not orders.found:
        return Answer(wire.Response(cards=()), unread_orders=len(orders.unread))
    chart = gather(request.patient_id, prefetch, not_sent)
    drafts = _drafts([entry.get("resource") for entry in request.entries], list(prefetch.values()))
    decided = decide_all(orders.found, drafts, chart, content, now)
    call = Call(request.hook, request.patient_id, now.date(), new_id)
    return Answer(wire.Response(cards=_render_all(decided, content, call)), tuple(decided), len(orders.unread))


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


def _drafts(sent: Sequence[object], answers: Sequence[object]) -> list[Resource]:
    """All medication orders of the call, in question or not, and each Medication that one may point to."""
    orders = [one for one in sent if isinstance(one, dict) and is_order(one)]
    along = [*sent, *(entry.get("resource") for entry in _entries_in(answers))]
    return orders + [one for one in along if isinstance(one, dict) and one.get("resourceType") == "Medication"]


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
        if one.decision.outcome is Outcome.ADVISE:
            card = one.decision.card
            key = (card.id, "" if card.scope == "patient" else str(index))
            groups.setdefault(key, []).append(one)
    return list(groups.values())
