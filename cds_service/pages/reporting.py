"""`/report`: what became of the cards and what they ask of their readers, as a page to print. For operators alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from fastapi import APIRouter, Request, Response

from cds_service.api.networks import require_network
from cds_service.api.runtime import Runtime
from cds_service.errors import StoreDown
from cds_service.feedback.burden import BurdenFigures
from cds_service.feedback.report import BURDEN_COLUMNS, burden_cells, burden_columns, legend_of
from cds_service.feedback.reporting import read_report
from cds_service.pages.markup import Pages


def make_router(runtime: Runtime, pages: Pages) -> APIRouter:
    """The page, for the addresses that may read the metrics; 404 for all others."""
    router = APIRouter(include_in_schema=False)
    ours = runtime.content.about.override_system

    @router.get("/report")
    async def report(request: Request) -> Response:
        """The report on all that is on record."""
        require_network(request, runtime.settings.metrics_from)
        try:
            found = await runtime.records.read(partial(read_report, None, ours))
        except StoreDown:
            return pages.page("report.html", 503, path="/report", report=None)
        day = f"{runtime.now():%Y-%m-%d}"
        burden, legend = _tables(found.burden), legend_of(found.burden)
        return pages.page("report.html", path="/report", report=found, burden=burden, legend=legend, day=day)

    return router


@dataclass(frozen=True)
class BurdenTable:
    """The figures of one kind of group as they are said: the columns, and each row with its name."""

    by: str
    columns: list[str]
    rows: list[list[str]]


def _tables(burden: Sequence[BurdenFigures]) -> list[BurdenTable]:
    return [_table(by, list(rows)) for by, rows in groupby(burden, key=lambda row: row.by)]


def _table(by: str, rows: Sequence[BurdenFigures]) -> BurdenTable:
    columns = burden_columns(rows)
    cells = [[row.name, *(burden_cells(row)[index] for index in columns)] for row in rows]
    return BurdenTable(by, [BURDEN_COLUMNS[index] for index in columns], cells)
