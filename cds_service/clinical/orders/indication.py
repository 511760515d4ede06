"""What an order for acetylcysteine is for. Antidote first: in doubt, it is treated as antidote."""

from collections.abc import Iterable, Iterator

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.orders.antidote import Ordered, Person, antidote_sign
from cds_service.clinical.orders.dose import Dose
from cds_service.clinical.orders.poisoning import is_poisoning
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.orders.route import ELSEWHERE as OTHER_ROUTE
from cds_service.clinical.orders.route import (
    INHALATION,
    INTRAVENOUS,
    ORAL,
    local_routes,
    may_be_by_mouth,
    routes_in_words,
    routes_of,
    sure_routes_of,
    unread_routes,
)
from cds_service.clinical.orders.route import OPHTHALMIC as EYE
from cds_service.clinical.orders.words import notes_on, texts_in
from cds_service.clinical.screens.conditions import active_conditions
from cds_service.clinical.screens.finding import find, find_by_name
from cds_service.clinical.screens.screening import PRESENT
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.codes import CodeRow, NameList
from cds_service.fhir.json import Json, names, objects, read_concept, relative_part, relative_reference, shorten, text
from cds_service.fhir.versions.elements import instructions_of, reason_references, reasons_of

ANTIDOTE, INHALED, OPHTHALMIC, ELSEWHERE, SOMATIC, OTHER = (
    "antidote",
    "inhaled",
    "ophthalmic",
    "elsewhere",
    "somatic",
    "other",
)
BY_MOUTH = (SOMATIC, OTHER)
ANOTHER_PATIENT = "another patient"  # not a use: the order names somebody else, and nothing is read for it


def read_ordered(order: Order, dose: Dose, chart: Chart, vocabulary: Vocabulary) -> Ordered:
    """The routes, the product and the reasons of an order, on which its use rests."""
    for_swallowing = _is_for_swallowing(order, vocabulary)
    texts = [] if for_swallowing else [*texts_in(instructions_of(order.resource)), *notes_on(order)]
    stated, in_words = routes_of(order.resource, vocabulary), routes_in_words(texts, vocabulary)
    return Ordered(
        order,
        dose,
        frozenset(stated or in_words),
        frozenset(sure_routes_of(order.resource, vocabulary) if stated else in_words),
        frozenset(_product_routes(order, for_swallowing, vocabulary)),
        tuple(_reasons(order, chart)),
        bool(unread_routes(order.resource, vocabulary)),
        for_swallowing,
    )


def _is_for_swallowing(order: Order, vocabulary: Vocabulary) -> bool:
    """True for tablets, capsules and the like, by the product's code, else by a form in its name."""
    by_code = _coded_routes(order)
    return by_code == {ORAL} or (
        not by_code and vocabulary.name_lists["dose-forms"].included_among(order.names) is not None
    )


def _coded_routes(order: Order) -> set[str]:
    return {row.extra["route"] for row in order.products if row.extra.get("route")}


def _product_routes(order: Order, for_swallowing: bool, vocabulary: Vocabulary) -> set[str]:
    if for_swallowing:
        return {ORAL}
    eye = {EYE} if vocabulary.name_lists["eye-product-names"].included_among(order.names) else set()
    return _coded_routes(order) | eye | (routes_in_words(order.names, vocabulary) - {ORAL})


def read_use(ordered: Ordered, person: Person, chart: Chart, vocabulary: Vocabulary) -> Fact:
    """The first use that holds; the note says by what."""
    antidote = antidote_sign(ordered, person, vocabulary)
    if antidote:
        return _use(ordered, ANTIDOTE, antidote)
    if INHALATION in ordered.intended:
        return _use(ordered, INHALED, "an inhalation route or product")
    if EYE in ordered.stated | ordered.product:
        return _use(ordered, OPHTHALMIC, "an eye route or product")
    if OTHER_ROUTE in ordered.intended:
        return _use(ordered, ELSEWHERE, "a route that is neither by mouth nor inhaled")
    somatic = _somatic_sign(ordered, chart, vocabulary)
    if somatic and (ORAL in ordered.intended or may_be_by_mouth(ordered.order.resource, vocabulary)):
        return _use(ordered, SOMATIC, somatic)
    return _use(ordered, OTHER, "no other use holds")


