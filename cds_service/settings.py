"""Every setting, with its default and what it is for. The only reader of the environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

CARDS = Path(__file__).resolve().parent.parent / "cards"
FIXTURES = CARDS.parent / "fixtures"


class Settings(BaseSettings):
    """Settings are environment variables that begin with `CDS_`; `cds-service settings` lists them."""

    model_config = SettingsConfigDict(env_prefix="CDS_", extra="ignore", frozen=True)

    cards: Path = Field(CARDS, description="Folder of the content: cards, code lists, sources.")
    site_intervals: Path | None = Field(
        None, description="TOML file with this site's own reference intervals, for results that come without a range."
    )
    max_body_bytes: int = Field(4 * 1024 * 1024, gt=0, description="Largest request body, in bytes; beyond it 413.")
    fhir_loopback: bool = Field(
        True,
        description="Whether, without a list of clients, a FHIR server on this machine's loopback may be called.",
    )
    fhir_deadline_ms: int = Field(400, gt=0, description="Longest time for all that is fetched for one call, in ms.")
    fhir_timeout_ms: int = Field(350, gt=0, description="Longest time for one answer of a FHIR server, in ms.")
    fhir_max_bytes: int = Field(4 * 1024 * 1024, gt=0, description="Largest answer of a FHIR server, in bytes.")
    fhir_max_pages: int = Field(5, gt=0, description="Most pages that are read of one search.")
    fhir_ca_file: Path | None = Field(
        None, description="PEM file of the authorities that FHIR servers' certificates are checked against."
    )
    prefetch: Literal["full", "patient", "none"] = Field(
        "full", description="What discovery asks EHRs to prefetch: every key, the patient alone, or nothing."
    )
    auth: Literal["off", "required"] = Field(
        "required",
        description="`off` permits to listen beyond loopback although no client is authenticated. Logged at start.",
    )
    cors_origins: tuple[str, ...] = Field(
        ("https://sandbox.cds-hooks.org",),
        description="Browser origins that may call, as a JSON list.",
    )
    demo: bool = Field(
        False,
        description="Whether to serve a read-only FHIR server with invented people at /demo/fhir, for trying out.",
    )
    fixtures: Path = Field(FIXTURES, description="Folder of the fixtures, whose people demo mode shows.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @property
    def listed_fhir_servers(self) -> tuple[str, ...] | None:
        """The FHIR servers that may be called beside loopback; None where there is no list."""
        return None if self.fhir_loopback else ()


def describe() -> list[tuple[str, str, str]]:
    """Name, default and meaning of each setting, in order."""
    return [
        (f"CDS_{name.upper()}", _shown(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _shown(default: object) -> str:
    if default in (CARDS, FIXTURES):
        return f"{default.name}/ beside the package"
    if default is None:
        return "none"
    return ", ".join(default) if isinstance(default, tuple) else str(default)
