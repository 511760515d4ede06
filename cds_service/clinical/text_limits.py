"""How much text of one call is looked at: beyond it, text is not read, and the answer says so.

Names and free text are searched for many words, so that the work of a call grows with them. The orders of a call, or
one list of a chart, have a tenth of this; ten times as much would hold up everybody else's calls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.orders.drugs import (
    Medications,
    index_medications,
    index_medications_on_record,
    referenced_medications,
)
from cds_service.fhir import queries
from cds_service.fhir.json import Json, Resource, relative_part, relative_reference
from cds_service.fhir.versions.elements import reason_references

MAX_TEXT = 100_000  # characters: of all orders of a call, and of each list of a chart
NOT_READ = "it has more text than is read in one call"
_NOT_TEXT = frozenset(("code", "data", "div", "fullUrl", "id", "reference", "resourceType", "system", "url"))


def text_size(value: Json) -> int:
    """The characters of every string in a value that may be a name or free text."""
    size, waiting = 0, [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            size += len(current)
        elif isinstance(current, dict):
            waiting += [inner for name, inner in current.items() if not (isinstance(inner, str) and name in _NOT_TEXT)]
        elif isinstance(current, list):
            waiting += current
    return size


def is_too_much(orders: Sequence[Resource], entries: Iterable[Resource], chart: Chart | None = None) -> bool:
    """True where orders, with the Medications and reasons that they reference, have more text than is read.

    The entries are those in which Medications are looked up, and the reasons are conditions of the chart.
    """
    medications = index_medications(entries)
    conditions = chart.get(queries.PROBLEMS).resources if chart else ()
    if len(msgspec.json.encode((orders, medications, conditions))) * len(orders) <= MAX_TEXT:
        return False  # not even if every order references everything
    reasons = {relative_reference(condition): text_size(condition.get("code")) for condition in conditions}
    of_medications = {id(medication): text_size(medication) for medication in medications.values()}
    return sum(_order_size(order, medications, of_medications, reasons) for order in orders) > MAX_TEXT


def _order_size(
    order: Resource, medications: Medications, of_medications: Mapping[int, int], reasons: Mapping[str, int]
) -> int:
    """The text of an order and of what it references."""
    size = text_size(order)
    size += sum(of_medications.get(id(medication), 0) for medication in referenced_medications(order, medications))
    return size + sum(reasons.get(relative_part(reference), 0) for reference in reason_references(order))


def limit_texts(chart: Chart) -> Chart:
    """The chart without what goes beyond the limit of a list, which leaves a gap that names the reason."""
    medications = index_medications_on_record(chart)
    return replace(chart, data={key: _limit(answer, medications) for key, answer in chart.data.items()})


def _limit(answer: Data, medications: Medications) -> Data:
    most = len(msgspec.json.encode(answer.resources))
    if medications:  # not even if everything references all of them
        most += len(msgspec.json.encode(medications)) * len(answer.resources)
    if most <= MAX_TEXT:
        return answer
    of_medications = {id(medication): text_size(medication) for medication in medications.values()}
    kept: list[Resource] = []
    size = 0
    for resource in answer.resources:
        size += _order_size(resource, medications, of_medications, {})
        if size > MAX_TEXT:
            break
        kept.append(resource)
    if len(kept) == len(answer.resources):
        return answer
    gap = "; ".join(filter(None, (answer.gap, NOT_READ)))
    return Data(Arrival.GIVEN if kept else Arrival.FAILED, tuple(kept), gap)
