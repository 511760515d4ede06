"""Two hospitals behind one address, told apart by the name in the TLS handshake: what is one's never reaches the other.

So it is behind a router that passes TLS through (an ingress, HAProxy or nginx `stream`): one address and port, and the
name alone decides who answers. Connections are kept alive; the calls come one after the other, in either order.
"""

import asyncio
import json
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.gathering.http import new_http_client
from tests.faults.fhir_servers import key_of
from tests.loopback import Asked, Loopback, http_answer, running
from tests.signing import P384, STRANGER, Trusting, bearer, client_toml, good_claims, good_header, public_jwk, sign
from tests.support import Body, ids_of, post, prefetch_for, request_for, to_bytes

PATIENT = "the-same-id"
NAMES = ("a", "b")
PERSON = {"a": "alma-glutamate-high", "b": "ines-allergic"}
KEY: dict[str, ec.EllipticCurvePrivateKey] = {"a": P384, "b": STRANGER}
ORDERS = [*permutations(NAMES), ("a", "b", "a", "b"), ("b", "a", "b", "a")]


def about_the_patient(body: Any, person: str) -> Body:
    """A body with another id in place of the person's."""
    changed: Body = json.loads(to_bytes(body).decode().replace(person, PATIENT))
    return changed


DATA = {name: about_the_patient(prefetch_for(person), person) for name, person in PERSON.items()}


@dataclass
class Router:
    """One TLS listener for both hosts. It keeps which of them was asked what."""

    authority: trustme.CA
    asked: dict[str, list[Asked]] = field(default_factory=lambda: {name: [] for name in NAMES})

    def __post_init__(self) -> None:
        self.hosts = {name: self._secured(name) for name in NAMES}
        front = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        front.sni_callback = self._route
        self.server = Loopback(self._answer, front)

    def _secured(self, name: str) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(self.host(name)).configure_cert(context)
        return context

    def _route(self, connection: ssl.SSLObject, server_name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self.hosts[str(server_name).partition(".")[0]]

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        context = writer.get_extra_info("ssl_object").context
        (name,) = (name for name, hosted in self.hosts.items() if hosted is context)
        self.asked[name].append(asked)
        is_key_set = urlsplit(asked.target).path == "/keys"
        answer = {"keys": [public_jwk(KEY[name], "ec")]} if is_key_set else DATA[name][key_of(asked)]
        writer.write(http_answer(to_bytes(answer)))

    def host(self, name: str) -> str:
        """The name of a host."""
        return f"{name}.example.org"

    def url(self, name: str, path: str) -> str:
        """An address at a host."""
        return f"https://{self.host(name)}:{self.server.port}{path}"

    def tokens_at(self, name: str) -> set[str]:
        """Every Authorization header that a host was sent."""
        return {asked.headers["authorization"] for asked in self.asked[name] if "authorization" in asked.headers}


@pytest.fixture
def router() -> Iterator[Router]:
    """Both hosts, listening."""
    both = Router(trustme.CA())
    with running(both.server):
        yield both


@pytest.fixture
def trusting(router: Router, tmp_path: Path) -> Iterator[Trusting]:
    """A service that trusts both hospitals, each with its key set and its FHIR server."""

    async def one_address(_name: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    authorities = tmp_path / "ca.pem"
    router.authority.cert_pem.write_to_path(str(authorities))
    http = new_http_client(authorities, one_address, may_call=lambda *_: True)
    clients = "".join(
        client_toml(name, f"urn:{name}", jku=router.url(name, "/keys"), fhir_servers=[router.url(name, "/fhir")])
        for name in NAMES
    )
    service = Trusting(tmp_path, clients, http=http, fhir_deadline_ms=60_000, fhir_timeout_ms=60_000)
    with service.client:
        yield service


def call(router: Router, service: Trusting, name: str, key: Any = None) -> Any:
    """The answer to a call of one hospital's client about its patient."""
    body = about_the_patient(request_for(PERSON[name], prefetch={}), PERSON[name])
    body |= {"fhirServer": router.url(name, "/fhir"), "fhirAuthorization": {"access_token": f"of-{name}"}}
    token = sign(good_header(jku=...), good_claims(iss=f"urn:{name}"), key or KEY[name])
    service.client.headers = bearer(token)
    return post(service.client, body)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_tokens_ids_and_data_of_one_hospital_stay_with_it(
    router: Router, trusting: Trusting, order: Sequence[str]
) -> None:
    for name in order:
        answer = call(router, trusting, name)
        assert answer.status_code == 200, answer.text
        assert ("acetylcysteine-hypersensitivity" in ids_of(answer.json()["cards"])) is (name == "b")
    for name in NAMES:
        assert router.tokens_at(name) == {f"Bearer of-{name}"}
    assert router.server.connections < len(router.server.asked)  # some were kept alive


@pytest.mark.parametrize("order", [*permutations(NAMES)], ids="-".join)
def test_a_key_set_comes_from_its_own_host(router: Router, trusting: Trusting, order: Sequence[str]) -> None:
    first, second = order
    assert call(router, trusting, first).status_code == 200
    assert call(router, trusting, second, key=KEY[first]).status_code == 401
    assert call(router, trusting, second).status_code == 200
