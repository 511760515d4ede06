"""`cds-service setup-sheet`: what an EHR analyst types in."""

from pathlib import Path
from typing import Annotated

import typer

from cds_service.api.runtime import Runtime, runtime_of
from cds_service.app import create_app
from cds_service.errors import CannotStart
from cds_service.pages.routes import new_pages
from cds_service.pages.setup import render_sheet, sheet_names
from cds_service.settings import read_settings


def setup_sheet(
    client: Annotated[str, typer.Option(help="Name of the client in CDS_CLIENTS; `open` without a list.")] = "",
    out: Annotated[Path | None, typer.Option(help="File to write the page to. Default: standard output.")] = None,
) -> None:
    """Print the set-up sheet of a client as an HTML page: everything that an EHR analyst types in, to be printed."""
    runtime = _runtime()
    names = sheet_names(runtime)
    name = client or (names[0] if len(names) == 1 else "")
    if name not in names:
        raise typer.BadParameter(f"there is no such client: name one of {', '.join(names)}", param_hint="--client")
    html, _ = render_sheet(runtime, new_pages(runtime), name)
    if out is None:
        typer.echo(html)
    else:
        out.write_text(html, encoding="utf-8")


def _runtime() -> Runtime:
    """What `serve` would start with the same settings. Raises what would keep it from starting."""
    settings = read_settings()
    if settings.clients is not None and settings.public_url is None:
        raise CannotStart("Set CDS_PUBLIC_URL to the address that clients call, which their tokens name.")
    return runtime_of(create_app(settings))
