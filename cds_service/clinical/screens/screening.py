"""What screens have in common: what a whole list comes to, from what each of its entries says."""

from collections.abc import Iterable

from cds_service.clinical.chart import Arrival, Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.screens.finding import Doubt, Finding
from cds_service.fhir import queries
from cds_service.fhir.json import Resource, relative_reference
from cds_service.fhir.versions.elements import resource_type

PRESENT = "present"
_ENTRY = {"Condition": "an entry of the problem list", "AllergyIntolerance": "an entry of the allergy list"}


def screen_list(chart: Chart, key: str, findings: Iterable[tuple[Resource, Finding]]) -> Fact:
    """The fact behind a list. An incomplete list, or an entry in doubt, turns "none found" into *unknown*."""
    return first_finding(findings) or chart.gap(key) or absent(_describe_none(chart, key))


def first_finding(findings: Iterable[tuple[Resource, Finding]]) -> Fact | None:
    """The first match as a fact; else *unknown*, by the first doubt; None if there is neither."""
    unsure: Fact | None = None
    for resource, finding in findings:
        if finding is None:
            continue
        reference = relative_reference(resource)
        if isinstance(finding, Doubt):
            entry = _ENTRY.get(resource_type(resource), "a medication")
            unsure = unsure or unknown(f"{entry} {finding.reason}", (Origin(reference, finding.reason),))
        else:
            local = f" ({finding.local})" if finding.local else ""
            origin = Origin(reference, f"{finding.code} {finding.term}{local}".strip())
            return known(PRESENT, (origin,), term=finding.term)
    return unsure


def _describe_none(chart: Chart, key: str) -> str:
    label = queries.QUERIES[key].label
    return f"{label} empty" if chart.get(key).arrival is Arrival.EMPTY else f"none on the {label}"
