"""The report of a replay: as JSON, as a table of orders without identifiers, and as a page (`page.py`)."""

import csv
import errno
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cds_service.errors import OutputUnusable
from cds_service.replay.counting import (
    DOSES,
    FOUND_BY,
    LOOKALIKES,
    NOT_REBUILT,
    PASSED_OVER,
    RANGES,
    UNDATED,
    UNITS,
    UNUSED,
    VERSIONS,
    Counts,
)
from cds_service.replay.records import CallRecord
from cds_service.replay.tallying import Comparison, Tally

NOT_REBUILT_AT_ALL = (
    "The status that a result or an allergy had at the time: it is today's.",
    "Entries that were deleted since, or were changed without a trace in the export.",
    "Orders that were written and discarded before they were signed, and those that somebody else stopped at once.",
    "Whether a medication that has ended since, at a time that it does not state, was still taken. "
    "A screen that finds one cannot tell, and `screening-incomplete` says so: a live call, to which only what is "
    "active is sent, gets that card less often.",
    "What a client would have sent with the call: the export stands for all that its FHIR server has.",
)


@dataclass(frozen=True)
class Facts:
    """What the report says of itself: the content, the export, and the rules by which the past was rebuilt."""

    content: str
    export: Mapping[str, Any]
    rules: Mapping[str, str]
    compared_with: str = ""


@dataclass(frozen=True)
class Report:
    """All numbers of a replay."""

    facts: Facts
    tally: Tally
    counts: Counts
    digest: str

    def as_plain(self) -> dict[str, Any]:
        """The report as JSON has it."""
        tally = self.tally
        return {
            "content": self.facts.content,
            "export": dict(self.facts.export),
            "rules": dict(self.facts.rules),
            "orders": tally.orders,
            "calls": tally.calls,
            "found_by": self.counts.of(FOUND_BY),
            "fhir_versions": self.counts.of(VERSIONS),
            "cards": _sorted(tally.cards),
            "per_100_orders": {one: _per_100(number, tally.orders) for one, number in _sorted(tally.cards).items()},
            "kept_silent_by_the_site_file": _sorted(tally.kept_silent),
            "by_indicator": _sorted(tally.by_indicator),
            "by_week": {one: dict(sorted(weeks.items())) for one, weeks in sorted(tally.by_week.items())},
            "by_use": {one: _sorted(uses) for one, uses in sorted(tally.by_use.items())},
            "orders_by_week": dict(sorted(tally.orders_by_week.items())),
            "orders_by_use": _sorted(tally.orders_by_use),
            "orders_without_card": tally.orders_without_card,
            "silent": _sorted(tally.silent),
            "words_per_answer": {"median": tally.words_at(0.5), "90 %": tally.words_at(0.9), "most": tally.words_at(1)},
            "screens_not_done": _sorted(tally.not_done),
            "passed_over": self.counts.of(PASSED_OVER),
            "cannot_be_rebuilt": self.counts.of(NOT_REBUILT),
            "data_quality": self._quality(),
            **({"compared_with": self._comparison()} if self.facts.compared_with else {}),
            "decisions_digest": self.digest,
        }

    def _quality(self) -> dict[str, Any]:
        return {
            "codes_not_read": code_rows(self.counts.of(LOOKALIKES)),
            "units_not_read": self.counts.of(UNITS),
            "results_without_a_range": self.counts.of(RANGES),
            "results_not_used": self.counts.of(UNUSED),
            "doses_not_worked_out": self.counts.of(DOSES),
            "undated_entries": self.counts.of(UNDATED),
        }

    def _comparison(self) -> dict[str, Any]:
        numbers = {kind: _sorted(cards) for kind, cards in self.tally.comparison.numbers.items()}
        return {"with": self.facts.compared_with, "calls_with_the_same_answer": self.tally.comparison.same, **numbers}


def _sorted(numbers: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(numbers.items(), key=lambda item: (-item[1], item[0])))


def _per_100(number: int, orders: int) -> float:
    return round(100 * number / orders, 1) if orders else 0.0


def code_rows(numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """The codes that are not read, the most frequent first."""
    rows = []
    for key, number in numbers.items():
        looks_like, system, code = key.split("|", 2)
        rows.append({"looks_like": looks_like, "system": system, "code": code, "seen": number})
    return rows


def digest_calls(calls: Iterable[CallRecord]) -> str:
    """A digest of every decision, the same for whichever engine made it."""
    digest = hashlib.sha256()
    for call in calls:
        digest.update(msgspec.json.encode(call) + b"\n")
    return digest.hexdigest()


# ---------------------------------------------------------------- files


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Says in a sentence where a disk is full, or a folder cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputUnusable(
                f"The disk of {folder} is full. Make room, or name another folder with --out, and run with --resume."
            ) from None
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
            raise OutputUnusable(f"{folder} cannot be written: {error.strerror}.") from None
        raise


def write_private(path: Path, text: str) -> None:
    """Writes a file that its owner alone can read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


class DecisionsTable:
    """`decisions.csv`, a row for each order without identifiers; on request `identifiers.csv`, which has them."""

    def __init__(self, folder: Path, keep_ids: bool) -> None:
        self._folder, self._row = folder, 0
        self._decisions = (folder / "decisions.csv").open("w", encoding="utf-8", newline="")
        self._table = csv.writer(self._decisions)
        self._table.writerow(("row", "week", "use", "cards", "silent", "words of the answer", "difference"))
        self._identifiers = None
        if keep_ids:
            write_private(folder / "identifiers.csv", "")
            self._identifiers = (folder / "identifiers.csv").open("w", encoding="utf-8", newline="")
            self._identities = csv.writer(self._identifiers)
            self._identities.writerow(("row", "patient", "order", "moment"))

    def __enter__(self) -> "DecisionsTable":
        return self

    def __exit__(self, *_: object) -> None:
        self._decisions.close()
        if self._identifiers is not None:
            self._identifiers.close()

    def add(self, call: CallRecord) -> None:
        """Adds the orders of a call."""
        difference = Comparison()
        difference.add(call)
        differs = " ".join(f"{kind}:{card}" for kind, cards in difference.numbers.items() for card in cards)
        for order in call.orders:
            self._row += 1
            cards = " ".join(order.cards)
            self._table.writerow((self._row, call.week, order.use, cards, order.silent, call.words, differs))
            if self._identifiers is not None:
                self._identities.writerow((self._row, _as_text(call.patient), _as_text(order.id), call.moment))


def _as_text(identifier: str) -> str:
    """An identifier that no spreadsheet takes for a formula."""
    return f"'{identifier}" if identifier[:1] in "=+-@\t\r" and identifier else identifier
