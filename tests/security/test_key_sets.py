"""Key sets: fetched from the listed address and from no other, kept, renewed in time, and whatever goes wrong survived.

The servers are real, on loopback, and count who connects.
"""

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from cds_service.api.runtime import runtime_of
from tests.loopback import Asked, Loopback, http_answer, running
from tests.signing import (
    ALL_KEYS,
    ISSUER,
    P256,
    P384,
    RSA,
    SERVICE,
    STRANGER,
    Trusting,
    bearer,
    client_toml,
    good_claims,
    good_header,
    public_jwk,
    sign,
)
from tests.support import request_for, to_bytes

BODY = to_bytes(request_for("ines-allergic"))
OWN = public_jwk(P384, "ec")


def key_set(*keys: Any) -> bytes:
    """A key set as it is published."""
    return http_answer(json.dumps({"keys": list(keys)}).encode(), kind="application/jwk-set+json")


class KeyServer(Loopback):
    """A server of key sets, which says whatever `said` is."""

    def __init__(self, said: bytes) -> None:
        super().__init__(self._answer)
        self.said = said

    async def _answer(self, _asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(self.said)

    @property
    def jku(self) -> str:
        """The address of its key set."""
        return f"http://127.0.0.1:{self.port}/keys/jwks.json"


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """A server with the key that good tokens are signed with."""
    one = KeyServer(key_set(OWN))
    with running(one):
        yield one


@pytest.fixture
def trusting(tmp_path: Path, server: KeyServer) -> Iterator[Trusting]:
    """A service that trusts the keys of that server."""
    one = Trusting(tmp_path, client_toml(issuer=ISSUER, jku=server.jku))
    with one.client:
        yield one


def call(service: Trusting, kid: str = "ec", key: Any = P384, **header: Any) -> int:
    token = sign(good_header(**{"kid": kid, "jku": ..., **header}), key=key)
    response: httpx.Response = service.client.post(SERVICE, content=BODY, headers=bearer(token))
    return response.status_code


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until something that happens by itself has happened."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


# ---------------------------------------------------------------- fetched once, and when there is a reason


def test_a_key_set_is_fetched_when_it_is_first_needed_and_then_kept(trusting: Trusting, server: KeyServer) -> None:
    assert server.connections == 0
    assert [call(trusting) for _ in range(3)] == [200, 200, 200]
    assert [(one.method, one.target) for one in server.asked] == [("GET", "/keys/jwks.json")]


def test_nothing_of_the_caller_is_sent_along(trusting: Trusting, server: KeyServer) -> None:
    call(trusting)
    assert server.asked[0].headers.keys() <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


def test_a_token_may_name_the_listed_address(trusting: Trusting, server: KeyServer) -> None:
    assert call(trusting, jku=server.jku) == 200


def test_a_new_key_is_found_once_a_while_has_passed(trusting: Trusting, server: KeyServer) -> None:
    assert call(trusting) == 200
    server.said = key_set(OWN, public_jwk(RSA, "new"))
    trusting.seconds += 9.9
    assert call(trusting, "new", RSA, alg="RS384") == 401
    trusting.seconds += 0.1
    assert call(trusting, "new", RSA, alg="RS384") == 200
    assert len(server.asked) == 2


def test_invented_key_ids_fetch_nothing_but_once_in_a_while(trusting: Trusting, server: KeyServer) -> None:
    assert {call(trusting, f"invented-{number}") for number in range(30)} == {401}
    assert len(server.asked) == 1
    trusting.seconds += 10
    assert {call(trusting, f"invented-{number}") for number in range(30)} == {401}
    assert len(server.asked) == 2
    assert call(trusting) == 200


def test_a_set_that_grows_old_is_used_on_while_a_new_one_is_fetched(trusting: Trusting, server: KeyServer) -> None:
    assert call(trusting) == 200
    server.said = key_set(public_jwk(P384, "renamed"))
    trusting.seconds += 2879
    assert (call(trusting), len(server.asked)) == (200, 1)
    trusting.seconds += 1
    assert call(trusting) == 200
    wait_for(lambda: len(server.asked) == 2)
    wait_for(lambda: call(trusting) == 401)  # a key that was taken out of the set is not believed any more
    assert call(trusting, "renamed") == 200


def test_a_key_that_was_revoked_during_a_quiet_time_is_not_believed_once_more(
    trusting: Trusting, server: KeyServer
) -> None:
    assert call(trusting) == 200
    server.said = key_set(public_jwk(P384, "renamed"))
    trusting.seconds += 3600
    assert (call(trusting), len(server.asked)) == (401, 2)
    assert call(trusting, "renamed") == 200


def test_many_calls_at_once_fetch_once(tmp_path: Path, server: KeyServer) -> None:
    service = Trusting(tmp_path, client_toml(issuer=ISSUER, jku=server.jku))

    async def together() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://test") as http:
            tokens = [sign(good_header(jku=...)) for _ in range(10)]
            calls = [http.post(SERVICE, content=BODY, headers=bearer(token)) for token in tokens]
            answers = [one.status_code for one in await asyncio.gather(*calls)]
        await runtime_of(service.app).http.aclose()
        return answers

    assert asyncio.run(together()) == [200] * 10
    assert len(server.asked) == 1


# ---------------------------------------------------------------- what goes wrong


def test_the_last_good_set_survives_an_outage(tmp_path: Path) -> None:
    server = KeyServer(key_set(OWN))
    with ExitStack() as stack:
        with running(server):
            service = Trusting(tmp_path, client_toml(issuer=ISSUER, jku=server.jku))
            stack.enter_context(service.client)
            assert call(service) == 200
        for _ in range(5):
            service.seconds += 3600
            assert call(service) == 200
        assert call(service, "unknown") == 401


FAULTS: dict[str, tuple[bytes, str]] = {
    "status 500": (http_answer(b"", 500), "status 500"),
    "status 404": (http_answer(b"{}", 404), "status 404"),
    "status 204": (http_answer(b"", 204), "status 204"),
    "a page": (http_answer(b"<html><body>Log in</body></html>", kind="text/html"), "not a key set"),
    "nothing": (http_answer(b""), "not a key set"),
    "a list": (http_answer(json.dumps([OWN]).encode()), "not a key set"),
    "an object without keys": (http_answer(b"{}"), "not a key set"),
    "keys that are no list": (http_answer(json.dumps({"keys": OWN}).encode()), "not a key set"),
    "half of it": (http_answer(json.dumps({"keys": [OWN]}).encode()[:-20]), "not a key set"),
    "nested deeply": (http_answer(b'{"keys":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "not a key set"),
    "compressed": (
        http_answer(gzip.compress(json.dumps({"keys": [OWN]}).encode()), content_encoding="gzip"),
        "not a key set",
    ),
    "too large": (http_answer(json.dumps({"keys": [OWN], "x": "y" * 262_144}).encode()), "too large"),
    "less than announced": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n{}",
        "no answer in time",
    ),
    "no HTTP": (b"220 mail.example.org ESMTP\r\n\r\n", "not reached"),
    "silence": (b"", "no answer in time"),
}


@pytest.mark.parametrize(("said", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_key_set_that_cannot_be_had_is_named_in_the_log_and_costs_only_its_tokens(
    tmp_path: Path, said: bytes, reason: str
) -> None:
    structlog.reset_defaults()
    server = KeyServer(said)
    with running(server):
        clients = client_toml(issuer=ISSUER, jku=server.jku) + client_toml("other", "urn:other", *ALL_KEYS)
        service = Trusting(tmp_path, clients, key_set_timeout_ms=1000)
        with capture_logs() as lines, service.client:
            assert [call(service), call(service)] == [401, 401]
            token = sign(good_header(jku=...), good_claims(iss="urn:other"))
            assert service.client.post(SERVICE, content=BODY, headers=bearer(token)).status_code == 200
            server.said = key_set(OWN)
            service.seconds += 10
            assert call(service) == 200
    assert service.reasons == ["key", "key"]
    failed = [one for one in lines if one["event"] == "key set not fetched"]
    assert [(one["client"], one["reason"]) for one in failed] == [("hospital", reason)]


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    gone = KeyServer(b"")
    with running(gone):
        pass
    service = Trusting(tmp_path, client_toml(issuer=ISSUER, jku=gone.jku))
    with service.client:
        assert call(service) == 401


USELESS: dict[str, Any] = {
    "no keys": (),
    "with its private half": ({**OWN, "d": "AAAA"},),
    "a symmetric key": ({"kty": "oct", "kid": "ec", "k": "AAAA"},),
    "for encryption": ({**OWN, "use": "enc"},),
    "for signing only": ({**OWN, "key_ops": ["sign"]},),
    "for another algorithm": ({**OWN, "alg": "ES256"},),
    "on another curve": (public_jwk(P256, "ec"),),
    "of another kind": (public_jwk(RSA, "ec"),),
    "with another id": (public_jwk(P384, "EC"),),
    "without an id": ({name: value for name, value in OWN.items() if name != "kid"},),
    "not on its curve": ({**OWN, "x": OWN["y"]},),
    "with half of its numbers": ({name: value for name, value in OWN.items() if name != "y"},),
    "with numbers that are numbers": ({**OWN, "x": 1, "y": 2},),
    "no objects": ("key", 5, None, [OWN]),
    "somebody else's": (public_jwk(STRANGER, "ec"),),
}


@pytest.mark.parametrize("keys", USELESS.values(), ids=USELESS)
def test_a_key_that_cannot_be_used_accepts_nothing_and_costs_only_itself(
    trusting: Trusting, server: KeyServer, keys: tuple[Any, ...]
) -> None:
    server.said = key_set(*keys, public_jwk(RSA, "rsa"))
    assert call(trusting) == 401
    assert call(trusting, "rsa", RSA, alg="RS384") == 200


# ---------------------------------------------------------------- other addresses


@pytest.fixture
def trap() -> Iterator[KeyServer]:
    """An attacker's server, with the key that the attacker signs with."""
    one = KeyServer(key_set(public_jwk(STRANGER, "ec")))
    with running(one):
        yield one


JKUS: dict[str, Callable[[KeyServer, KeyServer], str]] = {
    "another server": lambda trap, _: trap.jku,
    "by name": lambda trap, _: trap.jku.replace("127.0.0.1", "localhost"),
    "by a number": lambda trap, _: trap.jku.replace("127.0.0.1", "2130706433"),
    "by an octal number": lambda trap, _: trap.jku.replace("127.0.0.1", "0177.0.0.1"),
    "by a short form": lambda trap, _: trap.jku.replace("127.0.0.1", "127.1"),
    "by IPv6": lambda trap, _: trap.jku.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    "by any address": lambda trap, _: trap.jku.replace("127.0.0.1", "0.0.0.0"),
    "as a user of the listed server": lambda trap, real: (
        real.jku.replace("//127", "//trap@127") + f"@127.0.0.1:{trap.port}"
    ),
    "with the listed server as its user": lambda trap, real: trap.jku.replace("//", f"//127.0.0.1:{real.port}@"),
    "with the listed address in its query": lambda trap, real: f"{trap.jku}?{real.jku}",
    "with the listed address as its fragment": lambda trap, real: f"{trap.jku}#{real.jku}",
    "the listed address with another path": lambda _, real: real.jku.replace("/keys/", "/other/"),
    "the listed address with dots": lambda _, real: real.jku.replace("/keys/", "/a/../keys/"),
    "the listed address escaped": lambda _, real: real.jku.replace("/keys/", "/%6beys/"),
    "the listed address with a query": lambda _, real: f"{real.jku}?a=b",
    "the listed address with spaces": lambda _, real: f" {real.jku} ",
    "a file": lambda *_: "file:///etc/passwd",
    "cloud metadata": lambda *_: "http://169.254.169.254/latest/meta-data/",
    "inline": lambda *_: "data:application/json,{}",
}


@pytest.mark.parametrize("jku", JKUS.values(), ids=JKUS)
@pytest.mark.parametrize("with_keys", [False, True], ids=["fetched keys", "keys in the file"])
def test_an_address_that_is_not_listed_is_never_called(
    tmp_path: Path, server: KeyServer, trap: KeyServer, jku: Callable[[KeyServer, KeyServer], str], with_keys: bool
) -> None:
    clients = client_toml("hospital", ISSUER, *ALL_KEYS if with_keys else (), jku=server.jku)
    service = Trusting(tmp_path, clients)
    with service.client:
        for key in (STRANGER, P384):
            assert call(service, key=key, jku=jku(trap, server)) == 401
    assert (trap.connections, server.connections) == (0, 0)
    assert service.reasons == ["jku", "jku"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(trusting: Trusting, server: KeyServer, trap: KeyServer, status: int) -> None:
    server.said = http_answer(b"", status, location=trap.jku)
    assert call(trusting, key=STRANGER) == 401
    assert (server.connections, trap.connections) == (1, 0)


def test_keys_in_the_file_are_all_the_keys_there_are(tmp_path: Path, server: KeyServer) -> None:
    service = Trusting(tmp_path, client_toml("hospital", ISSUER, *ALL_KEYS, jku=server.jku))
    assert [call(service, jku=server.jku), call(service, "unknown")] == [200, 401]
    assert server.connections == 0


def test_two_keys_of_different_kinds_may_have_one_id(trusting: Trusting, server: KeyServer) -> None:
    server.said = key_set(public_jwk(RSA, "ec"), OWN)
    assert [call(trusting), call(trusting, "ec", RSA, alg="RS384")] == [200, 200]
    assert call(trusting, key=STRANGER) == 401
