"""Whether plasma amino acids are ordered already, as a chart is opened: the card does not suggest them twice."""

import pytest

from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN
from tests.builders import bundle
from tests.support import Json
from tests.unit.clinical.monitoring.treated import GAPS, decisions, fact
from tests.unit.clinical.orders.test_laboratory import NOT_ORDERED, ORDERED, PLASMA, request

OF_OTHERS = {name for name in NOT_ORDERED if name in ("of another patient", "of a group")}
OF_SOMETHING_ELSE = {name: order for name, order in NOT_ORDERED.items() if name not in OF_OTHERS}


def suggested(**prefetch: Json) -> list[str]:
    """What the card of the 56th day suggests to do."""
    return [row.does for row in decisions(**prefetch)["follow-up-due"].suggestions]


def test_it_is_suggested_where_nothing_is_ordered() -> None:
    assert fact("amino_acids_pending").state is ABSENT
    assert suggested() == ["order-amino-acids"]


@pytest.mark.parametrize("order", ORDERED.values(), ids=ORDERED)
def test_plasma_amino_acids_that_are_ordered_are_found(order: Json) -> None:
    on_record = bundle(order)
    assert fact("amino_acids_pending", laboratoryOrders=on_record).state is KNOWN
    assert suggested(laboratoryOrders=on_record) == []


@pytest.mark.parametrize("order", OF_SOMETHING_ELSE.values(), ids=OF_SOMETHING_ELSE)
def test_any_other_laboratory_order_leaves_them_suggested(order: Json) -> None:
    on_record = bundle(order)
    assert fact("amino_acids_pending", laboratoryOrders=on_record).state is ABSENT
    assert suggested(laboratoryOrders=on_record) == ["order-amino-acids"]


@pytest.mark.parametrize("name", sorted(OF_OTHERS))
def test_an_order_of_somebody_else_says_nothing_and_leaves_the_list_incomplete(name: str) -> None:
    mixed = bundle(NOT_ORDERED[name], request({"text": "Plasma lactate"}))
    assert fact("amino_acids_pending", laboratoryOrders=mixed).state is UNKNOWN


STATUSES = {
    "active": KNOWN,
    "draft": KNOWN,
    "on-hold": KNOWN,
    "unknown": KNOWN,
    "requested": KNOWN,  # of DSTU2, as the next two
    "in-progress": KNOWN,
    "rejected": ABSENT,
    "completed": ABSENT,
    "revoked": ABSENT,
    "cancelled": ABSENT,
    "entered-in-error": ABSENT,
}


@pytest.mark.parametrize("status", STATUSES)
def test_an_order_counts_until_it_is_done_or_will_not_be(status: str) -> None:
    on_record = bundle(request(PLASMA, status=status))
    assert fact("amino_acids_pending", laboratoryOrders=on_record).state is STATUSES[status]


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_where_not_all_orders_came_nothing_is_suggested(gap: Json) -> None:
    assert fact("amino_acids_pending", laboratoryOrders=gap).state is UNKNOWN
    decided = decisions(laboratoryOrders=gap)["follow-up-due"]
    assert (decided.outcome.value, decided.suggestions) == ("advise", ())


def test_part_of_the_orders_with_the_one_that_counts_is_enough() -> None:
    on_record = bundle(request(PLASMA), total=9)
    assert fact("amino_acids_pending", laboratoryOrders=on_record).state is KNOWN
