"""Runs the examples of the cards: each is a patient, an order, a moment, and what the card says."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from cds_service.answering import decide_orders
from cds_service.clinical.facts import Facts
from cds_service.clinical.orders.drafts import read_orders
from cds_service.fhir.codes import CodeList
from cds_service.fhir.json import Resource
from cds_service.fhir.searching import prefetch_from
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.deciding import OrderDecision, Outcome, group_advice
from cds_service.guidance.model import Card, Content, Example
from cds_service.guidance.rendering import Call, render
from cds_service.hooks import cards as wire

_OUTCOMES = {"advise": Outcome.ADVISE, "silent": Outcome.SILENT, "cannot tell": Outcome.CANNOT_TELL}


@dataclass(frozen=True)
class Ran:
    """An example that was run: the decision of its card, and the card that was shown, if it spoke."""

    example: Example
    decided: OrderDecision
    card: wire.Card | None

    @property
    def shown(self) -> str:
        """The words of the card, line by line; empty if it does not speak."""
        if self.card is None:
            return ""
        offers = "\n".join(suggestion.label for suggestion in self.card.suggestions)
        return f"{self.card.indicator}\n{self.card.summary}\n{self.card.detail}\n{offers}"

    @property
    def facts(self) -> Facts:
        """The facts of the order."""
        return self.decided.decision.facts

    @property
    def failure(self) -> str:
        """What is wrong, with the conditions that decided; empty if the example holds."""
        got = self.decided.decision.outcome
        if got is not _OUTCOMES[self.example.expect]:
            rows = "; ".join(f"{one.row.say()}: {one.truth.value}" for one in self.decided.decision.reasons)
            return f"expected {self.example.expect}, got {got.value} ({rows})"
        unsaid = [words for words in self.example.says if words not in self.shown]
        return f"the card does not say: {unsaid[0]}" if unsaid else ""


def read_json(path: Path) -> Any:
    """A JSON file with exact numbers."""
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def order_for(fixtures: Path, name: str, patient: str) -> Resource:
    """An order of the fixtures, made out to a patient."""
    text = (fixtures / "orders" / f"{name}.json").read_text(encoding="utf-8")
    order: Resource = json.loads(text.replace("Patient/PATIENT", f"Patient/{patient}"), parse_float=Decimal)
    return order


def run_example(example: Example, card: Card, content: Content, fixtures: Path) -> Ran:
    """The example's card, decided and shown. A missing fixture, or an order for another drug, is an error."""
    bundle = read_json(fixtures / "patients" / f"{example.patient}.json")
    if example.born:
        _patient_in(bundle)["birthDate"] = example.born.isoformat()
    for name, value in example.results.items():
        _set_results(bundle, content.vocabulary.code_lists[name], value)
    prefetch = prefetch_from(bundle, example.patient, content.vocabulary.code_lists)
    for key in example.not_sent:
        del prefetch[key]
    draft_orders = [order_for(fixtures, name, example.patient) for name in (example.order, *example.also_drafted)]
    if example.dose is not None:
        _set_dose(draft_orders[0], example.dose)
    orders = read_orders(example.patient, draft_orders, draft_orders[:1], (), content.vocabulary)
    if not orders.acetylcysteine_orders:
        raise ValueError(f"the order {example.order} is not for acetylcysteine")
    chart = build_chart(example.patient, prefetch)
    decided = next(one for one in decide_orders(orders, chart, content, example.now) if one.decision.card.id == card.id)
    return Ran(example, decided, _show(decided, content))


def _patient_in(bundle: Resource) -> Resource:
    resources: list[Resource] = [entry["resource"] for entry in bundle["entry"]]
    return next(one for one in resources if one["resourceType"] == "Patient")


def _set_dose(order: Resource, value: int | Decimal) -> None:
    order["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] = value


def _set_results(bundle: Resource, codes: CodeList, value: int | Decimal) -> None:
    """Gives the results that a code list counts another value. Where the patient has none, that is an error."""
    results = [entry["resource"] for entry in bundle["entry"] if codes.included_in(entry["resource"].get("code"))]
    if not results:
        raise LookupError("the patient has no such result")
    for result in results:
        result["valueQuantity"]["value"] = value


def _show(decided: OrderDecision, content: Content) -> wire.Card | None:
    new_id = "00000000-0000-4000-8000-000000000000"
    call = Call("patient", date(2000, 1, 1), lambda: new_id)
    return next((render(advice, content, call) for advice in group_advice([decided])), None)
