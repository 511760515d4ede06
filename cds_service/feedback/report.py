"""The report, and its output as tables, CSV and JSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec
from rich.markup import escape
from rich.table import Column, Table

from cds_service.feedback.burden import ALL, BurdenFigures
from cds_service.feedback.csv_cells import defuse


@dataclass(frozen=True)
class CardStatistics:
    """What clinicians did with a card: in total, or for one client and content version.

    `silent` is how often it would have been shown, had the site not kept it silent.
    """

    card: str
    client: str
    content_version: str
    shown: int
    silent: int
    accepted: int
    overridden: int
    ignored_share: float | None  # None for a card that was never shown
    seconds_to_action: float | None  # median; None without any action
    reasons: dict[str, int]


@dataclass(frozen=True)
class Report:
    """Statistics of each card, also by client and content version; and by client, feedback on cards not on record.

    The burden is what the cards ask of their readers, since the first call of which the orders were recorded.
    """

    since: datetime | None
    cards: Sequence[CardStatistics]
    by_client_and_version: Sequence[CardStatistics]
    feedback_on_unknown_cards: dict[str, int]
    burden: Sequence[BurdenFigures] = ()


def as_json(report: Report) -> str:
    """The report as a JSON object, followed by a line break."""
    members = {
        "since": report.since,
        "cards": [_as_total(card) for card in report.cards],
        "by_client_and_version": report.by_client_and_version,
        "feedback_on_unknown_cards": report.feedback_on_unknown_cards,
        "burden": report.burden,
    }
    return msgspec.json.format(msgspec.json.encode(members), indent=2).decode() + "\n"


def _as_total(card: CardStatistics) -> dict[str, object]:
    return {name: value for name, value in asdict(card).items() if name not in ("client", "content_version")}


def as_csv(report: Report) -> str:
    """One line per card, client and content version. Counts can be summed over them, medians cannot."""
    output = io.StringIO()
    writer = csv.DictWriter(output, list(CardStatistics.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    for card in report.by_client_and_version:
        cells = {**asdict(card), "reasons": _format_reasons(card)}
        writer.writerow({name: defuse(cell) if isinstance(cell, str) else cell for name, cell in cells.items()})
    return output.getvalue()


def _format_reasons(card: CardStatistics) -> str:
    return "; ".join(f"{reason}: {count}" for reason, count in card.reasons.items())


def as_tables(report: Report) -> list[Table | str]:
    """For a terminal with 80 columns: all cards, then each client and content version, then the override reasons."""
    unknown = sum(report.feedback_on_unknown_cards.values())
    groups = sorted({(card.client, card.content_version) for card in report.by_client_and_version})
    return [
        _cards_table("All cards", report.cards),
        *(_group_table(report, client, version) for client, version in groups),
        *([_reasons_table(report.cards)] if any(card.reasons for card in report.cards) else []),
        *_burden_tables(report.burden),
        f"Items of feedback on cards that are not on record: {unknown}",
    ]


def _group_table(report: Report, client: str, version: str) -> Table:
    group = [card for card in report.by_client_and_version if (card.client, card.content_version) == (client, version)]
    return _cards_table(f"Client {client}, content {version}", group)


def _cards_table(title: str, cards: Sequence[CardStatistics]) -> Table:
    """No wider than a terminal of 80 columns."""
    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False, collapse_padding=True)
    table.add_column("card", no_wrap=True)
    for name in ("shown", "silent", "accepted", "overridden", "ignored", "median"):
        table.add_column(name, justify="right", no_wrap=True)
    for card in cards:
        counts = (str(count) for count in (card.shown, card.silent, card.accepted, card.overridden))
        ignored = "" if card.ignored_share is None else f"{card.ignored_share:.0%}"
        table.add_row(card.card, *counts, ignored, _format_duration(card.seconds_to_action))
    return table


def _reasons_table(cards: Sequence[CardStatistics]) -> Table:
    table = Table(
        "card", "reason", Column("times", justify="right"), title="Override reasons", title_justify="left", box=None
    )
    for card in cards:
        for reason, count in card.reasons.items():
            table.add_row(card.card, escape(reason), str(count))
    return table


def _burden_tables(burden: Sequence[BurdenFigures]) -> list[Table | str]:
    """For all calls, then for each kind of group."""
    kinds = list(dict.fromkeys(row.by for row in burden))
    tables = [_burden_table(by, [row for row in burden if row.by == by]) for by in kinds]
    legend = [f"{column}: {meaning}" for column, meaning in legend_of(burden).items()]
    return [*tables, *(["\n".join(legend)] if legend else [])]


def _burden_table(by: str, rows: Sequence[BurdenFigures]) -> Table:
    title = "Burden" if by == ALL else f"Burden by {by}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True)
    table.add_column("" if by == ALL else by, no_wrap=True)
    columns = burden_columns(rows)
    for index in columns:
        table.add_column(BURDEN_COLUMNS[index], justify="right", no_wrap=True)
    for row in rows:
        cells = burden_cells(row)
        table.add_row(escape(row.name), *(cells[index] for index in columns))
    return table


def burden_columns(rows: Sequence[BurdenFigures]) -> list[int]:
    """The positions of the columns in which some row has a figure: single cards have no words."""
    cells = [burden_cells(row) for row in rows]
    return [index for index in range(len(BURDEN_COLUMNS)) if any(row[index] for row in cells)]


def legend_of(burden: Sequence[BurdenFigures]) -> dict[str, str]:
    """What the columns mean in which some row has a figure."""
    said = {BURDEN_COLUMNS[index] for index in burden_columns(burden)}
    return {column: meaning for column, meaning in _BURDEN_LEGEND.items() if column in said}


_BURDEN_LEGEND = {
    "orders": "acetylcysteine orders that calls asked about, counted at each hook",
    "cards/100": "cards shown per 100 of these orders",
    "silent/100": "the same of cards that the site file kept silent",
    "none": "orders without a card",
    "words": "per answer that has cards",
    "reason": "cards overridden with a reason",
    "no reason": "cards overridden without a reason",
    "change": "of cards/100, against the week before",
}
BURDEN_COLUMNS = ("orders", "cards/100", "silent/100", "none", "words", "reason", "no reason", "change")


def burden_cells(row: BurdenFigures) -> list[str]:
    """The figures as they are said, in the order of `BURDEN_COLUMNS`; nothing where nothing was counted."""
    return [
        str(row.orders),
        _format(row.cards_per_100_orders, ".1f"),
        _format(row.silent_per_100_orders or None, ".1f"),
        _format(row.orders_without_card, ".0%"),
        _format(row.words_per_answer, ".0f"),
        _format(row.overridden_with_reason, ".0%"),
        _format(row.overridden_without_reason, ".0%"),
        _format(row.change, "+.0%"),
    ]


def _format(figure: float | None, how: str) -> str:
    return "" if figure is None else format(figure, how)


def _format_duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
