"""The medication orders of one call: one value, made from the request, that every later step reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cds_service.clinical.orders.drugs import Medications, has_unknown_drug, has_unresolved_drug, index_medications
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.clinical.text_limits import is_too_much
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Json, Resource
from cds_service.fhir.versions.detecting import likely_versions, shows_version, version_of
from cds_service.fhir.versions.elements import is_about, is_laboratory_order


@dataclass(frozen=True)
class DraftOrders:
    """The orders of one hook call, and what they turned out to be for.

    `draft_orders` are all medication orders, as sent; `selected_orders` those of them that the hook asks about.
    `included_entries` are the Bundle entries in which the drug behind a reference is looked up: those of the request,
    and what was gathered since. Of the selected orders, `acetylcysteine_orders` are for acetylcysteine and for this
    patient, `orders_of_other_patients` are for acetylcysteine and for somebody else, and the drug of
    `unresolved_orders` stands behind a reference that no included entry resolves. `ended_orders` are those that the
    call stops or cancels: they are no drafts, and what is active under the same id is over. Where there is
    `too_much_text`, no order is read.
    """

    patient_id: str
    draft_orders: tuple[Resource, ...]
    selected_orders: tuple[Resource, ...]
    included_entries: tuple[Resource, ...]
    acetylcysteine_orders: tuple[Order, ...]
    orders_of_other_patients: tuple[Order, ...]
    unresolved_orders: tuple[Resource, ...]
    ended_orders: tuple[Resource, ...] = ()
    too_much_text: bool = False

    @cached_property
    def medications(self) -> Medications:
        """The Medications among the included entries."""
        return index_medications(self.included_entries)

    @property
    def laboratory_orders(self) -> list[Resource]:
        """The drafts of laboratory orders among the included entries."""
        included: Iterable[Json] = (entry.get("resource") for entry in self.included_entries)
        return [resource for resource in included if is_laboratory_order(resource)]

    @property
    def may_be_acetylcysteine(self) -> bool:
        """False where every selected order is known to be for another drug."""
        return bool(self.acetylcysteine_orders or self.orders_of_other_patients or self.unresolved_orders)

    @property
    def nameless_orders(self) -> list[Resource]:
        """The unresolved orders that do not name their drug beside the reference either: they may be for anything."""
        return [order for order in self.unresolved_orders if has_unknown_drug(order, self.medications)]


def read_orders(
    patient_id: str,
    draft_orders: Sequence[Resource],
    selected_orders: Sequence[Resource],
    included_entries: Iterable[Resource],
    vocabulary: Vocabulary,
) -> DraftOrders:
    """The draft orders, each selected one recognised by its codes and names and by the Medication it points to.

    None is, where the orders have more text than is read.
    """
    entries = tuple(included_entries)
    too_much_text = is_too_much(draft_orders, entries)
    medications = index_medications(entries)
    orders: list[Order] = []
    unresolved_orders = []
    for resource in () if too_much_text else selected_orders:
        order = read_order(resource, medications, vocabulary)
        if order is not None:
            orders.append(order)
        elif has_unresolved_drug(resource, medications):
            unresolved_orders.append(resource)
    return DraftOrders(
        patient_id,
        tuple(draft_orders),
        tuple(selected_orders),
        entries,
        tuple(order for order in orders if is_about(order.resource, patient_id)),
        tuple(order for order in orders if not is_about(order.resource, patient_id)),
        tuple(unresolved_orders),
        too_much_text=too_much_text,
    )


def with_entries(orders: DraftOrders, entries: Iterable[Resource], vocabulary: Vocabulary) -> DraftOrders:
    """The same orders, recognised anew with more entries to look a drug up in."""
    included_entries = (*orders.included_entries, *entries)
    read = read_orders(orders.patient_id, orders.draft_orders, orders.selected_orders, included_entries, vocabulary)
    return replace(read, ended_orders=orders.ended_orders)


def with_versions(orders: DraftOrders, hook: str) -> DraftOrders:
    """The same orders, each with the FHIR version that it is written in.

    That is the likeliest one that the order's own shape allows, by everything else of the call and by its hook.
    """
    acetylcysteine_orders = orders.acetylcysteine_orders
    resources: list[Resource] = []
    if not all(shows_version(order.resource) for order in acetylcysteine_orders):
        entries = orders.included_entries
        resources = [resource for entry in entries if isinstance(resource := entry.get("resource"), dict)]
    likely = likely_versions(hook, resources)
    versioned = (replace(order, fhir_version=version_of(order.resource, likely)) for order in acetylcysteine_orders)
    return replace(orders, acetylcysteine_orders=tuple(versioned))
