"""One call answered: gather, read, decide, render. In that order, and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Facts
from cds_service.clinical.monitoring.facts import read_treatment_facts
from cds_service.clinical.monitoring.treatments import read_treatments
from cds_service.clinical.orders.drafts import DraftOrders, with_versions
from cds_service.clinical.orders.drugs import is_active_medication
from cds_service.clinical.orders.facts import is_antidote_drafted, read_order_facts
from cds_service.clinical.orders.indication import ANTIDOTE, OTHER
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.reading import facts_of_another_patients_order, read_patient_facts
from cds_service.clinical.text_limits import MAX_TEXT, is_too_much, limit_texts
from cds_service.errors import Busy, CdsServiceError, DataNotObtained, TooMuchText
from cds_service.fhir.queries import MEDICATIONS
from cds_service.gathering.orders import (
    gather_chart,
    gather_chart_of_treatment,
    gather_medications,
    read_draft_orders,
    resolve_orders,
)
from cds_service.gathering.server import NO_SERVER, DataSource
from cds_service.guidance.deciding import OrderDecision, Outcome, decide, group_advice, undecided
from cds_service.guidance.model import PATIENT_VIEW, Content
from cds_service.guidance.modes import ALL_ON, Modes, without_switched_off
from cds_service.guidance.monitoring import decide_treatment
from cds_service.guidance.rendering import Call, RenderedCard, render_cards
from cds_service.hooks.cards import Card, Response
from cds_service.hooks.requests import HookRequest
from cds_service.telemetry.tracing import Spans, untraced


class Burden(NamedTuple):
    """What one answer asks of its reader: acetylcysteine orders, those of them without a card, cards, and words.

    The words are those of summaries and details.
    """

    orders: int
    orders_without_card: int
    cards: int
    words: int


@dataclass(frozen=True)
class Answer:
    """The response, the ids of its cards in their order, and every decision for every acetylcysteine order.

    `silent_cards` would stand in the response, if the site's `modes` did not keep them silent.
    """

    response: Response
    card_ids: list[str] = field(default_factory=list)
    decisions: tuple[OrderDecision, ...] = ()
    unresolved_orders: int = 0
    silent_cards: tuple[RenderedCard, ...] = ()
    modes: Modes = ALL_ON

    @property
    def facts_lacking(self) -> set[str]:
        """The facts without which some card could not tell."""
        return set(undecided(decided.decision for decided in self.decisions))

    @property
    def cards_untold(self) -> int:
        """How many cards, of all that were decided, could not be told."""
        return sum(decided.decision.outcome is Outcome.CANNOT_TELL for decided in self.decisions)

    @property
    def burden(self) -> Burden:
        """How many orders were asked about, and how much was shown of them."""
        shown = set(self.card_ids)
        orders = {id(decided.order) for decided in self.decisions}
        with_card = {
            id(decided.order)
            for decided in self.decisions
            if decided.decision.outcome is Outcome.ADVISE and decided.decision.card.id in shown
        }
        words = sum(len(f"{card.summary} {card.detail}".split()) for card in self.response.cards)
        return Burden(len(orders), len(orders) - len(with_card), len(self.card_ids), words)


async def answer(
    request: HookRequest,
    content: Content,
    now: datetime,
    new_id: Callable[[], str],
    source: DataSource = NO_SERVER,
    span: Spans = untraced,
    pages: str = "",
    modes: Modes = ALL_ON,
) -> Answer:
    """The cards for one hook call.

    The prefetch is parsed, and the FHIR server asked, only if an order may be for acetylcysteine and some card is not
    switched off; as a chart is opened, only the medications are, unless acetylcysteine is among them. `pages` is the
    address of this service's own pages. Raises `DataNotObtained` where nothing could be read that the cards need,
    `Busy` where that is due to this service, and `TooMuchText`.
    """
    call = Call(request.patient_id, now.date(), new_id, pages)
    about = _answer_about_treatment if request.hook == PATIENT_VIEW else _answer_about_orders
    return await about(request, content, now, call, source, span, modes)


async def _answer_about_orders(
    request: HookRequest,
    content: Content,
    now: datetime,
    call: Call,
    source: DataSource,
    span: Spans,
    modes: Modes,
) -> Answer:
    orders = read_draft_orders(request, content.vocabulary)
    _refuse_too_much_text(orders.too_much_text)
    if not orders.may_be_acetylcysteine or not modes.decides_any:
        return Answer(Response(cards=()), modes=modes)
    async with source:
        with span("gather"):
            orders, chart = await _gather(orders, request, content, source)
        if chart is None:
            return _without_cards(orders, source, modes)
        with span("decide"):
            decisions = decide_orders(orders, chart, content, now)
        with span("render"):
            rendered = render_cards(group_advice(without_switched_off(decisions, modes)), content, call)
        if orders.acetylcysteine_orders and modes.shows_any:
            _refuse_without_data(chart, [card for _, card in rendered], source)
    return _answer(rendered, decisions, len(orders.unresolved_orders), modes)


async def _answer_about_treatment(
    request: HookRequest,
    content: Content,
    now: datetime,
    call: Call,
    source: DataSource,
    span: Spans,
    modes: Modes,
) -> Answer:
    """Nearly every chart has no acetylcysteine on it, and is answered by its medications alone."""
    if not modes.decides_any:
        return Answer(Response(cards=()), modes=modes)
    async with source:
        with span("gather"):
            medications, chart = await gather_medications(request, source)
            if not read_treatments(limit_texts(chart), content.vocabulary, now).acetylcysteine_orders:
                return _without_treatment(chart, source, modes)
            entries, chart = await gather_chart_of_treatment(request, medications, source)
            chart = limit_texts(chart)
        with span("decide"):
            treatments = read_treatments(chart, content.vocabulary, now)
            treatments = with_versions(replace(treatments, included_entries=tuple(entries)), request.hook)
            decisions = decide_treatments(treatments, chart, content, now)
        with span("render"):
            rendered = render_cards(group_advice(without_switched_off(decisions, modes)), content, call)
    return _answer(rendered, decisions, 0, modes)


def _without_treatment(chart: Chart, source: DataSource, modes: Modes) -> Answer:
    """No cards. Where the list of active medications did not come, nobody knows what the patient takes.

    Statements are a list that may be left out: without acetylcysteine among them they do not stand in for it.
    """
    missing = {key: data.gap for key, data in chart.data.items() if not data.is_obtained}
    if MEDICATIONS in missing and modes.shows_any:
        raise _no_data(missing, source.was_busy)
    return Answer(Response(cards=()), modes=modes)


def _answer(
    rendered: Sequence[RenderedCard], decisions: Sequence[OrderDecision], unresolved_orders: int, modes: Modes
) -> Answer:
    """The answer: everything was decided, and only now is left out what the site keeps silent."""
    silent = tuple(card for card in rendered if card.id in modes.silent)
    shown = [card for card in rendered if card.id not in modes.silent] if silent else rendered
    cards = Response(cards=tuple(card for _, card in shown))
    return Answer(cards, [card_id for card_id, _ in shown], tuple(decisions), unresolved_orders, silent, modes)


async def _gather(
    orders: DraftOrders, request: HookRequest, content: Content, source: DataSource
) -> tuple[DraftOrders, Chart | None]:
    """The orders with their drugs, and the patient's chart; None where none of them turns out to be for a card."""
    prefetch = request.prefetch()
    orders = await resolve_orders(orders, prefetch, content.vocabulary, source)
    _refuse_too_much_text(orders.too_much_text)
    if not orders.acetylcysteine_orders and not orders.orders_of_other_patients:
        return orders, None
    orders, gathered = await gather_chart(orders, request, prefetch, source)
    chart = limit_texts(gathered)
    _refuse_too_much_text(is_too_much(orders.draft_orders, orders.included_entries, chart))
    return orders, chart


