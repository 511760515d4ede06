"""The settings, with their defaults and meanings. No other module reads the environment."""

import os
import re
import tomllib
from difflib import get_close_matches
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from cds_service.errors import WrongSettings

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
PUBLIC_SANDBOX = "https://sandbox.cds-hooks.org"  # of CDS Hooks: an EHR in a web page
_PUBLIC = re.compile(r"https://[^/?#@\s]+(/[^?#\s]*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^?#\s]*)?")
_PREFIX = "CDS_"
_OF_KUBERNETES = re.compile(r"CDS_(.*_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client reads it when it is imported
_OF_THE_PACKAGE = " of the package"


def find_data(name: str, package: Path) -> Path:
    """A folder of data files: in the package where it is installed, beside the package in the repository."""
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


_PACKAGE = Path(str(files("cds_service")))
CARDS = find_data("cards", _PACKAGE)
FIXTURES = find_data("fixtures", _PACKAGE)
GUIDES = find_data("docs", _PACKAGE)


class Settings(BaseSettings):
    """Each setting is an environment variable that begins with `CDS_`; `cds-service settings` lists them."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    cards: Path = Field(CARDS, description="Folder of the content: cards, code lists and sources.")
    site: Path | None = Field(
        None,
        description="TOML file of what this site decides: which cards are shown, its codes, its reference intervals. "
        "See site.example.toml.",
    )
    max_body_bytes: int = Field(
        4 * 1024 * 1024, gt=0, description="Largest request body, in bytes; a larger one is a 413."
    )
    body_timeout_ms: int = Field(
        10_000, gt=0, description="Longest time to wait for a whole request body, in ms; then 408."
    )
    max_held_bytes: int = Field(
        256 * 1024 * 1024,
        gt=0,
        description="Most bytes of request bodies that one process holds at a time, beyond which 503; and most of "
        "answers that wait to be read, beyond which the slowest reader is disconnected.",
    )
    max_calls: int = Field(256, gt=0, description="Most calls that one process answers at a time; beyond them 503.")
    fhir_loopback: bool = Field(
        True,
        description="Whether a FHIR server on the loopback of this machine may be called when no clients are listed.",
    )
    fhir_deadline_ms: int = Field(400, gt=0, description="Longest time for everything fetched for one call, in ms.")
    fhir_timeout_ms: int = Field(350, gt=0, description="Longest time for one response of a FHIR server, in ms.")
    fhir_max_bytes: int = Field(4 * 1024 * 1024, gt=0, description="Largest response of a FHIR server, in bytes.")
    fhir_max_call_bytes: int = Field(
        16 * 1024 * 1024, gt=0, description="Most bytes of responses of a FHIR server read for one call."
    )
    fhir_max_pages: int = Field(5, gt=0, description="Most pages read of one search.")
    fhir_max_calls: int = Field(
        32, gt=0, description="Most calls for which one process asks FHIR servers at a time; others wait their turn."
    )
    fhir_ca_file: Path | None = Field(
        None,
        description="PEM file of the certificate authorities trusted for FHIR servers and key sets; by default those "
        "of certifi.",
    )
    database_url: str = Field(
        "sqlite:///acetylcysteine-cds.sqlite3",
        repr=False,  # it may hold a password
        description="Database of shown cards and feedback: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME.",
    )
    retention_days: int = Field(
        365, gt=0, le=36_500, description="Days that shown cards and feedback are kept; 36500, a century, at most."
    )
    keep_comments: bool = Field(
        False, description="Whether clinicians' comments in feedback are kept; they may contain personal data."
    )
    medication_verify: bool = Field(
        False,
        description="Whether to offer `acetylcysteine-medication-verify`: the cards of signing, for the pharmacist who "
        "verifies an order.",
    )
    prefetch: Literal["full", "patient", "none"] = Field(
        "full",
        description="What discovery asks EHRs to prefetch: every key, only the patient (as a chart is opened, only the "
        "medications), or nothing.",
    )
    clients: Path | None = Field(None, description="TOML file of the trusted CDS clients; see clients.example.toml.")
    auth: Literal["off", "required"] = Field(
        "required",
        description="`off` allows the service to listen beyond loopback without authenticating clients, and logs a "
        "warning at every start.",
    )
    public_url: str | None = Field(
        None,
        description="Address at which clients reach this service, without /cds-services: the audience of their tokens, "
        "and where cards link to.",
    )
    open_discovery: bool = Field(True, description="Whether discovery needs no token.")
    token_algorithms: tuple[Algorithm, ...] = Field(
        ("ES384", "RS384"), min_length=1, description="Algorithms with which tokens may be signed, as a JSON list."
    )
    token_skew_seconds: int = Field(
        60, ge=0, le=600, description="Tolerated difference between a client's clock and ours, in seconds."
    )
    token_max_age_seconds: int = Field(
        3600, gt=0, le=86400, description="Age in seconds beyond which a token is refused, whatever its expiry."
    )
    token_store_timeout_ms: int = Field(
        200, gt=0, description="Longest time to wait for the database to say whether a token is new, in ms."
    )
    key_set_interval_seconds: int = Field(
        10, gt=0, description="Least time between two fetches of a key set, in seconds."
    )
    key_set_max_age_seconds: int = Field(3600, gt=0, description="Age in seconds at which a key set is fetched again.")
    key_set_timeout_ms: int = Field(2000, gt=0, description="Longest time for fetching a key set, in ms.")
    cors_origins: tuple[str, ...] = Field(
        (PUBLIC_SANDBOX,),
        description="Origins of web pages that may call from a browser, as a JSON list. In demo mode the public "
        "sandbox and every page of this machine (`http://localhost`, `http://127.0.0.1`, any port) may call too.",
    )
    demo: bool = Field(
        False,
        description="Whether to offer invented patients for trying the service out: /try, /explain, and a read-only "
        "FHIR server at /demo/fhir.",
    )
    demo_database_url: str = Field(
        "sqlite:///acetylcysteine-demo.sqlite3",
        pattern="^sqlite:///",
        description="SQLite file of the cards and clicks of /try, which never reach CDS_DATABASE_URL.",
    )
    fixtures: Path = Field(FIXTURES, description="Folder of the invented patients and orders.")
    guides: Path = Field(GUIDES, description="Folder of the guides that `/guides` shows.")
    metrics_from: tuple[IPv4Network | IPv6Network, ...] = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Networks that may read `/metrics`, `/report` and `/setup`, as a JSON list; everyone else gets a "
        "404.",
    )
    traces_to: str | None = Field(
        None,
        pattern="^https?://",
        description="URL of an OpenTelemetry collector to send traces to (OTLP over HTTP). Needs the extra `tracing`.",
    )
    shutdown_seconds: int = Field(
        5,
        gt=0,
        description="Longest time that the service takes to stop, in seconds; calls in progress have over half of it.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level that is logged.")

    @field_validator("public_url")
    @classmethod
    def _validate_public_url(cls, url: str | None) -> str | None:
        if url is not None and not _PUBLIC.fullmatch(url):
            raise ValueError("must be an https address without user, query or fragment; http is for loopback only")
        return url.rstrip("/") if url else None

    @field_validator("demo_database_url")
    @classmethod
    def _validate_demo_database_url(cls, url: str, read: ValidationInfo) -> str:
        both = read.data.get("demo") and url == read.data.get("database_url")  # without demo, `report` reads that file
        if both and not url.endswith(":memory:"):
            raise ValueError("must be another database than CDS_DATABASE_URL")
        return url


def read_settings() -> Settings:
    """Reads the settings from the environment.

    Raises `WrongSettings`, which names every setting that cannot be read and repeats no value: it may be a secret.
    """
    _refuse_former_settings()
    unknown = [f"{name} is no setting{_suggest(name)}" for name in sorted(os.environ) if _is_unknown(name)]
    try:
        settings = Settings()
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise WrongSettings(
            [*unknown, *(_describe_problem(str(problem["loc"][0]), problem["msg"]) for problem in problems)]
        ) from None
    except SettingsError as error:  # the name is only in the message: error parsing value for field "cors_origins" …
        name = str(error).partition('"')[2].partition('"')[0]
        raise WrongSettings([*unknown, _describe_problem(name, "is not JSON; a list is written as JSON")]) from None
    if unknown:
        raise WrongSettings(unknown)
    return settings


def _is_unknown(variable: str) -> bool:
    """Whether a variable begins like a setting and is none. Kubernetes names some after a Service called `cds`."""
    name = variable.upper()
    is_of_kubernetes = "KUBERNETES_SERVICE_HOST" in os.environ and _OF_KUBERNETES.fullmatch(name)
    return (
        name.startswith(_PREFIX)
        and name.removeprefix(_PREFIX).lower() not in Settings.model_fields
        and not is_of_kubernetes
    )


def _suggest(variable: str) -> str:
    """The setting with the nearest name, compared without the beginning that all have."""
    nearest = get_close_matches(variable.upper().removeprefix(_PREFIX), map(str.upper, Settings.model_fields), n=1)
    return f": did you mean {_PREFIX}{nearest[0]}?" if nearest else "; `cds-service settings` lists them"


_LONGEST_FORMER_FILE = 64 * 1024  # characters


def _refuse_former_settings() -> None:
    """Raises `WrongSettings` where the reference intervals still stand in a file of their own, with its rows."""
    former = os.environ.get("CDS_SITE_INTERVALS")
    if not former:
        return
    problem = "is no longer read: the rows of its file stand in the site file, which CDS_SITE names"
    try:
        with Path(former).open(encoding="utf-8") as file:
            rows = file.read(_LONGEST_FORMER_FILE).strip()
        is_toml = "interval" in tomllib.loads(rows)
    except (OSError, ValueError):
        is_toml = False
    paste = f". Paste these into it:\n{rows}" if is_toml else ". Its own file cannot be read"
    raise WrongSettings([_describe_problem("site_intervals", problem + paste)])


def _describe_problem(name: str, problem: str) -> str:
    return f"{_PREFIX}{name.upper()}: {problem.removeprefix('Value error, ')}"


def describe() -> list[tuple[str, str, str]]:
    """Name, default and meaning of each setting, in order."""
    return [
        (f"{_PREFIX}{name.upper()}", _format_default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _format_default(default: object) -> str:
    if default in (CARDS, FIXTURES, GUIDES):
        return f"{default.name}/{_OF_THE_PACKAGE}"
    if default is None:
        return "none"
    return ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)


def as_markdown() -> str:
    """The settings as a Markdown table."""
    rows = [f"| `{name}` | {_as_code(default)} | {meaning} |" for name, default, meaning in describe()]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows, ""])


def _as_code(default: str) -> str:
    return default if default == "none" or default.endswith(_OF_THE_PACKAGE) else f"`{default}`"


def with_table(document: str) -> str | None:
    """The document with the current table between its two marks, or None if a mark is missing."""
    before, begin, rest = document.partition("<!-- settings -->\n")
    _, end, after = rest.partition("<!-- /settings -->\n")
    return f"{before}{begin}{as_markdown()}{end}{after}" if begin and end else None


def metrics_folder() -> Path | None:
    """The folder in which worker processes share their metrics, or None where there is one process."""
    folder = os.environ.get(_METRICS_FOLDER)
    return Path(folder) if folder else None


def share_metrics(folder: Path | None) -> None:
    """Sets that folder for this process and the workers that it starts; None for a single process."""
    os.environ.pop(_METRICS_FOLDER, None)
    if folder:
        os.environ[_METRICS_FOLDER] = str(folder)
