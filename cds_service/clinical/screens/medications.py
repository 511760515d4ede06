"""Other medications that matter beside acetylcysteine: nitroglycerin, and glutamine by a parenteral route.

Looked for among the drafts of the call and the active medications. Oral glutamine does not count.
"""

from collections.abc import Iterator, Sequence

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Facts, absent
from cds_service.clinical.orders.recognise import drug_concepts, index_medications, is_order, says_nothing
from cds_service.clinical.orders.route import is_current, routes_of
from cds_service.clinical.screens.conditions import Found, by_name, find, medications_index, missing
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.codes import Row
from cds_service.fhir.json import Concept, Resource, read_concept

PARENTERAL = "intravenous"
_UNREAD = "a medication without a name or code that can be read"


class _Beside(msgspec.Struct, frozen=True):
    """A medication that is drafted or active: what may name its drug, and a hint where nothing does."""

    resource: Resource
    concepts: list[Concept]
    hint: str | None


def interactions(chart: Chart, drafts: Sequence[Resource], vocabulary: Vocabulary) -> Facts:
    """Both facts. `drafts` may hold the Medication that an order points to."""
    beside = list(_beside(chart, drafts))
    return {
        "nitroglycerin": _fact(chart, [(one.resource, _nitroglycerin(one, vocabulary)) for one in beside]),
        "parenteral_glutamine": _fact(chart, [(one.resource, _parenteral(one, vocabulary)) for one in beside]),
    }


def _beside(chart: Chart, drafts: Sequence[Resource]) -> Iterator[_Beside]:
    medications = {**medications_index(chart), **index_medications({"resource": one} for one in drafts)}
    active = [one for one in chart.get(queries.MEDICATIONS).resources if is_current(one)]
    for resource in (*filter(is_order, drafts), *active):
        concepts = [read_concept(one) for one in drug_concepts(resource, medications)]
        yield _Beside(resource, concepts, _UNREAD if says_nothing(resource, concepts, medications) else None)


def _nitroglycerin(one: _Beside, vocabulary: Vocabulary) -> Found:
    """Nitroglycerin, by code or by name."""
    codes, listed = vocabulary.code_lists["nitroglycerin"], vocabulary.name_lists["nitroglycerin-names"]
    for concept in one.concepts:
        row = next((row for row in codes.rows_of(concept.codings) if row.included), None)
        if row or listed.included_among(concept.names):
            return row or by_name("nitroglycerin")
    return one.hint


def _parenteral(one: _Beside, vocabulary: Vocabulary) -> Found:
    """Glutamine or alanyl-glutamine by a parenteral route."""
    found = next((found for concept in one.concepts if (found := _glutamine(concept, vocabulary)) is not None), None)
    if found is None:
        return one.hint
    row, only_parenteral = found
    routes = routes_of(one.resource, vocabulary)
    if PARENTERAL in routes or (only_parenteral and not routes):
        return row.term if row.unsure else row
    return None if routes else f"{row.term}, route not stated"


def _glutamine(concept: Concept, vocabulary: Vocabulary) -> tuple[Row, bool] | None:
    """The row that says glutamine, and whether the product itself is for parenteral use only."""
    rows = vocabulary.code_lists["glutamine-drugs"].rows_of(concept.codings)
    for row in rows:
        if row.included:
            return row, True
    name = vocabulary.name_lists["glutamine-drug-names"].included_among(concept.names)
    if name is not None:
        return by_name(name.name), name.extra.get("route") == PARENTERAL
    unsure = next((row for row in rows if row.unsure), None)
    return (unsure, False) if unsure else None


def _fact(chart: Chart, looked: Sequence[tuple[Resource, Found]]) -> Fact:
    """Found in a draft or an active medication; a hint or a gap makes "none" unknown."""
    found = find(looked, lambda said: f"cannot be told of one entry ({said})")
    gap = missing(queries.MEDICATIONS, chart.get(queries.MEDICATIONS))
    return found or gap or absent("none among the drafts and the active medications")
