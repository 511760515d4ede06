"""The small EHR: what is clicked is really sent, a suggestion changes the order, and hostile words stay words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.hooks.requests import read_request
from cds_service.pages.ordering import DRUGS, REASONS, ROUTES
from tests.pages.looking import Page, Visit, demo_client, look
from tests.support import FIXTURES, PATIENTS, id_of

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
    offered = [given.get("value") for given in look(demo, "/try").all("option")]

    assert set(PATIENTS) - set(offered) == set()


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
    visit = Visit(demo, "alma-glutamate-high", drug=drug, route=route, written="NAC")

    assert visit.click("order").status_code == 200
    assert "Not answered" not in visit.page.text


def test_another_drug_has_no_cards(demo: TestClient) -> None:
    visit = Visit(demo, "alma-glutamate-high", drug="amoxicillin")
    visit.click("order")

    assert "No cards" in visit.page.text


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
    assert "Plasma amino acids, due 2027-01-18" in visit.page.text


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
        demo, "alma-glutamate-high", drug="by-name", reason="words", **{"written": "NAC", field: f"NAC {HOSTILE}"}
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
