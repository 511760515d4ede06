"""Who may call: good tokens are accepted, and whatever is wrong with a bad one, the caller learns nothing of it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args

import httpx
import jwt
import pytest
import structlog
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from cds_service.api.runtime import runtime_of
from cds_service.auth.keys import KIND_OF
from cds_service.errors import StoreDown
from cds_service.settings import Algorithm, Settings
from tests.signing import (
    ALL_KEYS,
    HOSPITAL,
    ISSUER,
    JKU,
    P256,
    P384,
    PUBLIC,
    RSA,
    SERVICE,
    STRANGER,
    Trusting,
    bearer,
    client_toml,
    encoded,
    good_claims,
    good_header,
    good_token,
    key_toml,
    public_jwk,
    sign,
)
from tests.support import NOW, request_for, to_bytes

BODY = to_bytes(request_for("ines-allergic"))
JSON = ("Content-Type", "application/json")
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "login", "details": {"text": "the request is not authenticated"}}],
}
SECONDS = int(NOW.timestamp())
TENANTS = client_toml("clinic", "urn:clinic", key_toml(P384, "ec"), tenants=["north", "south"])
THREE = HOSPITAL + TENANTS + client_toml("other", "urn:other", key_toml(STRANGER, "ec"))
Headers = list[tuple[str, str]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trusting]:
    """A service with three clients; it is made once, since that takes longer than a call."""
    one = Trusting(tmp_path_factory.mktemp("clients"), THREE)
    with one.client:
        yield one


@pytest.fixture
def trusting(running: Trusting) -> Trusting:
    """That service, which has not refused anybody yet."""
    running.reasons.clear()
    return running


def call(service: Trusting, *tokens: str, **headers: str) -> httpx.Response:
    more: Headers = [("Authorization", f"Bearer {one}") for one in tokens]
    return send(service, [*more, *headers.items()])


def send(service: Trusting, headers: Headers) -> httpx.Response:
    raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in [JSON, *headers]]
    response: httpx.Response = service.client.post(SERVICE, content=BODY, headers=raw_headers)
    return response


# ---------------------------------------------------------------- good


GOOD: dict[str, Callable[[], str]] = {
    "ES384": sign,
    "RS384": lambda: sign(good_header(alg="RS384", kid="rsa"), key=RSA),
    "no jku": lambda: sign(good_header(jku=...)),
    "typ in small letters": lambda: sign(good_header(typ="jwt")),
    "an unknown member in the header": lambda: sign(good_header(x5t="abc")),
    "an unknown claim": lambda: good_token(sub="somebody"),
    "several audiences": lambda: good_token(aud=["https://elsewhere.example.org", PUBLIC + SERVICE]),
    "an audience with a slash at its end": lambda: good_token(aud=f"{PUBLIC}{SERVICE}/"),
    "any tenant, where none is listed": lambda: good_token(tenant="whoever"),
    "a listed tenant": lambda: sign(good_header(jku=...), good_claims(iss="urn:clinic", tenant="south")),
    "expired within the difference of clocks": lambda: good_token(exp=SECONDS - 59),
    "issued within the difference of clocks": lambda: good_token(iat=SECONDS + 60),
    "as old as a token may be": lambda: good_token(iat=SECONDS - 3659),
    "seconds with a fraction": lambda: good_token(exp=SECONDS + 0.5, iat=SECONDS - 0.5),
    "valid from now on": lambda: good_token(nbf=SECONDS),
}


@pytest.mark.parametrize("token", GOOD.values(), ids=GOOD)
def test_a_good_token_is_accepted(trusting: Trusting, token: Callable[[], str]) -> None:
    assert call(trusting, token()).status_code == 200
    assert trusting.reasons == []


def test_the_scheme_may_be_in_small_letters(trusting: Trusting) -> None:
    assert send(trusting, [("authorization", f"bearer {good_token()}")]).status_code == 200


# ---------------------------------------------------------------- bad: what is no token


def raw(*segments: str) -> str:
    return ".".join(segments)


def pem() -> bytes:
    return P384.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def hmac_signed(alg: str, secret: bytes, kid: str = "ec") -> str:
    signed = raw(encoded(good_header(alg=alg, kid=kid)), encoded(good_claims()))
    return raw(signed, encoded(hmac_of(alg, secret, signed.encode())))


def hmac_of(alg: str, secret: bytes, message: bytes) -> bytes:
    algorithm = jwt.get_algorithm_by_name(alg)
    assert isinstance(algorithm, jwt.algorithms.HMACAlgorithm)
    return algorithm.sign(message, secret)


def without_signature(alg: str) -> str:
    return raw(encoded(good_header(alg=alg)), encoded(good_claims()), "")


def tampered(segment: int, changed: Callable[[Any], Any]) -> str:
    """A good token with one segment changed after it was signed."""
    parts = good_token().split(".")
    padded = parts[segment] + "=" * (-len(parts[segment]) % 4)
    value = json.loads(jwt.utils.base64url_decode(padded))
    parts[segment] = encoded(changed(value))
    return raw(*parts)


def with_signature(made: Callable[[bytes], str]) -> str:
    *signed, signature = good_token().split(".")
    return raw(*signed, made(jwt.utils.base64url_decode(signature)))


def der_signed() -> str:
    signed = raw(encoded(good_header()), encoded(good_claims()))
    return raw(signed, encoded(P384.sign(signed.encode(), ec.ECDSA(hashes.SHA384()))))


AUTHORIZATION: dict[str, tuple[Callable[[], Headers], str]] = {
    "no header": (list, "no token"),
    "an empty header": (lambda: [("Authorization", "")], "not one bearer token"),
    "the scheme alone": (lambda: [("Authorization", "Bearer")], "not one bearer token"),
    "the scheme and a space": (lambda: [("Authorization", "Bearer ")], "not one bearer token"),
    "no scheme": (lambda: [("Authorization", good_token())], "not one bearer token"),
    "Basic": (lambda: [("Authorization", "Basic dXNlcjpwYXNz")], "not one bearer token"),
    "a token as Basic": (lambda: [("Authorization", f"Basic {good_token()}")], "not one bearer token"),
    "the scheme JWT": (lambda: [("Authorization", f"JWT {good_token()}")], "not one bearer token"),
    "a colon after the scheme": (lambda: [("Authorization", f"Bearer: {good_token()}")], "not one bearer token"),
    "the token in quotes": (lambda: [("Authorization", f'Bearer "{good_token()}"')], "not one bearer token"),
    "two tokens in one header": (
        lambda: [("Authorization", f"Bearer {good_token()}, Bearer {good_token()}")],
        "not one bearer token",
    ),
    "two headers": (
        lambda: [("Authorization", f"Bearer {good_token()}"), ("Authorization", f"Bearer {good_token()}")],
        "not one bearer token",
    ),
    "the same header twice": (lambda: [("Authorization", f"Bearer {good_token()}")] * 2, "not one bearer token"),
    "a second header of another scheme": (
        lambda: [("Authorization", f"Bearer {good_token()}"), ("Authorization", "Basic dXNlcjpwYXNz")],
        "not one bearer token",
    ),
    "the token in another header": (lambda: [("X-Authorization", f"Bearer {good_token()}")], "no token"),
    "the token in a cookie": (lambda: [("Cookie", f"Authorization=Bearer {good_token()}")], "no token"),
    "more than ASCII": (lambda: [("Authorization", f"Bearer {good_token()}é")], "not one bearer token"),
}

SHAPE: dict[str, tuple[Callable[[], str], str]] = {
    "one segment": (lambda: encoded(good_header()), "not one bearer token"),
    "two segments": (lambda: good_token().rpartition(".")[0], "not one bearer token"),
    "four segments": (lambda: f"{good_token()}.abcd", "not one bearer token"),
    "five segments, as when encrypted": (lambda: raw("a", "b", "c", "d", "e"), "not one bearer token"),
    "no signature": (lambda: without_signature("ES384"), "not one bearer token"),
    "a line break": (lambda: good_token().replace(".", ". ", 1), "not one bearer token"),
    "characters of other Base64": (lambda: f"{good_token()[:-2]}+/", "not one bearer token"),
    "padding": (lambda: f"{good_token()}==", "not one bearer token"),
    "a header that is not Base64": (lambda: raw("a", *good_token().split(".")[1:]), "not a token"),
    "a header that is not JSON": (lambda: sign(b"header"), "not a token"),
    "a header that is a list": (lambda: sign([good_header()]), "not a token"),
    "a header that is null": (lambda: sign(b"null"), "not a token"),
    "a header in Latin-1": (lambda: sign(b'{"alg":"ES384","kid":"\xe9"}'), "not a token"),
    "a header that is nested deeply": (lambda: sign(b'{"a":' + b"[" * 1500 + b"]" * 1500 + b"}"), "not a token"),
    "a header that is never closed": (lambda: sign(b"[" * 5000), "not a token"),
    "claims that are not JSON": (lambda: sign(claims=b"claims"), "claims"),
    "claims that are a list": (lambda: sign(claims=[good_claims()]), "claims"),
    "claims that are a text": (lambda: sign(claims="claims"), "claims"),
    "claims in Latin-1": (lambda: sign(claims=b'{"iss":"\xe9"}'), "claims"),
    "claims that are nested deeply": (lambda: sign(claims=b'{"a":' + b"[" * 1500 + b"]" * 1500 + b"}"), "claims"),
    "a number without end": (lambda: sign(claims=b'{"exp":' + b"9" * 5000 + b"}"), "claims"),
    "no claims": (lambda: sign(claims={}), "claims"),
    "huge": (lambda: good_token(org_example="x" * 8192), "too long"),
    "huge and nothing": (lambda: raw("a" * 20_000, "b", "c"), "too long"),
}

# ---------------------------------------------------------------- bad: header, key and signature

SIGNATURE: dict[str, tuple[Callable[[], str], str]] = {
    "alg none and an empty signature": (lambda: without_signature("none"), "not one bearer token"),
    "alg none and some signature": (lambda: sign(good_header(alg="none"), by="ES384"), "algorithm"),
    "alg NoNe": (lambda: sign(good_header(alg="NoNe"), by="ES384"), "algorithm"),
    "alg empty": (lambda: sign(good_header(alg=""), by="ES384"), "algorithm"),
    "alg in small letters": (lambda: sign(good_header(alg="es384"), by="ES384"), "algorithm"),
    "alg missing": (lambda: sign(good_header(alg=...), by="ES384"), "header"),
    "alg a number": (lambda: sign(good_header(alg=384), by="ES384"), "header"),
    "alg a list": (lambda: sign(good_header(alg=["ES384"]), by="ES384"), "header"),
    "HS256 with the public key as its secret": (lambda: hmac_signed("HS256", pem()), "algorithm"),
    "HS384 with the public key as its secret": (lambda: hmac_signed("HS384", pem()), "algorithm"),
    "HS512 with the JWK as its secret": (
        lambda: hmac_signed("HS512", json.dumps(public_jwk(P384, "ec")).encode()),
        "algorithm",
    ),
    "HS384 with the RSA key as its secret": (lambda: hmac_signed("HS384", b"secret", kid="rsa"), "algorithm"),
    "ES256, which is not allowed": (lambda: sign(good_header(alg="ES256", kid="p256"), key=P256), "algorithm"),
    "RS256, which is not allowed": (lambda: sign(good_header(alg="RS256", kid="rsa"), key=RSA), "algorithm"),
    "PS384, which is not allowed": (lambda: sign(good_header(alg="PS384", kid="rsa"), key=RSA), "algorithm"),
    "EdDSA": (lambda: sign(good_header(alg="EdDSA"), by="ES384"), "algorithm"),
    "an RSA key under ES384": (lambda: sign(good_header(kid="rsa"), key=RSA, by="RS384"), "key of another kind"),
    "an RS256 signature under ES384": (
        lambda: sign(good_header(kid="rsa"), key=RSA, by="RS256"),
        "key of another kind",
    ),
    "an EC key under RS384": (lambda: sign(good_header(alg="RS384"), by="ES384"), "key of another kind"),
    "a key on another curve": (lambda: sign(good_header(kid="p256"), key=P256, by="ES384"), "key of another kind"),
    "an RS256 signature under RS384": (
        lambda: sign(good_header(alg="RS384", kid="rsa"), key=RSA, by="RS256"),
        "signature",
    ),
    "a PS384 signature under RS384": (
        lambda: sign(good_header(alg="RS384", kid="rsa"), key=RSA, by="PS384"),
        "signature",
    ),
    "somebody else's key": (lambda: sign(key=STRANGER), "signature"),
    "the key of another client": (lambda: sign(good_header(kid="ec"), good_claims(), STRANGER), "signature"),
    "another client's name": (lambda: sign(good_header(jku=...), good_claims(iss="urn:other")), "signature"),
    "kid missing": (lambda: sign(good_header(kid=...)), "header"),
    "kid null": (lambda: sign(good_header(kid=None)), "not a token"),
    "kid a number": (lambda: sign(good_header(kid=1)), "not a token"),
    "kid empty": (lambda: sign(good_header(kid="")), "key"),
    "kid unknown": (lambda: sign(good_header(kid="never-heard-of")), "key"),
    "kid with a path": (lambda: sign(good_header(kid="../../etc/passwd")), "key"),
    "typ missing": (lambda: sign(good_header(typ=...)), "header"),
    "typ of an access token": (lambda: sign(good_header(typ="at+jwt")), "not a token"),
    "typ a number": (lambda: sign(good_header(typ=1)), "header"),
    "jku unlisted": (lambda: sign(good_header(jku="https://attacker.example.com/jwks.json")), "jku"),
    "jku with a slash more": (lambda: sign(good_header(jku=f"{JKU}/")), "jku"),
    "jku with a query": (lambda: sign(good_header(jku=f"{JKU}?a")), "jku"),
    "jku with a fragment": (lambda: sign(good_header(jku=f"{JKU}#a")), "jku"),
    "jku in capitals": (lambda: sign(good_header(jku=JKU.upper())), "jku"),
    "jku without TLS": (lambda: sign(good_header(jku=JKU.replace("https", "http"))), "jku"),
    "jku with a port": (lambda: sign(good_header(jku=JKU.replace(".org", ".org:443"))), "jku"),
    "jku with a user": (lambda: sign(good_header(jku=JKU.replace("https://", "https://ehr@"))), "jku"),
    "jku with dots": (lambda: sign(good_header(jku=JKU.replace("/jwks", "/a/../jwks"))), "jku"),
    "jku empty": (lambda: sign(good_header(jku="")), "jku"),
    "jku a list": (lambda: sign(good_header(jku=[JKU])), "header"),
    "jku where the client has none": (
        lambda: sign(good_header(), good_claims(iss="urn:clinic", tenant="north")),
        "jku",
    ),
    "a key of its own in the header": (
        lambda: sign(good_header(kid="own", jwk=public_jwk(STRANGER, "own")), key=STRANGER),
        "key",
    ),
    "a key of its own under a known kid": (
        lambda: sign(good_header(jwk=public_jwk(STRANGER, "ec")), key=STRANGER),
        "signature",
    ),
    "an unknown critical extension": (lambda: sign(good_header(crit=["exp"])), "not a token"),
    "the payload not encoded": (lambda: sign(good_header(b64=False, crit=["b64"])), "not a token"),
    "the claims changed": (lambda: tampered(1, lambda claims: {**claims, "jti": "another"}), "signature"),
    "the header changed": (lambda: tampered(0, lambda header: {**header, "x": 1}), "signature"),
    "a bit of the signature changed": (
        lambda: with_signature(lambda s: encoded(s[:-1] + bytes([s[-1] ^ 1]))),
        "signature",
    ),
    "half of the signature": (lambda: with_signature(lambda s: encoded(s[:48])), "signature"),
    "the signature twice": (lambda: with_signature(lambda s: encoded(s * 2)), "signature"),
    "a signature of zeros": (lambda: with_signature(lambda s: encoded(bytes(len(s)))), "signature"),
    "a signature of ones": (lambda: with_signature(lambda s: encoded(b"\xff" * len(s))), "signature"),
    "a signature as DER": (der_signed, "signature"),
    "the signature of another token": (
        lambda: raw(good_token().rpartition(".")[0], good_token().rpartition(".")[2]),
        "signature",
    ),
}

# ---------------------------------------------------------------- bad: claims

WRONG_TYPES: dict[str, list[Any]] = {
    "iss": [None, 1, [ISSUER], {"uri": ISSUER}],
    "aud": [None, 1, True, {}, [1], [PUBLIC + SERVICE, 1], [None]],
    "exp": [None, str(SECONDS + 300), True, [SECONDS + 300], {}],
    "iat": [None, str(SECONDS), False, [SECONDS], {}],
    "jti": [None, 1, True, [], "", "x" * 513],
    "tenant": [1, True, ["north"]],
    "nbf": ["now", [SECONDS]],
}
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    **{f"{name} missing": ({name: ...}, "claims") for name in ("iss", "aud", "exp", "iat", "jti")},
    **{
        f"{name} is {json.dumps(value)[:30]}": ({name: value}, "claims")
        for name, values in WRONG_TYPES.items()
        for value in values
    },
    "iss unlisted": ({"iss": "https://attacker.example.com/"}, "issuer"),
    "iss without its slash": ({"iss": ISSUER.rstrip("/")}, "issuer"),
    "iss in capitals": ({"iss": ISSUER.upper()}, "issuer"),
    "iss empty": ({"iss": ""}, "issuer"),
    "aud another service": ({"aud": f"{PUBLIC}/cds-services/acetylcysteine-order-select"}, "audience"),
    "aud discovery": ({"aud": f"{PUBLIC}/cds-services"}, "audience"),
    "aud the feedback": ({"aud": f"{PUBLIC}{SERVICE}/feedback"}, "audience"),
    "aud the host": ({"aud": PUBLIC}, "audience"),
    "aud another host": ({"aud": f"https://elsewhere.example.org{SERVICE}"}, "audience"),
    "aud what the Host header says": ({"aud": f"http://testserver{SERVICE}"}, "audience"),
    "aud without TLS": ({"aud": f"{PUBLIC}{SERVICE}".replace("https", "http")}, "audience"),
    "aud in capitals": ({"aud": f"{PUBLIC}{SERVICE}".upper()}, "audience"),
    "aud with a query": ({"aud": f"{PUBLIC}{SERVICE}?a"}, "audience"),
    "aud with two slashes": ({"aud": f"{PUBLIC}{SERVICE}//"}, "audience"),
    "aud empty": ({"aud": ""}, "audience"),
    "aud an empty list": ({"aud": []}, "audience"),
    "expired": ({"exp": SECONDS - 300, "iat": SECONDS - 600}, "expired"),
    "expired by one second beyond the difference of clocks": ({"exp": SECONDS - 60}, "expired"),
    "expired in 1970": ({"exp": 0}, "expired"),
    "expired before time": ({"exp": -1e308}, "expired"),
    "issued in the future": ({"iat": SECONDS + 61, "exp": SECONDS + 600}, "not yet valid"),
    "issued at the end of time": ({"iat": 1e308, "exp": 1e308}, "not yet valid"),
    "milliseconds for seconds": ({"iat": SECONDS * 1000, "exp": SECONDS * 1000 + 1}, "not yet valid"),
    "valid later": ({"nbf": SECONDS + 61}, "not yet valid"),
    "older than a token may be": ({"iat": SECONDS - 3660, "exp": SECONDS + 300}, "too old"),
    "good for ever": ({"iat": 0, "exp": 2**62}, "too old"),
    "issued before time": ({"iat": -1e308}, "too old"),
    "tenant unlisted": ({"iss": "urn:clinic", "tenant": "west"}, "tenant"),
    "tenant missing": ({"iss": "urn:clinic"}, "tenant"),
    "tenant null": ({"iss": "urn:clinic", "tenant": None}, "tenant"),
    "tenant empty": ({"iss": "urn:clinic", "tenant": ""}, "tenant"),
}


def with_token(make: Callable[[], str]) -> Headers:
    return [("Authorization", f"Bearer {make()}")]


BAD: dict[str, tuple[Callable[[], Headers], str]] = {
    **AUTHORIZATION,
    **{name: (partial(with_token, make), reason) for name, (make, reason) in {**SHAPE, **SIGNATURE}.items()},
    **{
        name: (partial(with_token, partial(good_token, **changes)), reason)
        for name, (changes, reason) in CLAIMS.items()
    },
}


@pytest.mark.parametrize(("headers", "reason"), BAD.values(), ids=BAD)
def test_a_bad_token_is_refused_and_nobody_is_told_why(
    trusting: Trusting, headers: Callable[[], Headers], reason: str
) -> None:
    response = send(trusting, headers())
    assert (response.status_code, response.json()) == (401, OUTCOME)
    assert response.headers["www-authenticate"] == "Bearer"
    assert trusting.reasons == [reason]


def test_what_is_logged_of_a_bad_token_is_one_of_a_few_words_and_a_configured_name(trusting: Trusting) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        for headers, _ in BAD.values():
            send(trusting, headers())
    assert len(lines) == len(BAD)
    for line in lines:
        assert line.keys() == {"event", "log_level", "reason", "client"}
    assert {line["event"] for line in lines} == {"not authenticated"}
    assert {line["client"] for line in lines} == {"unknown", "hospital", "clinic", "other"}
    assert [line["reason"] for line in lines] == [reason for _, reason in BAD.values()]


def test_the_table_holds_what_it_says() -> None:
    assert len(BAD) == len(AUTHORIZATION) + len(SHAPE) + len(SIGNATURE) + len(CLAIMS) > 150
    assert {reason for _, reason in BAD.values()} == {
        *("no token", "not one bearer token", "too long", "not a token", "header", "claims", "algorithm"),
        *("issuer", "tenant", "jku", "key", "key of another kind", "signature"),
        *("audience", "expired", "not yet valid", "too old"),
    }


# ---------------------------------------------------------------- replay


class SharedStore:
    """A stand-in for the database that replicas share."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], datetime] = {}
        self.down = False
        self.silent = False

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        if self.silent:
            await asyncio.Event().wait()
        if self.down:
            raise StoreDown
        new = (client, jti) not in self.seen
        self.seen[client, jti] = until
        return new


