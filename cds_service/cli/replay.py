"""`cds-service replay`: what the service would have said to the orders of an export."""

import importlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cds_service import __version__
from cds_service.auth.clients import client_names, load_clients
from cds_service.cli.terminal import Cards, console, notices
from cds_service.errors import ExportUnusable
from cds_service.replay.engines.local import LocalMapper
from cds_service.replay.engines.mapping import Mapper
from cds_service.replay.export import find_files
from cds_service.replay.finishing import Wanted, write_report
from cds_service.replay.report import Report, writing
from cds_service.replay.running import Replay
from cds_service.replay.tasks import Setup, contents_of
from cds_service.replay.work import NAME, Work, fingerprint_of
from cds_service.settings import Settings, read_settings

INTERRUPTED = 130


class Engine(StrEnum):
    """What runs the replay."""

    local = "local"
    duckdb = "duckdb"
    dask = "dask"


class Undated(StrEnum):
    """What an entry without a date counts as."""

    known = "known"
    unknown = "unknown"


def replay(
    export: Annotated[Path, typer.Argument(help="A FHIR Bulk Data export: its folder, its manifest or one file.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("replay"),
    cards: Cards = None,
    site: Annotated[Path | None, typer.Option(help="The site file. Default: CDS_SITE.")] = None,
    compare: Annotated[Path | None, typer.Option(help="Another site file to compare with.")] = None,
    compare_cards: Annotated[Path | None, typer.Option(help="Folder of other content to compare with.")] = None,
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of orders.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of orders.")] = None,
    undated: Annotated[Undated, typer.Option(help="What an entry without a date of its recording is.")] = Undated.known,
    engine: Annotated[Engine, typer.Option(help="What runs it.")] = Engine.local,
    scheduler: Annotated[str, typer.Option(help="With dask: address of its scheduler. Default: one is started.")] = "",
    processes: Annotated[
        int, typer.Option(min=0, max=256, help="Worker processes. Default: one for each CPU core.")
    ] = 0,
    sample: Annotated[int, typer.Option(min=0, help="Write so many calls, explained, for reviewers.")] = 0,
    keep_ids: Annotated[bool, typer.Option("--keep-ids", help="Write identifiers.csv beside decisions.csv.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was ended.")] = False,
) -> None:
    """Replay an export of past data: what the service would have said to each order, with what was known then."""
    settings = read_settings()
    setup = Setup(
        cards=_absolute(cards or settings.cards),
        fixtures=_absolute(settings.fixtures),
        site=_absolute(site or settings.site),
        other_cards=_absolute(compare_cards),
        other_site=_absolute(compare),
        clients=_client_names(settings),
        undated=undated.value,
        first=since.date().isoformat() if since else "",
        last=until.date().isoformat() if until else "",
    )
    compared_with = " and ".join(path.name for path in (compare, compare_cards) if path)
    running = _Running(engine, processes or os.cpu_count() or 1, scheduler, resume)
    with _endings(out), writing(out):
        report = _replay(export, setup, running, compared_with, out, Wanted(sample, keep_ids))
    _say(report, out)


class _Running(NamedTuple):
    """What runs the replay, and whether it goes on with one that was ended."""

    engine: Engine
    processes: int
    scheduler: str
    resume: bool


def _replay(export: Path, setup: Setup, running: _Running, compared_with: str, out: Path, wanted: Wanted) -> Report:
    files = find_files(export)
    contents_of(setup)  # mistakes in the content are said before anything is read
    out.mkdir(parents=True, exist_ok=True)
    work = Work(out, fingerprint_of(files, setup, running.engine.value, __version__), running.resume)
    replay_type, mapper = _open_engine(running)
    with closing(mapper), _progress() as progress:
        replayed = replay_type(files, setup, work, mapper, progress).run()
        report = write_report(replayed, setup, compared_with, out, wanted)
    work.remove()
    return report


def _client_names(settings: Settings) -> tuple[str, ...]:
    """The clients that rows of a site file may name."""
    return client_names(load_clients(settings.clients) if settings.clients else None)


def _absolute(path: Path | None) -> str:
    return str(path.absolute()) if path else ""


def _say(report: Report, out: Path) -> None:
    tally = report.tally
    if not tally.orders:
        console.print("The export holds no order for acetylcysteine that could be replayed; report.json says why.")
    else:
        console.print(
            f"{tally.orders:,} orders in {tally.calls:,} calls, {sum(tally.cards.values()):,} cards, "
            f"{tally.orders_without_card:,} orders without any."
        )
    console.print(f"The report is in {out}/report.html.", markup=False)


def _open_engine(running: _Running) -> tuple[type[Replay], Mapper]:
    """How an engine brings patients together, and what runs its tasks. Raises `ExportUnusable` if it is missing."""
    engine, processes, scheduler, _ = running
    if scheduler and engine is not Engine.dask:
        raise ExportUnusable("--scheduler goes with --engine dask.")
    if engine is Engine.local:
        return Replay, LocalMapper(processes)
    try:
        module = importlib.import_module(f"cds_service.replay.engines.{engine.value}_engine")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cds_service"):
            raise
        raise ExportUnusable(
            f"The engine {engine.value} is not installed: pip install 'acetylcysteine-cds[{engine.value}]'."
        ) from None
    if engine is Engine.duckdb:
        return module.DuckDBReplay, LocalMapper(processes)
    return Replay, module.DaskMapper(processes, scheduler)


@contextmanager
def _endings(out: Path) -> Iterator[None]:
    """Says how to go on after Ctrl-C, and after a worker that the system ended."""
    try:
        yield
    except KeyboardInterrupt:
        notices.print(
            f"Ended. What is done is kept in {out / NAME}: the same command with --resume goes on.", highlight=False
        )
        raise typer.Exit(INTERRUPTED) from None
    except BrokenExecutor:
        raise ExportUnusable(
            "A worker process was ended from outside, perhaps for want of memory. What is done is kept: run the same "
            "command with --resume and fewer --processes, or with --engine duckdb."
        ) from None


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Shows how far each stage is: a bar with rate and time left on a terminal, plain lines otherwise."""
    if not console.is_terminal:
        yield _PlainProgress()
        return
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        yield _Bars(bars)


class _Bars:
    """A bar for each stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=max(total, 1), rate="")
        task = self._tasks[stage]
        self._bars.update(task, completed=done if total else 1)
        speed = self._bars.tasks[task].speed
        in_units = f"{speed or 0:.1f} buckets/s" if stage == "deciding" else f"{(speed or 0) / 1e6:.1f} MB/s"
        self._bars.update(task, rate=in_units if speed else "")


class _PlainProgress:
    """A line for each tenth of a stage."""

    def __init__(self) -> None:
        self._said: tuple[str, int] = ("", 0)

    def __call__(self, stage: str, done: int, total: int) -> None:
        tenth = 10 * done // total if total else 10
        if (stage, tenth) != self._said:
            self._said = (stage, tenth)
            console.print(f"{stage}: {10 * tenth} %")
