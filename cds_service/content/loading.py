"""Loads `cards/`: every mistake at once, with file and line, before the service answers anything."""

import csv
import re
import tomllib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.errors import ContentError, Mistake
from cds_service.fhir.codes import CodeList, CodeRow, NameList, NameRow, shape_problem
from cds_service.guidance.conditions import TAGS
from cds_service.guidance.model import About, Card, Content, Example, OverrideReason, Phrase, Source, Threshold, holes

CODE_COLUMNS = ("code", "system", "term", "included", "reason")
NAME_COLUMNS = ("name", "match", "included", "reason")
_SPECIAL_HOLES = frozenset(("orders", "content.version", "content.status_note"))
_LINK = re.compile(r"\w+://|www\.|\]\s*[(\[:]|<\w+|mailto:", re.IGNORECASE)
_ERROR_LINE = re.compile(r"at line (\d+)")

Model = TypeVar("Model", bound=BaseModel)


def load_content(folder: Path) -> Content:
    """The content of a folder. Raises `ContentError` with every mistake in it."""
    if not folder.is_dir():
        raise ContentError([Mistake(folder.name, 1, "the folder of the content is missing")])
    loader = _Loader(folder)
    content = loader.load()
    if loader.mistakes or content is None:
        raise ContentError(loader.mistakes)
    return content