def test_the_log_names_the_client_that_was_answered(trusting: Trusting) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        call(trusting, good_token())
    assert [(one["event"], one["client"]) for one in lines] == [("answered", "hospital")]


def test_a_token_is_accepted_once(trusting: Trusting) -> None:
    token = good_token()
    assert [call(trusting, token).status_code for _ in range(3)] == [200, 401, 401]
    assert trusting.reasons == ["replayed"] * 2


def test_another_signature_of_the_same_claims_is_a_replay_too(trusting: Trusting) -> None:
    claims = good_claims()
    assert [call(trusting, sign(claims=claims)).status_code for _ in range(2)] == [200, 401]


def test_two_clients_may_use_the_same_nonce(trusting: Trusting) -> None:
    theirs = sign(good_header(jku=...), good_claims(iss="urn:other", jti="both"), STRANGER)
    assert call(trusting, good_token(jti="both")).status_code == 200
    assert call(trusting, theirs).status_code == 200


def test_a_token_that_was_refused_is_not_used_up(trusting: Trusting) -> None:
    assert call(trusting, sign(claims=good_claims(jti="one"), key=STRANGER)).status_code == 401
    assert call(trusting, good_token(jti="one")).status_code == 200


def test_a_client_that_may_sends_several_calls_with_one_token(tmp_path: Path) -> None:
    service = Trusting(tmp_path, client_toml("kit", ISSUER, *ALL_KEYS, jku=JKU, token_reuse="allow"))  # noqa: S106
    token = good_token()
    assert [call(service, token).status_code for _ in range(3)] == [200] * 3


