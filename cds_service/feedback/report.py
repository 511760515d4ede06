"""What the report says, and how it is printed: tables, CSV, JSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec
from rich.markup import escape
from rich.table import Column, Table


@dataclass(frozen=True)
class Line:
    """What became of one card: in all, or of one client and one version of the content."""

    card: str
    client: str
    content_version: str
    shown: int
    accepted: int
    overridden: int
    ignored_share: float
    seconds_to_action: float | None  # the median; None where there was no action
    reasons: dict[str, int]


@dataclass(frozen=True)
class Report:
    """All cards; the same by client and version; and how many items were about cards that are not on record."""

    since: datetime | None
    cards: Sequence[Line]
    by_client_and_version: Sequence[Line]
    feedback_on_unknown_cards: dict[str, int]


def as_json(report: Report) -> str:
    """One object, with a line break at its end."""
    whole = {
        "since": report.since,
        "cards": [_without_split(line) for line in report.cards],
        "by_client_and_version": report.by_client_and_version,
        "feedback_on_unknown_cards": report.feedback_on_unknown_cards,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _without_split(line: Line) -> dict[str, object]:
    return {name: value for name, value in asdict(line).items() if name not in ("client", "content_version")}


def as_csv(report: Report) -> str:
    """One line for each card, client and version; counts can be added up from them, medians cannot."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(Line.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    for line in report.by_client_and_version:
        writer.writerow({**asdict(line), "reasons": _reasons(line)})
    return written.getvalue()


def _reasons(line: Line) -> str:
    return "; ".join(f"{reason}: {count}" for reason, count in line.reasons.items())


def as_tables(report: Report) -> list[Table | str]:
    """For the terminal, in 80 columns: all cards, each client and version by itself, and the reasons."""
    unknown = sum(report.feedback_on_unknown_cards.values())
    splits = sorted({(line.client, line.content_version) for line in report.by_client_and_version})
    return [
        _table("All cards", report.cards),
        *(_table(f"Client {client}, content {version}", _of(report, client, version)) for client, version in splits),
        _table_of_reasons(report.cards),
        f"Items of feedback on cards that are not on record: {unknown}",
    ]


def _of(report: Report, client: str, version: str) -> list[Line]:
    return [line for line in report.by_client_and_version if (line.client, line.content_version) == (client, version)]


def _table(title: str, lines: Sequence[Line]) -> Table:
    table = Table(title=escape(title), title_justify="left", box=None)
    table.add_column("card", no_wrap=True)
    for name in ("shown", "accepted", "overridden", "ignored", "median"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        counts = (str(count) for count in (line.shown, line.accepted, line.overridden))
        table.add_row(line.card, *counts, f"{line.ignored_share:.0%}", _duration(line.seconds_to_action))
    return table


def _table_of_reasons(lines: Sequence[Line]) -> Table:
    table = Table(
        "card", "reason", Column("times", justify="right"), title="Override reasons", title_justify="left", box=None
    )
    for line in lines:
        for reason, count in line.reasons.items():
            table.add_row(line.card, escape(reason), str(count))
    return table


def _duration(seconds: float | None) -> str:
    """The median time to action, in the unit that reads best."""
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
