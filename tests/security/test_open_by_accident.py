"""The service is open to others only if somebody says so, and says at every start who may call."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.command import NO_PORT, run_command
from tests.processes import Service, serving
from tests.signing import ISSUER, P384, SERVICE, bearer, client_toml, good_claims, good_header, key_toml, sign
from tests.support import request_for, to_bytes

CLIENTS = client_toml("hospital", ISSUER, key_toml(P384, "ec"))
BEYOND = ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "cds.example.org", "", "127.0.0.1.example.org", "0", "2130706433"]


def run_serve(host: str, **environment: str) -> tuple[int, str]:
    """What `serve` answers where it refuses to start."""
    names = {f"CDS_{name.upper()}": value for name, value in environment.items()}
    done = run_command("serve", "--host", host, "--port", NO_PORT, settings=names)
    return done.exit_code, done.output


@pytest.fixture
def clients(tmp_path: Path) -> str:
    """The path of a list of clients."""
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("host", BEYOND)
def test_without_clients_no_address_but_loopback_is_served(host: str) -> None:
    code, said = run_serve(host)
    assert code == 2
    assert "List them in CDS_CLIENTS, or set CDS_AUTH=off." in said


@pytest.mark.parametrize("host", BEYOND)
def test_with_clients_another_address_needs_the_public_one(host: str, clients: str) -> None:
    code, said = run_serve(host, clients=clients)
    assert code == 2
    assert "set CDS_PUBLIC_URL" in said


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_clients_and_no_authentication_are_a_mistake(host: str, clients: str) -> None:
    code, said = run_serve(host, clients=clients, auth="off", public_url="https://cds.example.org")
    assert code == 2
    assert "One of the two is a mistake." in said


def test_a_mistake_in_the_list_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text("[[client]]\n", encoding="utf-8")
    code, said = run_serve("127.0.0.1", clients=str(file))
    assert code == 1
    assert "clients.toml:1: client.0.name: it is missing" in said
    assert "2 mistakes." in said


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[tuple[Service, list[dict[str, Any]]]]:
    """The service as the command starts it, on loopback, and what it has logged until it answers."""
    with serving(folder, settings={f"CDS_{name.upper()}": value for name, value in settings.items()}) as service:
        yield service, [json.loads(line) for line in service.written().splitlines()]


def ask(service: Service, headers: dict[str, str]) -> int:
    """The status of a call."""
    return service.ask(SERVICE, to_bytes(request_for("ines-allergic")), headers)[0]


def test_on_loopback_it_says_that_only_this_machine_may_call(tmp_path: Path) -> None:
    with served(tmp_path) as (service, lines):
        assert [(line["level"], line["note"]) for line in lines if line["event"] == "open"] == [
            ("info", "no CDS_CLIENTS: anyone on this machine may call, and nobody else")
        ]
        assert ask(service, {}) == 200


def test_authentication_that_is_off_is_a_warning_at_every_start(tmp_path: Path) -> None:
    with served(tmp_path, auth="off") as (_, lines):
        assert [(line["level"], line["note"]) for line in lines if line["event"] == "open"] == [
            ("warning", "CDS_AUTH=off: anyone who reaches this address may call")
        ]


def test_with_clients_on_loopback_tokens_are_for_the_address_that_is_served(tmp_path: Path, clients: str) -> None:
    with served(tmp_path, clients=clients) as (service, lines):
        assert [line for line in lines if line["event"] == "open"] == []
        now = int(datetime.now(UTC).timestamp())
        claims = good_claims(aud=service.address + SERVICE, iat=now, exp=now + 300)
        assert ask(service, {}) == 401
        assert ask(service, bearer(sign(good_header(jku=...), claims))) == 200