class _Loader:
    """Reads file after file and collects what is wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mistakes: list[Mistake] = []
        self.unread: set[str] = set()
        self.named: dict[str, set[str]] = defaultdict(set)  # file -> ids, those of faulty entries too

    def load(self) -> Content | None:
        about = next(iter(self.entries("content.toml", None, About)), None)
        paths = sorted(self.folder.glob("*/card.toml"))
        cards = [card for path in paths if (card := self.card(path))]
        folders = [path.parent.name for path in paths]
        examples = {name: tuple(self.entries(f"{name}/examples.toml", "example", Example)) for name in folders}
        phrases = self.by_id(self.entries("phrases.toml", "phrase", Phrase), "id", "phrases.toml")
        sources = self.by_id(self.entries("sources.toml", "source", Source), "id", "sources.toml")
        reasons = self.entries("override-reasons.toml", "reason", OverrideReason)
        overrides = self.by_id(reasons, "code", "override-reasons.toml")
        thresholds = self.by_id(self.entries("thresholds.toml", "threshold", Threshold), "id", "thresholds.toml")
        vocabulary = self.vocabulary(thresholds.values())
        if not paths:
            self.note("", 1, "there are no cards")
        self.check_references(cards, phrases.values())
        self.check_words(cards, phrases.values())
        if about is None:
            return None
        self.check_links(sources.values(), about.link_hosts)
        return Content(about, tuple(cards), phrases, sources, overrides, vocabulary, examples, thresholds)

    def note(self, file: str, line: int, problem: str) -> None:
        self.mistakes.append(Mistake(str(Path(self.folder.name) / file), line, problem))

    def toml(self, file: str) -> tuple[dict[str, Any] | None, str]:
        """The parsed file and its text; None where it cannot be read."""
        try:
            text = (self.folder / file).read_text(encoding="utf-8")
            return tomllib.loads(text, parse_float=Decimal), text
        except FileNotFoundError:
            self.note(file, 1, "the file is missing")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            where = _ERROR_LINE.search(str(error))
            self.note(file, int(where[1]) if where else 1, f"not TOML: {error}")
        self.unread.add(file)
        return None, ""

    def entries(self, file: str, name: str | None, model: type[Model]) -> list[Model]:
        """Each entry of a list in a file, or the whole file as one."""
        data, text = self.toml(file)
        if data is None:
            return []
        if name is None:
            return [one for one in [self.validated(model, data, file, text, ())] if one]
        for key in data:
            if key != name:
                self.note(file, line_of(text, (key,)), f"unknown key {key}")
        listed = data.get(name)
        if not isinstance(listed, list):
            problem = f"there is no [[{name}]]" if listed is None else f"{name} is not a list of tables"
            self.note(file, 1, problem)
            return []
        self.named[file] |= {str(one.get("id", one.get("code"))) for one in listed if isinstance(one, dict)}
        read = (self.validated(model, one, file, text, (name, index)) for index, one in enumerate(listed))
        return [one for one in read if one]

    def validated(self, model: type[Model], data: Any, file: str, text: str, at: tuple[str | int, ...]) -> Model | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for one in error.errors():
                where = tuple(part for part in one["loc"] if part not in TAGS)
                key = ".".join(str(part) for part in where) or "entry"
                self.note(file, line_of(text, (*at, *where)), f"{key}: {one['msg'].removeprefix('Value error, ')}")
            return None

    def by_id(self, listed: Iterable[Model], key: str, file: str) -> dict[str, Model]:
        found: dict[str, Model] = {}
        for one in listed:
            identity = getattr(one, key)
            if identity in found:
                self.note(file, 1, f"{key} {identity} stands twice")
            found[identity] = one
        return found

    def card(self, path: Path) -> Card | None:
        file = str(path.relative_to(self.folder))
        card = next(iter(self.entries(file, None, Card)), None)
        if card and card.id != path.parent.name:
            self.note(file, 1, f"the id {card.id} is not the name of its folder")
        return card

    def vocabulary(self, thresholds: Iterable[Threshold]) -> Vocabulary:
        code_lists, name_lists = {}, {}
        for path in sorted((self.folder / "codelists").glob("*.csv")):
            rows = self.rows(path)
            if rows and "name" in rows[0][1]:
                name_lists[path.stem] = NameList([_name(row) for _, row in rows])
            else:
                code_lists[path.stem] = CodeList([_code(row) for _, row in rows])
        vocabulary = Vocabulary(code_lists, name_lists, {one.id: one.value for one in thresholds})
        for file, missing in vocabulary.missing():
            self.note(file, 1, f"reading needs {missing}, and it is not there")
        return vocabulary

    def rows(self, path: Path) -> list[tuple[int, dict[str, str]]]:
        """The rows of a list with their lines, each checked: columns, `included`, no code twice."""
        file = str(path.relative_to(self.folder))
        try:
            with path.open(encoding="utf-8", newline="") as lines:
                reader = csv.DictReader(lines, strict=True)
                columns, rows = tuple(reader.fieldnames or ()), [(reader.line_num, row) for row in reader]
        except (csv.Error, UnicodeDecodeError) as error:
            self.note(file, 1, f"not CSV: {error}")
            return []
        wanted = NAME_COLUMNS if "name" in columns else CODE_COLUMNS
        if columns[: len(wanted)] != wanted:
            self.note(file, 1, f"the columns begin with {','.join(wanted)}")
            return []
        return [(line, row) for line, row in rows if self.is_sound(file, line, row, rows)]

    def is_sound(self, file: str, line: int, row: dict[str, str], rows: list[tuple[int, dict[str, str]]]) -> bool:
        problem = _row_problem(row)
        key = (row.get("code", row.get("name")), row.get("system"))
        if any((one.get("code", one.get("name")), one.get("system")) == key for at, one in rows if at < line):
            problem = "it stands in the list twice"
        if problem:
            self.note(file, line, problem)
        return not problem

    def check_references(self, cards: Iterable[Card], phrases: Iterable[Phrase]) -> None:
        """Every source, override reason, phrase and hole that is named exists, where its own file could be read."""
        for card in cards:
            file = f"{card.id}/card.toml"
            _, text = self.toml(file)
            if "sources.toml" not in self.unread:
                known = self.named["sources.toml"]
                self.note_all(file, text, _unknown("no source is called", card.sources, known))
            if "override-reasons.toml" not in self.unread:
                known = self.named["override-reasons.toml"]
                self.note_all(file, text, _unknown("no override reason has the code", card.override_reasons, known))
            if "phrases.toml" not in self.unread:
                words = card.text.summary + card.text.detail
                self.note_all(file, text, _hole_problems(words, frozenset(self.named["phrases.toml"])))
        if "phrases.toml" not in self.unread:
            _, text = self.toml("phrases.toml")
            for words in (alternative.text for phrase in phrases for alternative in phrase.says):
                self.note_all("phrases.toml", text, _hole_problems(words, frozenset()))

    def check_words(self, cards: Iterable[Card], phrases: Iterable[Phrase]) -> None:
        """No words hold an address or a link: what a card leads to stands in the list of sources alone."""
        for file, words in [
            *_words_of(cards),
            *(("phrases.toml", one.text) for phrase in phrases for one in phrase.says),
        ]:
            if found := _LINK.search(words):
                _, text = self.toml(file)
                self.note(file, line_with(text, found[0]), "words hold no link; name a source instead")

    def check_links(self, sources: Iterable[Source], hosts: Iterable[str]) -> None:
        """Every link leads to a host that is listed, by nothing but its name."""
        text = "" if "sources.toml" in self.unread else self.toml("sources.toml")[1]
        for source in sources:
            if source.url and urlsplit(source.url).netloc not in hosts:
                self.note(
                    "sources.toml", line_with(text, source.url), "its host is not among link_hosts in content.toml"
                )

    def note_all(self, file: str, text: str, problems: dict[str, str]) -> None:
        """Notes each problem at the first line that holds what it is about."""
        for about, problem in problems.items():
            self.note(file, line_with(text, about), problem)


def _words_of(cards: Iterable[Card]) -> Iterator[tuple[str, str]]:
    """Every text of every card that a client may render, with its file."""
    for card in cards:
        offers = [text for one in card.suggestion for text in (one.label, one.description)]
        for words in (card.title, card.text.summary, card.text.detail, *offers):
            yield f"{card.id}/card.toml", words


def _row_problem(row: dict[str, str]) -> str:
    if None in row or None in row.values():
        return "it has more or fewer cells than there are columns"
    if row["included"] not in ("yes", "no", "unsure"):
        return "included is yes, no or unsure"
    if not row["reason"].strip() or not row.get("code", row.get("name", "")).strip():
        return "a code or name and a reason are needed"
    if row.get("match", "word") not in ("word", "capitals", "part"):
        return "match is word, capitals or part"
    return shape_problem(row["system"], row["code"]) if "code" in row else ""


def _extra(row: dict[str, str], columns: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name not in columns}


def _code(row: dict[str, str]) -> CodeRow:
    return CodeRow(
        row["code"],
        row["system"],
        row["term"],
        row["included"] == "yes",
        row["reason"],
        row["included"] == "unsure",
        _extra(row, CODE_COLUMNS),
    )


def _name(row: dict[str, str]) -> NameRow:
    return NameRow(
        row["name"],
        row["match"] == "capitals",
        row["included"] == "yes",
        row["reason"],
        _extra(row, NAME_COLUMNS),
        row["match"] == "part",
        row["included"] == "unsure",
    )


def _unknown(problem: str, named: Iterable[str], known: Container[str]) -> dict[str, str]:
    return {f'"{one}"': f"{problem} {one}" for one in named if one not in known}


def _hole_problems(text: str, phrases: frozenset[str]) -> dict[str, str]:
    return {f"{{{name}}}": f"nothing fills the hole {name}" for name in holes(text) if not _is_hole(name, phrases)}


def _is_hole(name: str, phrases: frozenset[str]) -> bool:
    fact, _, text = name.partition(".")
    return name in phrases or name in _SPECIAL_HOLES or (fact in CATALOGUE and text in CATALOGUE[fact].texts)


def line_with(text: str, word: str) -> int:
    """The first line that holds a word."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if word in line), 1)


def line_of(text: str, where: tuple[str | int, ...]) -> int:
    """The line of a key in a TOML text: tables by their headers, in order, then the key itself."""
    start, path = 0, ""
    lines = text.splitlines()
    for index, part in enumerate(where):
        if isinstance(part, int):
            continue
        path = f"{path}.{part}" if path else part
        nth = where[index + 1] if index + 1 < len(where) and isinstance(where[index + 1], int) else 0
        start = _table_line(lines, path, int(nth), start)
    last = next((part for part in reversed(where) if isinstance(part, str)), "")
    key = re.compile(rf"\s*{re.escape(last)}\s*=")
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("[")), len(lines))
    inside = next((i for i in range(start, end) if key.match(lines[i])), None)
    return (start if inside is None else inside) + 1


def _table_line(lines: list[str], path: str, nth: int, start: int) -> int:
    headers = [i for i in range(start, len(lines)) if lines[i].strip() in (f"[[{path}]]", f"[{path}]")]
    return headers[nth] if nth < len(headers) else start
