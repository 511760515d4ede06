"""The screen of the allergy list for acetylcysteine."""

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact
from cds_service.clinical.orders.recognise import recognise
from cds_service.clinical.screens.conditions import NOT_TRUE
from cds_service.clinical.screens.screening import NAMELESS, Finding, is_nameless, row_by_name, screen_list
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.json import Resource, code_or_concept, read_concept
from cds_service.fhir.versions.elements import allergens_of, allergy_verification_of

_OVER = {"inactive", "resolved"}


def read_hypersensitivity(chart: Chart, vocabulary: Vocabulary) -> Fact:
    """An allergy or intolerance to acetylcysteine on record: active, not refuted, not entered in error."""
    allergies = [allergy for allergy in chart.get(queries.ALLERGIES).resources if _is_active(allergy)]
    return screen_list(chart, queries.ALLERGIES, ((allergy, _find(allergy, vocabulary)) for allergy in allergies))


def _is_active(allergy: Resource) -> bool:
    clinical = code_or_concept(allergy.get("clinicalStatus"))
    verification = allergy_verification_of(allergy)
    return not clinical & _OVER and not verification & {*NOT_TRUE, *_OVER}


def _find(allergy: Resource, vocabulary: Vocabulary) -> Finding:
    allergens = allergens_of(allergy)
    if all(is_nameless(read_concept(allergen)) for allergen in allergens):
        return NAMELESS
    rows, named = recognise(allergens, vocabulary)
    if rows:
        return rows[0]
    return row_by_name("acetylcysteine") if named else None
