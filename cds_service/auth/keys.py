"""Public keys of clients, read from JWKs (RFC 7517): those in clients.toml and those of fetched key sets.

No error message repeats any part of a key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

# The kind of key for each algorithm. It has no symmetric algorithm and no `none`, so no setting can allow them.
KIND_OF: Mapping[str, str] = {
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
}
# PyJWT reads a key for an algorithm; any of the right kind will do.
_ALGORITHM_OF = {
    "P-256": "ES256",
    "P-384": "ES384",
    "P-521": "ES512",
    "RSA": "RS384",
}
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_RSA_BITS = range(2048, 8193)


class UnusableKey(ValueError):
    """The key cannot be used; the message says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key. `alg` is the one algorithm it is meant for; empty if its JWK names none."""

    kid: str
    kind: str
    alg: str
    public: Any = field(repr=False)

    def fits(self, alg: str) -> bool:
        """Whether signatures of this algorithm may be checked with this key."""
        return KIND_OF.get(alg) == self.kind and self.alg in ("", alg)


def read_key(jwk: Mapping[str, Any]) -> Key:
    """The public key of a JWK. Raises `UnusableKey`."""
    private = [name for name in _PRIVATE if name in jwk]
    if private:
        raise UnusableKey(f"holds the secret part of a key ({', '.join(private)}); only a public key belongs here")
    kid, alg = jwk.get("kid"), jwk.get("alg") or ""
    if not isinstance(kid, str) or not kid:
        raise UnusableKey("has no kid")
    if jwk.get("use", "sig") != "sig" or not _may_verify(jwk.get("key_ops", ["verify"])):
        raise UnusableKey("is not for signatures")
    kind = _kind(jwk)
    if alg and KIND_OF.get(alg if isinstance(alg, str) else "") != kind:
        raise UnusableKey("its alg is not one for its kind of key")
    return Key(kid, kind, alg, _public(jwk, kind))


def _may_verify(operations: object) -> bool:
    return isinstance(operations, list) and "verify" in operations


def _kind(jwk: Mapping[str, Any]) -> str:
    kind = {"RSA": "RSA", "EC": jwk.get("crv")}.get(str(jwk.get("kty")))
    if not isinstance(kind, str) or kind not in _ALGORITHM_OF:
        raise UnusableKey("is neither RSA nor on one of the curves P-256, P-384 and P-521")
    return kind


def _public(jwk: Mapping[str, Any], kind: str) -> Any:
    try:
        public = jwt.PyJWK(dict(jwk), _ALGORITHM_OF[kind]).key
    except (jwt.PyJWTError, ValueError, TypeError):  # whose messages may contain the key
        raise UnusableKey("its numbers are missing or are no key") from None
    if kind == "RSA" and public.key_size not in _RSA_BITS:
        raise UnusableKey("is an RSA key of fewer than 2048 or more than 8192 bits")
    return public
