"""Liveness and readiness, by component."""

import json
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from cds_service.api.runtime import runtime_of
from cds_service.app import create_app
from cds_service.content.manifest import prove_manifest
from cds_service.settings import Settings
from tests.processes import serving
from tests.signing import HOSPITAL, ISSUER, JKU, P384, PUBLIC, client_toml, public_jwk
from tests.support import CARDS, CONTENT, Unrecorded, new_client, post, request_for, runtime_behind


class Down(Unrecorded):
    """Records whose database does not answer."""

    @property
    def is_up(self) -> bool:
        return False


class Broken(Unrecorded):
    """Records that fail when they are asked whether the database is up."""

    @property
    def is_up(self) -> bool:
        raise OSError("postgresql://user:secret@database/cds cannot be reached")


def test_it_is_live_and_ready_with_content_alone(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    got = client.get("/health/ready")

    assert got.status_code == 200
    assert got.json() == {
        "status": "ready",
        "parts": {"content": "up", "database": "up"},
        "contentVersion": CONTENT.about.version,
    }


def test_it_shows_of_what_the_content_consists_that_it_was_started_with() -> None:
    client = TestClient(create_app(Settings(), records=Unrecorded()))
    manifest = prove_manifest(CARDS)
    assert client.get("/health/ready").json()["content"] == {
        "cards": len(CONTENT.cards),
        "codeListRows": sum(manifest.rows.values()),
        "digest": manifest.digest,
    }


@pytest.mark.parametrize("records", [Down(), Broken()], ids=["down", "broken"])
def test_a_component_that_is_down_is_named_and_the_service_not_ready(records: Unrecorded) -> None:
    client = new_client(records=records)
    got = client.get("/health/ready")

    assert got.status_code == 503
    assert got.json()["status"] == "not ready"
    assert got.json()["parts"] == {"content": "up", "database": "down"}
    assert client.get("/health/live").status_code == 200  # it is not restarted for that


def test_the_answer_does_not_say_why() -> None:
    assert "secret" not in new_client(records=Broken()).get("/health/ready").text


def test_the_state_of_each_component_is_a_metric() -> None:
    client = new_client(records=Down())
    client.get("/health/ready")
    text = runtime_behind(client).metrics.exposition().decode()

    assert 'cds_part_up{part="content"} 1.0' in text
    assert 'cds_part_up{part="database"} 0.0' in text


def test_neither_asks_for_a_token_nor_says_a_setting(client: TestClient) -> None:
    for path in ("/health/live", "/health/ready"):
        got = client.get(path, headers={"Authorization": "Bearer nonsense"})
        assert got.status_code == 200
        assert got.headers["content-type"] == "application/json"
        assert str(Settings().cards) not in got.text


def test_a_real_service_answers_both(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        assert service.ask("/health/live")[0] == 200
        assert json.loads(service.ask("/health/ready")[1])["status"] == "ready"


@pytest.mark.parametrize(("status_of_ehr", "status"), [(200, 200), (500, 503)])
def test_the_key_sets_of_clients_are_a_component(tmp_path: Path, status_of_ehr: int, status: int) -> None:
    listed = tmp_path / "clients.toml"
    listed.write_text(client_toml("hospital", ISSUER, jku=JKU), encoding="utf-8")
    key_set = json.dumps({"keys": [public_jwk(P384, "ec")]}).encode()
    ehr = httpx.MockTransport(lambda _: httpx.Response(status_of_ehr, stream=httpx.ByteStream(key_set)))
    app = create_app(Settings(clients=listed, public_url=PUBLIC), CONTENT, http=httpx.AsyncClient(transport=ehr))
    with TestClient(app) as client:
        got = client.get("/health/ready")  # and no token is asked for

    assert got.status_code == status
    assert got.json()["parts"] == {
        "content": "up",
        "database": "up",
        "key sets": "up" if status == 200 else "down",
    }


def test_a_refused_token_is_counted_by_its_reason(tmp_path: Path) -> None:
    listed = tmp_path / "clients.toml"
    listed.write_text(HOSPITAL, encoding="utf-8")
    app = create_app(Settings(clients=listed, public_url=PUBLIC), CONTENT)
    with TestClient(app) as client:
        assert post(client, request_for("bruno-glutamate-normal")).status_code == 401
        text = runtime_of(app).metrics.exposition().decode()

    assert 'cds_authentication_failures_total{reason="no token"} 1.0' in text
    outcome = 'kind="call",outcome="unauthenticated",service="acetylcysteine-order-sign"'
    assert f"cds_requests_total{{{outcome}}} 1.0" in text