def decide_orders(orders: DraftOrders, chart: Chart, content: Content, now: datetime) -> list[OrderDecision]:
    """Every decision for every acetylcysteine order: reads the facts of the patient, then those of each order.

    An order that names another patient is decided without this patient's data, and not beside an antidote.
    """
    patient_facts = read_patient_facts(orders, chart, content.vocabulary, now)
    order_facts = read_order_facts(orders, patient_facts, chart, content.vocabulary, now)
    all_facts: list[Facts] = [{**patient_facts, **facts} for facts in order_facts]
    facts_of: list[tuple[Order, Facts]] = list(zip(orders.acetylcysteine_orders, all_facts, strict=True))
    is_antidote = any(facts["use"].value == ANTIDOTE for facts in order_facts)
    others = orders.orders_of_other_patients
    if others and not (is_antidote or is_antidote_drafted(orders, patient_facts, chart, content.vocabulary, now)):
        facts_of += [(order, facts_of_another_patients_order()) for order in others]
    return [
        OrderDecision(order, decision)
        for order, facts in facts_of
        for decision in decide(facts, content.order_cards, content.phrases)
    ]


def decide_treatments(treatments: DraftOrders, chart: Chart, content: Content, now: datetime) -> list[OrderDecision]:
    """Every decision about the acetylcysteine that a patient takes: one for each card, from the earliest start on.

    Treatments of another use than *other* are decided by their use alone.
    """
    vocabulary = content.vocabulary
    patient_facts = read_patient_facts(treatments, chart, vocabulary, now)
    order_facts = read_order_facts(treatments, patient_facts, chart, vocabulary, now)
    of_all = list(zip(treatments.acetylcysteine_orders, order_facts, strict=True))
    of_other_use = [(order, facts) for order, facts in of_all if facts["use"].value == OTHER]
    active = [(order, facts) for order, facts in of_other_use if is_active_medication(order.resource)]
    order, facts = (active or of_other_use or of_all)[0]
    in_question = [order for order, _ in (active if of_other_use else of_all)]
    treatment_facts = read_treatment_facts(in_question, treatments, chart, vocabulary, now)
    decisions = decide_treatment({**patient_facts, **facts, **treatment_facts}, content)
    return [OrderDecision(order, decision) for decision in decisions]


def _refuse_too_much_text(too_much: bool) -> None:
    if too_much:
        raise TooMuchText("context", MAX_TEXT)


def _without_cards(orders: DraftOrders, source: DataSource, modes: Modes) -> Answer:
    """No cards. An order whose drug stands behind a reference that cannot be read, without a name, may be anything.

    Where the site shows no card at all, that is nothing to trouble the EHR with.
    """
    if orders.nameless_orders and modes.shows_any:
        raise _no_data(
            {"Medication": "the drug of an order stands behind a reference that cannot be read"}, source.was_busy
        )
    return Answer(Response(cards=()), unresolved_orders=len(orders.unresolved_orders), modes=modes)


def _refuse_without_data(chart: Chart, cards: Sequence[Card], source: DataSource) -> None:
    """Nothing at all was obtained: not an answer, unless the orders alone are reason for a warning, or for silence."""
    if chart.is_bare and cards and all(card.indicator == "info" for card in cards):
        raise _no_data({key: data.gap for key, data in chart.data.items()}, source.was_busy)


def _no_data(missing: Mapping[str, str], was_busy: bool) -> CdsServiceError:
    """The error where nothing was obtained. If it is our fault, the client may ask again."""
    return Busy() if was_busy else DataNotObtained(missing)
