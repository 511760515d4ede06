"""Reading and deciding under arbitrary input: never raise, never depend on what does not matter."""

import random
from copy import deepcopy
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cds_service.answering import decide_orders
from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.orders.dose import read_dose
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.content.examples import order_for, read_json
from cds_service.fhir import queries
from cds_service.fhir.searching import prefetch_from
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.deciding import Outcome, group_advice
from cds_service.guidance.rendering import Call, render
from cds_service.settings import CARDS
from tests.support import CONTENT, NOW, draft_orders_of

FIXTURES = CARDS.parent / "fixtures"
PATIENTS = sorted(path.stem for path in (FIXTURES / "patients").glob("*.json"))
ORDERS = [
    path.stem
    for path in sorted((FIXTURES / "orders").glob("*.json"))
    if read_order(read_json(path), {}, CONTENT.vocabulary) is not None
]
KEYS = list(queries.FOR_ORDERS)

names = st.sampled_from(
    [
        "resourceType",
        "id",
        "status",
        "code",
        "coding",
        "system",
        "display",
        "text",
        "valueQuantity",
        "value",
        "unit",
        "comparator",
        "effectiveDateTime",
        "referenceRange",
        "low",
        "high",
        "interpretation",
        "component",
        "contained",
        "subject",
        "reference",
        "clinicalStatus",
        "verificationStatus",
        "substance",
        "reaction",
        "dosageInstruction",
        "timing",
        "repeat",
        "frequency",
        "period",
        "periodUnit",
        "doseAndRate",
        "doseQuantity",
        "route",
        "medicationCodeableConcept",
        "medicationReference",
        "hasMember",
        "result",
        "reasonCode",
        "birthDate",
        "gender",
    ]
)
words = st.sampled_from(
    [
        "Observation",
        "Condition",
        "AllergyIntolerance",
        "MedicationRequest",
        "Patient",
        "final",
        "active",
        "20642-5",
        "22672-0",
        "2160-0",
        "http://loinc.org",
        "umol/L",
        "mg",
        "mg/dL",
        "2026-11-20",
        "2026-11-20T08:00:00Z",
        "acetylcysteine",
        "NAC",
        "asthma",
        "overdose",
        "<",
        ">",
        "d",
        "h",
        "BID",
        "1990-01-01",
        "male",
    ]
)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers() | decimals | words | st.text(max_size=12)
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6))
resources = st.dictionaries(names, anything, max_size=10)


def order_of(name: str, patient: str) -> Order:
    order = read_order(order_for(FIXTURES, name, patient), {}, CONTENT.vocabulary)
    assert order is not None
    return order


def outcomes(order: Order, chart: Chart, drafts: tuple[Any, ...] = ()) -> dict[str, Outcome]:
    orders = draft_orders_of(order.resource, background=drafts)
    decided = decide_orders(orders, chart, CONTENT, NOW)
    return {one.decision.card.id: one.decision.outcome for one in decided}


def prefetch_of(patient: str) -> dict[str, Any]:
    bundle = read_json(FIXTURES / "patients" / f"{patient}.json")
    return prefetch_from(bundle, patient, CONTENT.vocabulary.code_lists)


@given(st.dictionaries(st.sampled_from(KEYS), anything), resources)
def test_no_prefetch_and_no_order_makes_it_raise(prefetch: dict[str, Any], extra: dict[str, Any]) -> None:
    resource = {
        **order_for(FIXTURES, "oral-600-twice-daily", "p"),
        **extra,
        "medicationCodeableConcept": {"text": "NAC"},
    }
    decisions = decide_orders(draft_orders_of(resource), build_chart("p", prefetch), CONTENT, NOW)
    for advice in group_advice(decisions):
        render(advice, CONTENT, Call("p", NOW.date(), lambda: "id"))


@given(st.sampled_from(KEYS), st.lists(resources, max_size=5))
def test_no_resource_of_the_right_type_makes_it_raise(key: str, listed: list[dict[str, Any]]) -> None:
    typed = [{**one, "resourceType": queries.QUERIES[key].resource_type} for one in listed]
    chart = Chart("p", {key: Data(Arrival.GIVEN, tuple(typed))})

    assert outcomes(order_of("oral-600-twice-daily", "p"), chart)


