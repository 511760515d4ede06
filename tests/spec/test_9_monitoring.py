"""The hook `patient-view`: monitoring as a chart is opened, where a site has switched it on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import respx
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from cds_service.api.runtime import runtime_of
from cds_service.auth.clients import OPEN
from cds_service.clinical.orders.drugs import MEDICATION_LISTS
from cds_service.fhir.queries import FOR_TREATMENTS, QUERIES, fhir_query
from cds_service.guidance.model import PATIENT_VIEW as ASKED_AT
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import HookRequest
from cds_service.settings import Settings
from tests.signing import ALL_KEYS, HOSPITAL, Trusting, client_toml
from tests.support import (
    CONTENT,
    HOOKS,
    PATIENT_VIEW,
    PATIENTS,
    SERVICE_OF,
    Body,
    Json,
    cards_of,
    every_service,
    field_of,
    ids_of,
    new_client,
    opening_of,
    post,
    replaced,
    request_for,
    runtime_behind,
    to_bytes,
    without,
)

RUNA, GRETA, TOMAS, ALMA = "runa-follow-up-due", "greta-on-treatment", "tomas-new-allergy", "alma-glutamate-high"
SERVICE = SERVICE_OF[PATIENT_VIEW]
SERVER = "http://127.0.0.1:8080/fhir"
BUSY_MACHINE_MS = 120_000  # nothing here is about time
UNREADABLE = "not FHIR"
ROW = """[[card]]
card = "{card}"
mode = "{mode}"
because = "It was decided."
decided_by = "A committee"
decided_on = 2026-11-20
"""


def service_with(tmp_path: Path, *rows: str, **settings: Any) -> TestClient:
    path = tmp_path / "site.toml"
    path.write_text("\n".join(rows), encoding="utf-8")
    return new_client(Settings(site=path, **settings))


def hooks_of(client: TestClient) -> list[str]:
    return [service["hook"] for service in client.get("/cds-services").json()["services"]]


# ---------------------------------------------------------------- on and off


def test_the_core_and_the_wire_give_the_hook_the_same_name() -> None:
    assert SERVICES["acetylcysteine-monitoring"] == PATIENT_VIEW == ASKED_AT


def test_the_service_is_off_without_a_site_file_and_on_in_demo_mode() -> None:
    assert hooks_of(new_client()) == list(HOOKS)
    assert post(new_client(), opening_of(RUNA)).status_code == 404
    assert hooks_of(new_client(Settings(demo=True))) == [*HOOKS, PATIENT_VIEW]
    assert ids_of(cards_of(new_client(Settings(demo=True)), opening_of(RUNA))) == ["follow-up-due"]


@pytest.mark.parametrize("card", [card.id for card in CONTENT.treatment_cards])
def test_one_row_of_the_site_file_switches_the_service_on_for_that_card(card: str, tmp_path: Path) -> None:
    client = service_with(tmp_path, ROW.format(card=card, mode="on"))
    shown = {name for patient in (RUNA, GRETA, TOMAS) for name in ids_of(cards_of(client, opening_of(patient)))}

    assert hooks_of(client) == [*HOOKS, PATIENT_VIEW]
    assert shown == {card}


def test_a_silent_card_is_decided_and_not_shown(tmp_path: Path) -> None:
    client = service_with(tmp_path, ROW.format(card="follow-up-due", mode="silent"))

    assert PATIENT_VIEW in hooks_of(client)
    assert cards_of(client, opening_of(RUNA)) == []


@pytest.mark.parametrize("mode", ["off", "on"])
def test_a_row_about_another_card_leaves_the_service_off(mode: str, tmp_path: Path) -> None:
    assert hooks_of(service_with(tmp_path, ROW.format(card="glutamate-low", mode=mode))) == list(HOOKS)


def test_a_row_switches_the_service_off_in_demo_mode(tmp_path: Path) -> None:
    rows = [ROW.format(card=card.id, mode="off") for card in CONTENT.treatment_cards]

    assert hooks_of(service_with(tmp_path, *rows, demo=True)) == list(HOOKS)


# ---------------------------------------------------------------- discovery


def test_its_prefetch_has_all_that_its_cards_need_and_the_laboratory_orders_are_asked_for_here_alone() -> None:
    services = {one["hook"]: one for one in new_client(every_service()).get("/cds-services").json()["services"]}

    assert list(services[PATIENT_VIEW]["prefetch"]) == list(FOR_TREATMENTS)
    assert all("laboratoryOrders" not in services[hook]["prefetch"] for hook in HOOKS)
    assert "412" in services[PATIENT_VIEW]["usageRequirements"]


def test_where_an_ehr_is_to_be_spared_work_it_is_asked_for_the_medications_alone() -> None:
    client = new_client(every_service(prefetch="patient"))
    (service,) = (one for one in client.get("/cds-services").json()["services"] if one["hook"] == PATIENT_VIEW)

    assert list(service["prefetch"]) == list(MEDICATION_LISTS)


def test_a_client_for_which_it_is_off_does_not_find_it(tmp_path: Path) -> None:
    other = client_toml("clinic", "https://clinic.north.test", *ALL_KEYS)
    row = ROW.format(card="new-risk", mode="on") + 'clients = ["hospital"]\n'
    (tmp_path / "site.toml").write_text(row, encoding="utf-8")
    discovery = runtime_of(Trusting(tmp_path, HOSPITAL + other, site=tmp_path / "site.toml").app).discovery

    assert [SERVICE.encode() in discovery[client] for client in ("hospital", "clinic", OPEN)] == [True, False, True]


# ---------------------------------------------------------------- cards


def test_nearly_every_chart_is_answered_with_no_card(client: TestClient) -> None:
    shown = {patient: ids_of(cards_of(client, opening_of(patient))) for patient in PATIENTS}

    assert {patient: cards for patient, cards in shown.items() if cards} == {
        RUNA: ["follow-up-due"],
        GRETA: ["response"],
        TOMAS: ["new-risk"],
    }


def test_the_suggestion_drafts_a_laboratory_order_of_today(client: TestClient) -> None:
    (card,) = cards_of(client, opening_of(RUNA))
    ((action,),) = (suggestion["actions"] for suggestion in card["suggestions"])

    assert action["type"] == "create"
    assert action["resource"]["resourceType"] == "ServiceRequest"
    assert action["resource"]["occurrenceDateTime"] == "2026-11-23"
    assert "isRecommended" not in str(card)


def laboratory_order(**members: Json) -> Body:
    resource = {
        "resourceType": "ServiceRequest",
        "id": "lab",
        "status": "active",
        "code": {"text": "Plasma amino acids"},
    }
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {**resource, **members}}]}


@pytest.mark.parametrize(
    ("orders", "offered"),
    [
        (None, 1),
        (laboratory_order(), 0),
        (laboratory_order(status="completed"), 1),
        (laboratory_order(code={"text": "Urine amino acids"}), 1),
        (UNREADABLE, 0),
    ],
    ids=["none", "ordered", "done", "of another specimen", "unreadable"],
)
def test_amino_acids_are_offered_only_where_they_are_known_not_to_be_ordered(
    orders: Json, offered: int, client: TestClient
) -> None:
    (card,) = cards_of(client, opening_of(RUNA, laboratoryOrders=orders))

    assert len(card.get("suggestions", ())) == offered


def test_only_a_warning_asks_for_a_reason_not_to_follow_it(client: TestClient) -> None:
    cards = [card for patient in (RUNA, GRETA, TOMAS) for card in cards_of(client, opening_of(patient))]

    assert [(card["indicator"], "overrideReasons" in card) for card in cards] == [
        ("info", False),
        ("info", False),
        ("warning", True),
    ]


def test_the_feedback_of_its_cards_is_taken(client: TestClient) -> None:
    (card,) = cards_of(client, opening_of(TOMAS))
    feedback = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-23T09:05:00Z"}

    assert client.post(f"/cds-services/{SERVICE}/feedback", json={"feedback": [feedback]}).status_code == 200


# ---------------------------------------------------------------- what is read


def test_a_chart_without_acetylcysteine_is_answered_without_parsing_the_rest(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: HookRequest) -> Body:
        raise AssertionError("parsed")

    monkeypatch.setattr(HookRequest, "prefetch", refuse)

    assert cards_of(client, opening_of(ALMA)) == []
    assert post(client, opening_of(RUNA)).status_code == 500


def test_what_is_wrong_elsewhere_in_the_prefetch_of_another_chart_is_not_looked_at(client: TestClient) -> None:
    body = opening_of(ALMA, problemList="x" * 300_000, aminoAcids=UNREADABLE)

    assert cards_of(client, body) == []


def fhir_server(patient: str, left_out: tuple[str, ...] = ()) -> tuple[respx.Router, TestClient]:
    """A FHIR server with a person of the fixtures, and a service that may call it."""
    server = respx.Router(assert_all_called=False)
    for key, answer in opening_of(patient)["prefetch"].items():
        if key not in left_out:
            path = fhir_query(QUERIES[key], patient, CONTENT.vocabulary.code_lists, "R4")
            server.get(f"{SERVER}/{path}").respond(content=to_bytes(answer))
    server.route().respond(404)
    http = httpx.AsyncClient(transport=httpx.MockTransport(server.async_handler))
    settings = every_service(fhir_deadline_ms=BUSY_MACHINE_MS, fhir_timeout_ms=BUSY_MACHINE_MS)
    return server, new_client(settings, http=http)


def asked_of(server: respx.Router) -> list[str]:
    return [urlsplit(str(call.request.url)).path.rpartition("/")[2] for call in server.calls]


def test_a_fhir_server_is_asked_for_the_medications_first_and_for_nothing_else_of_another_chart() -> None:
    server, client = fhir_server(ALMA)

    assert cards_of(client, {**opening_of(ALMA), "prefetch": {}, "fhirServer": SERVER}) == []
    assert sorted(asked_of(server)) == ["MedicationRequest", "MedicationStatement"]


@pytest.mark.parametrize("patient", [RUNA, GRETA, TOMAS])
def test_what_is_fetched_gives_the_same_cards_as_what_is_prefetched(patient: str) -> None:
    server, client = fhir_server(patient)
    cards = cards_of(client, {**opening_of(patient), "prefetch": {}, "fhirServer": SERVER})

    assert ids_of(cards) == ids_of(cards_of(client, opening_of(patient)))
    asked = asked_of(server)
    assert sorted(asked[:2]) == ["MedicationRequest", "MedicationStatement"]
    assert sorted(asked[2:]) == sorted(
        patient if key == "patient" else QUERIES[key].resource_type
        for key in FOR_TREATMENTS
        if key not in MEDICATION_LISTS
    )


def test_a_list_of_medications_that_cannot_be_read_leaves_the_other() -> None:
    _, client = fhir_server(TOMAS, left_out=("activeMedications",))
    body = {**opening_of(TOMAS), "prefetch": {}, "fhirServer": SERVER}

    assert ids_of(cards_of(client, body)) == ["new-risk"]  # his acetylcysteine is a statement


@pytest.mark.parametrize(("left_out", "untold"), [((), 0), (("allergyList",), 1), (("aminoAcids",), 2)], ids=str)
def test_the_log_says_how_many_cards_could_not_be_told(
    left_out: tuple[str, ...], untold: int, client: TestClient
) -> None:
    body = opening_of(RUNA)
    prefetch = {key: answer for key, answer in body["prefetch"].items() if key not in left_out}
    with capture_logs() as logs:
        post(client, {**body, "prefetch": prefetch})
        post(client, opening_of(ALMA))

    with_treatment, without_it = (line for line in logs if line["event"] == "answered")
    assert with_treatment["cards_untold"] == untold
    assert "cards_untold" not in without_it


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("edit", "field", "problem"),
    [
        (lambda body: without(body, "context", "patientId"), "context.patientId", "is missing"),
        (lambda body: replaced(body, ["context", "patientId"], 7), "context.patientId", "is not a string"),
        (lambda body: replaced(body, ["context", "patientId"], "Patient/1"), "context.patientId", "is not the bare id"),
        (lambda body: replaced(body, ["context"], []), "context", "is not an object"),
        (lambda body: replaced(body, ["hook"], "order-sign"), "hook", "is not patient-view"),
        (lambda body: without(body, "hookInstance"), "hookInstance", "is missing"),
    ],
)
def test_a_bad_call_is_refused_by_the_name_of_its_member(
    edit: Callable[[Body], Body], field: str, problem: str, client: TestClient
) -> None:
    response = post(client, edit(opening_of(RUNA)), SERVICE)

    assert response.status_code == 400
    assert field_of(response) == field
    assert problem in response.text
    assert RUNA not in response.text


@pytest.mark.parametrize("prefetch", [{}, None, UNREADABLE, dict.fromkeys(MEDICATION_LISTS, UNREADABLE)], ids=str)
def test_412_where_no_list_of_medications_was_obtained(prefetch: Json, client: TestClient) -> None:
    response = post(client, {**opening_of(RUNA), "prefetch": prefetch})

    assert response.status_code == 412
    assert all(key in response.text for key in MEDICATION_LISTS)
    assert RUNA not in response.text


def test_statements_without_acetylcysteine_do_not_stand_in_for_the_active_medications(client: TestClient) -> None:
    response = post(client, {**opening_of(ALMA), "prefetch": {"medicationStatements": None}})

    assert response.status_code == 412
    assert "activeMedications" in response.text
    assert "medicationStatements" not in response.text
    assert cards_of(client, {**opening_of(ALMA), "prefetch": {"activeMedications": None}}) == []


def test_orders_in_the_context_are_not_looked_at(client: TestClient) -> None:
    body = opening_of(ALMA)
    body["context"]["draftOrders"] = request_for(ALMA)["context"]["draftOrders"]

    assert cards_of(client, body) == []


def test_the_runtime_knows_the_service_by_its_hook() -> None:
    assert runtime_behind(new_client(every_service())).services[SERVICE] == PATIENT_VIEW
