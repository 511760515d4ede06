"""Why a call got no card, in one sentence: silence for one reason is not silence for another."""

from collections.abc import Sequence
from typing import NamedTuple

from cds_service.answering import Answer
from cds_service.clinical.labs.amino_acids import treatments_unread
from cds_service.clinical.labs.treatment import find_treatments
from cds_service.clinical.orders.drugs import (
    MEDICATION_LISTS,
    OVER,
    Medications,
    drug_concepts,
    index_medications,
)
from cds_service.clinical.orders.indication import OTHER
from cds_service.clinical.orders.recognise import recognise
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Resource, text
from cds_service.fhir.versions.elements import resource_type
from cds_service.gathering.orders import read_draft_orders
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.deciding import ADVISE, undecided
from cds_service.guidance.model import PATIENT_VIEW
from cds_service.hooks.requests import HookRequest

_ALL_OFF = "By the site file every card is off at this hook."


def explain_silence(request: HookRequest, answered: Answer, vocabulary: Vocabulary) -> str:
    """The sentence; empty for a call that got a card."""
    if answered.card_ids:
        return ""
    if request.hook == PATIENT_VIEW:
        return _about_treatment(request, answered, vocabulary)
    if answered.decisions:
        return _by_use(answered)
    sorted_orders = sort_orders(request, vocabulary)
    ours = sorted_orders.ours
    if not ours:
        return f"No acetylcysteine order among {_count(len(sorted_orders.others))}."
    if not answered.modes.decides_any:
        return _ALL_OFF
    return _not_asked_about(ours, read_draft_orders(request, vocabulary).selected_orders)


def _about_treatment(request: HookRequest, answered: Answer, vocabulary: Vocabulary) -> str:
    """Why the opening of a chart got no card."""
    if not answered.modes.decides_any:
        return "Monitoring is off: no row of a site file switches it on for this client. In demo mode it is on."
    if not answered.decisions:
        chart = build_chart(request.patient_id, request.prefetch_of(MEDICATION_LISTS), keys=MEDICATION_LISTS)
        nameless = [treatment for treatment in find_treatments(chart, vocabulary) if not treatment.is_named]
        unread = treatments_unread(nameless, chart)
        more = f"; whether more is active cannot be told: {unread.note}" if unread else ""
        return f"No acetylcysteine is active on record, by status and dates{more}."
    facts = answered.decisions[0].decision.facts
    use = facts["use"]
    if use.value != OTHER:
        return f"Monitoring is about acetylcysteine by mouth in use {OTHER}, and this is use {use.value}: {use.note}."
    if _is_by_site(answered):
        return _by_use(answered)
    lacking = undecided(decided.decision for decided in answered.decisions)
    if lacking:
        return f"It cannot be told: {'; '.join(dict.fromkeys(facts[name].note for name in lacking))}."
    return f"Acetylcysteine since {facts['treatment_days'].texts['since']}: no card about treatment applies."


def _is_by_site(answered: Answer) -> bool:
    advises = any(decided.decision.outcome is ADVISE for decided in answered.decisions)
    return bool(answered.silent_cards) or advises


def _by_use(answered: Answer) -> str:
    if answered.silent_cards:
        return "The site file keeps every card silent that applies."
    if _is_by_site(answered):
        return "The site file shows none of the cards that apply."
    use = answered.decisions[0].decision.facts["use"]
    if use.value == "antidote":
        return f"Treated as an antidote: {use.note}."
    if use.value == "ophthalmic":
        return f"Ophthalmic use: {use.note}."
    return f"No card applies: use {use.value} ({use.note}), and every screen was done and found nothing."


class SortedOrders(NamedTuple):
    """The medication orders of a call, by whether they are recognised as acetylcysteine, and the Medications with
    them."""

    ours: list[Resource]
    others: list[Resource]
    medications: Medications


def sort_orders(request: HookRequest, vocabulary: Vocabulary) -> SortedOrders:
    """The orders of a call, whatever their status, by what is in its context alone."""
    entries = [entry for entry in request.entries if isinstance(entry.get("resource"), dict)]
    orders = [entry["resource"] for entry in entries if resource_type(entry["resource"]) == "MedicationRequest"]
    found = SortedOrders([], [], index_medications(entries))
    for order in orders:
        is_ours = any(recognise(drug_concepts(order, found.medications), vocabulary))
        (found.ours if is_ours else found.others).append(order)
    return found


def _not_asked_about(orders: Sequence[Resource], selected_orders: Sequence[Resource]) -> str:
    """Of acetylcysteine orders that led to no decision: their status, or that the call is not about them."""
    for order in orders:
        if order.get("doNotPerform") is True:
            return "The acetylcysteine order says that it is not to be performed."
        if (status := text(order.get("status"))) in OVER:
            return f"The acetylcysteine order is {status}."
    if not any(order in selected_orders for order in orders):
        return "The acetylcysteine order is not among those that were selected."
    return "No card applies to the acetylcysteine order."


def _count(number: int) -> str:
    return "1 order" if number == 1 else f"{number} orders"
