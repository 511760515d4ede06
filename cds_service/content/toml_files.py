"""TOML files, validated with every mistake found at once, each with its line."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cds_service.errors import Mistake
from cds_service.guidance.conditions import TAGS

_ERROR_LINE = re.compile(r"at line (\d+)")
Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]  # the keys and positions that lead to a value: ("client", 0, "name")


class TomlFile:
    """A TOML file, and the mistakes found in it so far. `name` is how the mistakes call it; the file's own by default.

    Numbers with a point are read as exact decimals.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self.name = name or path.name
        self.mistakes: list[Mistake] = []
        self.text = ""
        self.data: dict[str, Any] = {}
        self.is_readable = self._read(path)

    def _read(self, path: Path) -> bool:
        if path.exists() and not path.is_file():  # to read a pipe could take for ever
            self._add(1, "not a file")
            return False
        try:
            self.text = path.read_text(encoding="utf-8")
            self.data = tomllib.loads(self.text, parse_float=Decimal)
        except OSError as error:
            self._add(1, f"cannot be read: {error.strerror}")
            return False
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            line = _ERROR_LINE.search(str(error))
            self._add(int(line[1]) if line else 1, f"not TOML: {error}")
            return False
        return True

    def read(self, model: type[Model]) -> Model | None:
        """The whole file as one model; None if it has a mistake."""
        return self.read_part(model, self.data, ()) if self.is_readable else None

    def read_tables(self, name: str, model: type[Model]) -> dict[int, Model]:
        """The valid `[[name]]` tables by position. The file has at least one of them, and nothing else."""
        if not self.is_readable:
            return {}
        for key in self.data:
            if key != name:
                self.add_mistake((key,), f"unknown key {key}")
        if not self.data.get(name):
            self._add(1, f"there is no [[{name}]]")
            return {}
        return self.read_rows(name, model)

    def read_rows(self, name: str, model: type[Model]) -> dict[int, Model]:
        """The valid `[[name]]` tables by position; none where there are none."""
        tables = self.data.get(name, [])
        if not isinstance(tables, list):
            self._add(1, f"{name} is not a list of tables")
            return {}
        models = {index: self.read_part(model, table, (name, index)) for index, table in enumerate(tables)}
        return {index: found for index, found in models.items() if found is not None}

    def values(self, name: str, key: str) -> set[str]:
        """The values of a key in all `[[name]]` tables, of those with a mistake too."""
        tables = self.data.get(name)
        if not isinstance(tables, list):
            return set()
        return {str(table.get(key)) for table in tables if isinstance(table, dict)}

    def add_mistake(self, place: Place, problem: str) -> None:
        """Adds a mistake at the line of a value."""
        self._add(self.line_of(place), problem)

    def line_of(self, place: Place) -> int:
        """The line of a value, or of the header of a table."""
        return _line_of(self.text, place)

    def add_mistake_about(self, words: str, problem: str) -> None:
        """Adds a mistake at the first line that contains these words."""
        lines = enumerate(self.text.splitlines(), 1)
        self._add(next((number for number, line in lines if words in line), 1), problem)

    def _add(self, line: int, problem: str) -> None:
        self.mistakes.append(Mistake(self.name, line, problem))

    def read_part(self, model: type[Model], data: Any, place: Place) -> Model | None:
        """The part of the file that stands at a place, as a model; None if it has a mistake."""
        try:
            return model.model_validate(data)
        except ValidationError as validation:
            for error in validation.errors():
                path = (*place, *(part for part in error["loc"] if part not in TAGS))
                message = _say(error, model)
                self.add_mistake(path, f"{'.'.join(map(str, path))}: {message}" if path else message)
            return None


def _say(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """What is wrong, in words for whoever wrote the file."""
    if error["type"] == "missing":
        return "it is missing"
    if error["type"] != "extra_forbidden":
        return str(error["msg"]).removeprefix("Value error, ")
    key, is_of_model = str(error["loc"][-1]), len(error["loc"]) == 1
    nearest = get_close_matches(key, model.model_fields, n=1) if is_of_model else []
    return f"there is no such key: did you mean {nearest[0]}?" if nearest else "there is no such key"


def _line_of(text: str, place: Place) -> int:
    """The line of a value in TOML: its tables are found by their headers, in order, and then its key."""
    header_line, header = 0, ""
    lines = text.splitlines()
    for index, part in enumerate(place):
        if isinstance(part, int):
            continue
        header = f"{header}.{part}" if header else part
        position = place[index + 1] if index + 1 < len(place) and isinstance(place[index + 1], int) else 0
        header_line = _header_line(lines, header, int(position), header_line)
    if place and isinstance(place[-1], int) and lines[header_line].strip() == f"[[{header}]]":  # a table as a whole
        return header_line + 1
    last_key = next((part for part in reversed(place) if isinstance(part, str)), "")
    key = re.compile(rf"\s*{re.escape(last_key)}\s*=")
    end = next((number for number in range(header_line + 1, len(lines)) if lines[number].startswith("[")), len(lines))
    found = next((number for number in range(header_line, end) if key.match(lines[number])), header_line)
    return found + 1


def _header_line(lines: list[str], header: str, position: int, start: int) -> int:
    """The line of the table with this header, counted from `start`; `start` if there is none."""
    headers = (f"[[{header}]]", f"[{header}]")
    matching = [number for number in range(start, len(lines)) if lines[number].strip() in headers]
    return matching[position] if position < len(matching) else start