def test_replicas_agree(tmp_path: Path) -> None:
    store = SharedStore()
    one, two = Trusting(tmp_path, store=store), Trusting(tmp_path, store=store)
    token = good_token(jti="one")
    assert [call(one, token).status_code, call(two, token).status_code] == [200, 401]
    assert store.seen == {("hospital", "one"): datetime.fromtimestamp(SECONDS + 360, UTC)}


@pytest.mark.parametrize(
    "claims",
    [{"exp": SECONDS + 300}, {"exp": SECONDS - 59}, {"iat": SECONDS - 3659, "exp": 2**50}],
    ids=["usual", "about to expire", "about to be too old"],
)
def test_a_token_is_remembered_for_as_long_as_it_would_be_accepted(tmp_path: Path, claims: dict[str, Any]) -> None:
    clock = {"now": NOW}
    service = Trusting(tmp_path, now=lambda: clock["now"])
    token = good_token(**claims)
    statuses = []
    for seconds in [0, 1, 2, *range(20, 400, 20)]:
        clock["now"] = NOW + timedelta(seconds=seconds)
        statuses.append(call(service, token).status_code)
    assert statuses == [200] + [401] * 21


def test_a_token_is_remembered_until_its_age_refuses_it(tmp_path: Path) -> None:
    store = SharedStore()
    call(Trusting(tmp_path, store=store), good_token(jti="one", exp=2**50))
    assert store.seen["hospital", "one"].timestamp() == SECONDS + 3600 + 60


