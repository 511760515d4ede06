"""Every setting, with its default and what it is for. The only reader of the environment."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from cds_service.errors import WrongSettings

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
_PUBLIC = re.compile(r"https://[^/?#@\s]+(/[^?#\s]*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^?#\s]*)?")
CARDS = Path(__file__).resolve().parent.parent / "cards"
FIXTURES = CARDS.parent / "fixtures"
_BESIDE = " beside the package"
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # of prometheus-client, which reads it when it is imported


class Settings(BaseSettings):
    """Settings are environment variables that begin with `CDS_`; `cds-service settings` lists them."""

    model_config = SettingsConfigDict(env_prefix="CDS_", extra="ignore", frozen=True)

    cards: Path = Field(CARDS, description="Folder of the content: cards, code lists, sources.")
    site_intervals: Path | None = Field(
        None, description="TOML file with this site's own reference intervals, for results that come without a range."
    )
    max_body_bytes: int = Field(4 * 1024 * 1024, gt=0, description="Largest request body, in bytes; beyond it 413.")
    body_timeout_ms: int = Field(10_000, gt=0, description="Longest time for a request body to come, in ms; then 408.")
    max_held_bytes: int = Field(
        256 * 1024 * 1024, gt=0, description="Most bytes of bodies on their way that one process holds; beyond it 503."
    )
    max_calls: int = Field(100, gt=0, description="Most calls that one process answers at once; beyond it 503.")
    fhir_loopback: bool = Field(
        True,
        description="Whether, without a list of clients, a FHIR server on this machine's loopback may be called.",
    )
    fhir_deadline_ms: int = Field(400, gt=0, description="Longest time for all that is fetched for one call, in ms.")
    fhir_timeout_ms: int = Field(350, gt=0, description="Longest time for one answer of a FHIR server, in ms.")
    fhir_max_bytes: int = Field(4 * 1024 * 1024, gt=0, description="Largest answer of a FHIR server, in bytes.")
    fhir_max_pages: int = Field(5, gt=0, description="Most pages that are read of one search.")
    fhir_ca_file: Path | None = Field(
        None,
        description="PEM file of the authorities that certificates of FHIR servers and key sets are checked against.",
    )
    database_url: str = Field(
        "sqlite:///acetylcysteine-cds.sqlite3",
        repr=False,  # it may hold a password
        description="Where shown cards and feedback are kept: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME.",
    )
    retention_days: int = Field(365, gt=0, description="Days that shown cards and feedback are kept.")
    keep_comments: bool = Field(
        False, description="Whether clinicians' comments in feedback are kept; they may hold personal data."
    )
    prefetch: Literal["full", "patient", "none"] = Field(
        "full", description="What discovery asks EHRs to prefetch: every key, the patient alone, or nothing."
    )
    clients: Path | None = Field(
        None, description="TOML file of the CDS clients that are trusted; clients.example.toml explains it."
    )
    auth: Literal["off", "required"] = Field(
        "required",
        description="`off` permits to listen beyond loopback although no client is authenticated. Logged at start.",
    )
    public_url: str | None = Field(
        None,
        description="Address at which clients reach this service, without /cds-services: what tokens are for, and "
        "where cards link to their pages.",
    )
    open_discovery: bool = Field(True, description="Whether discovery is answered without a token.")
    token_algorithms: tuple[Algorithm, ...] = Field(
        ("ES384", "RS384"), min_length=1, description="Algorithms that tokens may be signed with, as a JSON list."
    )
    token_skew_seconds: int = Field(60, ge=0, le=600, description="How far a client's clock may differ from ours.")
    token_max_age_seconds: int = Field(3600, gt=0, le=86400, description="Age at which a token is refused in any case.")
    key_set_interval_seconds: int = Field(10, gt=0, description="Least time between two fetches of one key set.")
    key_set_max_age_seconds: int = Field(3600, gt=0, description="Age at which a key set is fetched again.")
    key_set_timeout_ms: int = Field(2000, gt=0, description="Longest time for fetching a key set, in ms.")
    cors_origins: tuple[str, ...] = Field(
        ("https://sandbox.cds-hooks.org",),
        description="Browser origins that may call, as a JSON list.",
    )
    demo: bool = Field(
        False,
        description="Whether to serve a read-only FHIR server with invented people at /demo/fhir, for trying out.",
    )
    fixtures: Path = Field(FIXTURES, description="Folder of the fixtures, whose people demo mode shows.")
    metrics_from: tuple[IPv4Network | IPv6Network, ...] = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Networks that may read `/metrics`, as a JSON list; to others there is nothing there.",
    )
    traces_to: str | None = Field(
        None,
        pattern="^https?://",
        description="URL of an OpenTelemetry collector (OTLP over HTTP) that traces are sent to. Needs the extra.",
    )
    shutdown_seconds: int = Field(
        5, gt=0, description="Longest time that calls under way have to finish when the service is stopped."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and not _PUBLIC.fullmatch(url):
            raise ValueError("is an https address without user, query or fragment; http is for loopback only")
        return url.rstrip("/") if url else None


def read_settings() -> Settings:
    """The settings of the environment. Raises `WrongSettings`, which names each wrong one and repeats no value."""
    try:
        return Settings()
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise WrongSettings([_problem(str(one["loc"][0]), one["msg"]) for one in problems]) from None
    except SettingsError as error:  # it says which only in its words: error parsing value for field "cors_origins" …
        name = str(error).partition('"')[2].partition('"')[0]
        raise WrongSettings([_problem(name, "is not JSON; a list is written as JSON")]) from None


def _problem(name: str, what: str) -> str:
    return f"CDS_{name.upper()}: {what.removeprefix('Value error, ')}"


def describe() -> list[tuple[str, str, str]]:
    """Name, default and meaning of each setting, in order."""
    return [
        (f"CDS_{name.upper()}", _shown(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def as_markdown() -> str:
    """The settings as a table for a document."""
    rows = [f"| `{name}` | {_code(default)} | {meaning} |" for name, default, meaning in describe()]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows, ""])


def with_table(document: str) -> str | None:
    """The document with the table of now between its two marks; None if it has not both."""
    before, begin, rest = document.partition("<!-- settings -->\n")
    _, end, after = rest.partition("<!-- /settings -->\n")
    return f"{before}{begin}{as_markdown()}{end}{after}" if begin and end else None


def _code(default: str) -> str:
    return default if default == "none" or default.endswith(_BESIDE) else f"`{default}`"


def metrics_folder() -> Path | None:
    """Where worker processes share what they count; None in a service of one process."""
    folder = os.environ.get(_METRICS_FOLDER)
    return Path(folder) if folder else None


def share_metrics(folder: Path | None) -> None:
    """Names that folder, for this process and those it starts; None: there is one process, which shares nothing."""
    os.environ.pop(_METRICS_FOLDER, None)
    if folder:
        os.environ[_METRICS_FOLDER] = str(folder)


def _shown(default: object) -> str:
    if default in (CARDS, FIXTURES):
        return f"{default.name}/{_BESIDE}"
    if default is None:
        return "none"
    return ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
