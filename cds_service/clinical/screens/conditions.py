"""Screens of the problem list and the allergy list: found, none found, or cannot tell, and why."""

from collections.abc import Callable, Iterable

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.orders.recognise import index_medications, recognise
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.codes import READ_SYSTEMS, Row
from cds_service.fhir.json import Concept, Resource, code_or_concept, read_concept, resource_name
from cds_service.fhir.versions import allergens_of, allergy_verification_of

PRESENT, NAMELESS = "present", "no name, and no code of a system that is read"
_LIVE_CLINICAL = {"active", "recurrence", "relapse"}
_NOT_TRUE = {"refuted", "entered-in-error"}

Found = Row | str | None  # a row of a code list; a name that only says that we cannot tell; nothing


def by_name(name: str) -> Row:
    """What was found by its name alone, in place of a row of a code list."""
    return Row("", "", f"{name}, by name", True, "")


def screen(key: str, data: Data, looked: Iterable[tuple[Resource, Found]]) -> Fact:
    """One pass over a list. A gap in the list, or an entry that only hints, turns "none found" into "unknown"."""
    return find(looked, _say_hint) or missing(key, data) or absent(_none_in(key, data))


def _say_hint(name: str) -> str:
    if name == NAMELESS:
        return "an entry has neither a name nor a code of a system that this service reads"
    return f"an entry named “{name}” has no code that this service is sure of"


def find(looked: Iterable[tuple[Resource, Found]], say_hint: Callable[[str], str]) -> Fact | None:
    """The first entry that is found; else unknown, by the first that only hints; None where there is neither."""
    hint: Fact | None = None
    for resource, found in looked:
        if isinstance(found, Row):
            origin = Origin(resource_name(resource), f"{found.code} {found.term}".strip())
            return known(PRESENT, (origin,), term=found.term)
        if found and hint is None:
            hint = unknown(say_hint(found), (Origin(resource_name(resource), found),))
    return hint


def missing(key: str, data: Data) -> Fact | None:
    """Unknown, with the reason, if the answer to a query is not whole."""
    if data.is_whole:
        return None
    label = queries.QUERIES[key].label
    words = {Arrival.NOT_SENT: f"{label} not sent", Arrival.FAILED: f"{label} could not be read"}
    start = words.get(data.arrival, f"{label} incomplete")
    return unknown(start if data.gap in ("", "not sent") else f"{start} ({data.gap})")


def _none_in(key: str, data: Data) -> str:
    label = queries.QUERIES[key].label
    return f"{label} empty" if data.arrival is Arrival.EMPTY else f"none on the {label}"


def is_active(condition: Resource) -> bool:
    """A condition counts unless its status says that it is over, refuted or entered in error."""
    clinical = code_or_concept(condition.get("clinicalStatus"))
    verification = code_or_concept(condition.get("verificationStatus"))
    return (not clinical or bool(clinical & _LIVE_CLINICAL)) and not verification & _NOT_TRUE


def _active(problems: Data) -> list[tuple[Resource, Concept]]:
    """The active conditions and what each is, read once for all screens."""
    if "active" not in problems.read:
        problems.read["active"] = [(one, read_concept(one.get("code"))) for one in problems.resources if is_active(one)]
    active: list[tuple[Resource, Concept]] = problems.read["active"]
    return active


def condition_screen(chart: Chart, vocabulary: Vocabulary, codes: str, words: str = "") -> Fact:
    """An active condition of a code list; a name of the word list without such a code cannot be told."""

    def look(condition: Concept) -> Found:
        if _is_nameless(condition):
            return NAMELESS
        rows = vocabulary.code_lists[codes].rows_of(condition.codings)
        included = next((row for row in rows if row.included), None)
        unsure = next((row.term for row in rows if row.unsure), None)
        if rows or not words:  # a refused code is an answer: the words beside it are not asked
            return included or unsure
        hint = vocabulary.name_lists[words].included_among(condition.names)
        return hint.name if hint else None

    problems = chart.get(queries.PROBLEMS)
    return screen(queries.PROBLEMS, problems, ((one, look(concept)) for one, concept in _active(problems)))


def hypersensitivity(chart: Chart, vocabulary: Vocabulary) -> Fact:
    """An allergy or intolerance to acetylcysteine on record: active, not refuted, not entered in error."""

    def look(allergy: Resource) -> Found:
        if all(_is_nameless(read_concept(one)) for one in allergens_of(allergy)):
            return NAMELESS
        rows, named = recognise(allergens_of(allergy), vocabulary)
        if rows:
            return rows[0]
        return by_name("acetylcysteine") if named else None

    data = chart.get(queries.ALLERGIES)
    live = [one for one in data.resources if _is_live_allergy(one)]
    return screen(queries.ALLERGIES, data, ((one, look(one)) for one in live))


def _is_nameless(concept: Concept) -> bool:
    """True without a name, and without a code of a system that is read: it may be anything."""
    return not concept.names and not any(one.system in READ_SYSTEMS for one in concept.codings)


def _is_live_allergy(allergy: Resource) -> bool:
    clinical = code_or_concept(allergy.get("clinicalStatus"))
    verification = allergy_verification_of(allergy)
    return not clinical & {"inactive", "resolved"} and not verification & {*_NOT_TRUE, "inactive", "resolved"}


def medications_index(chart: Chart) -> dict[str, Resource]:
    """The Medication resources that came along with the active medications."""
    return index_medications({"resource": one} for one in chart.get(queries.MEDICATIONS).resources)


def poisoning_words(concept: object, vocabulary: Vocabulary) -> bool:
    """True if a concept speaks of acetaminophen poisoning, by code or by the words of the contract."""
    if vocabulary.code_lists["acetaminophen-poisoning"].included_in(concept) is not None:
        return True
    return vocabulary.name_lists["acetaminophen-poisoning-words"].included_in(concept) is not None