@pytest.mark.parametrize("fault", ["down", "silent"])
def test_without_the_store_calls_are_answered_and_each_process_still_refuses_replays(
    tmp_path: Path, fault: str
) -> None:
    store = SharedStore()
    service = Trusting(tmp_path, store=store)
    before, during = good_token(), good_token()
    assert call(service, before).status_code == 200
    setattr(store, fault, True)
    assert [call(service, one).status_code for one in (before, during, during)] == [401, 200, 401]
    setattr(store, fault, False)
    assert [call(service, one).status_code for one in (during, good_token())] == [401, 200]


@pytest.mark.parametrize(
    ("token_reuse", "statuses", "unsure"),
    [("refuse", [200, 401, 200], 2), ("strict", [401, 401, 401], 2), ("allow", [200, 200, 200], 0)],
)
@pytest.mark.parametrize("fault", ["down", "silent"])
def test_where_the_store_does_not_say_in_time_the_clients_entry_decides(
    tmp_path: Path, fault: str, token_reuse: str, statuses: list[int], unsure: int
) -> None:
    store = SharedStore()
    setattr(store, fault, True)
    listed = client_toml("hospital", ISSUER, *ALL_KEYS, jku=JKU, token_reuse=token_reuse)
    service = Trusting(tmp_path, listed, store=store)
    one, two = good_token(), good_token()
    assert [call(service, token).status_code for token in (one, one, two)] == statuses
    assert f"cds_tokens_unsure_total {unsure}.0" in runtime_of(service.app).metrics.exposition().decode()


