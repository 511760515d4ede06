"""A client's token: taken apart, looked at, its signature checked. Nothing here reads a clock or asks anybody.

The signature is PyJWT's; the claims are checked here, because PyJWT would read a clock of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
import msgspec

from cds_service.auth.keys import Key
from cds_service.fhir.json import UNREADABLE

LONGEST = 8192  # characters; a token with a signature of 4096 bits has about 1500
_Seconds = int | float
_Nonce = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class Refused(Exception):
    """A token that is not accepted. `reason` is a fixed word for the log, never anything of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Header(msgspec.Struct, frozen=True):
    """The members of the header that are looked at."""

    alg: str
    kid: str
    typ: str
    jku: str | None = None


class Claims(msgspec.Struct, frozen=True):
    """What the sender says of itself and of the token."""

    iss: str
    aud: str | list[str]
    exp: _Seconds
    iat: _Seconds
    jti: _Nonce
    nbf: _Seconds | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What is accepted: algorithms, and in seconds how far clocks may differ and how old a token may be."""

    algorithms: Sequence[str]
    skew: float
    max_age: float


def read_token(token: str, rules: Rules) -> tuple[Header, Claims]:
    """The two halves of a token, believed in nothing yet. Raises `Refused`."""
    if len(token) > LONGEST:
        raise Refused("too long")
    try:
        parts = jwt.PyJWS().decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        raise Refused("not a token") from None
    header = _header(parts["header"])
    if header.typ.upper() != "JWT":
        raise Refused("not a token")
    if header.alg not in rules.algorithms:
        raise Refused("algorithm")
    return header, _claims(parts["payload"])


def _header(found: Any) -> Header:
    try:
        return msgspec.convert(found, Header)
    except msgspec.ValidationError:
        raise Refused("header") from None


def _claims(payload: bytes) -> Claims:
    try:
        return msgspec.json.decode(payload, type=Claims)
    except UNREADABLE:  # also a claim that is missing or of another type
        raise Refused("claims") from None


def check_signature(token: str, alg: str, key: Key) -> None:
    """Raises `Refused` unless this key made the signature, by this algorithm."""
    if not key.fits(alg):
        raise Refused("key of another kind")
    try:
        jwt.PyJWS(algorithms=[alg]).decode(token, key.public, algorithms=[alg])
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Refused("signature") from None


def check_claims(claims: Claims, audience: str, rules: Rules, now: float) -> None:
    """Raises `Refused` unless the token is for this address and for now."""
    if not _is_meant(claims.aud, audience):
        raise Refused("audience")
    if claims.exp <= now - rules.skew:
        raise Refused("expired")
    if claims.iat > now + rules.skew or (claims.nbf is not None and claims.nbf > now + rules.skew):
        raise Refused("not yet valid")
    if claims.iat <= now - rules.max_age - rules.skew:
        raise Refused("too old")


def _is_meant(named: str | list[str], audience: str) -> bool:
    """Exactly this address, as text; one slash at its end makes no difference."""
    listed = [named] if isinstance(named, str) else named
    return any(one.removesuffix("/") == audience for one in listed)


def last_use(claims: Claims, rules: Rules) -> float:
    """When the token will be refused in any case, so that it need not be remembered any longer."""
    return min(claims.exp, claims.iat + rules.max_age) + rules.skew
