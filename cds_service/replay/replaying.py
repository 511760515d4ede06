"""From one patient's resources to decisions: the pure function that every engine maps over an export.

Each past call is answered by the live core itself. The export stands in for the client's FHIR server.
"""

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from cds_service.answering import Answer, answer
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.errors import CdsServiceError, DataNotObtained, TooMuchText
from cds_service.fhir.json import UNREADABLE, Json, Resource, at, decode, relative_part, relative_reference, text
from cds_service.gathering.server import NoServer
from cds_service.guidance.deciding import ADVISE, OrderDecision, undecided
from cds_service.guidance.model import Content
from cds_service.guidance.modes import ALL_ON, Modes
from cds_service.hooks.cards import Card
from cds_service.hooks.requests import HookRequest
from cds_service.replay.as_of import CodeIndex, PatientRecord, Undated, answers_at, sort_record
from cds_service.replay.calls import EVERY_DAY, PastCall, Period, calls_of
from cds_service.replay.counting import PASSED_OVER, VERSIONS, Counts
from cds_service.replay.quality import count_doses, count_results, plain_reason
from cds_service.replay.records import CallRecord, PastOrder, ShownCard, digest_of

HOOK = "order-sign"  # a past order was signed
_NOT_EXPORTED = "not in the export"
_NOT_ANSWERED = {
    DataNotObtained: "not answered: nothing about the patient could be read",
    TooMuchText: "not answered: the orders have more text than is read",
}
_UNANSWERED = "not answered"
_BY_SITE = "the site file keeps every card silent that applies"


@dataclass(frozen=True)
class Rules:
    """How the past is rebuilt: the types that were exported, what undated entries are, and the days asked for."""

    types: frozenset[str]
    undated: Undated = "known"
    period: Period = EVERY_DAY


@dataclass(frozen=True)
class Deciding:
    """What decides: the content, as the site file changes it, and which cards that file shows."""

    content: Content
    modes: Modes = ALL_ON


@dataclass(frozen=True)
class Contents:
    """What decides, and what it is compared with."""

    deciding: Deciding
    other: Deciding | None = None

    @property
    def each(self) -> list[Deciding]:
        """The one or both of them."""
        return [self.deciding] if self.other is None else [self.deciding, self.other]

    @property
    def vocabularies(self) -> list[Vocabulary]:
        """The vocabulary of each."""
        return [deciding.content.vocabulary for deciding in self.each]

    @cached_property
    def index(self) -> CodeIndex:
        """The result queries by the codes that either of them reads."""
        return CodeIndex(self.vocabularies)


@dataclass(frozen=True)
class AnsweredCall:
    """A call of the past with its answer, and the reason where there is none."""

    call: PastCall
    answered: Answer | None
    refused: str = ""


