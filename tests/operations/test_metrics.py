"""What is counted, and that nobody from outside can make a label."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.hooks.discovery import SERVICES
from cds_service.settings import Settings
from cds_service.telemetry import metrics as counted
from cds_service.telemetry.metrics import Metrics
from tests.operations.load import Load
from tests.processes import serving
from tests.support import CONTENT, NOW, ROOT, cards_of, counted_ids, ids_of, post, request_for, without

FHIR = "http://127.0.0.1:1/fhir"
SIGN = "acetylcysteine-order-sign"


@contextmanager
def local_client(
    settings: Settings | None = None,
    host: str = "127.0.0.1",
    fhir: httpx.AsyncClient | None = None,
    now: Callable[[], datetime] = lambda: NOW,
) -> Iterator[TestClient]:
    """A client that calls from an address."""
    app = create_app(settings or Settings(), CONTENT, now=now, new_id=counted_ids(), http=fhir)
    with TestClient(app, raise_server_exceptions=False, client=(host, 50000)) as one:
        yield one


def series(client: TestClient) -> dict[str, float]:
    """Every series, as it is written, with its value."""
    got = client.get("/metrics")
    assert got.status_code == 200
    list(text_string_to_metric_families(got.text))  # it can be read
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in got.text.splitlines()
        if not line.startswith("#")
    }


def requests_of(client: TestClient) -> dict[tuple[str, str, str], float]:
    """How many requests, by kind, service and outcome."""
    found = {}
    for name, value in series(client).items():
        if name.startswith("cds_requests_total{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', name))
            found[labels["kind"], labels["service"], labels["outcome"]] = value
    return {labels: value for labels, value in found.items() if value}


def test_a_call_is_counted_with_its_cards_and_its_time() -> None:
    with local_client() as client:
        shown = ids_of(cards_of(client, request_for("ines-allergic")))
        found = series(client)

        assert requests_of(client) == {("call", SIGN, "cards"): 1}
        for card in shown:
            assert found[f'cds_cards_shown_total{{card="{card}"}}'] == 1
        assert found['cds_answer_seconds_count{outcome="cards"}'] == 1


def test_a_call_about_another_drug_has_an_outcome_of_its_own() -> None:
    with local_client() as client:
        assert cards_of(client, request_for("bruno-glutamate-normal", "amoxicillin")) == []
        assert requests_of(client) == {("call", SIGN, "no cards"): 1}


def test_facts_that_a_card_lacked_are_counted_once_a_call() -> None:
    with local_client() as client:
        body = request_for("bruno-glutamate-normal")
        cards_of(client, without(body, "prefetch", "allergyList"))
        found = {name: value for name, value in series(client).items() if name.startswith("cds_cannot_tell_total")}

        assert found
        assert set(found.values()) == {1}
        assert {fact for name in found for fact in re.findall(r'fact="(\w+)"', name)} <= set(CATALOGUE)


REFUSED: dict[str, Callable[[TestClient], object]] = {
    "not found": lambda client: client.post("/cds-services/nobody", content=b"{}"),
    "invalid": lambda client: post(client, b"{"),
    "data not obtained": lambda client: post(client, request_for("bruno-glutamate-normal", prefetch=None)),
    "too large": lambda client: post(client, b" " * 5_000_000),
}


@pytest.mark.parametrize("outcome", REFUSED)
def test_what_is_refused_is_counted_by_its_reason(outcome: str) -> None:
    with local_client() as client:
        REFUSED[outcome](client)
        service = "other" if outcome == "not found" else SIGN
        assert requests_of(client) == {("call", service, outcome): 1}


def test_a_bug_is_counted() -> None:
    def broken_clock() -> datetime:
        raise LookupError

    with local_client(now=broken_clock) as client:
        assert post(client, request_for("bruno-glutamate-normal")).status_code == 500
        assert requests_of(client) == {("call", SIGN, "failed"): 1}


def test_discovery_and_whatever_else_is_asked_are_counted_without_a_service() -> None:
    with local_client() as client:
        client.get("/cds-services")
        client.get("/nowhere")
        client.get("/health/live")
        assert requests_of(client) == {("discovery", "", "done"): 1, ("other", "", "not found"): 1}


# ---------------------------------------------------------------- the FHIR server


def answering(
    body: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


def failing(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("as a test has it", request=request)

    return fail


ANSWERS = {
    "ok": answering(b'{"resourceType": "Bundle", "total": 0}'),
    "status": answering(b"", 403),
    "unreadable": answering(b"<html>"),
    "compressed": answering(b"x", headers={"Content-Encoding": "br"}),
    "too large": answering(b" " * 2000),
    "late": failing(httpx.ReadTimeout),
    "unreachable": failing(httpx.ConnectError),
    "busy": failing(httpx.PoolTimeout),
}


@pytest.mark.parametrize("outcome", ANSWERS)
def test_each_fetch_is_counted_by_what_became_of_it(outcome: str) -> None:
    body = {**without(request_for("bruno-glutamate-normal"), "prefetch", "allergyList"), "fhirServer": FHIR}
    fhir = httpx.AsyncClient(transport=httpx.MockTransport(ANSWERS[outcome]))
    with local_client(Settings(fhir_max_bytes=1000), fhir=fhir) as client:
        post(client, body)
        found = series(client)

    counts = {name: value for name, value in found.items() if name.startswith("cds_fhir_fetch_seconds_count")}
    assert counts == {f'cds_fhir_fetch_seconds_count{{outcome="{outcome}"}}': 1}


async def never(_request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


def test_a_fetch_that_the_deadline_ends_is_counted_as_late() -> None:
    body = {**without(request_for("bruno-glutamate-normal"), "prefetch", "allergyList"), "fhirServer": FHIR}
    fhir = httpx.AsyncClient(transport=httpx.MockTransport(never))
    with local_client(Settings(fhir_deadline_ms=20, fhir_timeout_ms=60_000), fhir=fhir) as client:
        post(client, body)
        assert series(client)['cds_fhir_fetch_seconds_count{outcome="late"}'] == 1


def test_a_server_that_rests_is_not_asked_and_is_named_by_its_client_in_metrics_and_readiness() -> None:
    asked = list[httpx.Request]()

    def fail(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(500, stream=httpx.ByteStream(b""))

    body = {**without(request_for("bruno-glutamate-normal"), "prefetch", "allergyList"), "fhirServer": FHIR}
    with local_client(fhir=httpx.AsyncClient(transport=httpx.MockTransport(fail))) as client:
        assert "fhirServers" not in client.get("/health/ready").json()
        for _ in range(8):
            post(client, body)
        found, ready = series(client), client.get("/health/ready")

    assert len(asked) == 5
    assert found['cds_calls_not_gathered_total{client="open",reason="resting"}'] == 3
    assert found['cds_calls_not_gathered_total{client="open",reason="busy"}'] == 0
    assert found['cds_fhir_servers_resting{client="open"}'] == 1
    assert (ready.status_code, ready.json()["fhirServers"]) == (200, {"open": "resting"})


# ---------------------------------------------------------------- labels


def test_hostile_requests_add_no_label() -> None:
    with local_client() as client:
        for number in range(50):
            client.post(f"/cds-services/evil-{number}", content=b"{}")
            client.post(f"/cds-services/evil-{number}/feedback", content=b"{}")
            client.get(f"/evil-{number}")
            client.request(f"EVIL{number}", "/cds-services")
            post(client, {"hook": f"evil-{number}", "hookInstance": f"evil-{number}"})
        before = set(series(client))
        for number in range(50, 100):
            client.post(f"/cds-services/evil-{number}", content=b"{}")
            client.post(f"/cds-services/evil-{number}/feedback", content=b"{}")
            client.get(f"/evil-{number}")
            client.request(f"EVIL{number}", "/cds-services")
            post(client, {"hook": f"evil-{number}", "hookInstance": f"evil-{number}"})
        after = set(series(client))

    assert after == before
    assert not any("evil" in name.casefold() for name in after)


def test_every_label_is_of_a_closed_set_whatever_a_caller_of_the_class_says() -> None:
    metrics = Metrics(SERVICES, ["a-card"], ["a_fact"])
    before = set(re.findall(r'="([^"]*)"', metrics.exposition().decode()))
    metrics.count_request("odd", "odd", "odd", 1)
    metrics.count_request("call", "odd", "odd", 1)
    metrics.count_cards(["odd"])
    metrics.count_missing_facts(["odd"])
    metrics.observe_fetch("odd", 1)
    metrics.count_authentication_failure("odd")
    metrics.set_part_up("odd", True)
    text = metrics.exposition().decode()

    buckets = set(re.findall(r'le="([^"]*)"', text))
    assert set(re.findall(r'="([^"]*)"', text)) - before - buckets == {"other", ""}


def test_what_others_report_is_counted() -> None:
    metrics = Metrics(SERVICES, [], [])
    metrics.set_queue_depth(7)
    metrics.count_dropped_records()
    metrics.set_database_up(False)
    metrics.count_authentication_failure("expired")
    text = metrics.exposition().decode()

    assert "cds_record_queue_depth 7.0" in text
    assert "cds_records_dropped_total 1.0" in text
    assert 'cds_part_up{part="database"} 0.0' in text
    assert 'cds_authentication_failures_total{reason="expired"} 1.0' in text


def test_every_reason_for_which_a_token_is_refused_has_a_label() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cds_service" / "auth").glob("*.py"))
    assert set(re.findall(r'Refused\("([^"]+)"', code)) == set(counted.AUTHENTICATION_FAILURES)


def test_the_sets_are_small_enough_to_be_kept_by_any_server() -> None:
    sizes = [len(one) for one in (counted.KINDS, counted.OUTCOMES, counted.FETCHES, counted.AUTHENTICATION_FAILURES)]
    assert max(sizes) < 20


# ---------------------------------------------------------------- who may read


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("10.0.0.1", 404), ("2001:db8::1", 404), ("x", 404)],
)
def test_only_this_machine_may_read_unless_a_setting_says_otherwise(host: str, status: int) -> None:
    with local_client(host=host) as client:
        assert client.get("/metrics").status_code == status


@pytest.mark.parametrize(("host", "status"), [("10.1.2.3", 200), ("127.0.0.1", 404)])
def test_a_setting_names_the_networks_that_may(host: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_METRICS_FROM", '["10.1.0.0/16"]')
    settings = Settings()
    assert settings.metrics_from == (ip_network("10.1.0.0/16"),)
    with local_client(settings, host) as client:
        assert client.get("/metrics").status_code == status


# ---------------------------------------------------------------- several workers


def test_two_workers_are_counted_as_one_service(tmp_path: Path) -> None:
    label = f'kind="call",outcome="cards",service="{SIGN}"'
    with serving(tmp_path, "--workers", "2") as service:
        load = Load([service.port], keep_alive=False)
        load.start(clients=4)
        load.wait_for(60)
        load.end()
        totals = set()
        for _ in range(10):  # whichever worker is asked
            lines = service.ask("/metrics")[1].decode().splitlines()
            totals |= {line for line in lines if line.startswith(f"cds_requests_total{{{label}}}")}

    assert totals == {f"cds_requests_total{{{label}}} {float(load.statuses[200])}"}
    assert load.dropped == []


def test_the_folder_that_workers_share_is_gone_afterwards(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    with serving(tmp_path, "--workers", "2", settings={"TMPDIR": str(shared)}) as service:
        assert list(shared.glob("cds-metrics-*/*.db"))
        service.stop()
    assert list(shared.iterdir()) == []
