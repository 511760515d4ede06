"""What screens have in common: an entry of a list is a match, only a hint, or neither."""

from collections.abc import Callable, Iterable

from cds_service.clinical.chart import Arrival, Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.fhir import queries
from cds_service.fhir.codes import SUPPORTED_SYSTEMS, CodeRow
from cds_service.fhir.json import Concept, Resource, relative_reference

PRESENT, NAMELESS = "present", "no name, and no code of a system that is read"

Finding = CodeRow | str | None  # the row that an entry matches; a hint, in words, that it may match; neither


def row_by_name(name: str) -> CodeRow:
    """The row for an entry that matches by its name alone."""
    return CodeRow("", "", f"{name}, by name", True, "")


def is_nameless(concept: Concept) -> bool:
    """True without a name, and without a code of a supported system: it may be anything."""
    return not concept.names and not any(coding.system in SUPPORTED_SYSTEMS for coding in concept.codings)


def screen_list(chart: Chart, key: str, findings: Iterable[tuple[Resource, Finding]]) -> Fact:
    """What the findings in a list come to. Without a match, a hint or a gap in the list makes the fact *unknown*."""
    return first_finding(findings, _describe_hint) or chart.gap(key) or absent(_describe_none(chart, key))


def first_finding(findings: Iterable[tuple[Resource, Finding]], describe_hint: Callable[[str], str]) -> Fact | None:
    """The first match as a fact; else *unknown*, by the first hint; None where there is neither."""
    unsure: Fact | None = None
    for resource, finding in findings:
        reference = relative_reference(resource)
        if isinstance(finding, CodeRow):
            origin = Origin(reference, f"{finding.code} {finding.term}".strip())
            return known(PRESENT, (origin,), term=finding.term)
        if finding and unsure is None:
            unsure = unknown(describe_hint(finding), (Origin(reference, finding),))
    return unsure


def _describe_hint(name: str) -> str:
    if name == NAMELESS:
        return "an entry has neither a name nor a code of a system that this service reads"
    return f"an entry named “{name}” has no code that this service is sure of"


def _describe_none(chart: Chart, key: str) -> str:
    label = queries.QUERIES[key].label
    return f"{label} empty" if chart.get(key).arrival is Arrival.EMPTY else f"none on the {label}"
