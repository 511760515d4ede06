"""Why a call got no card: one sentence, and never the same for two reasons."""

import pytest

from cds_service.content.silence import explain_silence
from cds_service.guidance.modes import ALL_ON, CardMode, Mode, Modes, make_modes
from cds_service.hooks.requests import read_request
from tests.builders import bundle
from tests.support import (
    CONTENT,
    INSTANCE,
    NOW,
    PATIENT_VIEW,
    VOCABULARY,
    Body,
    Json,
    answer_now,
    prefetch_for,
    request_for,
    to_bytes,
)
from tests.unit.clinical.monitoring.treated import (
    BASELINE,
    GAPS,
    NAMELESS,
    NOT_SENT,
    USUAL,
    glutamate,
    statement,
    treatment,
)


def silence(body: Body) -> str:
    request = read_request(to_bytes(body), body["hook"])
    return explain_silence(request, answer_now(request, CONTENT, NOW, lambda: "id"), VOCABULARY)


def drafts(body: Body) -> list[Body]:
    return [entry["resource"] for entry in body["context"]["draftOrders"]["entry"]]


def changed(**members: object) -> Body:
    """A call for one order by mouth, with other members of the order."""
    body = request_for("bruno-glutamate-normal")
    drafts(body)[0].update(members)
    return body


def test_a_call_with_a_card_has_none() -> None:
    assert silence(request_for("bruno-glutamate-normal")) == ""


@pytest.mark.parametrize(
    ("orders", "count"), [(("amoxicillin",), "1 order"), (("amoxicillin", "carbocisteine"), "2 orders")]
)
def test_no_acetylcysteine_among_the_orders(orders: tuple[str, ...], count: str) -> None:
    assert silence(request_for("bruno-glutamate-normal", *orders)) == f"No acetylcysteine order among {count}."


def test_an_empty_call() -> None:
    body = request_for("bruno-glutamate-normal")
    body["context"]["draftOrders"]["entry"] = []
    assert silence(body) == "No acetylcysteine order among 0 orders."


@pytest.mark.parametrize("status", ["stopped", "cancelled", "completed", "ended", "entered-in-error"])
def test_an_order_that_is_over(status: str) -> None:
    assert silence(changed(status=status)) == f"The acetylcysteine order is {status}."


def test_an_order_that_is_not_to_be_performed() -> None:
    assert silence(changed(doNotPerform=True)) == "The acetylcysteine order says that it is not to be performed."


def test_an_order_that_was_not_selected() -> None:
    body = request_for("bruno-glutamate-normal", "oral-600-twice-daily", "amoxicillin", hook="order-select")
    body["context"]["selections"] = [f"MedicationRequest/{drafts(body)[1]['id']}"]
    assert silence(body) == "The acetylcysteine order is not among those that were selected."


def test_an_antidote() -> None:
    assert silence(request_for("jonas-poisoned")).startswith("Treated as an antidote: ")


def test_eye_drops() -> None:
    assert silence(request_for("bruno-glutamate-normal", "eye-drops")).startswith("Ophthalmic use: ")


def test_a_use_in_which_no_card_applies() -> None:
    prefetch = prefetch_for("bruno-glutamate-normal")
    body = request_for("bruno-glutamate-normal", "inhaled-3ml", prefetch=prefetch)
    assert silence(body).startswith("No card applies: use inhaled (")


# --- as a chart is opened ---------------------------------------------------------------------------------------------


def opened(modes: Modes = ALL_ON, **prefetch: Json) -> str:
    """The sentence for a woman on acetylcysteine for eight weeks, measured three weeks after its start."""
    measured = bundle(BASELINE, glutamate("2026-10-19"))
    sent = {**USUAL, "aminoAcids": measured, **prefetch}
    context = {"userId": "Practitioner/example", "patientId": "p"}
    body = {"hook": PATIENT_VIEW, "hookInstance": INSTANCE, "context": context}
    body["prefetch"] = {key: answer for key, answer in sent.items() if answer is not NOT_SENT}
    request = read_request(to_bytes(body), PATIENT_VIEW)
    return explain_silence(request, answer_now(request, CONTENT, NOW, lambda: "id", modes=modes), VOCABULARY)


NAMELESS_ORDER = treatment(medicationCodeableConcept=NAMELESS)
CHARTS: dict[str, tuple[Body, str]] = {
    "nothing is due": (
        {},
        "Acetylcysteine since 28 September 2026: no card about treatment applies.",
    ),
    "no acetylcysteine": ({"activeMedications": None}, "No acetylcysteine is active on record, by status and dates."),
    "half of the lists": (
        {"activeMedications": None, "medicationStatements": GAPS["failed"].reason},
        "No acetylcysteine is active on record, by status and dates; whether more is active cannot be told: "
        "list of medication statements could not be read",
    ),
    "a medication without a name": (
        {"activeMedications": bundle(NAMELESS_ORDER)},
        "No acetylcysteine is active on record, by status and dates; whether more is active cannot be told: "
        "an active medication has no name that can be read.",
    ),
    "another use": (
        {"activeMedications": bundle(treatment(reasonCode=[{"text": "cough"}]))},
        "Monitoring is about acetylcysteine by mouth in use other, and this is use somatic: ",
    ),
    "no start": (
        {"activeMedications": bundle(treatment(authoredOn=None))},
        "It cannot be told: an active acetylcysteine medication has no start date that can be read",
    ),
    "a start that may be earlier": (
        {"activeMedications": GAPS["failed"].reason, "medicationStatements": bundle(statement())},
        "It cannot be told: ",
    ),
    "a baseline that cannot be used": (
        {"aminoAcids": bundle(glutamate("2026-09-20", 1001))},
        "It cannot be told: glutamate in plasma or serum, ",
    ),
}


@pytest.mark.parametrize(("prefetch", "expected"), CHARTS.values(), ids=CHARTS)
def test_as_a_chart_is_opened_each_silence_has_its_own_reason(prefetch: Body, expected: str) -> None:
    said = opened(**prefetch)
    assert said.startswith(expected)
    assert said.endswith(".")
    assert ": ;" not in said
    assert ": ." not in said


def test_a_chart_with_a_card_has_no_reason_for_silence() -> None:
    assert opened(aminoAcids=bundle(BASELINE)) == ""


ABOUT_TREATMENT = {card.id for card in CONTENT.treatment_cards}
BY_SITE = {
    "off": "Monitoring is off: no row of a site file switches it on for this client. In demo mode it is on.",
    "silent": "The site file keeps every card silent that applies.",
}


@pytest.mark.parametrize("mode", BY_SITE)
def test_what_the_site_keeps_from_a_chart_is_said_to_be_so(mode: Mode) -> None:
    modes = make_modes({card: CardMode(mode, "because") for card in ABOUT_TREATMENT}, ABOUT_TREATMENT)
    assert opened(modes, aminoAcids=bundle(BASELINE)) == BY_SITE[mode]
