"""The hot route is the route: what an EHR is answered directly is what a browser is answered through the framework."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support import Body, new_client, prefetch_for, request_for, runtime_behind, to_bytes

SERVICE = "/cds-services/acetylcysteine-order-sign"
ORIGIN = {"Origin": "https://sandbox.cds-hooks.org"}
JSON = {"Content-Type": "application/json"}
VALID = request_for("ines-allergic", prefetch=prefetch_for("ines-allergic"))
BODIES: dict[str, Any] = {
    "cards": to_bytes(VALID),
    "another drug": to_bytes(request_for("ines-allergic", "amoxicillin")),
    "nothing obtained": to_bytes({**VALID, "prefetch": {}}),
    "no JSON": b"{",
    "no hook": b"{}",
    "another hook": to_bytes({**VALID, "hook": "order-select"}),
    "a prefetch that is no JSON inside": to_bytes(VALID).replace(b'"patient":{', b'"patient":{\x01'),
    "too many orders": to_bytes({**VALID, "context": {"patientId": "p", "draftOrders": {"entry": [{}] * 301}}}),
}


def answered(client: TestClient, body: bytes, headers: dict[str, str]) -> tuple[int, Body, dict[str, str]]:
    response = client.post(SERVICE, content=body, headers={**JSON, **headers})
    for_browsers = ("access-control-", "vary", "content-length")
    rest = {name: value for name, value in response.headers.items() if not name.startswith(for_browsers)}
    return response.status_code, response.json(), rest


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_both_ways_give_the_same_answer(body: bytes) -> None:
    direct, framework = (answered(new_client(), body, headers) for headers in ({}, ORIGIN))
    assert direct == framework


@pytest.mark.parametrize("headers", [{"Content-Type": "text/xml"}, {"Content-Encoding": "gzip"}])
def test_both_ways_refuse_the_same_bodies(headers: dict[str, str]) -> None:
    direct, framework = (answered(new_client(), b"{}", {**headers, **more}) for more in ({}, ORIGIN))
    assert direct == framework
    assert direct[0] == 415


def test_only_the_answer_to_a_browser_has_headers_for_browsers() -> None:
    client = new_client()
    assert "access-control-allow-origin" not in client.post(SERVICE, content=BODIES["cards"], headers=JSON).headers
    assert "access-control-allow-origin" in client.post(SERVICE, content=BODIES["cards"], headers=JSON | ORIGIN).headers


@pytest.mark.parametrize("headers", [{}, ORIGIN], ids=["direct", "framework"])
def test_both_ways_are_counted(headers: dict[str, str]) -> None:
    client = new_client()
    client.post(SERVICE, content=BODIES["cards"], headers=JSON | headers)
    exposed = runtime_behind(client).metrics.exposition().decode()
    counted = [line for line in exposed.splitlines() if line.endswith(" 1.0")]
    assert any('kind="call"' in line and 'outcome="cards"' in line and "order-sign" in line for line in counted)


def test_another_method_or_service_is_left_to_the_framework() -> None:
    client = new_client()
    assert client.get(SERVICE).status_code == 405
    assert client.post("/cds-services/unknown", content=b"{}", headers=JSON).status_code == 404
