"""What an order for acetylcysteine is for. Where that is in doubt, it counts as an antidote."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, State, absent, known, unknown
from cds_service.clinical.labs.results import has_code
from cds_service.clinical.labs.weight import Weight
from cds_service.clinical.orders.dose import Dose
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.orders.route import INHALATION, INTRAVENOUS, ORAL, routes_of, states_route
from cds_service.clinical.orders.route import OPHTHALMIC as EYE
from cds_service.clinical.screens.conditions import is_active
from cds_service.clinical.screens.screening import PRESENT
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import sample_moment
from cds_service.fhir.json import Json, Resource, code_or_concept, objects, relative_part, relative_reference, text
from cds_service.fhir.versions.elements import (
    instructions_of,
    is_about,
    notes_of,
    reason_references,
    reasons_of,
    texts_of,
)

ANTIDOTE, INHALED, OPHTHALMIC, ELSEWHERE, SOMATIC, OTHER = (
    "antidote",
    "inhaled",
    "ophthalmic",
    "elsewhere",
    "somatic",
    "other",
)
ANOTHER_PATIENT = "another patient"  # not a use: the order names somebody else, and nothing is read for it


def read_use(
    order: Order, dose: Dose, weight: Weight | None, poisoning: Fact, chart: Chart, vocabulary: Vocabulary
) -> Fact:
    """The use of an order: the first that holds, antidote first. The note says what it was recognised by."""
    routes = routes_of(order.resource, vocabulary)
    reasons = list(_reasons(order, chart))
    antidote = _antidote_sign(order, routes, reasons, poisoning, vocabulary) or _large_dose(dose, weight, vocabulary)
    if antidote:
        return _use(order, ANTIDOTE, antidote)
    intended = routes if states_route(order.resource) else _product_routes(order)
    if INHALATION in intended:
        return _use(order, INHALED, "an inhalation route or product")
    if EYE in (*routes, *_product_routes(order)):
        return _use(order, OPHTHALMIC, "an eye route or product")
    if ORAL in intended and _somatic_reason(reasons, vocabulary):
        return _use(order, SOMATIC, "by mouth, for a respiratory disease")
    return _use(order, OTHER, "no other use holds")


def _use(order: Order, value: str, because: str) -> Fact:
    return known(value, (Origin(order.reference, because),), note=because)


def poisoning_as_reason(orders: Iterable[Order], chart: Chart, vocabulary: Vocabulary) -> Fact | None:
    """Acetaminophen poisoning as the reason of one of the orders; None if it is the reason of none."""
    for order in orders:
        if any(_is_poisoning(reason, vocabulary) for reason in _reasons(order, chart)):
            return known(PRESENT, (Origin(order.reference, "reason"),))
    return None


def _product_routes(order: Order) -> set[str]:
    return {row.extra["route"] for row in order.products if row.extra.get("route")}


def _reasons(order: Order, chart: Chart) -> Iterator[Json]:
    """Each concept that states a reason: on the order itself, or of a Condition that it references."""
    yield from reasons_of(order.resource)
    references = reason_references(order.resource)
    if not references:
        return
    relative_references = {relative_part(reference) for reference in references}
    for condition in chart.get(queries.PROBLEMS).resources:
        if relative_reference(condition) in relative_references:
            yield condition.get("code")
    for contained in objects(order.resource.get("contained")):
        if f"#{text(contained.get('id'))}" in references:
            yield contained.get("code")


def _antidote_sign(order: Order, routes: set[str], reasons: list[Json], poisoning: Fact, vocabulary: Vocabulary) -> str:
    if INTRAVENOUS in routes or INTRAVENOUS in _product_routes(order):
        return "an intravenous route or product"
    words = vocabulary.name_lists["antidote-words"]
    if words.included_among(filter(None, _texts_of(order))):
        return "words of the order speak of an antidote: in doubt, it is one"
    if any(_is_poisoning(reason, vocabulary) for reason in reasons):
        return "its reason is acetaminophen poisoning or overdose"
    return "signs of acetaminophen poisoning on record" if poisoning.state is State.KNOWN else ""


def _texts_of(order: Order) -> Iterator[str]:
    """The free text of an order: the names of its drug, its instructions and its notes."""
    yield from order.names
    for instruction in instructions_of(order.resource):
        yield from texts_of(instruction)
    yield from notes_of(order.resource)


def _large_dose(dose: Dose, weight: Weight | None, vocabulary: Vocabulary) -> str:
    """Why a single dose counts as an antidote's by its size; empty if it does not.

    With a weight that is not recent, either measure is enough: by that weight, or as if there were none.
    """
    per_kg = vocabulary.thresholds["antidote-dose-per-weight"]
    without_weight = vocabulary.thresholds["antidote-dose-without-weight"]
    if dose.single_per_kg is not None and dose.single_per_kg >= per_kg:
        return "a single dose per kg as large as an antidote's"
    if dose.single is None:
        return ""
    if weight is not None and dose.single >= per_kg * weight.kg:
        return "a single dose per kg as large as an antidote's"
    if (weight is None or not weight.recent) and dose.single >= without_weight:
        return "a single dose as large as an antidote's, and no recent weight"
    return ""


def _somatic_reason(reasons: list[Json], vocabulary: Vocabulary) -> bool:
    return any(vocabulary.code_lists["somatic-reasons"].included_in(reason) for reason in reasons)


def _is_poisoning(concept: Json, vocabulary: Vocabulary) -> bool:
    if vocabulary.code_lists["acetaminophen-poisoning"].included_in(concept) is not None:
        return True
    return vocabulary.name_lists["acetaminophen-poisoning-words"].included_in(concept) is not None


def read_poisoning(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Fact:
    """Signs of acetaminophen poisoning on record: an active condition, or a level within the window of content."""
    for condition in chart.get(queries.PROBLEMS).resources:
        if is_active(condition) and _is_poisoning(condition.get("code"), vocabulary):
            return known(PRESENT, (Origin(relative_reference(condition), "acetaminophen poisoning or overdose"),))
    levels = chart.get(queries.ACETAMINOPHEN)
    window = timedelta(hours=int(vocabulary.thresholds["acetaminophen-level-window"]))
    for level in levels.resources:
        if _is_recent_level(level, vocabulary, now - window, chart.patient_id):
            return known(PRESENT, (Origin(relative_reference(level), "acetaminophen level"),))
    gaps = [gap for key in (queries.PROBLEMS, queries.ACETAMINOPHEN) if (gap := chart.gap(key)) is not None]
    if gaps:
        return unknown("; ".join(gap.note for gap in gaps))
    return absent("no active poisoning on the problem list and no recent acetaminophen level")


def _is_recent_level(level: Resource, vocabulary: Vocabulary, since: datetime, patient_id: str) -> bool:
    """True whatever the level. One without a readable date counts as recent: in doubt, the order is an antidote."""
    if code_or_concept(level.get("status")) & {"entered-in-error", "cancelled"}:
        return False
    if not is_about(level, patient_id) or not has_code(level, vocabulary.code_lists["acetaminophen-level"]):
        return False
    moment = sample_moment(level)
    return moment is None or moment.latest >= since
