"""The trusted CDS clients: clients.toml, read strictly, with every mistake reported at once.

This file is the only place that says whom the service trusts, and which addresses it may call for them.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from cds_service.auth.keys import Key, read_key
from cds_service.content.loading import line_of
from cds_service.errors import ContentError, Mistake
from cds_service.gathering.allowed_servers import parse_base_url
from cds_service.guidance.conditions import Strict

CdsHooks = Literal["1.0", "2.0"]
Replay = Literal["refuse", "allow"]
_TOML_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class Client:
    """A CDS client: how its tokens are verified, which FHIR servers may be called for it, and its CDS Hooks version."""

    name: str
    issuer: str
    jku: str = ""
    keys: tuple[Key, ...] = ()
    tenants: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    cds_hooks: CdsHooks = "2.0"
    replay: Replay = "refuse"


def _address(url: str) -> str:
    base = parse_base_url(url)
    if base is None:
        raise ValueError("is not a plain http or https address: no user, query, fragment or odd spelling")
    if base.scheme != "https" and not base.is_loopback:
        raise ValueError("is not https; http is for this machine's loopback only")
    return url


def _public_key(jwk: dict[str, Any]) -> dict[str, Any]:
    read_key(jwk)
    return jwk


Address = Annotated[str, AfterValidator(_address)]
PublicKey = Annotated[dict[str, Any], AfterValidator(_public_key)]
Words = Annotated[str, Field(min_length=1)]


class _Row(Strict):
    """One `[[client]]` table. Its keys are `[[client.key]]` tables, each a JWK."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    issuer: Words
    jku: Address | None = None
    key: list[PublicKey] = []
    tenants: list[Words] = []
    fhir_servers: list[Address] = []
    cds_hooks: CdsHooks = "2.0"
    replay: Replay = "refuse"

    @field_validator("key")
    @classmethod
    def _kids_differ(cls, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({key["kid"] for key in keys}) < len(keys):
            raise ValueError("two keys have the same kid")
        return keys

    @model_validator(mode="after")
    def _has_keys(self) -> "_Row":
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
            replay=self.replay,
        )


def load_clients(path: Path) -> tuple[Client, ...]:
    """Reads clients.toml. Raises `ContentError` with every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        where = _TOML_LINE.search(str(error))
        problem = f"cannot be read: {getattr(error, 'strerror', None) or 'it is not TOML'}"
        raise ContentError([Mistake(path.name, int(where[1]) if where else 1, problem)]) from None
    rows, mistakes = _read(data, text, path.name)
    mistakes += [Mistake(path.name, line_of(text, where), problem) for where, problem in _clashes(rows)]
    if mistakes:
        raise ContentError(mistakes)
    return tuple(row.client() for _, row in rows)


def _read(data: dict[str, Any], text: str, file: str) -> tuple[list[tuple[int, _Row]], list[Mistake]]:
    """The valid tables, each with its index, and the mistakes in the others."""
    mistakes = [Mistake(file, line_of(text, (key,)), f"unknown key {key}") for key in data if key != "client"]
    listed = data.get("client")
    if not isinstance(listed, list) or not listed:
        return [], [*mistakes, Mistake(file, 1, "there is no [[client]]")]
    rows: list[tuple[int, _Row]] = []
    for index, table in enumerate(listed):
        try:
            rows.append((index, _Row.model_validate(table)))
        except ValidationError as error:
            mistakes += [_mistake(problem, index, text, file) for problem in error.errors()]
    return rows, mistakes


def _mistake(problem: Any, index: int, text: str, file: str) -> Mistake:
    where = ("client", index, *problem["loc"])
    name = ".".join(str(part) for part in where)
    return Mistake(file, line_of(text, where), f"{name}: {problem['msg'].removeprefix('Value error, ')}")


def _clashes(rows: Sequence[tuple[int, _Row]]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Clients with the same name, and clients whom the same token could belong to."""
    names: set[str] = set()
    senders: dict[str, list[_Row]] = {}
    for index, row in rows:
        if row.name in names:
            yield ("client", index, "name"), f"client.{index}.name: another client has this name"
        names.add(row.name)
        if any(_overlap(row.tenants, other.tenants) for other in senders.get(row.issuer, [])):
            yield ("client", index, "issuer"), f"client.{index}.issuer: another client has it, and not other tenants"
        senders.setdefault(row.issuer, []).append(row)


def _overlap(ours: list[str], theirs: list[str]) -> bool:
    """Whether a token could belong to both clients. A client without tenants takes tokens of every tenant."""
    return not ours or not theirs or not set(ours).isdisjoint(theirs)
