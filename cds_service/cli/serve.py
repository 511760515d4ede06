"""`cds-service serve`: the service itself."""

import asyncio
import ipaddress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cds_service.api.runtime import runtime_of
from cds_service.app import create_app, utc_now
from cds_service.cli.terminal import exit_with, notices
from cds_service.content.checking import check_logic
from cds_service.errors import CannotStart, ContentError, DatabaseRefused
from cds_service.feedback.store import check_schema
from cds_service.guidance.model import Content
from cds_service.serving.running import bind, run, shared_folder, url_of
from cds_service.settings import Settings, read_settings
from cds_service.site.opening import Site
from cds_service.site.reading import signatures_file
from cds_service.telemetry.logs import configure, get_logger, is_read_by_a_person


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Number of worker processes, which share the port.")] = 1,
) -> None:
    """Run the service. Beyond loopback it needs a list of clients (CDS_CLIENTS), or CDS_AUTH=off."""
    settings = read_settings()
    configure(settings.log_level, utc_now)
    _check_access(host, settings)
    if settings.public_url is None and _is_loopback(host):
        settings = settings.model_copy(update={"public_url": url_of(host, port)})
    app = create_app(settings)
    _prove(runtime_of(app).content, settings.cards)
    # Before anything is said or touched: somebody else may be there, or nothing can be written.
    with bind(host, port) as listener, shared_folder(workers) as folder:
        _check_databases(settings)
        _log_start(host, port, settings, runtime_of(app).site)
        run(app, settings, listener, workers, folder)


def _check_databases(settings: Settings) -> None:
    try:
        asyncio.run(check_schema(settings.database_url))
        if settings.demo:
            asyncio.run(check_schema(settings.demo_database_url))
    except DatabaseRefused as error:
        exit_with("Not started", error)


def _log_start(host: str, port: int, settings: Settings, site: Site) -> None:
    _log_access(host, settings)
    _log_site(site)
    file = signatures_file(settings.site, settings.cards)
    if site.has_silent_drafts and not file.exists():
        get_logger().warning("no signatures", file=str(file), note="there is no such file, so every card is silent")
    url = url_of(host, port)
    if settings.demo:
        get_logger().info(
            "demo", try_it=f"{url}/try", fhir_server=f"{url}/demo/fhir", note="invented people, read only"
        )
    get_logger().info("serving", url=f"{url}/cds-services", content=site.content.about.version)
    if is_read_by_a_person():
        address = f"{settings.public_url or url}/"
        notices.print(f"\nOpen {address} in a browser. Ctrl-C stops the service.\n", markup=False, highlight=False)


def _prove(content: Content, cards: Path) -> None:
    """Raises `ContentError` where the cards contradict each other."""
    mistakes = check_logic(content, cards).mistakes
    if mistakes:
        raise ContentError(mistakes)


def _check_access(host: str, settings: Settings) -> None:
    """Raises `CannotStart` where the service would be open to all by accident, or where no client could call it."""
    problem = _find_access_problem(host, settings)
    if problem:
        raise CannotStart(problem)


def _find_access_problem(host: str, settings: Settings) -> str:
    if settings.clients is not None and settings.auth == "off":
        return "CDS_AUTH=off, although CDS_CLIENTS lists clients to authenticate. One of the two is a mistake."
    if _is_loopback(host):
        return ""
    if settings.clients is None and settings.auth != "off":
        return f"{host} is not loopback, and no clients are listed. List them in CDS_CLIENTS, or set CDS_AUTH=off."
    if settings.clients is not None and settings.public_url is None:
        return f"{host} is not loopback: set CDS_PUBLIC_URL to the address that clients call, which their tokens name."
    return ""


def _log_access(host: str, settings: Settings) -> None:
    if settings.auth == "off":
        get_logger().warning("open", host=host, note="CDS_AUTH=off: anyone who reaches this address may call")
    elif settings.clients is None:
        get_logger().info("open", host=host, note="no CDS_CLIENTS: anyone on this machine may call, and nobody else")


def _log_site(site: Site) -> None:
    """Warnings at each start: safety cards that somebody has silenced, or that are silent while others speak."""
    for silenced in site.silenced_safety_cards:
        get_logger().warning("safety card not shown", **asdict(silenced))
    if not_shown := site.safety_cards_not_shown:
        note = "other cards are shown: that these say nothing does not mean that there is nothing"
        get_logger().warning("cards shown without safety cards", not_shown=not_shown, note=note)
    if site.has_silent_drafts and (drafts := site.content.drafts):
        get_logger().warning("drafts not shown", cards=drafts, note="the site file shows signed cards only")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
