"""Who calls: the client behind the signed token of a request, before anything else of the request is read.

Every failure is the same 401 to the caller; a fixed word for the reason goes to the log and is counted.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from cds_service.auth.clients import Client
from cds_service.auth.key_sets import KeySets
from cds_service.auth.replay import SeenTokens
from cds_service.auth.tokens import Claims, Header, Refused, Rules, check_claims, check_signature, last_use, read_token
from cds_service.errors import NotAuthenticated

DISCOVERY = "/cds-services"
_BEARER = re.compile(r"Bearer +([\w-]+\.[\w-]+\.[\w-]+) *", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Authenticator:
    """Everything that it takes to know a client. `refused` counts the reasons."""

    clients: Sequence[Client]
    public_url: str
    rules: Rules
    key_sets: KeySets
    seen: SeenTokens
    now: Callable[[], datetime]
    refused: Callable[[str], None]

    async def client_of(self, request: Request) -> Client:
        """The client whose valid token the request bears. Raises `NotAuthenticated`."""
        try:
            token = _bearer(request.headers.getlist("authorization"))
            header, claims = read_token(token, self.rules)
            client = self._sender(claims)
        except Refused as error:
            raise self._not_authenticated(error.reason) from None
        try:
            check_claims(claims, f"{self.public_url}{request.scope['path']}", self.rules, self.now().timestamp())
            await self._check_key(token, header, client)
            await self._check_new(claims, client)
        except Refused as error:
            raise self._not_authenticated(error.reason, client.name) from None
        return client

    def _not_authenticated(self, reason: str, client: str = "unknown") -> NotAuthenticated:
        self.refused(reason)
        return NotAuthenticated(reason, client)

    def _sender(self, claims: Claims) -> Client:
        """The client that the token says it is from; the signature has to prove it."""
        of_issuer = [one for one in self.clients if one.issuer == claims.iss]
        if not of_issuer:
            raise Refused("issuer")
        client = next((one for one in of_issuer if not one.tenants or claims.tenant in one.tenants), None)
        if client is None:
            raise Refused("tenant")
        return client

    async def _check_key(self, token: str, header: Header, client: Client) -> None:
        if header.jku is not None and header.jku != client.jku:
            raise Refused("jku")
        keys = await self.key_sets.keys_with(client, header.kid)
        if not keys:
            raise Refused("key")
        check_signature(token, header.alg, next((key for key in keys if key.fits(header.alg)), keys[0]))

    async def _check_new(self, claims: Claims, client: Client) -> None:
        if client.replay == "allow":
            return
        until = datetime.fromtimestamp(last_use(claims, self.rules), UTC)
        if not await self.seen.is_new_token(client.name, claims.jti, until):
            raise Refused("replayed")


def _bearer(headers: list[str]) -> str:
    if not headers:
        raise Refused("no token")
    found = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    if found is None:
        raise Refused("not one bearer token")
    return found[1]


async def client_of(request: Request) -> Client | None:
    """The client of a request; None where nobody is asked for a token. Raises `NotAuthenticated`."""
    state = request.app.state
    authenticator: Authenticator | None = state.authenticator
    # The path that was routed, not `request.url`: that is made from the Host header, which the caller writes.
    if authenticator is None or (request.scope["path"] == DISCOVERY and state.settings.open_discovery):
        return None
    return await authenticator.client_of(request)


async def authenticate(request: Request) -> None:
    """Puts the client of a request into its state."""
    request.state.client = await client_of(request)