# ---------------------------------------------------------------- what is asked of whom


def test_every_route_of_a_service_wants_a_token(tmp_path: Path) -> None:
    service = Trusting(tmp_path, open_discovery=False)
    paths = {path: ways for path, ways in service.app.openapi()["paths"].items() if path.startswith("/cds-services")}
    assert len(paths) >= 2
    for path, ways in paths.items():
        address = path.replace("{service_id}", "acetylcysteine-order-sign")
        methods = [way.upper() for way in ways if way != "parameters"]
        answers = {service.client.request(method, address, content=b"{}").status_code for method in methods}
        assert answers == {401}, path


def test_a_service_that_does_not_exist_is_no_way_to_find_out_which_do(trusting: Trusting) -> None:
    response = trusting.client.post("/cds-services/no-such-service", content=BODY)
    assert (response.status_code, response.json()) == (401, OUTCOME)
    known = bearer(good_token(aud=f"{PUBLIC}/cds-services/no-such-service"))
    assert trusting.client.post("/cds-services/no-such-service", content=BODY, headers=known).status_code == 404


def test_discovery_is_open_by_default(trusting: Trusting) -> None:
    assert trusting.client.get("/cds-services").status_code == 200
    assert trusting.client.get("/cds-services", headers=bearer("a.b.c")).status_code == 200