@given(st.sampled_from(PATIENTS), st.sampled_from(ORDERS), st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_nothing(patient: str, order: str, shuffler: random.Random) -> None:
    prefetch = prefetch_of(patient)
    shuffled = deepcopy(prefetch)
    for bundle in shuffled.values():
        shuffler.shuffle(bundle.get("entry", []))

    assert outcomes(order_of(order, patient), build_chart(patient, shuffled)) == outcomes(
        order_of(order, patient), build_chart(patient, prefetch)
    )


@given(st.sampled_from(PATIENTS), st.sampled_from(ORDERS))
def test_a_resource_sent_twice_changes_nothing(patient: str, order: str) -> None:
    prefetch = prefetch_of(patient)
    doubled = deepcopy(prefetch)
    for bundle in doubled.values():
        if bundle.get("entry"):
            bundle["entry"] = [*bundle["entry"], *deepcopy(bundle["entry"])]

    assert outcomes(order_of(order, patient), build_chart(patient, doubled)) == outcomes(
        order_of(order, patient), build_chart(patient, prefetch)
    )


@given(st.sampled_from(PATIENTS), st.sampled_from(ORDERS))
def test_an_unrelated_resource_changes_nothing(patient: str, order: str) -> None:
    prefetch = prefetch_of(patient)
    more = deepcopy(prefetch)
    for key in KEYS:
        if key != queries.PATIENT:
            unrelated = {
                "resourceType": queries.QUERIES[key].resource_type,
                "id": f"unrelated-{key}",
                "code": {"text": "something else"},
                "medicationCodeableConcept": {"text": "something else"},
            }
            more[key]["entry"] = [*more[key].get("entry", []), {"resource": unrelated}]

    assert outcomes(order_of(order, patient), build_chart(patient, more)) == outcomes(
        order_of(order, patient), build_chart(patient, prefetch)
    )


@given(st.sampled_from(PATIENTS), st.sampled_from(ORDERS), st.sets(st.sampled_from(KEYS)))
def test_data_that_is_taken_away_never_turns_cannot_tell_into_advise(patient: str, order: str, kept: set[str]) -> None:
    prefetch = {key: value for key, value in prefetch_of(patient).items() if key in kept}
    before = outcomes(order_of(order, patient), build_chart(patient, prefetch))

    for key in prefetch:
        fewer = {name: value for name, value in prefetch.items() if name != key}
        after = outcomes(order_of(order, patient), build_chart(patient, fewer))
        turned = [
            card
            for card, outcome in after.items()
            if outcome is Outcome.ADVISE and before[card] is Outcome.CANNOT_TELL and card != "screening-incomplete"
        ]
        assert turned == [], key


@given(st.sampled_from(["oral-600-twice-daily", "inhaled-3ml", "oral-for-bronchitis"]), st.sets(st.sampled_from(KEYS)))
def test_whatever_cannot_be_told_is_shown(order: str, kept: set[str]) -> None:
    prefetch = {key: value for key, value in prefetch_of("bruno-glutamate-normal").items() if key in kept}
    found = outcomes(order_of(order, "bruno-glutamate-normal"), build_chart("bruno-glutamate-normal", prefetch))

    if Outcome.CANNOT_TELL in found.values():
        assert found["screening-incomplete"] is Outcome.ADVISE


SPELLINGS = ["umol/L", "µmol/L", "μmol/L", "umol/l", "nmol/mL", "micromol/L"]


@given(st.sampled_from(SPELLINGS), st.sampled_from(ORDERS))
def test_a_unit_spelled_another_way_gives_the_same_decision(spelling: str, order: str) -> None:
    patient = "alma-glutamate-high"
    prefetch = prefetch_of(patient)
    respelled = deepcopy(prefetch)
    for entry in respelled["aminoAcids"]["entry"]:
        resource = entry["resource"]
        quantities = [resource["valueQuantity"]]
        quantities += [
            end for one in resource.get("referenceRange", []) for end in (one.get("low"), one.get("high")) if end
        ]
        for quantity in quantities:
            quantity.update(unit=spelling)
            quantity.pop("code", None)

    assert outcomes(order_of(order, patient), build_chart(patient, respelled)) == outcomes(
        order_of(order, patient), build_chart(patient, prefetch)
    )


@given(
    st.integers(1, 2000),
    st.integers(1, 12),
    st.integers(1, 7),
    st.sampled_from(["h", "d", "wk"]),
    st.integers(2, 5),
)
def test_the_dose_of_the_largest_day_is_linear_in_the_dose_and_never_less_than_the_mean(
    dose: int, times: int, period: int, unit: str, factor: int
) -> None:
    def per_day(milligrams: int, frequency: int) -> Decimal:
        repeat = {"frequency": frequency, "period": period, "periodUnit": unit}
        quantity = {"value": milligrams, "unit": "mg"}
        instruction = {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": quantity}]}
        found = read_dose(Order({"dosageInstruction": [instruction]}, (), ()), None, CONTENT.vocabulary).per_day
        assert isinstance(found, Decimal)
        return found

    days = {"h": Decimal(1) / 24, "d": Decimal(1), "wk": Decimal(7)}[unit] * period
    mean, close = dose * times / days, Decimal("0.00001") * dose
    assert per_day(dose * factor, times) == factor * per_day(dose, times)
    assert mean - close <= per_day(dose, times) < mean + dose + close
    assert per_day(dose, times) <= per_day(dose, times * factor)
