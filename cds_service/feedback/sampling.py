"""A sample of cards for reviewers, who look each up in the EHR, and what they found.

The sample has no patient: only the id of the call and that of the card.
"""

import csv
import io
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.errors import ContentError, Mistake
from cds_service.feedback.csv_cells import defuse
from cds_service.feedback.tables import shown_cards

COLUMNS = ("hookInstance", "time", "hook", "client", "uuid", "card", "contentVersion", "mode", "mark")
RIGHT, WRONG = "right", "wrong"
MAX_ROWS, MAX_CHARACTERS = 10_000, 2_000_000  # of a file of marks: a sample is a few hundred at the most
_95_PERCENT = NormalDist().inv_cdf(0.975)
_COLUMNS = (
    shown_cards.c.hook_instance,
    shown_cards.c.shown_at,
    shown_cards.c.hook,
    shown_cards.c.client,
    shown_cards.c.uuid,
    shown_cards.c.card,
    shown_cards.c.content_version,
    shown_cards.c.mode,
)


async def read_sample(size: int, card: str, seed: int | None, connection: AsyncConnection) -> list[Sequence[str]]:
    """Cards drawn at random, shown or silent, in the order they were drawn; of one card, if it is given.

    The same seed draws the same of the same records.
    """
    query = select(shown_cards.c.uuid).order_by(shown_cards.c.uuid)
    query = query.where(shown_cards.c.card == card) if card else query
    uuids = list(await connection.scalars(query))
    drawn = random.Random(seed).sample(uuids, min(size, len(uuids)))  # noqa: S311 (a sample, no secret)
    found: dict[str, Sequence[str]] = {}
    for start in range(0, len(drawn), 500):  # a statement takes only so many values
        rows = await connection.execute(select(*_COLUMNS).where(shown_cards.c.uuid.in_(drawn[start : start + 500])))
        found |= {row.uuid: (row[0], f"{row.shown_at:%Y-%m-%dT%H:%M:%SZ}", *row[2:]) for row in rows}
    return [found[uuid] for uuid in drawn]


def sample_as_csv(sample: Iterable[Sequence[str]]) -> str:
    """The sample with a column for the mark: `right`, `wrong`, or nothing for what could not be judged."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([*map(defuse, row), ""] for row in sample)
    return output.getvalue()


@dataclass(frozen=True)
class Marks:
    """How many cards reviewers found right and wrong, and how many they left blank."""

    right: int
    wrong: int
    blank: int

    @property
    def share_right(self) -> float | None:
        """The share of those marked that was right."""
        marked = self.right + self.wrong
        return self.right / marked if marked else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the share by Wilson's score, which also holds for few cards and for none wrong.

        Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-12.
        """
        marked = self.right + self.wrong
        if not marked:
            return None
        share, z = self.right / marked, _95_PERCENT
        centre = (share + z**2 / (2 * marked)) / (1 + z**2 / marked)
        half = z * sqrt(share * (1 - share) / marked + z**2 / (4 * marked**2)) / (1 + z**2 / marked)
        return max(0.0, centre - half), min(1.0, centre + half)


def read_marks(text: str, name: str) -> dict[str, Marks]:
    """The marks of a file by card. Raises `ContentError` with every mistake in it, each with its line."""
    if len(text) > MAX_CHARACTERS:
        raise ContentError([Mistake(name, 1, f"it has more than {MAX_CHARACTERS:,} characters")])
    try:
        lines = text.splitlines()
        reader = csv.DictReader(lines, strict=True, delimiter=_delimiter_of(lines))
        columns, rows = reader.fieldnames or [], [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ContentError([Mistake(name, 1, f"not CSV: {error}")]) from None
    missing = [column for column in ("uuid", "card", "mark") if column not in columns]
    problems = [(1, f"there is no column {column}") for column in missing]
    problems += [] if missing else list(_problems(rows))
    if problems:
        raise ContentError([Mistake(name, line, problem) for line, problem in problems])
    return {card: _count(rows, card) for card in sorted({row["card"] for _, row in rows})}


def _delimiter_of(lines: Sequence[str]) -> str:
    """What stands between the cells: where the comma is the decimal sign, spreadsheets save semicolons or tabs."""
    header = lines[0] if lines else ""
    return max(",;\t", key=header.count)


Rows = Sequence[tuple[int, dict[str, Any]]]  # with the line of each


def _problems(rows: Rows) -> Iterator[tuple[int, str]]:
    if not rows:
        yield 1, "there is no row"
    if len(rows) > MAX_ROWS:
        yield 1, f"it has more than {MAX_ROWS:,} rows"
    seen: set[str] = set()
    for line, row in rows[:MAX_ROWS]:
        if None in row or None in row.values():
            yield line, "it has more or fewer cells than there are columns"
            continue
        if _mark_of(row) not in (RIGHT, WRONG, ""):
            yield line, f"the mark is {RIGHT}, {WRONG} or nothing"
        if row["uuid"] in seen:
            yield line, "this card stands in the file twice"
        seen.add(row["uuid"])


def _mark_of(row: dict[str, str]) -> str:
    return row["mark"].strip().lower()


def _count(rows: Rows, card: str) -> Marks:
    marks = [_mark_of(row) for _, row in rows if row["card"] == card]
    return Marks(marks.count(RIGHT), marks.count(WRONG), marks.count(""))
