"""What may never happen whatever an order says: a unit of another code system read as UCUM, a card by poisoning."""

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cds_service.answering import decide_orders
from cds_service.clinical.orders.dose import read_dose
from cds_service.clinical.orders.recognise import Order
from cds_service.content.examples import order_for
from cds_service.fhir.quantities import ACCEPTED, Measure, read_measure
from cds_service.fhir.systems import UCUM
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.deciding import Outcome
from tests.support import CONTENT, FIXTURES, NOW, ORDERS, PATIENTS, VOCABULARY, draft_orders_of, prefetch_for

Json = Any
UNITS = sorted({unit for units in ACCEPTED.values() for unit in units})
LISTED = sorted({row.name for row in VOCABULARY.name_lists["count-unit-words"].rows})

systems = st.sampled_from(["urn:other", "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_BMP_DOSIEREINHEIT"]) | st.text(
    min_size=1, max_size=30
).filter(lambda system: system.strip() not in ("", UCUM))
units = st.sampled_from(UNITS) | st.sampled_from(LISTED) | st.text(max_size=12)
numbers = st.integers(1, 100_000).map(Decimal)


@given(st.sampled_from(sorted(ACCEPTED)), numbers, systems, units, units)
def test_a_code_of_another_system_says_nothing_of_a_unit(
    kind: str, value: Decimal, system: str, code: str, words: str
) -> None:
    coded = read_measure(kind, {"value": value, "system": system, "code": code, "unit": words})
    in_words = read_measure(kind, {"value": value, "unit": words})
    assert not isinstance(coded, Measure) or coded == in_words


@given(numbers, systems, st.sampled_from(UNITS), st.sampled_from(["", "Einzeldosis", "Mio E", "Hub", "dose", "g"]))
def test_a_unit_of_another_system_is_never_a_number_of_grams(
    value: Decimal, system: str, code: str, words: str
) -> None:
    code = "g" if words == "g" else code
    quantity = {"value": value, "system": system, "code": code, "unit": words}
    resource = {
        "dosageInstruction": [{"timing": {"code": {"text": "BID"}}, "doseAndRate": [{"doseQuantity": quantity}]}]
    }
    dose = read_dose(Order(resource, (), ("acetylcysteine 600 mg capsule",)), Decimal(70), VOCABULARY)
    assert dose.single is None
    assert not isinstance(dose.per_day, Decimal)


POISONING = st.sampled_from(
    [
        "overdose",
        "Überdosis",
        "paracetamol poisoning",
        "for APAP toxicity",
        "loading dose",
        "x 17 doses",
        "poison control",
    ]
)
TEXTS = ("text", "display", "patientInstruction")


def texts_of(value: Json, path: tuple[Json, ...] = ()) -> Iterator[tuple[Json, ...]]:
    """The path of every text in a resource but that of a route, which nothing may stand beside: it is then not read."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in TEXTS and isinstance(inner, str):
                yield (*path, name)
            if name != "route":
                yield from texts_of(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_of(inner, (*path, index))


def shown(resource: Json, patient: str) -> set[str]:
    """The cards that an order gets."""
    chart = build_chart(patient, prefetch_for(patient))
    decided = decide_orders(draft_orders_of(resource, patient=patient), chart, CONTENT, NOW)
    return {one.decision.card.id for one in decided if one.decision.outcome is Outcome.ADVISE}


@given(st.sampled_from(PATIENTS), st.sampled_from(ORDERS), POISONING, st.data())
def test_a_word_of_poisoning_in_any_text_of_an_order_never_adds_a_card(
    patient: str, name: str, word: str, data: st.DataObject
) -> None:
    resource = order_for(FIXTURES, name, patient)
    resource["note"] = [{"text": "a note"}]
    resource["reasonCode"] = resource.get("reasonCode") or [{"text": "a reason"}]
    before = shown(resource, patient)
    *path, last = data.draw(st.sampled_from(sorted(texts_of(resource), key=str)))

    poisoned = deepcopy(resource)
    holder = poisoned
    for step in path:
        holder = holder[step]
    holder[last] = data.draw(st.sampled_from([f"{holder[last]} {word}", f"{word} {holder[last]}", word]))

    assert shown(poisoned, patient) <= before
