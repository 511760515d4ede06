"""The trusted CDS clients: clients.toml, read strictly, with every mistake reported at once.

This file is the only place that says whom the service trusts, and which addresses it may call for them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from cds_service.auth.keys import Key, read_key
from cds_service.content.toml_files import TomlFile
from cds_service.errors import ContentError
from cds_service.gathering.allowed_servers import parse_base_url
from cds_service.gathering.upstreams import FhirAccess
from cds_service.guidance.conditions import Strict
from cds_service.hooks.dialects import DIALECTS, STANDARD, CdsHooks, Dialect, DialectName, ReasonCodes, TopicCode

Repeat = Literal["always", "changed"]
TokenReuse = Literal["refuse", "strict", "allow"]
_ACCESS = FhirAccess()
_SYSTEM = r"^((https?://|urn:)[!-~]{1,200})?$"  # empty: the client creates orders by their words


@dataclass(frozen=True, slots=True)
class Client:
    """A CDS client: how its tokens are verified, which FHIR servers may be called for it, and how it is answered."""

    name: str
    issuer: str
    jku: str = ""
    keys: tuple[Key, ...] = ()
    tenants: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    cds_hooks: CdsHooks = "2.0"
    dialect: Dialect = STANDARD
    repeat: Repeat = "always"
    token_reuse: TokenReuse = "refuse"  # noqa: S105  # no password
    tracestate: bool = False
    fhir_access: FhirAccess = _ACCESS


_PLACEHOLDER = re.compile(r"^(https?://[^/?#]*\.example(:\d+)?(/|$)|urn:example:)", re.IGNORECASE)
# `x` of keys whose private part anyone can read: that of the example of CDS Hooks, which clients.example.toml has too.
_PUBLISHED = frozenset(("46SDH7Znh821wblCBglA61sNE9ZrHYKKt3qRtRTmSXyOI_FIGBLWrWa0GPUkDCEk",))
OPEN = "open"  # in place of a name where no clients are listed


def name_of(client: Client | None) -> str:
    """The client's name in logs and records; `open` where no clients are listed."""
    return client.name if client else OPEN


def _address(url: str) -> str:
    base = parse_base_url(url)
    if base is None:
        raise ValueError("is not a plain http or https address: no user, query, fragment or odd spelling")
    _refuse_placeholder(url)
    if base.scheme != "https" and not base.is_loopback:
        raise ValueError("is not https; http is for this machine's loopback only")
    return url


def _refuse_placeholder(written: str) -> str:
    """No name under .example is anybody's (RFC 2606): it was left in a copy of clients.example.toml."""
    if _PLACEHOLDER.search(written):
        raise ValueError("is a placeholder of clients.example.toml: write the address of your own EHR")
    return written


def _public_key(jwk: dict[str, Any]) -> dict[str, Any]:
    if jwk.get("x") in _PUBLISHED:
        raise ValueError("is the example of the specification, whose private key is published: anyone could sign")
    read_key(jwk)
    return jwk


Address = Annotated[str, AfterValidator(_address)]
PublicKey = Annotated[dict[str, Any], AfterValidator(_public_key)]
Words = Annotated[str, Field(min_length=1)]


class _Options(Strict):
    """The options of a dialect. What is given wins over what the named dialect says."""

    dialect: DialectName = "standard"
    topic_code: TopicCode | None = None
    update_suggestions: bool | None = None
    actions_per_suggestion: int | None = Field(None, ge=0, le=100)
    order_code_system: Annotated[str, Field(pattern=_SYSTEM)] | None = None
    amino_acids_order_code: Words | None = None
    feedback_reasons: list[Words] | None = Field(None, max_length=20)
    override_reasons: ReasonCodes | None = None

    @model_validator(mode="after")
    def _has_system(self) -> Self:
        if self.amino_acids_order_code and not self.merged().order_code_system:
            raise ValueError("amino_acids_order_code has no order_code_system")
        return self

    def merged(self) -> Dialect:
        """The dialect of that name with these options."""
        given = self.model_dump(include=set(_Options.model_fields) - {"dialect"}, exclude_none=True)
        if "feedback_reasons" in given:
            given["feedback_reasons"] = tuple(given["feedback_reasons"])
        return replace(DIALECTS[self.dialect], **given)


class _Row(_Options):
    """One `[[client]]` table. Its keys are `[[client.key]]` tables, each a JWK."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    issuer: Annotated[Words, AfterValidator(_refuse_placeholder)]
    jku: Address | None = None
    key: list[PublicKey] = []
    tenants: list[Words] = []
    fhir_servers: list[Address] = []
    cds_hooks: CdsHooks = "2.0"
    repeat: Repeat = "always"
    token_reuse: TokenReuse = "refuse"  # noqa: S105  # no password
    tracestate: bool = False
    fhir_batch: bool = False
    fhir_connections: int = Field(_ACCESS.connections, ge=1, le=1000)
    fhir_opening: int = Field(_ACCESS.opening, ge=1, le=1000)

    @field_validator("key")
    @classmethod
    def _kids_differ(cls, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({key["kid"] for key in keys}) < len(keys):
            raise ValueError("two keys have the same kid")
        return keys

    @model_validator(mode="after")
    def _has_keys(self) -> Self:
        if not self.key and not self.jku:
            raise ValueError("there is neither a jku nor a [[client.key]]")
        return self

    def client(self) -> Client:
        return Client(
            name=self.name,
            issuer=self.issuer,
            jku=self.jku or "",
            keys=tuple(read_key(key) for key in self.key),
            tenants=tuple(self.tenants),
            fhir_servers=tuple(self.fhir_servers),
            cds_hooks=self.cds_hooks,
            dialect=self.merged(),
            repeat=self.repeat,
            token_reuse=self.token_reuse,
            tracestate=self.tracestate,
            fhir_access=FhirAccess(self.fhir_batch, self.fhir_connections, self.fhir_opening),
        )


def client_names(clients: Sequence[Client] | None) -> tuple[str, ...]:
    """The names under which calls are counted and recorded; `open` where no clients are listed."""
    return (OPEN,) if clients is None else tuple(client.name for client in clients)


def load_clients(path: Path) -> tuple[Client, ...]:
    """The clients of a file. Raises `ContentError` with every mistake in it."""
    file = TomlFile(path)
    tables = file.read_tables("client", _Row)
    for index, key, problem in _clashes(tables):
        file.add_mistake(("client", index, key), f"client.{index}.{key}: {problem}")
    if file.mistakes:
        raise ContentError(file.mistakes)
    return tuple(table.client() for table in tables.values())


def _clashes(tables: Mapping[int, _Row]) -> Iterator[tuple[int, str, str]]:
    """Clients with the same name, and clients whom the same token could belong to."""
    names: set[str] = set()
    senders: dict[str, list[_Row]] = {}
    for index, table in tables.items():
        if table.name in names:
            yield index, "name", "another client has this name"
        names.add(table.name)
        if any(_overlap(table.tenants, other.tenants) for other in senders.get(table.issuer, [])):
            yield index, "issuer", "another client has it, and not other tenants"
        senders.setdefault(table.issuer, []).append(table)


def _overlap(ours: list[str], theirs: list[str]) -> bool:
    """Whether a token could belong to both clients. A client without tenants takes tokens of every tenant."""
    return not ours or not theirs or not set(ours).isdisjoint(theirs)
