"""A sample for reviewers: drawn at random, without identifiers, and its marks read back with an interval."""

import asyncio
import csv
import io
from pathlib import Path

import pytest

from cds_service.errors import ContentError
from cds_service.feedback.csv_cells import defuse
from cds_service.feedback.records import Records
from cds_service.feedback.sampling import COLUMNS, Marks, read_marks
from tests.command import run_command
from tests.records.test_reporting import ALLERGY, HIGH, shown, uuid
from tests.support import INSTANCE, NOW


@pytest.fixture
def filled(database: str) -> str:
    async def fill() -> None:
        async with Records(database, "v1", lambda: NOW) as records:
            call = ("s", "order-sign", INSTANCE, "east")
            records.add_cards(*call, [shown(number, HIGH) for number in range(40)])
            records.add_cards(*call, [shown(number, ALLERGY) for number in range(40, 60)], "silent")

    asyncio.run(fill())
    return database


def sample(url: str, *words: str) -> list[dict[str, str]]:
    done = run_command("report", *words, settings={"CDS_DATABASE_URL": url})
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_a_sample_has_as_many_different_cards_as_asked_for_and_a_place_for_marks(filled: str) -> None:
    rows = sample(filled, "--sample", "20", "--card", HIGH)
    assert len({row["uuid"] for row in rows}) == 20
    assert {(row["card"], row["hookInstance"], row["mode"], row["mark"]) for row in rows} == {
        (HIGH, INSTANCE, "shown", "")
    }
    assert tuple(rows[0]) == COLUMNS
    moment = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert {(row["time"], row["hook"], row["client"]) for row in rows} == {(moment, "order-sign", "east")}


def test_silent_cards_are_drawn_too(filled: str) -> None:
    assert {row["mode"] for row in sample(filled, "--sample", "5", "--card", ALLERGY)} == {"silent"}


def test_a_seed_draws_the_same_again_and_another_seed_others(filled: str) -> None:
    first, again, other = (
        [row["uuid"] for row in sample(filled, "--sample", "20", "--seed", seed)] for seed in ("1", "1", "2")
    )
    assert first == again != other


def test_fewer_cards_than_asked_for_are_all_of_them(filled: str) -> None:
    assert {row["uuid"] for row in sample(filled, "--sample", "1000")} == {uuid(number) for number in range(60)}


def test_a_card_that_does_not_exist_is_refused(filled: str) -> None:
    done = run_command("report", "--sample", "20", "--card", "nowhere", settings={"CDS_DATABASE_URL": filled})
    assert (done.exit_code, "there is no such card" in done.output) == (2, True)


def marked(tmp_path: Path, rows: list[dict[str, str]], marks: list[str]) -> Path:
    file = tmp_path / "sample.csv"
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "mark": mark} for row, mark in zip(rows, marks, strict=True))
    return file


def test_a_sample_of_20_is_marked_and_read_back(filled: str, tmp_path: Path) -> None:
    rows = sample(filled, "--sample", "20", "--card", HIGH)
    file = marked(tmp_path, rows, ["right"] * 15 + ["Wrong ", "wrong", ""] + ["RIGHT"] * 2)
    done = run_command("review-sample", str(file))
    lines = [" ".join(line.split()) for line in done.output.splitlines()]

    assert done.exit_code == 0
    assert f"{HIGH} 17 2 1 89% 69% to 97%" in lines
    assert "all 17 2 1 89% 69% to 97%" in lines


@pytest.mark.parametrize(
    ("right", "wrong", "low", "high"),
    [  # checked against binomtest(...).proportion_ci(method="wilson") of SciPy
        (17, 2, 0.6861, 0.9706),
        (20, 0, 0.8389, 1.0),
        (0, 20, 0.0, 0.1611),
        (10, 10, 0.2993, 0.7007),
        (1, 0, 0.2065, 1.0),
    ],
)
def test_the_interval_is_that_of_wilson(right: int, wrong: int, low: float, high: float) -> None:
    interval = Marks(right, wrong, 3).interval
    assert interval is not None
    assert [round(end, 4) for end in interval] == [low, high]


def test_nothing_marked_has_no_share_and_no_interval() -> None:
    assert (Marks(0, 0, 20).share_right, Marks(0, 0, 20).interval) == (None, None)


HEAD = "uuid,card,mark\n"
MISTAKES = {
    "no column for marks": ("uuid,card\na,b\n", [(1, "there is no column mark")]),
    "nothing": ("", [(1, "no column card"), (1, "no column mark"), (1, "no column uuid")]),
    "no row": (HEAD, [(1, "there is no row")]),
    "an unknown mark": (f"{HEAD}a,x,right\nb,x,maybe\n", [(3, "the mark is right, wrong or nothing")]),
    "a card twice": (f"{HEAD}a,x,right\na,x,wrong\n", [(3, "this card stands in the file twice")]),
    "a cell too few": (f"{HEAD}a,x\nb,x,no\n", [(2, "more or fewer cells"), (3, "the mark is")]),
    "not CSV": (f'{HEAD}"a,x\n', [(1, "not CSV")]),
    "too many rows": (HEAD + "".join(f"{n},x,\n" for n in range(10_001)), [(1, "more than 10,000 rows")]),
    "too much": ("x" * 2_000_001, [(1, "more than 2,000,000 characters")]),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_file_of_marks_with_mistakes_is_refused_with_all_of_them(text: str, expected: list[tuple[int, str]]) -> None:
    with pytest.raises(ContentError) as error:
        read_marks(text, "sample.csv")
    found = error.value.mistakes
    assert [(mistake.line, says in mistake.problem) for mistake, (_, says) in zip(found, expected, strict=True)] == [
        (line, True) for line, _ in expected
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark_of_order", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
def test_a_file_that_a_spreadsheet_saved_is_read(delimiter: str, mark_of_order: str, tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    rows = (("uuid", "card", "mark"), ("a", "x", "right"), ("b", "x; y, z", "wrong"))
    lines = [delimiter.join(f'"{cell}"' if {",", ";"} & set(cell) else cell for cell in row) for row in rows]
    file.write_bytes((mark_of_order + "\r\n".join(lines)).encode())
    done = run_command("review-sample", str(file))
    assert done.exit_code == 0
    assert [" ".join(line.split()) for line in done.output.splitlines()][2:4] == [
        "x 1 0 0 100% 21% to 100%",
        "x; y, z 0 1 0 0% 0% to 79%",
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b""], ids=["not UTF-8", "empty"])
def test_a_file_that_is_none_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    file.write_bytes(content)
    assert run_command("review-sample", str(file)).exit_code == 1


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_no_formula(cell: str) -> None:
    assert defuse(cell) == f"'{cell}"
    assert defuse(cell.strip("=+-@\t\r1()") or "x") != ""