def _use(ordered: Ordered, value: str, because: str) -> Fact:
    return known(value, (Origin(ordered.order.reference, because),), note=because)


def is_by_mouth(ordered: Ordered) -> bool:
    """True for an order by mouth, by tube or without a route, whatever its dose."""
    return not ordered.intended - {ORAL} and not ordered.product & {INTRAVENOUS, EYE}


def share_antidote(uses: Iterable[Fact]) -> list[Fact]:
    """The uses of all orders of a call: one antidote makes every one an antidote."""
    listed = list(uses)
    antidote = next((use for use in listed if use.value == ANTIDOTE), None)
    if antidote is None:
        return listed
    shared = known(ANTIDOTE, antidote.origins, note="another order of the call is an antidote")
    return [use if use.value == ANTIDOTE else shared for use in listed]


def read_route(ordered: Ordered, vocabulary: Vocabulary) -> Fact:
    """Whether the route is known: unknown if one is stated that is not read and the product leaves it open."""
    unread = unread_routes(ordered.order.resource, vocabulary)
    local = ", ".join(local_routes(ordered.order.resource, vocabulary))
    origin = (Origin(ordered.order.reference, f"route (code {local})" if local else "route"),)
    if unread and not ordered.product:
        named = f"the route “{shorten(unread[0])}” is not one that this service reads"
        return unknown(named if unread[0] else "a route is stated that has no name that can be read", origin)
    return known("read", origin) if ordered.intended else absent("no route is stated", origin)


def read_neuropsychiatric_reason(ordered: Ordered, vocabulary: Vocabulary) -> Fact:
    """Whether a reason of the order is one of the fields in which glutamate was studied, by a listed code or word.

    One in doubt, and one that is not read, is none: what rests on it says less without it.
    """
    codes = vocabulary.code_lists["neuropsychiatric-reasons"]
    words = vocabulary.name_lists["neuropsychiatric-reason-words"]
    for reason in ordered.reasons:
        found = find(read_concept(reason), codes, words, vocabulary)
        if isinstance(found, CodeRow):
            local = f" ({found.local})" if found.local else ""
            return known("stated", (Origin(ordered.order.reference, f"reason: {found.term}{local}"),))
    return absent("no reason of this kind is stated")


def poisoning_as_reason(orders: Iterable[Order], chart: Chart, vocabulary: Vocabulary) -> Fact | None:
    """Acetaminophen poisoning, where the reason of an order states it; None where none does."""
    for order in orders:
        if any(is_poisoning(reason, vocabulary) for reason in _reasons(order, chart)):
            return known(PRESENT, (Origin(order.reference, "reason"),))
    return None


def _reasons(order: Order, chart: Chart) -> Iterator[Json]:
    """Each concept that says why: on the order, or the condition that it references."""
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


def _somatic_sign(ordered: Ordered, chart: Chart, vocabulary: Vocabulary) -> str:
    """Why glutamate is not the question, in words for the reader; empty if nothing says so."""
    codes, words = vocabulary.code_lists["somatic-reasons"], vocabulary.name_lists["somatic-words"]
    if any(codes.included_in(reason) for reason in ordered.reasons):
        return "by mouth, for a respiratory disease"
    stated = (names(reason) for reason in ordered.reasons)
    written = [name for of_reason in stated if _is_certain(of_reason, words, vocabulary) for name in of_reason]
    if named := words.included_among([*written, *texts_in(instructions_of(ordered.order.resource))]):
        return f"by mouth, and its words speak of {named.name}"
    return _somatic_condition(chart, vocabulary)


def _is_certain(written: Iterable[str], words: NameList, vocabulary: Vocabulary) -> bool:
    """True for names of a listed word that no negation, family history or doubt takes back."""
    return isinstance(find_by_name(written, words, vocabulary), CodeRow)


def _somatic_condition(chart: Chart, vocabulary: Vocabulary) -> str:
    """A disease on the problem list for which acetylcysteine is usually taken."""
    codes, words = vocabulary.code_lists["somatic-conditions"], vocabulary.name_lists["somatic-condition-words"]
    for _, concept in active_conditions(chart.get(queries.PROBLEMS)):
        if isinstance(find(concept, codes, words, vocabulary), CodeRow):
            return "by mouth, with cystic fibrosis or bronchiectasis on the problem list"
    return ""
