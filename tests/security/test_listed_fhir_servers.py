"""The FHIR servers of a client's entry are called for that client, and no other server for anybody."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.fhir_servers import PATIENT, answer_with, sound
from tests.loopback import Loopback, running
from tests.signing import (
    ISSUER,
    P384,
    SERVICE,
    STRANGER,
    Trusting,
    bearer,
    client_toml,
    good_claims,
    good_header,
    key_toml,
    sign,
)
from tests.support import request_for, to_bytes, without

BODY = without(request_for(PATIENT), "prefetch")


@pytest.fixture
def fhir() -> Iterator[Loopback]:
    """A sound FHIR server."""
    one = Loopback(answer_with(sound))
    with running(one):
        yield one


def call(folder: Path, fhir: Loopback, name: str, listed: list[str]) -> int:
    """The status of a call of one of two clients; the other one lists the FHIR server."""
    ours = client_toml("ours", ISSUER, key_toml(P384, "ec"), fhir_servers=listed)
    theirs = client_toml("theirs", "urn:theirs", key_toml(STRANGER, "ec"), fhir_servers=[fhir.base])
    service = Trusting(folder, ours + theirs)
    issuer, key = {"ours": (ISSUER, P384), "theirs": ("urn:theirs", STRANGER)}[name]
    token = bearer(sign(good_header(jku=...), good_claims(iss=issuer), key))
    with service.client:
        body = to_bytes({**BODY, "fhirServer": fhir.base})
        response: httpx.Response = service.client.post(SERVICE, content=body, headers=token)
    return response.status_code


def test_a_listed_server_is_called(tmp_path: Path, fhir: Loopback) -> None:
    assert call(tmp_path, fhir, "ours", ["https://fhir.example.org/r4", fhir.base]) == 200
    assert fhir.connections > 0


@pytest.mark.parametrize("listed", [[], ["https://fhir.example.org/r4"], ["same server, another path"]])
def test_loopback_and_the_servers_of_others_are_not_called(tmp_path: Path, fhir: Loopback, listed: list[str]) -> None:
    listed = [fhir.base.replace("/fhir", "/other") if one.startswith("same") else one for one in listed]
    assert call(tmp_path, fhir, "ours", listed) == 412
    assert fhir.connections == 0
    assert call(tmp_path, fhir, "theirs", listed) == 200
