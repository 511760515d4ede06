"""Which web pages may call from a browser, and what is kept of those that may not: the host, and how many."""

import pytest
import structlog
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from cds_service.api.cors import host_of
from cds_service.settings import Settings
from tests.support import new_client, runtime_behind

SANDBOX = "https://sandbox.cds-hooks.org"
LISTED = "https://ehr.example.org"
OF_THIS_MACHINE = ("http://localhost", "http://localhost:8080", "http://127.0.0.1", "http://127.0.0.1:65535")
NEARLY = (
    "https://localhost:8080",
    "http://localhost.evil.example",
    "http://localhost:8080.evil.example",
    "http://evil.example/localhost:8080",
    "http://localhost@evil.example",
    "http://127.0.0.1.evil.example:80",
    "http://127.0.0.10",
    "http://LOCALHOST:8080",
    "http://localhost:",
    "http://localhost:123456",
    "http://localhost:8080/",
    "http://localhost:8080\nx",
    "null",
    "",
)


def may_call(client: TestClient, origin: str) -> bool:
    """Whether the answer to a call from a page tells the browser to let the page read it, and a preflight agrees."""
    headers = {"Origin": origin.encode()}
    asked = {**headers, "Access-Control-Request-Method": b"POST", "Access-Control-Request-Headers": b"content-type"}
    answer = client.get("/cds-services", headers=headers)
    preflight = client.options("/cds-services/acetylcysteine-order-sign", headers=asked)

    assert answer.status_code == 200
    allowed: list[bool] = [
        response.headers.get("access-control-allow-origin") == origin for response in (answer, preflight)
    ]
    assert allowed[0] == allowed[1] == (preflight.status_code == 200)
    return allowed[0]


@pytest.mark.parametrize("origin", [*OF_THIS_MACHINE, SANDBOX, LISTED])
def test_in_demo_mode_pages_of_this_machine_the_sandbox_and_those_listed_may_call(origin: str) -> None:
    assert may_call(new_client(Settings(demo=True, cors_origins=(LISTED,))), origin)


@pytest.mark.parametrize("origin", NEARLY)
def test_what_only_looks_like_a_page_of_this_machine_may_not(origin: str) -> None:
    assert not may_call(new_client(Settings(demo=True)), origin)


@pytest.mark.parametrize("origin", [*OF_THIS_MACHINE, SANDBOX])
def test_outside_demo_mode_nothing_is_added_to_the_setting(origin: str) -> None:
    client = new_client(Settings(cors_origins=(LISTED,)))

    assert not may_call(client, origin)
    assert may_call(client, LISTED)


REFUSED = {  # an origin, and what the log says of it
    "https://evil.example": "evil.example",
    "https://EVIL.example:8443": "evil.example",
    "https://somebody:secret@evil.example/path?patient=1": "evil.example",
    "null": "not a host",
    "": "not a host",
    "evil.example": "not a host",
    "https://": "not a host",
    "https://[::1": "not a host",
    "https://maria meier.example": "not a host",
    "https://" + "x" * 400: "not a host",
    'https://a"},{"b.example': "not a host",
    "https://caf\u00e9.example": "not a host",
}


@pytest.mark.parametrize(("origin", "host"), REFUSED.items(), ids=lambda value: value[:40])
def test_of_an_origin_only_the_host_is_said(origin: str, host: str) -> None:
    assert host_of(origin) == host


def refusals(client: TestClient, origin: str) -> tuple[list[str], float]:
    """The hosts that the log says are refused when a page posts, and how many are counted."""
    structlog.reset_defaults()
    with capture_logs() as lines:
        client.post("/cds-services/acetylcysteine-order-sign", content=b"{}", headers={"Origin": origin})
    exposed = runtime_behind(client).metrics.exposition().decode().splitlines()
    counted = next(float(line.split()[1]) for line in exposed if line.startswith("cds_origins_refused_total "))
    return [line["host"] for line in lines if line["event"] == "origin refused"], counted


def test_a_refused_origin_is_logged_and_counted() -> None:
    client = new_client(Settings(demo=True))

    assert refusals(client, "https://user@evil.example:1/p") == (["evil.example"], 1)
    assert refusals(client, "https://other.example") == (["other.example"], 2)


@pytest.mark.parametrize("origin", ["http://testserver", "https://cds.example.org", SANDBOX])
def test_this_services_own_pages_and_those_that_may_call_are_not(origin: str) -> None:
    client = new_client(Settings(public_url="https://cds.example.org"))

    assert refusals(client, origin) == ([], 0)
