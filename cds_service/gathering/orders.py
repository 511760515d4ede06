"""Gathering the orders of a call, and the chart of its patient: from the request, then from the FHIR server."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from cds_service.clinical.chart import Chart
from cds_service.clinical.orders.drafts import DraftOrders, read_orders, with_entries, with_versions
from cds_service.clinical.orders.drugs import (
    MEDICATION_LISTS,
    has_unknown_drug,
    index_medications,
    is_ended_order,
    is_medication_order,
)
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Json, Resource, member, objects, relative_reference, text
from cds_service.fhir.queries import FOR_TREATMENTS, QUERIES
from cds_service.fhir.versions import R4
from cds_service.fhir.versions.detecting import search_version
from cds_service.fhir.versions.elements import drug_references, resource_type
from cds_service.gathering.prefetch import build_chart
from cds_service.gathering.server import DataSource
from cds_service.hooks.requests import HookRequest


def read_draft_orders(request: HookRequest, vocabulary: Vocabulary) -> DraftOrders:
    """The orders of a call by what the request itself holds; its prefetch is not parsed."""
    resources = [entry.get("resource") for entry in request.entries]
    draft_orders = [resource for resource in resources if is_medication_order(resource)]
    selected_orders = select_orders(request, draft_orders)
    orders = read_orders(request.patient_id, draft_orders, selected_orders, request.entries, vocabulary)
    ended_orders = tuple(order for order in resources if is_ended_order(order))
    return replace(orders, ended_orders=ended_orders) if ended_orders else orders


def select_orders(request: HookRequest, draft_orders: Sequence[Resource]) -> Sequence[Resource]:
    """The orders that the hook asks about: those that `selections` names at order-select, otherwise all of them.

    Where `selections` names nothing that is in the Bundle, all drafts are asked about.
    """
    if request.hook != "order-select":
        return draft_orders
    if not any(_is_selected(entry.get("resource"), request.selections) for entry in request.entries):
        return draft_orders
    return [order for order in draft_orders if _is_selected(order, request.selections)]


def _is_selected(resource: object, selections: Sequence[str]) -> bool:
    if not isinstance(resource, dict) or not text(resource.get("id")):
        return False
    return relative_reference(resource) in selections or text(resource["id"]) in selections


async def resolve_orders(
    orders: DraftOrders, prefetch: Mapping[str, Any], vocabulary: Vocabulary, source: DataSource
) -> DraftOrders:
    """The orders with their drugs looked up: in the prefetch, then on the FHIR server."""
    if orders.unresolved_orders:
        orders = with_entries(orders, entries_of(prefetch.values()), vocabulary)
    if orders.unresolved_orders:
        pointers = (pointer for order in orders.unresolved_orders for pointer in drug_references(order))
        orders = with_entries(orders, await source.fetch_medications(pointers), vocabulary)
    return orders


async def gather_chart(
    orders: DraftOrders, request: HookRequest, prefetch: Mapping[str, Any], source: DataSource
) -> tuple[DraftOrders, Chart]:
    """The patient's chart, and the orders with the Medications that came with it and the FHIR version of each."""
    if not orders.acetylcysteine_orders:  # none of this patient's data is for an order of somebody else
        return orders, Chart(request.patient_id, {})
    version = search_version(orders.acetylcysteine_orders[0].resource)
    answers = await source.complete_prefetch(prefetch, request.patient_id, version)
    fetched_entries = entries_of(answers.values())
    medications = await source.fetch_medications(_nameless_drugs([*orders.included_entries, *fetched_entries]))
    orders = replace(orders, included_entries=(*orders.included_entries, *medications, *fetched_entries))
    return with_versions(orders, request.hook), build_chart(request.patient_id, answers, source.reason)


async def gather_medications(request: HookRequest, source: DataSource) -> tuple[Mapping[str, Any], Chart]:
    """The answers to the queries for medications alone, and the chart that they make: no other data is parsed.

    Medications that entries point to, and that nothing names, come with them.
    """
    prefetch = request.prefetch_of(MEDICATION_LISTS)
    is_sent = len(prefetch) == len(MEDICATION_LISTS)  # then there is nothing to search for in any version
    version = R4 if is_sent else _version_of(entries_of(prefetch.values()))
    answers = await source.complete_prefetch(prefetch, request.patient_id, version, MEDICATION_LISTS)
    medications = await source.fetch_medications(_nameless_drugs(entries_of(answers.values()), _is_on_record))
    if medications:
        answers = {key: _with_entries(answer, medications) for key, answer in answers.items()}
    return answers, build_chart(request.patient_id, answers, source.reason, MEDICATION_LISTS)


async def gather_chart_of_treatment(
    request: HookRequest, medications: Mapping[str, Any], source: DataSource
) -> tuple[list[Resource], Chart]:
    """The entries of all that was sent and fetched, and the chart that they make. The medications are there already."""
    version = _version_of(entries_of(medications.values()))
    prefetch = {key: answer for key, answer in request.prefetch().items() if key not in MEDICATION_LISTS}
    others = [key for key in FOR_TREATMENTS if key not in MEDICATION_LISTS]
    answers = {**await source.complete_prefetch(prefetch, request.patient_id, version, others), **medications}
    return entries_of(answers.values()), build_chart(request.patient_id, answers, source.reason, FOR_TREATMENTS)


def _version_of(entries: Iterable[Resource]) -> str:
    """The version in which to search beside the orders among these entries."""
    orders = (entry.get("resource") for entry in entries)
    return next((search_version(order) for order in orders if is_medication_order(order)), R4)


def _is_on_record(resource: Json) -> TypeGuard[Resource]:
    """True for an order or a statement of a medication."""
    return resource_type(resource) in [QUERIES[key].resource_type for key in MEDICATION_LISTS]


def _with_entries(answer: Any, entries: Sequence[Resource]) -> Any:
    """A Bundle with more entries; anything else as it is."""
    if member(answer, "resourceType") != "Bundle":
        return answer
    return {**answer, "entry": [*objects(answer.get("entry")), *entries]}


def entries_of(answers: Iterable[object]) -> list[Resource]:
    """The entries of every Bundle among the answers, and every resource that stands by itself."""
    resources = [answer for answer in answers if isinstance(answer, dict)]
    return [entry for resource in resources for entry in [*objects(resource.get("entry")), {"resource": resource}]]


def _nameless_drugs(
    entries: Sequence[Resource], counts: Callable[[Json], TypeGuard[Resource]] = is_medication_order
) -> Iterator[str]:
    """The references to Medications among orders that nothing at hand resolves or names: not worked out until asked."""
    medications = index_medications(entries)
    for entry in entries:
        order = entry.get("resource")
        if counts(order) and (references := drug_references(order)) and has_unknown_drug(order, medications):
            yield from references