def test_discovery_can_be_closed(tmp_path: Path) -> None:
    service = Trusting(tmp_path, open_discovery=False)
    response = service.client.get("/cds-services")
    assert (response.status_code, response.json()) == (401, OUTCOME)
    assert service.client.get("/cds-services", headers=bearer(good_token())).status_code == 401
    known = bearer(good_token(aud=f"{PUBLIC}/cds-services"))
    assert service.client.get("/cds-services", headers=known).status_code == 200


@pytest.mark.parametrize("host", ["testserver/cds-services?", "testserver/cds-services#", "a@b/cds-services?x="])
def test_a_host_header_cannot_make_a_call_look_like_discovery(trusting: Trusting, host: str) -> None:
    assert send(trusting, [("Host", host)]).status_code == 401
    assert call(trusting, good_token(aud=f"{PUBLIC}/cds-services"), Host=host).status_code == 401


def test_a_public_address_below_a_path(tmp_path: Path) -> None:
    service = Trusting(tmp_path, public_url="https://gate.example.org/nac/")
    assert call(service, good_token()).status_code == 401
    assert call(service, good_token(aud=f"https://gate.example.org/nac{SERVICE}")).status_code == 200


def test_without_a_list_of_clients_no_token_is_looked_at(client: Any) -> None:
    headers = [JSON, ("Authorization", "Bearer a.b.c")]
    assert client.post(SERVICE, content=BODY, headers=headers).status_code == 200


