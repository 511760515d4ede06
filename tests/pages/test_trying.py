"""The small EHR: what is clicked is really sent, a suggestion changes the order, and hostile words stay words."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.feedback.report import CardStatistics
from cds_service.feedback.reporting import read_report
from cds_service.feedback.store import read_once
from cds_service.hooks.requests import read_request
from cds_service.pages.ordering import BY_NAME, DRUGS, REASONS, ROUTES
from cds_service.settings import Settings
from tests.pages.looking import Page, Visit, demo_client, look
from tests.signing import ISSUER, P384, client_toml, key_toml
from tests.support import CONTENT, FIXTURES, PATIENTS, id_of, post, request_for

HOSTILE = '<img src=x onerror="alert(1)">[x](javascript:alert(1))'


@pytest.fixture
def demo() -> Iterator[TestClient]:
    with demo_client() as client:
        yield client


def response_of(visit: Visit) -> Any:
    return json.loads(visit.form["response"])


def shown(visit: Visit) -> list[str]:
    return [id_of(card) for card in response_of(visit)["cards"]]


def test_everybody_can_be_chosen(demo: TestClient) -> None:
    page = look(demo, "/try")
    offered = [str(given["href"]) for given in page.all("a") if "patient=" in str(given["href"])]

    assert offered == sorted(offered, key=lambda link: PATIENTS.index(link.partition("=")[2]))
    assert {link.partition("=")[2] for link in offered} == set(PATIENTS)
    assert "Ines Valdorna, 50 years allergic to acetylcysteine" in page.text
    assert not [name for name in PATIENTS if "-" in name and name.replace("-", " ") in page.text]


def test_nothing_can_be_signed_before_a_patient_is_chosen_nor_for_another(demo: TestClient) -> None:
    everybody, chart = look(demo, "/try"), look(demo, "/try?patient=ines-allergic")

    assert everybody.all("form") == []
    assert chart.values["patient"] == "ines-allergic"
    assert not [given for given in chart.all("select") if given.get("name") == "patient"]
    assert "Sign the order for Ines Valdorna" in chart.text


@pytest.mark.parametrize("patient", PATIENTS)
def test_everybodys_chart_opens_and_an_order_is_answered(demo: TestClient, patient: str) -> None:
    assert "Order" in look(demo, f"/try?patient={patient}").text

    visit = Visit(demo, patient)
    assert visit.click("order").status_code == 200
    assert "Answered in" in visit.page.text


@pytest.mark.parametrize("hook", ["order-sign", "order-select", "medication-prescribe"])
def test_the_request_that_is_shown_is_a_call_of_the_hook(demo: TestClient, hook: str) -> None:
    visit = Visit(demo, "alma-glutamate-high", hook=hook)
    visit.click("order")

    body = next(text for text in visit.page.texts if text.lstrip().startswith('{\n  "hook"'))
    request = read_request(body.encode(), hook)
    assert request.patient_id == "alma-glutamate-high"
    assert len(request.entries) == 1
    assert request.prefetch()["patient"]["id"] == "alma-glutamate-high"
    assert shown(visit) == ["glutamate-high"]


@pytest.mark.parametrize("drug", [one.value for one in DRUGS])
@pytest.mark.parametrize("route", [one.value for one in ROUTES])
def test_every_order_that_the_form_can_write_is_answered(demo: TestClient, drug: str, route: str) -> None:
    written = "NAC" if drug == BY_NAME else ""
    visit = Visit(demo, "alma-glutamate-high", drug=drug, route=route, written=written)

    assert visit.click("order").status_code == 200
    assert "Not answered" not in visit.page.text


def test_another_drug_has_no_cards(demo: TestClient) -> None:
    visit = Visit(demo, "alma-glutamate-high", drug="amoxicillin")
    visit.click("order")

    assert shown(visit) == []
    assert "No card. No acetylcysteine order among 1 order." in visit.page.text


SILENT = {
    "No acetylcysteine order among 1 order.": {"written": "carbocisteine"},
    "Treated as an antidote: ": {"drug": "injection", "route": "intravenous"},
    "No card applies: use somatic ": {"reason": "bronchitis"},
}


@pytest.mark.parametrize("says", SILENT)
def test_silence_is_explained(demo: TestClient, says: str) -> None:
    visit = Visit(demo, "alma-glutamate-high", **SILENT[says])
    visit.click("order")

    assert shown(visit) == []
    assert f"No card. {says}" in visit.page.text


NOT_A_DOSE = {
    "-5": "A dose is above zero",
    "0": "A dose is above zero",
    "0.0": "A dose is above zero",
    "abc": "Not a number",
    "600 mg": "Not a number",
    "1e3": "Not a number",
    "Infinity": "Not a number",
    "NaN": "Not a number",
    ".5": "Not a number",
    "٦٠٠": "Not a number",
    "６００": "Not a number",
    "600,5": "A comma can separate thousands or decimals",
    "1,200": "A comma can separate thousands or decimals",
    "12345678": "Too many digits",
    "0.0001": "Too many digits",
    "6" * 201: "Longer than 200 characters",
}


@pytest.mark.parametrize("typed", NOT_A_DOSE)
def test_what_is_no_dose_is_said_beside_the_field_and_nothing_is_sent(demo: TestClient, typed: str) -> None:
    visit = Visit(demo, "alma-glutamate-high", dose=typed)

    assert visit.click("order").status_code == 400
    (field,) = [given for given in visit.page.all("input") if given.get("name") == "dose"]
    assert field["aria-invalid"] == "true"
    assert str(field["aria-describedby"]).split() == ["dose-note", "dose-problem"]
    assert NOT_A_DOSE[typed] in visit.page.text
    assert "Not sent." in visit.page.text
    assert "Answered in" not in visit.page.text
    assert visit.form["dose"] == typed[:200]


@pytest.mark.parametrize(("typed", "sent"), [("600", 600), (" 600 ", 600), ("0.5", 0.5), ("1200.25", 1200.25)])
def test_a_dose_is_sent_as_it_is_typed(demo: TestClient, typed: str, sent: float) -> None:
    visit = Visit(demo, "alma-glutamate-high", dose=typed)
    visit.click("order")

    assert dose_of(visit) == {"value": sent, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}


def test_an_order_without_a_dose_can_be_written(demo: TestClient) -> None:
    visit = Visit(demo, "alma-glutamate-high", dose="")
    visit.click("order")

    assert dose_of(visit) is None
    assert "no dose" in visit.page.text


def dose_of(visit: Visit) -> Any:
    (draft,) = json.loads(visit.form["drafts"])
    return draft["dosageInstruction"][0].get("doseAndRate", [{}])[0].get("doseQuantity")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"drug": BY_NAME, "written": " "}, "Write the name of the drug"),
        ({"reason": "words", "words": ""}, "Write the reason"),
        ({"written": "N" * 201}, "Longer than 200 characters"),
        ({"words": "cough " * 40}, "Longer than 200 characters"),
    ],
)
def test_a_name_that_is_missing_or_too_long_is_said_beside_its_field(
    demo: TestClient, fields: dict[str, str], says: str
) -> None:
    visit = Visit(demo, "alma-glutamate-high", **fields)

    assert visit.click("order").status_code == 400
    assert says in visit.page.text


def test_a_typed_drug_takes_the_place_of_the_chosen_one(demo: TestClient) -> None:
    visit = Visit(demo, "alma-glutamate-high", drug="amoxicillin", written="Acetylcysteine")
    visit.click("order")

    (draft,) = json.loads(visit.form["drafts"])
    assert draft["medicationCodeableConcept"] == {"text": "Acetylcysteine"}
    chosen = [given.get("value") for given in visit.page.all("option") if "selected" in given]
    assert BY_NAME in chosen
    assert "amoxicillin" not in chosen
    assert shown(visit) == ["glutamate-high"]


def test_hooks_are_said_in_words_beside_their_names(demo: TestClient) -> None:
    text = look(demo, "/try?patient=alma-glutamate-high").text

    for choice in ("on signing (order-sign)", "while ordering (order-select)", "medication-prescribe)"):
        assert choice in text


@pytest.mark.parametrize("reason", [one.value for one in REASONS if one.value != "none"])
def test_a_reason_that_is_not_the_baselines_silences_its_card(demo: TestClient, reason: str) -> None:
    visit = Visit(demo, "alma-glutamate-high", reason=reason, words="Paracetamol overdose")
    visit.click("order")

    assert shown(visit) == []


def test_a_critical_card_stands_first(demo: TestClient) -> None:
    visit = Visit(demo, "ines-allergic")
    visit.click("order")

    assert response_of(visit)["cards"][0]["indicator"] == "critical"


def test_a_dose_that_a_suggestion_sets_is_in_the_order_and_the_service_is_asked_again(demo: TestClient) -> None:
    visit = Visit(demo, "alma-glutamate-high")
    visit.click("order")
    first = response_of(visit)["cards"][0]["uuid"]
    assert "Dose 1,200 mg per day" in visit.page.text

    visit.click("take 0 0")

    assert "Dose 2,400 mg per day" in visit.page.text
    assert visit.form["dose"] == "1200"
    assert response_of(visit)["cards"][0]["uuid"] != first
    sent = next(text for text in visit.page.texts if '"feedback"' in text)
    assert json.loads(sent)["feedback"][0]["card"] == first


def test_an_order_that_a_suggestion_adds_is_added(demo: TestClient) -> None:
    visit = Visit(demo, "alma-glutamate-high")
    visit.click("order")
    visit.click("take 0 1")

    added = json.loads(visit.form["drafts"])[1]
    assert added["code"]["text"] == "Plasma amino acids"
    assert added["id"]
    assert "Plasma amino acids, due 18 January 2027" in visit.page.text


def test_an_order_that_a_suggestion_removes_is_gone(demo: TestClient) -> None:
    visit = Visit(demo, "ines-allergic")
    visit.click("order")
    visit.click("take 0 0")

    assert json.loads(visit.form["drafts"] or "[]") == []
    assert "No order is left" in visit.page.text
    assert shown(visit) == []


def test_a_card_is_set_aside_with_its_reason_and_the_answer_stays(demo: TestClient) -> None:
    visit = Visit(demo, "ines-allergic")
    visit.click("order")
    before = response_of(visit)
    reason = before["cards"][0]["overrideReasons"][0]

    visit.click("override 0", **{"reason-0": reason["code"]})

    sent = json.loads(next(text for text in visit.page.texts if '"feedback"' in text))["feedback"]
    assert sent == [
        {
            "card": before["cards"][0]["uuid"],
            "outcome": "overridden",
            "overrideReason": {"reason": {"system": reason["system"], "code": reason["code"]}},
            "outcomeTimestamp": "2026-11-23T09:00:00.000Z",
        }
    ]
    assert response_of(visit) == before
    assert "Set aside." in visit.page.text


def test_a_reason_that_the_card_does_not_offer_is_not_sent(demo: TestClient) -> None:
    visit = Visit(demo, "ines-allergic")
    visit.click("order")
    visit.click("override 0", **{"reason-0": "because-I-say-so"})

    (sent,) = json.loads(next(text for text in visit.page.texts if '"feedback"' in text))["feedback"]
    assert "overrideReason" not in sent


def test_an_explanation_has_each_card_and_what_was_found(demo: TestClient) -> None:
    visit = Visit(demo, "alma-glutamate-high")
    visit.click("order")

    page = Page(visit.click("order", to="/explain").text)

    assert "Plasma glutamate high: advise" in page.text
    assert "Plasma glutamate low: stay silent" in page.text
    assert "168 µmol/L on 2026-11-18" in page.text


@pytest.mark.parametrize("field", ["written", "words"])
def test_hostile_words_stay_words(demo: TestClient, field: str) -> None:
    visit = Visit(
        demo,
        "alma-glutamate-high",
        drug="by-name",
        reason="words",
        **{"words": "x", "written": "NAC", field: f"NAC {HOSTILE}"},
    )
    visit.click("order")

    assert visit.form[field] == f"NAC {HOSTILE}"
    assert visit.page.all("img") == []
    assert [given for given in visit.page.all("a") if "javascript" in (given.get("href") or "")] == []


def test_a_hostile_name_of_a_patient_stays_a_name(tmp_path: Path) -> None:
    (tmp_path / "patients").mkdir()
    bundle = json.loads((FIXTURES / "patients" / "alma-glutamate-high.json").read_text(encoding="utf-8"))
    bundle["entry"][0]["resource"]["name"] = [{"text": HOSTILE}]
    (tmp_path / "patients" / "alma.json").write_text(json.dumps(bundle), encoding="utf-8")
    with demo_client(fixtures=tmp_path) as client:
        page = look(client, "/try")
        visit = Visit(client, "alma-glutamate-high")
        visit.click("order")

    assert HOSTILE in page.text
    assert page.all("img") == visit.page.all("img") == []


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"patient": "nobody"}, "patient: is not one of the people of the demo"),
        ({"patient": ""}, "patient: is not one of the people of the demo"),
        ({"drafts": "[" + "1," * 200_000 + "1]"}, "drafts: is longer than 300000 characters"),
        ({"words": "x" * 2_000_000}, "form: is more than this page sends"),
        ({f"more-{number}": "" for number in range(101)}, "form: is more than this page sends"),
        ({"hook": "patient-view"}, "hook: is not one of the hooks of this service"),
        ({"drafts": "{"}, "drafts: is not what this page sends"),
        ({"response": '{"cards":[{}]}'}, "response: is not what this page sends"),
        ({"do": "take 0 0"}, "card: is not one that was shown"),
        ({"do": "take"}, "card: is not one that was shown"),
        ({"do": f"override {'9' * 5000}"}, "card: is not one that was shown"),
    ],
)
def test_what_the_page_never_sends_is_refused(demo: TestClient, form: dict[str, str], says: str) -> None:
    response = demo.post("/try", data={"patient": "alma-glutamate-high", **form})

    assert response.status_code == 400
    assert says in response.text


def test_what_is_clicked_goes_to_the_database_of_the_demo_and_never_to_that_of_the_site(tmp_path: Path) -> None:
    site, demo = f"sqlite:///{tmp_path / 'site.sqlite3'}", f"sqlite:///{tmp_path / 'demo.sqlite3'}"
    settings = Settings(demo=True, database_url=site, demo_database_url=demo)
    with TestClient(create_app(settings)) as client:
        visit = Visit(client, "ines-allergic")
        visit.click("order")
        visit.click("override 0")
        post(client, request_for("alma-glutamate-high"))

    assert "in the database of the demo" in visit.page.text
    (clicked,), (called,) = report_on(demo), report_on(site)
    assert (clicked.card, clicked.shown, clicked.overridden) == ("acetylcysteine-hypersensitivity", 1, 1)
    assert (called.card, called.shown, called.overridden) == ("glutamate-high", 1, 0)


def report_on(database_url: str) -> list[CardStatistics]:
    reading = partial(read_report, None, CONTENT.about.override_system)
    return list(asyncio.run(read_once(database_url, reading)).cards)


def test_trying_needs_no_token_where_clients_are_listed(tmp_path: Path) -> None:
    clients = tmp_path / "clients.toml"
    clients.write_text(client_toml("hospital", ISSUER, key_toml(P384, "key-1")), encoding="utf-8")
    with demo_client(clients=clients, public_url="https://cds.example.org") as client:
        visit = Visit(client, "ines-allergic")
        visit.click("order")

    assert shown(visit) == ["acetylcysteine-hypersensitivity"]
    assert post(client, request_for("ines-allergic")).status_code == 401


@pytest.mark.parametrize("path", ["/try", "/explain"])
def test_a_page_of_another_site_cannot_send_the_form(demo: TestClient, path: str) -> None:
    response = demo.post(path, data={"patient": "alma-glutamate-high"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status_code == 400
    assert "comes from another site" in response.text


def test_a_service_that_cannot_answer_is_shown_not_to() -> None:
    with demo_client(max_body_bytes=900) as client:  # the form fits, the hook call does not
        visit = Visit(client, "alma-glutamate-high")
        visit.click("order")

    assert "Not answered. 413" in visit.page.text
    assert "response" not in visit.form
