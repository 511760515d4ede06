"""The golden requests: a patient, an order, a hook, and what was not sent. `make golden` writes them out."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cds_service.content.examples import order_for, read_json
from cds_service.fhir.searching import prefetch_from
from cds_service.guidance.model import Content
from cds_service.settings import CARDS
from tests.golden.converting import converted_request

ROOT = CARDS.parent
FIXTURES = ROOT / "fixtures"
ORDERS = {
    "medication-prescribe": "medications",
    "order-select": "draftOrders",
    "order-sign": "draftOrders",
}
VERIFY = "medication-verify"


@dataclass(frozen=True)
class Story:
    """One golden request."""

    patient: str
    hook: str
    orders: tuple[str, ...]
    selected: tuple[str, ...] = ()
    not_sent: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its files."""
        gaps = f".without-{'-'.join(self.not_sent)}" if self.not_sent else ""
        return f"{self.patient}.{'+'.join(self.orders)}{gaps}.{self.hook}"


USUAL = "oral-600-twice-daily"
STORIES = (
    Story("alma-glutamate-high", "order-sign", (USUAL,)),
    Story("alma-glutamate-high", "medication-prescribe", (USUAL,)),
    Story("alma-glutamate-high", "order-sign", ("oral-capsule-twice-daily",)),
    Story("alma-glutamate-high", "order-sign", ("amoxicillin",)),
    Story("alma-glutamate-high", "order-sign", ("carbocisteine",)),
    Story("bruno-glutamate-normal", "order-select", (USUAL,), (USUAL,)),
    Story("bruno-glutamate-normal", "order-sign", ("oral-2401-once-daily",)),
    Story("bruno-glutamate-normal", "order-sign", ("oral-text-only-dosage",)),
    Story("bruno-glutamate-normal", "order-sign", (USUAL,), (), ("allergyList", "problemList")),
    Story("bruno-glutamate-normal", "order-select", (USUAL, "amoxicillin"), ("amoxicillin",)),
    Story("bruno-glutamate-normal", "order-sign", ("oral-1800-twice-daily", "oral-1201-twice-daily", "amoxicillin")),
    Story("chiara-glutamate-low", "medication-prescribe", ("oral-1200-twice-daily",)),
    Story("daniel-both-low", "order-sign", ("name-only",)),
    Story("edith-not-measured", "order-select", ("by-reference-contained",), ("by-reference-contained",)),
    Story("edith-not-measured", "order-sign", ("inhaled-3ml",)),
    Story("felix-unclassified", "order-sign", ("oral-no-dosage",)),
    Story("greta-on-treatment", "order-sign", (USUAL,)),
    Story("hugo-child", "order-sign", (USUAL,)),
    Story("ines-allergic", "order-sign", (USUAL,)),
    Story("ines-allergic", "order-sign", ("eye-drops",)),
    Story("ilja-anaphylaxis", "order-sign", (USUAL,)),
    Story("jonas-poisoned", "order-sign", ("intravenous",)),
    Story("jonas-poisoned", "order-sign", (USUAL,)),
    Story("kira-copd", "order-sign", ("oral-for-bronchitis",)),
    Story("liam-old-result", "order-sign", (USUAL,)),
    Story("nils-poisoned-allergic", "order-sign", ("intravenous",)),
    Story("olga-disagreeing", "order-sign", (USUAL,)),
    Story("petra-refuted", "order-sign", (USUAL,)),
    Story("quentin-dialysis", "order-sign", (USUAL,)),
    Story("rosa-comparator", "order-sign", (USUAL,)),
    Story("sven-handling", "order-sign", (USUAL,)),
    Story("tilda-panel", "order-sign", (USUAL,)),
    Story("ulf-clearance-under-25", "order-sign", (USUAL, "glutamine-intravenous")),
    Story("ulf-clearance-25", "order-sign", (USUAL, "glutamine-intravenous")),
    Story("vera-kidney-injury", "order-select", (USUAL, "glutamine-intravenous"), (USUAL,)),
    Story("theo-under-two", "order-sign", (USUAL,)),
    Story("wanda-nitroglycerin", "order-sign", (USUAL,)),
    Story("xaver-varices", "order-sign", ("oral-for-bronchitis",)),
    Story("yara-ulcer-unsure", "order-sign", (USUAL,)),
    Story("alma-glutamate-high", VERIFY, (USUAL,)),
    Story("ines-allergic", VERIFY, (USUAL,)),
)


def request_of(story: Story, content: Content) -> dict[str, Any]:
    """The body that a client with this patient's resources sends."""
    bundle = read_json(FIXTURES / "patients" / f"{story.patient}.json")
    prefetch = prefetch_from(bundle, story.patient, content.vocabulary.code_lists)
    for key in story.not_sent:
        del prefetch[key]
    orders = [order_for(FIXTURES, name, story.patient) for name in story.orders]
    context: dict[str, Any] = {"userId": "Practitioner/example", "patientId": story.patient}
    if story.hook == VERIFY:
        (order,) = orders
        context["medication"] = {**order, "status": "active"}
    else:
        entries = [{"resource": order} for order in orders]
        context[ORDERS[story.hook]] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if story.hook == "order-select":
        context["selections"] = [
            f"MedicationRequest/{order['id']}"
            for order, name in zip(orders, story.orders, strict=True)
            if name in story.selected
        ]
    return {
        "hook": story.hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context,
        "prefetch": prefetch,
    }


def requests() -> list[Path]:
    """Every request that has a golden reply: the stories', those of treated people, and the unusual ones."""
    return sorted(path for folder in ("requests", "treated", "unusual") for path in (FIXTURES / folder).glob("*.json"))


def reply_of(request: Path) -> Path:
    """The file of the golden reply."""
    return FIXTURES / "responses" / request.name


IN_VERSIONS = (  # each family of cards once
    Story("alma-glutamate-high", "order-sign", (USUAL,)),
    Story("bruno-glutamate-normal", "order-sign", ("oral-2401-once-daily",)),
    Story("edith-not-measured", "order-sign", ("inhaled-3ml",)),
    Story("greta-on-treatment", "order-sign", (USUAL,)),
    Story("hugo-child", "order-sign", (USUAL,)),
    Story("ines-allergic", "order-sign", (USUAL,)),
    Story("jonas-poisoned", "order-sign", ("intravenous",)),
    Story("kira-copd", "order-sign", ("oral-for-bronchitis",)),
    Story("liam-old-result", "order-sign", (USUAL,)),
    Story("nils-poisoned-allergic", "order-sign", ("intravenous",)),
    Story("ulf-clearance-under-25", "order-sign", (USUAL, "glutamine-intravenous")),
    Story("theo-under-two", "order-sign", (USUAL,)),
    Story("wanda-nitroglycerin", "order-sign", (USUAL,)),
)
VERSIONED = [
    (story, version, hook)
    for version, hook in (
        ("DSTU2", "medication-prescribe"),
        ("STU3", "medication-prescribe"),
        ("STU3", "order-sign"),
        ("R5", "order-sign"),
    )
    for story in IN_VERSIONS
] + [(Story("alma-glutamate-high", VERIFY, (USUAL,)), version, VERIFY) for version in ("DSTU2", "STU3", "R5")]


def versioned_request(story: Story, version: str, hook: str, content: Content) -> dict[str, Any]:
    """The body of a story told in another FHIR version."""
    return converted_request(request_of(replace(story, hook=hook), content), version)


def versioned_name(story: Story, version: str, hook: str) -> str:
    """The name of its file."""
    return f"{story.patient}.{'+'.join(story.orders)}.{version}.{hook}.json"
