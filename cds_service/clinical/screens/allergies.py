"""The screen for hypersensitivity to acetylcysteine: on the allergy list, and on the problem list.

An intolerance is less: stated as such, of low criticality or of none, with gastrointestinal manifestations alone.
"""

from collections.abc import Iterator

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import ABSENT, KNOWN, Fact, known, unknown
from cds_service.clinical.orders.recognise import brand_of, may_mean_acetylcysteine, recognise
from cds_service.clinical.screens.conditions import NOT_TRUE, active_conditions, as_far_as_active
from cds_service.clinical.screens.finding import (
    UNREADABLE,
    Finding,
    doubt_about,
    find_unreadable,
    has_qualifier,
    row_by_name,
)
from cds_service.clinical.screens.screening import screen_list
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.codes import CodeRow, is_of_icd10
from cds_service.fhir.json import Concept, Json, Resource, code_or_concept, items, objects, read_concept, text
from cds_service.fhir.versions.elements import allergens_of, allergy_verification_of

INTOLERANCE = "intolerance"
_OVER = {"inactive", "resolved"}
_LOW = {"low", "critl"}  # since STU3, and in DSTU2


def read_hypersensitivity(chart: Chart, vocabulary: Vocabulary) -> Fact:
    """Hypersensitivity or intolerance to acetylcysteine on record: active, not refuted, not entered in error."""
    reactions: list[tuple[Resource, Finding]] = []
    intolerances: list[tuple[Resource, Finding]] = []
    for entry, finding in (*_on_allergy_list(chart, vocabulary), *_on_problem_list(chart, vocabulary)):
        is_less = isinstance(finding, CodeRow) and _is_intolerance(entry, vocabulary)
        (intolerances if is_less else reactions).append((entry, finding))
    fact = screen_list(chart, queries.ALLERGIES, reactions)
    if fact.state is ABSENT:
        fact = chart.gap(queries.PROBLEMS) or fact
    intolerance = screen_list(chart, queries.ALLERGIES, intolerances)
    if fact.state is KNOWN or intolerance.state is not KNOWN:
        return fact
    if fact.state is ABSENT:
        return known(INTOLERANCE, intolerance.origins, term=intolerance.texts["term"])
    return unknown(f"an intolerance is on record; beside it, {fact.note}", (*intolerance.origins, *fact.origins))


def _on_allergy_list(chart: Chart, vocabulary: Vocabulary) -> Iterator[tuple[Resource, Finding]]:
    for allergy in chart.get(queries.ALLERGIES).resources:
        if _is_active(allergy):
            yield allergy, _find_allergen(allergy, vocabulary)


def _is_active(allergy: Resource) -> bool:
    clinical = code_or_concept(allergy.get("clinicalStatus"))
    verification = allergy_verification_of(allergy)
    return not clinical & _OVER and not verification & {*NOT_TRUE, *_OVER}


def _find_allergen(allergy: Resource, vocabulary: Vocabulary) -> Finding:
    """Acetylcysteine among what the allergy is against; a doubt, where its name leaves that open."""
    allergens = allergens_of(allergy)
    concepts = [concept for concept in map(read_concept, allergens) if concept.codings or concept.names]
    named = _find_named(allergens, vocabulary)
    if named is not None:
        return named
    if not concepts:
        return UNREADABLE
    excludes = vocabulary.code_lists["acetylcysteine"].excludes
    return next(filter(None, (find_unreadable(concept, vocabulary, excludes) for concept in concepts)), None)


def _find_named(concepts: list[Json], vocabulary: Vocabulary) -> Finding:
    """Acetylcysteine by code, else by a name or a brand that nothing beside it takes back."""
    recognised = [(read_concept(concept).names, *recognise([concept], vocabulary)) for concept in concepts]
    for _, rows, _ in recognised:
        if rows:
            return rows[0]
    texts = [name for names, _, _ in recognised for name in names]
    named = next((names[0] for names, _, by_name in recognised if by_name or brand_of(names, vocabulary)), None)
    if named is not None:
        qualified = next((text for text in texts if has_qualifier(text, vocabulary)), None)
        return doubt_about(qualified) if qualified else row_by_name(named)
    return next((doubt_about(text) for text in texts if may_mean_acetylcysteine(text, vocabulary)), None)


def _on_problem_list(chart: Chart, vocabulary: Vocabulary) -> Iterator[tuple[Resource, Finding]]:
    for condition, concept in active_conditions(chart.get(queries.PROBLEMS)):
        finding = _find_reaction(condition.get("code"), concept, vocabulary)
        yield condition, as_far_as_active(condition, finding)


def _find_reaction(code: Json, concept: Concept, vocabulary: Vocabulary) -> Finding:
    """A condition that names acetylcysteine together with allergy, hypersensitivity or anaphylaxis.

    One that names it beside another word for a reaction is in doubt, and beside none of them is another condition.
    """
    named = _find_named([code], vocabulary)
    if named is None:
        return find_unreadable(concept, vocabulary, is_of_icd10)
    words = vocabulary.name_lists["allergy-words"]
    matches = [(name, match.row) for name in concept.names for match in words.find_matches(name)]
    if not matches:
        return None
    return named if any(row.included for _, row in matches) else doubt_about(matches[0][0])


def _is_intolerance(entry: Resource, vocabulary: Vocabulary) -> bool:
    """True for an intolerance by its type, of low criticality or of none, with gastrointestinal manifestations alone.

    A word of allergy in its names, or a reaction described in any other words, makes it more than that.
    """
    if code_or_concept(entry.get("type")) != {INTOLERANCE} or code_or_concept(entry.get("criticality")) - _LOW:
        return False
    reactions = objects(entry.get("reaction"))
    names = [name for allergen in allergens_of(entry) for name in read_concept(allergen).names]
    words = vocabulary.name_lists["allergy-words"]
    if not reactions or any(words.find(name) for name in names):
        return False
    return all(_is_gastrointestinal(reaction, vocabulary) for reaction in reactions)


def _is_gastrointestinal(reaction: Resource, vocabulary: Vocabulary) -> bool:
    manifestations = [read_concept(manifestation).names for manifestation in items(reaction.get("manifestation"))]
    if not manifestations or not all(manifestations):
        return False
    described = [name for names in manifestations for name in names] + [text(reaction.get("description"))]
    listed = vocabulary.name_lists["gastrointestinal-manifestations"]
    return all(listed.covers(words) for words in described if words)
