"""Tokens as clients make them, good and bad, and a service that trusts who signs them."""

import base64
import json
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.auth.replay import TokenStore
from cds_service.settings import Settings
from tests.support import CONTENT, NOW, Body, counted_ids

PUBLIC = "https://cds.example.org"
SERVICE = "/cds-services/acetylcysteine-order-sign"
ISSUER = "https://ehr.example.org/"
JKU = "https://ehr.example.org/jwks.json"
P384 = ec.generate_private_key(ec.SECP384R1())
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
STRANGER = ec.generate_private_key(ec.SECP384R1())
_numbers = count(1)

Private = Any


def public_jwk(private: Private, kid: str, **more: Any) -> Body:
    """The public half of a key, as a JWK."""
    kind = jwt.algorithms.RSAAlgorithm if isinstance(private, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    shown = kind.to_jwk(private.public_key(), as_dict=True)
    return {**{name: value for name, value in shown.items() if name != "key_ops"}, "kid": kid, **more}


def key_toml(private: Private, kid: str) -> str:
    """The public half of a key, as clients.toml has it."""
    lines = (f'{name} = "{value}"' for name, value in public_jwk(private, kid).items())
    return "\n".join(["[[client.key]]", *lines, ""])


def client_toml(name: str = "hospital", issuer: str = ISSUER, *keys: str, **more: Any) -> str:
    """One client of clients.toml."""
    members = {"name": name, "issuer": issuer, **more}
    lines = (f"{member} = {json.dumps(value)}" for member, value in members.items())
    return "\n".join(["[[client]]", *lines, *keys, ""])


ALL_KEYS = (key_toml(P384, "ec"), key_toml(RSA, "rsa"), key_toml(P256, "p256"))
HOSPITAL = client_toml("hospital", ISSUER, *ALL_KEYS, jku=JKU)


def good_claims(**changes: Any) -> Body:
    """The claims of a good token, with a nonce of its own; a change to `...` takes a claim away."""
    now = int(NOW.timestamp())
    claims = {"iss": ISSUER, "aud": PUBLIC + SERVICE, "exp": now + 300, "iat": now, "jti": f"nonce-{next(_numbers)}"}
    return {name: value for name, value in {**claims, **changes}.items() if value is not ...}


def good_header(**changes: Any) -> Body:
    """The header of a good token."""
    header = {"alg": "ES384", "kid": "ec", "typ": "JWT", "jku": JKU, **changes}
    return {name: value for name, value in header.items() if value is not ...}


def encoded(value: Any) -> str:
    """A segment of a token: JSON, or bytes as they are."""
    written = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


def sign(header: Any = None, claims: Any = None, key: Private = P384, by: str = "") -> str:
    """A token with these segments as they are, signed by an algorithm that need not be the one it names."""
    header = good_header() if header is None else header
    claims = good_claims() if claims is None else claims
    signed = f"{encoded(header)}.{encoded(claims)}"
    algorithm = jwt.get_algorithm_by_name(by or (header["alg"] if isinstance(header, Mapping) else "ES384"))
    return f"{signed}.{encoded(algorithm.sign(signed.encode(), key))}"


def good_token(**claims: Any) -> str:
    """A token that is accepted."""
    return sign(claims=good_claims(**claims))


def bearer(token: str) -> Body:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


class Trusting:
    """A service with a list of clients. `reasons` are those for which it refused; `seconds` is its monotonic clock."""

    def __init__(
        self,
        folder: Path,
        clients: str = HOSPITAL,
        store: TokenStore | None = None,
        http: httpx.AsyncClient | None = None,
        **settings: Any,
    ) -> None:
        self.reasons: list[str] = []
        self.seconds = 0.0
        file = folder / "clients.toml"
        file.write_text(clients, encoding="utf-8")
        now: Callable[[], Any] = settings.pop("now", lambda: NOW)
        self.app = create_app(
            Settings(**{"clients": file, "public_url": PUBLIC, **settings}),
            CONTENT,
            now=now,
            new_id=counted_ids(),
            http=http,
            clock=lambda: self.seconds,
            token_store=store,
            authentication_failed=self.reasons.append,
        )
        self.client = TestClient(self.app, raise_server_exceptions=False)
