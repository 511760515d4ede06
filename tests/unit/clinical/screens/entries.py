"""Entries of the allergy list and the problem list, and the facts that are read from them."""

from cds_service.clinical.facts import Fact, Facts
from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.builders import SNOMED, allergy, bundle, concept
from tests.support import NOW, VOCABULARY, Body, Json, draft_orders_of

ACETYLCYSTEINE = concept("387440002", SNOMED)


def entry(**members: Json) -> Body:
    """An allergy to acetylcysteine, unless the members say otherwise."""
    return allergy(ACETYLCYSTEINE, **members)


def facts(**prefetch: Json) -> Facts:
    return read_patient_facts(draft_orders_of(), build_chart("p", prefetch), VOCABULARY, NOW)


def hypersensitivity(*allergies: Json, **prefetch: Json) -> Fact:
    return facts(allergyList=bundle(*allergies), **{"problemList": None, **prefetch})["hypersensitivity"]


def bleeding(*conditions: Json) -> Fact:
    return facts(problemList=bundle(*conditions))["bleeding_risk"]


def bronchospasm(*conditions: Json) -> Fact:
    return facts(problemList=bundle(*conditions))["bronchospasm_risk"]
