"""`cds-service settings`: the settings, on the terminal or in a document."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cds_service.cli.terminal import console, file_option, notices
from cds_service.settings import as_markdown, describe, with_table


def settings(
    markdown: Annotated[bool, typer.Option(help="Print a Markdown table.")] = False,
    page: Annotated[Path | None, file_option("Write that table into this document, between its marks.")] = None,
    check: Annotated[bool, typer.Option(help="With --page: write nothing; fail if the document differs.")] = False,
) -> None:
    """List the settings with their defaults and meanings."""
    if check and not page:
        raise typer.BadParameter("it needs --page", param_hint="--check")
    if page:
        _settings_page(page, check)
        return
    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    table = Table("setting", "default", "meaning")
    for row in describe():
        table.add_row(*row)
    console.print(table)


def _settings_page(page: Path, check: bool) -> None:
    before = page.read_text(encoding="utf-8")
    after = with_table(before)
    if after is None:
        notices.print(f"{page} lacks the marks <!-- settings --> and <!-- /settings -->", markup=False)
        raise typer.Exit(1)
    if not check:
        page.write_text(after, encoding="utf-8")
    elif before != after:
        notices.print(f"{page} differs from the settings: run cds-service settings --page {page}", markup=False)
        raise typer.Exit(1)
