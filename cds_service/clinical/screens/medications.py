"""Concomitant medications that matter: nitroglycerin, and glutamine by a parenteral route.

They are looked for among the drafts of the call, the active medications and the active medication statements. Oral
glutamine does not count.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Facts, absent
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.orders.drugs import (
    MEDICATION_LISTS,
    Medications,
    drug_of,
    index_medications_on_record,
    is_active_medication,
    may_be_active,
    medications_on_record,
)
from cds_service.clinical.orders.route import INTRAVENOUS, routes_of, sure_routes_of
from cds_service.clinical.screens.finding import Doubt, Finding, find, find_unreadable
from cds_service.clinical.screens.screening import first_finding
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import CodeRow
from cds_service.fhir.json import Concept, Resource
from cds_service.fhir.versions.elements import drug_references, is_about

_UNCLEAR_STATUS = Doubt("has a status that this service cannot read")
_NO_ROUTE = Doubt("is for glutamine, and states no route that this service can rely on")


class ConcomitantMedication(msgspec.Struct, frozen=True):
    """A drafted or active medication, and everything that may name its drug. `is_active` is False if it only may be."""

    resource: Resource
    drug: Concept
    is_active: bool = True

    def as_far_as_active(self, finding: Finding) -> Finding:
        """The finding; a doubt, where the status is none that is known."""
        return finding if self.is_active or not isinstance(finding, CodeRow) else _UNCLEAR_STATUS


Find = Callable[[ConcomitantMedication, Vocabulary], Finding]


def read_interactions(orders: DraftOrders, chart: Chart, vocabulary: Vocabulary) -> Facts:
    """Nitroglycerin and parenteral glutamine."""
    medications = list(concomitant_medications(orders, chart))
    return {
        "nitroglycerin": screen_nitroglycerin(medications, chart, vocabulary),
        "parenteral_glutamine": screen_parenteral_glutamine(medications, chart, vocabulary),
    }


def screen_nitroglycerin(medications: Iterable[ConcomitantMedication], chart: Chart, vocabulary: Vocabulary) -> Fact:
    """Nitroglycerin among these medications."""
    return _screen(_find_nitroglycerin, medications, chart, vocabulary)


def screen_parenteral_glutamine(
    medications: Iterable[ConcomitantMedication], chart: Chart, vocabulary: Vocabulary
) -> Fact:
    """Parenteral glutamine among these medications."""
    return _screen(_find_parenteral_glutamine, medications, chart, vocabulary)


def _screen(
    find_drug: Find, medications: Iterable[ConcomitantMedication], chart: Chart, vocabulary: Vocabulary
) -> Fact:
    findings = (
        (medication.resource, medication.as_far_as_active(find_drug(medication, vocabulary)))
        for medication in medications
    )
    gap = next(filter(None, map(chart.gap, MEDICATION_LISTS)), None)
    return first_finding(findings) or gap or absent("none among the drafts and the active medications")


def concomitant_medications(orders: DraftOrders, chart: Chart) -> Iterator[ConcomitantMedication]:
    """Each drafted or active medication of this patient.

    A draft that states no drug yet is none; an entry on record without one may be anything.
    """
    medications = _index(orders, chart)
    for order in orders.draft_orders:
        drug = drug_of(order, medications)
        if is_about(order, chart.patient_id) and (drug.codings or drug.names or drug_references(order)):
            yield ConcomitantMedication(order, drug)
    for resource in medications_on_record(chart):
        if may_be_active(resource):
            yield ConcomitantMedication(resource, drug_of(resource, medications), is_active_medication(resource))


def _index(orders: DraftOrders, chart: Chart) -> Medications:
    """The Medications of the call, whichever way they are referenced."""
    return {**index_medications_on_record(chart), **orders.medications}


def _find_nitroglycerin(medication: ConcomitantMedication, vocabulary: Vocabulary) -> Finding:
    codes, names = vocabulary.code_lists["nitroglycerin"], vocabulary.name_lists["nitroglycerin-names"]
    return find(medication.drug, codes, names, vocabulary)


def _find_parenteral_glutamine(medication: ConcomitantMedication, vocabulary: Vocabulary) -> Finding:
    codes, names = vocabulary.code_lists["glutamine-drugs"], vocabulary.name_lists["glutamine-drug-names"]
    finding = find(medication.drug, codes, names, vocabulary)
    if finding is None or finding == find_unreadable(medication.drug, vocabulary, codes.excludes):
        return finding
    routes = routes_of(medication.resource, vocabulary)
    is_sure = INTRAVENOUS in sure_routes_of(medication.resource, vocabulary)
    if is_sure or (_is_only_parenteral(finding) and routes <= {INTRAVENOUS}):
        return finding
    return None if routes and INTRAVENOUS not in routes else _NO_ROUTE


def _is_only_parenteral(finding: Finding) -> bool:
    """True for the code or the name of a product that is given by no other route."""
    return isinstance(finding, CodeRow) and (bool(finding.code) or finding.extra.get("route") == INTRAVENOUS)
