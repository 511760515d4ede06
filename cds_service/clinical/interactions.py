"""Other medications that matter beside acetylcysteine: nitroglycerin, and glutamine by a parenteral route.

Looked for among the drafts of the call and the active medications. Oral glutamine does not count.
"""

from collections.abc import Callable, Mapping, Sequence

from cds_service.clinical import queries
from cds_service.clinical.chart import Chart
from cds_service.clinical.codes import Row
from cds_service.clinical.elements import Resource
from cds_service.clinical.facts import Fact, absent
from cds_service.clinical.medications import is_current, routes_of
from cds_service.clinical.orders import drug_concepts, index_medications, is_nameless, is_order
from cds_service.clinical.screens import by_name, find, medications_index, missing
from cds_service.clinical.vocabulary import Vocabulary

Look = Callable[[Resource, Mapping[str, Resource]], Row | str | None]
PARENTERAL = "intravenous"


def nitroglycerin(chart: Chart, drafts: Sequence[Resource], vocabulary: Vocabulary) -> Fact:
    """Nitroglycerin drafted or active, by code or by name. `drafts` may hold the Medication that an order points to."""

    def look(resource: Resource, medications: Mapping[str, Resource]) -> Row | str | None:
        concepts = drug_concepts(resource, medications)
        for concept in concepts:
            row = vocabulary.code_lists["nitroglycerin"].included_in(concept)
            named = vocabulary.name_lists["nitroglycerin-names"].included_in(concept)
            if row or named:
                return row or by_name("nitroglycerin")
        return _unread(resource, medications)

    return _look_through(chart, drafts, look)


def parenteral_glutamine(chart: Chart, drafts: Sequence[Resource], vocabulary: Vocabulary) -> Fact:
    """Glutamine or alanyl-glutamine by a parenteral route, drafted or active."""

    def look(resource: Resource, medications: Mapping[str, Resource]) -> Row | str | None:
        concepts = drug_concepts(resource, medications)
        found = next((one for concept in concepts if (one := _glutamine(concept, vocabulary)) is not None), None)
        if found is None:
            return _unread(resource, medications)
        row, only_parenteral = found
        routes = routes_of(resource, vocabulary)
        if PARENTERAL in routes or (only_parenteral and not routes):
            return row.term if row.unsure else row
        return None if routes else f"{row.term}, route not stated"

    return _look_through(chart, drafts, look)


def _glutamine(concept: object, vocabulary: Vocabulary) -> tuple[Row, bool] | None:
    """The row that says glutamine, and whether the product itself is for parenteral use only."""
    rows = vocabulary.code_lists["glutamine-drugs"].rows_in(concept)
    for row in rows:
        if row.included:
            return row, True
    name = vocabulary.name_lists["glutamine-drug-names"].included_in(concept)
    if name is not None:
        return by_name(name.name), name.extra.get("route") == PARENTERAL
    unsure = next((row for row in rows if row.unsure), None)
    return (unsure, False) if unsure else None


def _unread(resource: Resource, medications: Mapping[str, Resource]) -> str | None:
    return "a medication without a name or code that can be read" if is_nameless(resource, medications) else None


def _look_through(chart: Chart, drafts: Sequence[Resource], look: Look) -> Fact:
    """Found in a draft or an active medication; a hint or a gap makes "none" unknown."""
    medications = {**medications_index(chart), **index_medications({"resource": one} for one in drafts)}
    active = [one for one in chart.get(queries.MEDICATIONS).resources if is_current(one)]
    resources = [*(one for one in drafts if is_order(one)), *active]
    found = find(resources, lambda one: look(one, medications), lambda said: f"cannot be told of one entry ({said})")
    gap = missing(queries.MEDICATIONS, chart.get(queries.MEDICATIONS))
    return found or gap or absent("none among the drafts and the active medications")