def test_a_browser_asks_first_without_a_token_and_can_read_a_refusal(trusting: Trusting) -> None:
    origin = {"Origin": "https://sandbox.cds-hooks.org"}
    asks = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for address in ("/cds-services", SERVICE, f"{SERVICE}/feedback"):
        assert trusting.client.options(address, headers=asks).status_code == 200
    refusal = send(trusting, list(origin.items()))
    assert refusal.status_code == 401
    assert refusal.headers["access-control-allow-origin"] == origin["Origin"]
    assert "access-control-allow-origin" not in send(trusting, [("Origin", "https://attacker.example.com")]).headers


async def call_without_a_body(service: Trusting, *headers: tuple[bytes, bytes]) -> tuple[int, int]:
    """The status for a call whose body never comes whole, and how often it was asked for."""
    asked, statuses = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.disconnect"}

    async def answer(message: Any) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": SERVICE,
        "raw_path": SERVICE.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await service.app(scope, receive, answer)
    return (statuses or [0])[0], asked


def test_who_is_not_known_is_refused_before_the_body_is_read(tmp_path: Path) -> None:
    service = Trusting(tmp_path)
    assert asyncio.run(call_without_a_body(service)) == (401, 0)
    known = (b"authorization", f"Bearer {good_token()}".encode())
    assert asyncio.run(call_without_a_body(service, known))[1] > 0


# ---------------------------------------------------------------- settings


def test_other_algorithms_can_be_allowed(tmp_path: Path) -> None:
    service = Trusting(tmp_path, token_algorithms=("ES256", "PS384"))
    assert call(service, sign(good_header(alg="ES256", kid="p256"), key=P256)).status_code == 200
    assert call(service, sign(good_header(alg="PS384", kid="rsa"), key=RSA)).status_code == 200
    assert call(service, sign()).status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS384", "HS512", "EdDSA", ""])
def test_none_and_symmetric_algorithms_cannot_be_allowed(algorithm: str) -> None:
    with pytest.raises(ValueError, match="token_algorithms"):
        Settings(token_algorithms=("ES384", algorithm))
    assert algorithm not in KIND_OF
    assert set(KIND_OF) == set(get_args(Algorithm))


@pytest.mark.parametrize(
    "address",
    [
        "cds.example.org",
        "http://cds.example.org",
        "https://",
        "https://u@cds.example.org",
        "https://a.org/?b",
        "ftp://a.org",
    ],
)
def test_a_public_address_is_plain_https(address: str) -> None:
    with pytest.raises(ValueError, match="public_url"):
        Settings(public_url=address)


