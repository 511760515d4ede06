"""From the prefetch of a request, and what was fetched beside it, to a chart: each key in one of four states.

| the answer | state |
| --- | --- |
| key absent | not sent |
| `null`, or a search without entries | empty |
| OperationOutcome, text, list, another kind of resource; a fetch that failed | failed |
| a resource, or a Bundle with entries of the right type | given, with a gap where part of it is missing |
"""

from collections.abc import Mapping
from typing import Any

from cds_service.clinical.chart import NOT_SENT, Arrival, Chart, Data
from cds_service.fhir.json import Resource, code_or_concept, member, number, objects, text
from cds_service.fhir.queries import PATIENT, QUERIES, Query
from cds_service.fhir.versions.elements import is_about, resource_type
from cds_service.gathering.server import Failure

MOST_ENTRIES = 1000  # of one key: several times what is asked for
_ALSO_READ = frozenset(("Medication", "DiagnosticReport"))  # come along in a Bundle without being asked for
_ALSO_WELCOME = _ALSO_READ | {"OperationOutcome", "Provenance"}


def gather(patient_id: str, prefetch: Mapping[str, Any], not_sent: str = "") -> Chart:
    """The chart that a prefetch holds. `not_sent` says why nothing else was asked for what is missing."""
    absent = Data(Arrival.NOT_SENT, gap=not_sent or NOT_SENT.gap)
    data = {
        key: absent if key not in prefetch else read_answer(query, prefetch[key], patient_id)
        for key, query in QUERIES.items()
    }
    return Chart(patient_id, data)


def read_answer(query: Query, value: Any, patient_id: str) -> Data:
    """The answer to one query: a resource, a Bundle, nothing, or something that is not an answer."""
    if value is None:
        return Data(Arrival.EMPTY)
    if isinstance(value, Failure):
        return _failed(value.reason)
    kind = resource_type(value)
    if kind == "OperationOutcome":
        return _failed("the EHR reports an error")
    if kind == "Bundle":
        return _read_bundle(query, value, patient_id)
    if kind == query.resource_type:
        return _given(query, [value], patient_id, [])
    article = "an" if query.resource_type[0] in "AO" else "a"
    return _failed(f"not {article} {query.resource_type} or a Bundle of them")


def _failed(gap: str) -> Data:
    return Data(Arrival.FAILED, gap=gap)


def _read_bundle(query: Query, bundle: Resource, patient_id: str) -> Data:
    entries = bundle.get("entry")
    if entries is not None and not isinstance(entries, list):
        return _failed("its entries are not a list")
    sent = entries or []
    resources = [member(entry, "resource") for entry in sent[:MOST_ENTRIES]]
    usable = [one for one in resources if isinstance(one, dict) and isinstance(one.get("resourceType"), str)]
    gaps = [] if len(usable) == len(resources) else ["some entries cannot be read"]
    if len(sent) > MOST_ENTRIES:
        gaps.append(f"only its first {MOST_ENTRIES} entries are read")
    by_kind: dict[str, list[Resource]] = {}
    for one in usable:
        by_kind.setdefault(resource_type(one), []).append(one)
    wanted = by_kind.get(query.resource_type, [])
    gaps += _gaps(query, bundle, by_kind)
    if wanted:
        along = [one for one in usable if one["resourceType"] in _ALSO_READ]
        return _given(query, wanted + along, patient_id, gaps)
    return _failed("; ".join(gaps)) if gaps else Data(Arrival.EMPTY)


def _gaps(query: Query, bundle: Resource, by_kind: Mapping[str, list[Resource]]) -> list[str]:
    """What a Bundle says, or shows, to be missing from it."""
    gaps = []
    if any(map(_reports_error, by_kind.get("OperationOutcome", ()))):
        gaps.append("the EHR reports an error")
    if by_kind.keys() - _ALSO_WELCOME - {query.resource_type}:
        gaps.append(f"it holds something other than {query.resource_type}")
    if any(text(link.get("relation")) == "next" for link in objects(bundle.get("link"))):
        gaps.append("not all its pages came")
    elif (number(bundle.get("total")) or 0) > len(by_kind.get(query.resource_type, ())):
        gaps.append("it has fewer entries than its total")
    return gaps


def _reports_error(resource: Resource) -> bool:
    """An OperationOutcome with an issue that is worse than a warning, or with none that can be read."""
    if resource["resourceType"] != "OperationOutcome":
        return False
    issues = objects(resource.get("issue"))
    severities = {severity for issue in issues for severity in code_or_concept(issue.get("severity"))}
    return not severities or bool(severities - {"warning", "information", "success"})


def _given(query: Query, resources: list[Resource], patient_id: str, gaps: list[str]) -> Data:
    """What is about this patient; what is about another is dropped, and that it was there is a gap."""
    own = [one for one in resources if _belongs(one, query, patient_id)]
    if len(own) < len(resources):
        gaps = [*gaps, "it holds data of another patient"]
    return Data(Arrival.GIVEN, tuple(own), "; ".join(gaps)) if own else _failed("; ".join(gaps))


def _belongs(resource: Resource, query: Query, patient_id: str) -> bool:
    if query.key == PATIENT:
        return text(resource.get("id")) in ("", patient_id)
    return is_about(resource, patient_id)
