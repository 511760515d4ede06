"""Gathering the orders of a call, and the chart of its patient: from the request, then from the FHIR server."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cds_service.clinical.chart import Chart
from cds_service.clinical.orders.drafts import DraftOrders, read_orders, with_entries, with_versions
from cds_service.clinical.orders.drugs import has_unknown_drug, index_medications, is_ended_order, is_medication_order
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Resource, objects, relative_reference, text
from cds_service.fhir.versions.detecting import search_version
from cds_service.fhir.versions.elements import drug_references
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


def entries_of(answers: Iterable[object]) -> list[Resource]:
    """The entries of every Bundle among the answers, and every resource that stands by itself."""
    resources = [answer for answer in answers if isinstance(answer, dict)]
    return [entry for resource in resources for entry in [*objects(resource.get("entry")), {"resource": resource}]]


def _nameless_drugs(entries: Sequence[Resource]) -> Iterator[str]:
    """The references to Medications among orders that nothing at hand resolves or names: not worked out until asked."""
    medications = index_medications(entries)
    for entry in entries:
        order = entry.get("resource")
        if is_medication_order(order) and has_unknown_drug(order, medications):
            yield from drug_references(order)