@pytest.mark.parametrize("settings", [{"public_url": None}, {"auth": "off"}])
def test_a_list_of_clients_is_never_ignored(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a list of clients needs"):
        Trusting(tmp_path, **settings)


def test_skew_and_age_are_settings(tmp_path: Path) -> None:
    service = Trusting(tmp_path, token_skew_seconds=0, token_max_age_seconds=60)
    assert call(service, good_token(iat=SECONDS - 59)).status_code == 200
    assert call(service, good_token(iat=SECONDS - 60)).status_code == 401
    assert call(service, good_token(exp=SECONDS)).status_code == 401
    assert service.reasons == ["too old", "expired"]


# ---------------------------------------------------------------- what the specification prints

CLIENT_OF_THE_SPECIFICATION = """
[[client]]
name = "specification"
issuer = "https://fhir-ehr.example.com/"
jku = "https://fhir-ehr.example.com/jwk_uri"
tenants = ["2ddd6c3a-8e9a-44c6-a305-52111ad302a2"]
"""
KEY_OF_THE_SPECIFICATION = {
    "kty": "EC",
    "use": "sig",
    "crv": "P-384",
    "kid": "example-kid",
    "x": "46SDH7Znh821wblCBglA61sNE9ZrHYKKt3qRtRTmSXyOI_FIGBLWrWa0GPUkDCEk",
    "y": "XMcRuuoGW7CXjQdy-F5i3FeBE0x9hPLdeFdSoDd3ELmx404tLX0VRRcqzAsPhXcI",
    "alg": "ES384",
}
TOKEN_OF_THE_SPECIFICATION = (  # CDS Hooks 2.0 and 3.0, "Trusting CDS Clients", "Example"
    "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6ImV4YW1wbGUta2lkIiwiamt1IjoiaHR0cHM6Ly9maGlyLWVoci5leGFtcGxlLmNvbS9q"
    "d2tfdXJpIn0.eyJpc3MiOiJodHRwczovL2ZoaXItZWhyLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vY2RzLmV4YW1wbGUub3JnL2Nkcy1z"
    "ZXJ2aWNlcy9zb21lLXNlcnZpY2UiLCJleHAiOjE0MjI1Njg4NjAsImlhdCI6MTMxMTI4MDk3MCwianRpIjoiZWUyMmIwMjEtZTFiNy00NjExLWJh"
    "NWItOGVlYzZhMzNhYzFlIiwidGVuYW50IjoiMmRkZDZjM2EtOGU5YS00NGM2LWEzMDUtNTIxMTFhZDMwMmEyIn0.d1WfLjGRKlcWB94l9do4cM8R"
    "EXeYJLL6SGUBO8VHZhfM8mwKYP70EMxJ67War4TQblEpaQrp11wx5p7oPFm2ETYgCicS84vXWEIYTdjooZdooCSDf2L8-i4awdoUwiEb"
)
ISSUED = datetime.fromtimestamp(1311280970 + 60, UTC)


@pytest.mark.parametrize(
    ("now", "token", "status", "reasons"),
    [
        pytest.param(ISSUED, TOKEN_OF_THE_SPECIFICATION, 404, [], id="when it was issued: known, but no such service"),
        pytest.param(ISSUED, TOKEN_OF_THE_SPECIFICATION[:-4] + "AAAA", 401, ["signature"], id="another signature"),
        pytest.param(NOW, TOKEN_OF_THE_SPECIFICATION, 401, ["expired"], id="now"),
    ],
)
def test_the_token_of_the_specification_verifies_but_for_its_time(
    tmp_path: Path, now: datetime, token: str, status: int, reasons: list[str]
) -> None:
    key_set = httpx.ByteStream(json.dumps({"keys": [KEY_OF_THE_SPECIFICATION]}).encode())
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=key_set)))
    service = Trusting(tmp_path, CLIENT_OF_THE_SPECIFICATION, http=http, now=lambda: now)
    response = service.client.post("/cds-services/some-service", content=BODY, headers=bearer(token))
    assert (response.status_code, service.reasons) == (status, reasons)


def test_a_key_is_for_the_algorithm_that_its_owner_names(tmp_path: Path) -> None:
    own = key_toml(RSA, "rsa") + 'alg = "RS384"\n'
    service = Trusting(tmp_path, client_toml("hospital", ISSUER, own, jku=JKU), token_algorithms=("RS384", "PS384"))
    assert call(service, sign(good_header(alg="RS384", kid="rsa"), key=RSA)).status_code == 200
    assert call(service, sign(good_header(alg="PS384", kid="rsa"), key=RSA)).status_code == 401
    assert service.reasons == ["key of another kind"]
