"""`cds-service doctor`: examines a FHIR server for one patient, as the service would ask it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cds_service.app import fhir_limits
from cds_service.auth.clients import load_clients
from cds_service.cli.site import site_of
from cds_service.cli.terminal import console, file_option
from cds_service.content.loading import load_content
from cds_service.content.unread import find_unread_codes, find_unread_units
from cds_service.doctor.asking import FhirTarget, examine
from cds_service.doctor.report import Findings, code_lines, common_failure, problems_of, query_table, unit_lines
from cds_service.errors import CannotStart
from cds_service.fhir.queries import FOR_ORDERS, FOR_TREATMENTS
from cds_service.gathering.allowed_servers import BaseUrl, find_allowed_base
from cds_service.gathering.http import new_http_client
from cds_service.gathering.server import is_fhir_id, read_bearer_token
from cds_service.gathering.upstreams import FhirAccess
from cds_service.guidance.model import PATIENT_VIEW, Content
from cds_service.settings import Settings, read_settings

_Fhir = Annotated[str, typer.Option("--fhir", help="Base URL of the FHIR server, one that CDS_CLIENTS lists.")]
_Patient = Annotated[str, typer.Option("--patient", help="FHIR id of a test patient.")]
_Token = Annotated[Path | None, file_option("File with an access token for the server.")]
_Show = Annotated[bool, typer.Option(help="Also print names of codes that the server sent: they may be patient data.")]


def doctor(fhir: _Fhir, patient: _Patient, token_file: _Token = None, show_values: _Show = False) -> None:
    """Examine a FHIR server for one patient: does what the guidance needs arrive, in time, and can it be read?

    It writes nothing, and prints no patient data unless --show-values. Exit status: 0 if everything does, 1 if
    something does not, 2 if the server was not asked.
    """
    settings = read_settings()
    content = load_content(settings.cards)
    base, access = _allowed(fhir, settings)
    if not is_fhir_id(patient):
        raise typer.BadParameter("is not an id that a FHIR server can have", param_hint="--patient")
    findings, target = asyncio.run(_examine(settings, content, base, access, _token(token_file), patient))
    if failure := common_failure(findings):
        console.print(f"Verdict: nothing could be read: {failure}.")
        raise typer.Exit(1)
    console.print(query_table(findings, target))
    _print_section("Codes that are not read", code_lines(findings, show_values))
    _print_section("Results that cannot be used", unit_lines(findings))
    problems = problems_of(findings)
    if not problems:
        console.print("Verdict: everything that the guidance needs arrives in time and can be read.")
        return
    _print_section("Verdict: not everything arrives, or can be read", problems)
    raise typer.Exit(1)


async def _examine(
    settings: Settings, content: Content, base: BaseUrl, access: FhirAccess, token: str, patient: str
) -> tuple[Findings, FhirTarget]:
    vocabulary = content.vocabulary
    is_monitoring = PATIENT_VIEW in site_of(settings, content).services.values()
    keys = FOR_TREATMENTS if is_monitoring else FOR_ORDERS
    async with new_http_client(settings.fhir_ca_file) as http:
        target = FhirTarget(http, base, token, patient, vocabulary.code_lists, fhir_limits(settings), access, keys=keys)
        found = await examine(target)
    every = [*(result.data for result in found.results), found.observations]
    return Findings(found, find_unread_codes(every, vocabulary), find_unread_units(every, vocabulary)), target


def _allowed(fhir: str, settings: Settings) -> tuple[BaseUrl, FhirAccess]:
    """The server and how it is asked, by the rule of the service: listed for a client, or loopback without a list."""
    for client in load_clients(settings.clients) if settings.clients else ():
        if (base := find_allowed_base(fhir, client.fhir_servers)) is not None:
            return base, client.fhir_access
    without_list = settings.clients is None and settings.fhir_loopback
    if without_list and (base := find_allowed_base(fhir, None)) is not None:
        return base, FhirAccess()
    listed = "CDS_CLIENTS lists it for no client" if settings.clients else "without CDS_CLIENTS only loopback may be"
    raise CannotStart(f"The FHIR server is not one that the service may call: {listed}.")


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    token = read_bearer_token({"access_token": file.read_text(encoding="utf-8").strip()})
    if token is None:
        raise CannotStart("The file of --token-file holds no access token.")
    return token


def _print_section(title: str, lines: Sequence[str]) -> None:
    if lines:
        console.print(f"\n{title}", style="bold")
    for line in lines:
        console.print(line, markup=False, highlight=False)
