"""The report, and its output as tables, CSV and JSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec
from rich.markup import escape
from rich.table import Column, Table


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
    """Statistics of each card, also by client and content version; and by client, feedback on cards not on record."""

    since: datetime | None
    cards: Sequence[CardStatistics]
    by_client_and_version: Sequence[CardStatistics]
    feedback_on_unknown_cards: dict[str, int]


def as_json(report: Report) -> str:
    """The report as a JSON object, followed by a line break."""
    members = {
        "since": report.since,
        "cards": [_as_total(card) for card in report.cards],
        "by_client_and_version": report.by_client_and_version,
        "feedback_on_unknown_cards": report.feedback_on_unknown_cards,
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
        writer.writerow({**asdict(card), "reasons": _format_reasons(card)})
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
        _reasons_table(report.cards),
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


def _format_duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
