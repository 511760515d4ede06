"""Reads the lists of codes and names in `codelists/`: CSV files in which every row has a reason."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from cds_service.errors import Mistake
from cds_service.fhir.code_shapes import shape_problem
from cds_service.fhir.codes import CodeList, CodeRow, NameList, NameRow

CODE_COLUMNS = ("code", "system", "term", "included", "reason")
NAME_COLUMNS = ("name", "match", "included", "reason")
_CODE_COUNTS, _NAME_COUNTS = ("yes", "no", "unsure", "vague"), ("yes", "no", "unsure")
_Cells = dict[str, str]  # column -> cell


class CodeLists:
    """The lists of a folder by name, and the mistakes in them."""

    def __init__(self, folder: Path) -> None:
        self.codes: dict[str, CodeList] = {}
        self.names: dict[str, NameList] = {}
        self.mistakes: list[Mistake] = []
        for path in sorted(folder.glob("*.csv")):
            self._read(path, f"{folder.parent.name}/{folder.name}/{path.name}")

    def _read(self, path: Path, file: str) -> None:
        if not path.is_file():  # to read a pipe could take for ever
            self.mistakes.append(Mistake(file, 1, "not a file"))
            return
        try:
            with path.open(encoding="utf-8", newline="") as lines:
                reader = csv.DictReader(lines, strict=True)
                columns, rows = tuple(reader.fieldnames or ()), [(reader.line_num, cells) for cells in reader]
        except (csv.Error, UnicodeDecodeError) as error:
            rows, mistakes = [], [Mistake(file, 1, f"not CSV: {error}")]
        else:
            mistakes = [Mistake(file, line, problem) for line, problem in _problems(columns, rows)]
        self.mistakes += mistakes
        faulty_lines = {mistake.line for mistake in mistakes}
        valid = [cells for line, cells in rows if 1 not in faulty_lines and line not in faulty_lines]
        if valid and "name" in valid[0]:
            self.names[path.stem] = NameList([_name_row(cells) for cells in valid])
        else:
            self.codes[path.stem] = CodeList([_code_row(cells) for cells in valid])


def _problems(columns: tuple[str, ...], rows: Sequence[tuple[int, _Cells]]) -> Iterator[tuple[int, str]]:
    """What is wrong with a list, line by line; line 1 if no row can be read."""
    expected = NAME_COLUMNS if "name" in columns else CODE_COLUMNS
    if columns[: len(expected)] != expected:
        yield 1, f"the columns begin with {','.join(expected)}"
        return
    seen: set[tuple[str | None, str | None]] = set()
    for line, cells in rows:
        identity = (cells.get("code", cells.get("name")), cells.get("system"))
        problem = "it stands in the list twice" if identity in seen else _row_problem(cells)
        seen.add(identity)
        if problem:
            yield line, problem


def _row_problem(cells: _Cells) -> str:
    if None in cells or None in cells.values():
        return "it has more or fewer cells than there are columns"
    counts = _CODE_COUNTS if "code" in cells else _NAME_COUNTS
    if cells["included"] not in counts:
        return f"included is {', '.join(counts[:-1])} or {counts[-1]}"
    if not cells["reason"].strip() or not cells.get("code", cells.get("name", "")).strip():
        return "a code or name and a reason are needed"
    if cells.get("match", "word") not in ("word", "capitals", "part", "whole"):
        return "match is word, capitals, part or whole"
    return shape_problem(cells["system"], cells["code"]) if "code" in cells else ""


def _code_row(cells: _Cells) -> CodeRow:
    return CodeRow(
        cells["code"],
        cells["system"],
        cells["term"],
        cells["included"] == "yes",
        cells["reason"],
        cells["included"] == "unsure",
        cells["included"] == "vague",
        _other_columns(cells, CODE_COLUMNS),
    )


def _name_row(cells: _Cells) -> NameRow:
    return NameRow(
        cells["name"],
        cells["match"],
        cells["included"] == "yes",
        cells["reason"],
        _other_columns(cells, NAME_COLUMNS),
        cells["included"] == "unsure",
    )


def _other_columns(cells: _Cells, columns: tuple[str, ...]) -> _Cells:
    return {column: cell for column, cell in cells.items() if column not in columns}
