"""Reading and checking a client's JWT (RFC 7519). Pure: the time is an argument, and nothing is fetched.

PyJWT checks the signature. The claims are checked here, because PyJWT reads a clock of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
import msgspec

from cds_service.auth.keys import Key
from cds_service.fhir.json import UNREADABLE

MAX_LENGTH = 8192  # characters; a token signed by a 4096-bit key has about 1500
_Seconds = int | float
_Nonce = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class Refused(Exception):
    """The token is not accepted. `reason` is a fixed word for the log and the counter, never part of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Header(msgspec.Struct, frozen=True):
    """The members of the JOSE header that are used."""

    alg: str
    kid: str
    typ: str
    jku: str | None = None


class Claims(msgspec.Struct, frozen=True):
    """The claims that are used. Times are seconds since the epoch."""

    iss: str
    aud: str | list[str]
    exp: _Seconds
    iat: _Seconds
    jti: _Nonce
    nbf: _Seconds | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What is accepted: the algorithms; and, in seconds, how far clocks may differ and how old a token may be."""

    algorithms: Sequence[str]
    skew: float
    max_age: float


def read_token(token: str, rules: Rules) -> tuple[Header, Claims]:
    """Header and claims of a token whose signature is not checked yet. Raises `Refused`."""
    if len(token) > MAX_LENGTH:
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
    except UNREADABLE:  # includes a claim that is missing or has another type
        raise Refused("claims") from None


def check_signature(token: str, alg: str, key: Key) -> None:
    """Raises `Refused` unless the token was signed with this key by this algorithm."""
    if not key.fits(alg):
        raise Refused("key of another kind")
    try:
        jwt.PyJWS(algorithms=[alg]).decode(token, key.public, algorithms=[alg])
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Refused("signature") from None


def check_claims(claims: Claims, audience: str, rules: Rules, now: float) -> None:
    """Raises `Refused` unless the token is for this audience and valid at `now`, in seconds since the epoch."""
    if not _names(claims.aud, audience):
        raise Refused("audience")
    if claims.exp <= now - rules.skew:
        raise Refused("expired")
    if claims.iat > now + rules.skew or (claims.nbf is not None and claims.nbf > now + rules.skew):
        raise Refused("not yet valid")
    if claims.iat <= now - rules.max_age - rules.skew:
        raise Refused("too old")


def _names(aud: str | list[str], audience: str) -> bool:
    """Compared as text, with no normalisation but one trailing slash."""
    urls = [aud] if isinstance(aud, str) else aud
    return any(url.removesuffix("/") == audience for url in urls)


def last_use(claims: Claims, rules: Rules) -> float:
    """From this time on the token has expired, and the replay cache may forget it. Seconds since the epoch."""
    return min(claims.exp, claims.iat + rules.max_age) + rules.skew
