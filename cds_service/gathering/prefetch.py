"""From the answers to the queries, prefetched or fetched, to a chart.

| answer | state |
| --- | --- |
| none: the key is absent; for an optional query also the issues "not supported" or "forbidden" | not sent |
| `null`, or a Bundle without entries | empty |
| an OperationOutcome, a string, a list, a resource of another type, a `Failure` | failed |
| a resource, or a Bundle with entries of the right type | given, with a gap if part of it is missing |
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cds_service.clinical.chart import NOT_SENT, Arrival, Chart, Data
from cds_service.fhir.json import Resource, code_or_concept, member, number, objects, text
from cds_service.fhir.queries import FOR_ORDERS, PATIENT, QUERIES, Query
from cds_service.fhir.versions.elements import is_about, resource_type
from cds_service.gathering.failures import Failure

MAX_ENTRIES = 1000  # of one key: several times what the queries ask for
_INCLUDED_TYPES = frozenset(("Medication", "DiagnosticReport"))  # read, although no query searches for them
_EXPECTED_TYPES = _INCLUDED_TYPES | {"OperationOutcome", "Provenance"}
_NOT_OFFERED = frozenset(("not-supported", "forbidden", "security"))  # issue codes of a list that nobody may read


def build_chart(
    patient_id: str, answers: Mapping[str, Any], not_asked: str = "", keys: Iterable[str] = FOR_ORDERS
) -> Chart:
    """The chart that the answers to these queries make. `not_asked` says why no FHIR server was asked for the rest."""
    not_sent = Data(Arrival.NOT_SENT, gap=not_asked or NOT_SENT.gap)
    data = {key: read_answer(QUERIES[key], answers[key], patient_id) if key in answers else not_sent for key in keys}
    return Chart(patient_id, data)


def read_answer(query: Query, answer: Any, patient_id: str) -> Data:
    """The answer to one query, as in the table above."""
    if answer is None:
        return Data(Arrival.EMPTY)
    if isinstance(answer, Failure):
        return _failed(answer.reason)
    answer_type = resource_type(answer)
    if answer_type == "OperationOutcome":
        return NOT_SENT if query.optional and _is_not_offered(answer) else _failed("the EHR reports an error")
    if answer_type == "Bundle":
        return _read_bundle(query, answer, patient_id)
    if answer_type == query.resource_type:
        return _given(query, [answer], patient_id, [])
    article = "an" if query.resource_type[0] in "AO" else "a"
    return _failed(f"not {article} {query.resource_type} or a Bundle of them")


def _is_not_offered(outcome: Resource) -> bool:
    """True where the EHR has no such list, or none that may be read."""
    codes = {code for issue in objects(outcome.get("issue")) for code in code_or_concept(issue.get("code"))}
    return bool(codes) and codes <= _NOT_OFFERED


def _failed(gap: str) -> Data:
    return Data(Arrival.FAILED, gap=gap)


def _read_bundle(query: Query, bundle: Resource, patient_id: str) -> Data:
    entries = bundle.get("entry")
    if entries is not None and not isinstance(entries, list):
        return _failed("its entries are not a list")
    resources, gaps = _resources_of(entries or [])
    by_type: dict[str, list[Resource]] = {}
    for resource in resources:
        by_type.setdefault(resource_type(resource), []).append(resource)
    gaps += _gaps(query, bundle, by_type)
    matches = by_type.get(query.resource_type, [])
    if matches:
        included = [resource for resource in resources if resource["resourceType"] in _INCLUDED_TYPES]
        return _given(query, matches + included, patient_id, gaps)
    return _failed("; ".join(gaps)) if gaps else Data(Arrival.EMPTY)


def _resources_of(entries: Sequence[Any]) -> tuple[list[Resource], list[str]]:
    """The resources of the entries, up to the limit, and the gaps that are left."""
    values = [member(entry, "resource") for entry in entries[:MAX_ENTRIES]]
    resources = [value for value in values if isinstance(value, dict) and isinstance(value.get("resourceType"), str)]
    gaps = [] if len(resources) == len(values) else ["some entries cannot be read"]
    if len(entries) > MAX_ENTRIES:
        gaps.append(f"only its first {MAX_ENTRIES} entries are read")
    return resources, gaps


def _gaps(query: Query, bundle: Resource, by_type: Mapping[str, list[Resource]]) -> list[str]:
    """What a Bundle says, or shows, to be missing from it."""
    gaps = []
    if any(map(_reports_error, by_type.get("OperationOutcome", ()))):
        gaps.append("the EHR reports an error")
    if by_type.keys() - _EXPECTED_TYPES - {query.resource_type}:
        gaps.append(f"it holds something other than {query.resource_type}")
    if any(text(link.get("relation")) == "next" for link in objects(bundle.get("link"))):
        gaps.append("not all its pages came")
    elif (number(bundle.get("total")) or 0) > len(by_type.get(query.resource_type, ())):
        gaps.append("it has fewer entries than its total")
    return gaps


def _reports_error(resource: Resource) -> bool:
    """An OperationOutcome with an issue worse than a warning, or with no issue that can be read."""
    if resource["resourceType"] != "OperationOutcome":
        return False
    issues = objects(resource.get("issue"))
    severities = {severity for issue in issues for severity in code_or_concept(issue.get("severity"))}
    return not severities or bool(severities - {"warning", "information", "success"})


def _given(query: Query, resources: list[Resource], patient_id: str, gaps: list[str]) -> Data:
    """The resources about this patient. One about another patient is dropped, and leaves a gap."""
    own = [resource for resource in resources if _belongs(resource, query, patient_id)]
    if len(own) < len(resources):
        gaps = [*gaps, "it holds data of another patient"]
    return Data(Arrival.GIVEN, tuple(own), "; ".join(gaps)) if own else _failed("; ".join(gaps))


def _belongs(resource: Resource, query: Query, patient_id: str) -> bool:
    if query.key == PATIENT:
        return text(resource.get("id")) in ("", patient_id)
    return is_about(resource, patient_id)
