"""Concomitant medications that matter: nitroglycerin, and glutamine by a parenteral route.

They are looked for among the drafts of the call and the active medications. Oral glutamine does not count.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Facts, absent
from cds_service.clinical.orders.drugs import (
    active_medications_index,
    drug_concepts,
    index_medications,
    is_active_medication,
    is_medication_order,
    names_no_drug,
)
from cds_service.clinical.orders.route import INTRAVENOUS, routes_of
from cds_service.clinical.screens.screening import Finding, first_finding, row_by_name
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.codes import CodeRow
from cds_service.fhir.json import Concept, Resource, read_concept

_UNNAMED = "a medication without a name or code that can be read"


class ConcomitantMedication(msgspec.Struct, frozen=True):
    """A drafted or active medication: the concepts that may name its drug, and a hint if none does."""

    resource: Resource
    concepts: list[Concept]
    hint: str | None


def read_interactions(chart: Chart, drafts: Sequence[Resource], vocabulary: Vocabulary) -> Facts:
    """Both facts. `drafts` holds the medication orders of the call, and the Medications that they reference."""
    medications = list(_concomitant_medications(chart, drafts))

    def screen(find: Callable[[ConcomitantMedication, Vocabulary], Finding]) -> Fact:
        findings = ((medication.resource, find(medication, vocabulary)) for medication in medications)
        gap_or_none = chart.gap(queries.MEDICATIONS) or absent("none among the drafts and the active medications")
        return first_finding(findings, _describe_hint) or gap_or_none

    return {"nitroglycerin": screen(_find_nitroglycerin), "parenteral_glutamine": screen(_find_parenteral_glutamine)}


def _describe_hint(hint: str) -> str:
    return f"cannot be told of one entry ({hint})"


def _concomitant_medications(chart: Chart, drafts: Sequence[Resource]) -> Iterator[ConcomitantMedication]:
    medications = {
        **active_medications_index(chart),
        **index_medications({"resource": draft} for draft in drafts),
    }
    active = filter(is_active_medication, chart.get(queries.MEDICATIONS).resources)
    for resource in (*filter(is_medication_order, drafts), *active):
        concepts = list(map(read_concept, drug_concepts(resource, medications)))
        hint = _UNNAMED if names_no_drug(resource, concepts, medications) else None
        yield ConcomitantMedication(resource, concepts, hint)


def _find_nitroglycerin(medication: ConcomitantMedication, vocabulary: Vocabulary) -> Finding:
    codes, names = vocabulary.code_lists["nitroglycerin"], vocabulary.name_lists["nitroglycerin-names"]
    for concept in medication.concepts:
        row = next((row for row in codes.rows_of(concept.codings) if row.included), None)
        if row or names.included_among(concept.names):
            return row or row_by_name("nitroglycerin")
    return medication.hint


def _find_parenteral_glutamine(medication: ConcomitantMedication, vocabulary: Vocabulary) -> Finding:
    glutamine = next(filter(None, (_find_glutamine(concept, vocabulary) for concept in medication.concepts)), None)
    if glutamine is None:
        return medication.hint
    row, only_parenteral = glutamine
    routes = routes_of(medication.resource, vocabulary)
    if INTRAVENOUS in routes or (only_parenteral and not routes):
        return row.term if row.unsure else row
    return None if routes else f"{row.term}, route not stated"


def _find_glutamine(concept: Concept, vocabulary: Vocabulary) -> tuple[CodeRow, bool] | None:
    """The row for glutamine or alanyl-glutamine, and whether the product itself is for parenteral use only."""
    rows = vocabulary.code_lists["glutamine-drugs"].rows_of(concept.codings)
    for row in rows:
        if row.included:
            return row, True
    name = vocabulary.name_lists["glutamine-drug-names"].included_among(concept.names)
    if name is not None:
        return row_by_name(name.name), name.extra.get("route") == INTRAVENOUS
    unsure = next((row for row in rows if row.unsure), None)
    return (unsure, False) if unsure else None
