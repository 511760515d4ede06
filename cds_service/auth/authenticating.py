"""Authentication: which client sent a request, by the signed token in it, before anything else of it is read.

Every failure is the same 401 to the caller; the reason, a fixed word, goes to the log and to a counter.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.types import Scope

from cds_service.auth.clients import Client
from cds_service.auth.key_sets import KeySets
from cds_service.auth.replay import ReplayCache, Use
from cds_service.auth.tokens import Claims, Header, Refused, Rules, check_claims, check_signature, last_use, read_token
from cds_service.errors import NotAuthenticated

DISCOVERY = "/cds-services"
_BEARER = re.compile(r"Bearer +([\w-]+\.[\w-]+\.[\w-]+) *", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Authenticator:
    """Checks tokens against the listed clients.

    `refused` is called with the reason for each 401, and `unsure` where another process may have seen the token.
    """

    clients: Sequence[Client]
    public_url: str
    open_discovery: bool
    rules: Rules
    key_sets: KeySets
    replay_cache: ReplayCache
    now: Callable[[], datetime]
    refused: Callable[[str], None]
    unsure: Callable[[], None]

    async def authenticate(self, scope: Scope) -> Client:
        """The client whose valid token the request bears. Raises `NotAuthenticated`."""
        try:
            token = _bearer(Headers(scope=scope).getlist("authorization"))
            header, claims = read_token(token, self.rules)
            client = self._claimed_client(claims)
        except Refused as error:
            raise self._not_authenticated(error.reason) from None
        try:
            check_claims(claims, f"{self.public_url}{scope['path']}", self.rules, self.now().timestamp())
            await self._check_signature(token, header, client)
            await self._check_not_replayed(claims, client)
        except Refused as error:
            raise self._not_authenticated(error.reason, client.name) from None
        return client

    def _not_authenticated(self, reason: str, client: str = "unknown") -> NotAuthenticated:
        self.refused(reason)
        return NotAuthenticated(reason, client)

    def _claimed_client(self, claims: Claims) -> Client:
        """The client that the token claims to be from; its signature is still to be checked."""
        of_issuer = [client for client in self.clients if client.issuer == claims.iss]
        if not of_issuer:
            raise Refused("issuer")
        for client in of_issuer:
            if not client.tenants or claims.tenant in client.tenants:
                return client
        raise Refused("tenant")

    async def _check_signature(self, token: str, header: Header, client: Client) -> None:
        if header.jku is not None and header.jku != client.jku:
            raise Refused("jku")
        keys = await self.key_sets.keys_with(client, header.kid)
        if not keys:
            raise Refused("key")
        check_signature(token, header.alg, next((key for key in keys if key.fits(header.alg)), keys[0]))

    async def _check_not_replayed(self, claims: Claims, client: Client) -> None:
        if client.token_reuse == "allow":  # noqa: S105
            return
        expires = datetime.fromtimestamp(last_use(claims, self.rules), UTC)
        use = await self.replay_cache.use(client.name, claims.jti, expires)
        if use is Use.REPEATED:
            raise Refused("replayed")
        if use is Use.UNSURE:
            self.unsure()
            if client.token_reuse == "strict":  # noqa: S105
                raise Refused("unsure")


def _bearer(headers: list[str]) -> str:
    if not headers:
        raise Refused("no token")
    found = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    if found is None:
        raise Refused("not one bearer token")
    return found[1]


async def client_of(scope: Scope, authenticator: Authenticator | None) -> Client | None:
    """The client of a request; None where no token is needed. Raises `NotAuthenticated`."""
    # The path that was routed, never a URL, which is built from a header that the caller writes (Host).
    if authenticator is None or (scope["path"] == DISCOVERY and authenticator.open_discovery):
        return None
    return await authenticator.authenticate(scope)
