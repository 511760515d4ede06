"""Runs the examples of the cards: each has a patient, an order, a moment, and what the card decides."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from cds_service.answering import decide_orders, decide_treatments
from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Facts, State
from cds_service.clinical.monitoring.treatments import read_treatments
from cds_service.clinical.orders.drafts import DraftOrders, read_orders
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import CodeList
from cds_service.fhir.json import Resource
from cds_service.fhir.queries import FOR_ORDERS, FOR_TREATMENTS
from cds_service.fhir.searching import prefetch_from
from cds_service.fhir.versions.elements import doses_of, instructions_of
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.conditions import Condition, Truth
from cds_service.guidance.deciding import Decision, OrderDecision, Outcome, group_advice
from cds_service.guidance.model import Card, Content, Example
from cds_service.guidance.rendering import Call, render
from cds_service.hooks import cards as wire

_OUTCOMES = {"advise": Outcome.ADVISE, "silent": Outcome.SILENT, "cannot tell": Outcome.CANNOT_TELL}


@dataclass(frozen=True)
class ExampleRun:
    """An example that was run: the decision of its card, and the card as it is shown, if it is."""

    example: Example
    decision: Decision
    shown_card: wire.Card | None

    @property
    def shown_text(self) -> str:
        """The words of the card, line by line; empty if it is not shown."""
        if self.shown_card is None:
            return ""
        card = self.shown_card
        labels = "\n".join(suggestion.label for suggestion in card.suggestions)
        return f"{card.indicator}\n{card.summary}\n{card.detail}\n{labels}"

    @property
    def facts(self) -> Facts:
        """The facts of the order."""
        return self.decision.facts

    @property
    def failure(self) -> str:
        """What is wrong, with the truth of each condition; empty if the example holds."""
        outcome = self.decision.outcome
        if outcome is not _OUTCOMES[self.example.expect]:
            reasons = "; ".join(f"{reason.row.say()}: {reason.truth.value}" for reason in self.decision.reasons)
            return f"expected {self.example.expect}, got {outcome.value} ({reasons})"
        unsaid = [words for words in self.example.says if words not in self.shown_text]
        return f"the card does not say: {unsaid[0]}" if unsaid else ""


def read_json(path: Path) -> Any:
    """A JSON file with exact numbers."""
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def order_for(fixtures: Path, name: str, patient: str) -> Resource:
    """An order of the fixtures, made out to a patient."""
    text = (fixtures / "orders" / f"{name}.json").read_text(encoding="utf-8")
    order: Resource = json.loads(text.replace("Patient/PATIENT", f"Patient/{patient}"), parse_float=Decimal)
    return order


def run_example(example: Example, card: Card, content: Content, fixtures: Path) -> ExampleRun:
    """Runs an example of a card.

    Raises `OSError` for a missing fixture, `LookupError` for a query that does not exist, and `ValueError` for an order
    of another drug or a patient who takes none of this one.
    """
    if bool(example.order) != (card.asked_at == "orders"):
        raise ValueError(f"the card is asked about {'an order' if card.asked_at == 'orders' else 'a chart alone'}")
    order_decisions = decide_example(example, content, fixtures, content.vocabulary)
    order_decision = next(decided for decided in order_decisions if decided.decision.card.id == card.id)
    return ExampleRun(example, order_decision.decision, _show(order_decision, content))


def decide_example(example: Example, content: Content, fixtures: Path, vocabulary: Vocabulary) -> list[OrderDecision]:
    """Everything that is decided in an example, its data read by a vocabulary. Raises as `run_example` does."""
    reading = replace(content, vocabulary=vocabulary)
    if example.order:
        orders, chart = _example_call(example, content, fixtures, vocabulary)
        if not orders.acetylcysteine_orders:
            raise ValueError(f"the order {example.order} is not for acetylcysteine")
        return decide_orders(orders, chart, reading, example.now)
    prefetch = _prefetch(example, content, fixtures, FOR_TREATMENTS)
    chart = build_chart(example.patient, prefetch, keys=FOR_TREATMENTS)
    treatments = read_treatments(chart, vocabulary, example.now)
    if not treatments.acetylcysteine_orders:
        raise ValueError(f"no acetylcysteine is active on the chart of {example.patient}")
    return decide_treatments(treatments, chart, reading, example.now)


def _example_call(
    example: Example, content: Content, fixtures: Path, vocabulary: Vocabulary
) -> tuple[DraftOrders, Chart]:
    """The orders of an example as a vocabulary reads them, and the chart of its patient.

    Raises `OSError` for a missing fixture and `LookupError` for a query that does not exist.
    """
    draft_orders = [order_for(fixtures, name, example.patient) for name in (example.order, *example.also_drafted)]
    if example.dose is not None:
        _set_dose(draft_orders[0], example.dose)
    orders = read_orders(example.patient, draft_orders, draft_orders[:1], (), vocabulary)
    return orders, build_chart(example.patient, _prefetch(example, content, fixtures))


def _prefetch(example: Example, content: Content, fixtures: Path, keys: Sequence[str] = FOR_ORDERS) -> dict[str, Any]:
    bundle = read_json(fixtures / "patients" / f"{example.patient}.json")
    if example.born:
        resources: list[Resource] = [entry["resource"] for entry in bundle["entry"]]
        patient = next(resource for resource in resources if resource["resourceType"] == "Patient")
        patient["birthDate"] = example.born.isoformat()
    for name, value in example.results.items():
        _set_results(bundle, content.vocabulary.code_lists[name], value)
    prefetch = prefetch_from(bundle, example.patient, content.vocabulary.code_lists, keys)
    for key in example.not_sent:
        del prefetch[key]
    return prefetch


def _set_dose(order: Resource, value: int | Decimal) -> None:
    for instruction in instructions_of(order):
        for quantity in filter(None, doses_of(instruction)):
            quantity["value"] = value


def _set_results(bundle: Resource, codes: CodeList, value: int | Decimal) -> None:
    """Gives the results that a code list counts another value. Where the patient has none, that is an error."""
    results = [entry["resource"] for entry in bundle["entry"] if codes.included_in(entry["resource"].get("code"))]
    if not results:
        raise LookupError("the patient has no such result")
    for result in results:
        result["valueQuantity"]["value"] = value


def _show(order_decision: OrderDecision, content: Content) -> wire.Card | None:
    new_id = "00000000-0000-4000-8000-000000000000"
    call = Call("patient", date(2000, 1, 1), lambda: new_id)
    return next((render(advice, content, call) for advice in group_advice([order_decision])), None)


def missing_examples(card: Card, runs: Sequence[ExampleRun]) -> Iterator[str]:
    """What the examples of a card leave out, in words."""
    for expected, words in (("advise", "to advise"), ("silent", "to be silent")):
        if not any(run.example.expect == expected for run in runs):
            yield f"no example expects the card {words}"
    for condition in card.conditions():
        if condition.threshold is not None:
            yield from _missing_at_threshold(condition, condition.threshold, runs)
        if _can_be_unknown(condition) and not any(_is_unknown_in(run, condition) for run in runs):
            yield f"no example shows that it cannot tell where {condition.type.label} is unknown"


def _missing_at_threshold(condition: Condition, threshold: Decimal, runs: Sequence[ExampleRun]) -> Iterator[str]:
    values = [run.facts[condition.fact].value for run in runs if _decides_alone(condition, run)]
    distances = [value - threshold for value in values if isinstance(value, Decimal)]
    step = condition.type.step
    for place, is_there in (
        ("at", any(distance == 0 for distance in distances)),
        ("just below", any(-step <= distance < 0 for distance in distances)),
        ("just above", any(0 < distance <= step for distance in distances)),
    ):
        if not is_there:
            yield f"no example lies {place} the threshold {condition.bound} of {condition.type.label}"


def _decides_alone(condition: Condition, run: ExampleRun) -> bool:
    """True if every other row of the card holds."""
    others = [reason for reason in run.decision.reasons if condition not in reason.row.conditions()]
    return all(reason.truth is Truth.YES for reason in others)


def _can_be_unknown(condition: Condition) -> bool:
    """True if an unknown fact leaves the condition unknown."""
    possible = State.UNKNOWN in condition.type.states and condition.state is None
    return possible and "unknown" not in condition.also_when


def _is_unknown_in(run: ExampleRun, condition: Condition) -> bool:
    return run.example.expect == "cannot tell" and run.facts[condition.fact].state is State.UNKNOWN