class AsOf(NoServer):
    """The export in place of the client's FHIR server, at one moment. Nothing is fetched."""

    def __init__(self, record: PatientRecord, call: PastCall, rules: Rules) -> None:
        super().__init__(_NOT_EXPORTED)
        self._record, self._call, self._rules = record, call, rules

    async def complete_prefetch(
        self, _prefetch: Mapping[str, Any], _patient_id: str, _version: str, _keys: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """What every query would have found."""
        ordered = frozenset(map(id, self._call.written))
        return answers_at(self._record, self._call.moment, self._rules.types, self._rules.undated, ordered)

    async def fetch_medications(self, references: Iterable[str]) -> list[Resource]:
        """Bundle entries with the Medications of the export behind these references."""
        found = {reference: self._record.medications.get(relative_part(reference)) for reference in references}
        return [{"fullUrl": one, "resource": resource} for one, resource in found.items() if resource is not None]


def replay_patient(
    patient_id: str, resources: Sequence[Resource], contents: Contents, rules: Rules, counts: Counts
) -> list[CallRecord]:
    """The calls of one patient with what the service would have said, the earliest first.

    `resources` are the patient's, and the Medications that they point to.
    """
    record, calls = find_calls(patient_id, resources, contents, rules, counts)
    if not calls:
        return []
    record.count_what_is_lacking(counts)
    answers = [[answer_call(record, call, deciding, rules) for call in calls] for deciding in contents.each]
    count_results(patient_id, record, calls[-1].moment, rules, contents.vocabularies[0], counts)
    others: Sequence[AnsweredCall | None] = answers[1] if len(answers) > 1 else [None] * len(calls)
    return [_record(patient_id, answered, other, counts) for answered, other in zip(answers[0], others, strict=True)]


def find_calls(
    patient_id: str, resources: Iterable[Resource], contents: Contents, rules: Rules, counts: Counts
) -> tuple[PatientRecord, list[PastCall]]:
    """The record of a patient, and the calls that hold an order that any of the contents recognises."""
    record = sort_record(patient_id, _without_repeats(resources, counts), contents.index)
    return record, calls_of(record.orders, record.medications, contents.vocabularies, rules.period, counts)


def _without_repeats(resources: Iterable[Resource], counts: Counts) -> list[Resource]:
    """Each resource once: of several with the same type and id the one that was updated last."""
    kept: dict[str, Resource] = {}
    for resource in resources:
        reference = relative_reference(resource)
        key = reference if "/" in reference else f"#{len(kept)}"
        if key in kept:
            counts.add(PASSED_OVER, "a resource whose type and id came before")
            if _updated(resource) < _updated(kept[key]):
                continue
        kept[key] = resource
    return list(kept.values())


def _updated(resource: Resource) -> str:
    return text(at(resource, "meta", "lastUpdated"))


def answer_call(record: PatientRecord, call: PastCall, deciding: Deciding, rules: Rules) -> AnsweredCall:
    """A call of the past, answered as the service would have answered it."""
    request = HookRequest(
        hook=HOOK,
        hook_instance="replay",
        patient_id=record.patient_id,
        entries=tuple({"resource": draft} for draft in call.drafts),
        selections=(),
        fhir_server="",
        fhir_authorization=None,
        raw_prefetch=msgspec.Raw(),
    )
    try:
        source, modes = AsOf(record, call, rules), deciding.modes
        answered = _finish(answer(request, deciding.content, call.moment, _no_id, source, modes=modes))
    except CdsServiceError as error:
        return AnsweredCall(call, None, _NOT_ANSWERED.get(type(error), _UNANSWERED))
    except LookupError:  # content that `cds-service check` refuses
        return AnsweredCall(call, None, "not answered: the content has no words for these facts")
    return AnsweredCall(call, answered)


def _finish(answering: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of a call that waits for nothing, without the cost of an event loop: all data are at hand."""
    try:
        answering.send(None)
    except StopIteration as finished:
        answered: Answer = finished.value
        return answered
    answering.close()
    raise RuntimeError("a call of the past waited for something")


def _no_id() -> str:
    """The same for every card, so that only what a card says tells it from another."""
    return ""


def _record(patient_id: str, answered: AnsweredCall, other: AnsweredCall | None, counts: Counts) -> CallRecord:
    year, week, _ = answered.call.moment.isocalendar()
    decisions = answered.answered.decisions if answered.answered else ()
    kept_silent = answered.answered.silent_cards if answered.answered else ()
    for order in {id(decided.order): decided.order for decided in decisions}.values():
        counts.add(VERSIONS, order.fhir_version)
    count_doses(decisions, counts)
    return CallRecord(
        patient=patient_id,
        moment=answered.call.moment.isoformat(),
        week=f"{year}-W{week:02d}",
        cards=shown_cards(answered),
        orders=past_orders(answered),
        not_done=_screens_not_done(decisions),
        kept_silent=tuple(card.id for card in kept_silent),
        other_cards=None if other is None else shown_cards(other),
    )


def shown_cards(answered: AnsweredCall) -> tuple[ShownCard, ...]:
    """The cards of an answer, in their order."""
    if answered.answered is None:
        return ()
    cards = zip(answered.answered.card_ids, answered.answered.response.cards, strict=True)
    return tuple(_shown(card_id, card) for card_id, card in cards)


def _shown(card_id: str, card: Card) -> ShownCard:
    words = len(f"{card.summary} {card.detail}".split())
    return ShownCard(card_id, card.indicator, words, digest_of(msgspec.json.encode(card).decode()))


def past_orders(answered: AnsweredCall) -> tuple[PastOrder, ...]:
    """The orders of a call with the cards about each; of a call that was refused, its drafts with the reason."""
    if answered.answered is None:
        refused = answered.call.written[: answered.call.own]
        return tuple(PastOrder(text(order.get("id")), "", (), answered.refused) for order in refused)
    by_order: dict[int, list[OrderDecision]] = {}
    for decided in answered.answered.decisions:
        by_order.setdefault(id(decided.order), []).append(decided)
    return tuple(_order(decisions, answered.answered.modes) for decisions in by_order.values())


def _order(decisions: Sequence[OrderDecision], modes: Modes) -> PastOrder:
    use = decisions[0].decision.facts["use"].value
    advising = [decided.decision.card.id for decided in decisions if decided.decision.outcome is ADVISE]
    cards = tuple(card_id for card_id in advising if card_id not in modes.silent | modes.off)
    silent = "" if cards else f"use {use}: {_BY_SITE if advising else 'no card applies'}"
    return PastOrder(text(decisions[0].order.resource.get("id")), str(use), cards, silent)


def _screens_not_done(decisions: Iterable[OrderDecision]) -> tuple[str, ...]:
    """The facts without which some card could not tell, each with the reason, once for a call."""
    found = dict.fromkeys(
        f"{CATALOGUE[name].label}: {_why_not_done(decided.decision.facts[name].note)}"
        for decided in decisions
        for name in undecided([decided.decision])
    )
    return tuple(sorted(found))


def _why_not_done(note: str) -> str:
    """The reason as a report may show it. A status that is not known is nearly always one that was rebuilt so."""
    if note == "a medication has a status that this service cannot read":
        return "a medication has ended since, at a time that it does not state"
    return plain_reason(note)


def read_lines(lines: Iterable[bytes], counts: Counts) -> list[Resource]:
    """The resources of some lines. A line that is none is counted and passed over."""
    resources = []
    for line in lines:
        try:
            resource: Json = decode(line)
        except UNREADABLE:
            resource = None
        if isinstance(resource, dict):
            resources.append(resource)
        else:
            counts.add(PASSED_OVER, "a line that is no resource")
    return resources
