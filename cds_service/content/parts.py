"""The parts of the content as it is written, and those that a card rests on.

A part is what somebody can change on its own: the rows of a card, a passage, a code list. What a card rests on follows
from what is written and from the catalogue of facts: its own parts, all that they name, and the lists and thresholds by
which its facts are read. Comments and layout are no part.
"""

import csv
import json
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from cds_service.clinical.catalogue import CATALOGUE, FactType, with_grounds
from cds_service.fhir.codes import is_classified
from cds_service.fhir.json import Coding
from cds_service.fhir.queries import QUERIES
from cds_service.guidance.templates import parse_template

Value = Any  # as TOML and CSV have it
Parts = Mapping[str, Value]  # by name, such as "gate other-use"
NUMBERS = "numbers of all code lists"
ROWS, INDICATOR, WORDS, SETTINGS, STATUS = "rows", "indicator", "words", "settings", "labels and status notes"
_TABLES = {  # the kinds of parts that stand in a file of their own, each a list of tables: kind -> file, table, key
    "gate": ("gates.toml", "gate", "id"),
    "passage": ("passages.toml", "passage", "id"),
    "suggestion": ("suggestions.toml", "suggestion", "id"),
    "phrase": ("phrases.toml", "phrase", "id"),
    "source": ("sources.toml", "source", "id"),
    "override reason": ("override-reasons.toml", "reason", "code"),
    "threshold": ("thresholds.toml", "threshold", "id"),
}
_KIND_OF_NAMES = {  # the keys whose texts are names of parts
    "when": "gate",
    "any_of": "gate",
    "suggestions": "suggestion",
    "sources": "source",
    "override_reasons": "override reason",
}
_OF_CARD = {ROWS: ("when",), INDICATOR: ("indicator",), WORDS: ("title", "text")}  # the rest of a card is its settings
_NOT_SIGNED = {"review"}  # who wrote a card changes nothing of it
_NOT_SHOWN = {"version", "link_hosts", "funding"}  # of content.toml: not what a card says, or what it says of others


@dataclass(frozen=True)
class Written:
    """The content as it is written: the tables of its files by kind and name, its cards, and the rows of its lists."""

    about: Mapping[str, Value]
    tables: Mapping[str, Mapping[str, Value]]
    cards: Mapping[str, Mapping[str, Value]]
    lists: Mapping[str, list[list[str]]]

    @cached_property
    def numbers(self) -> list[list[str]]:
        """Every code of every list that says nothing by its form, with its system: an entry with it is read."""
        rows = [dict(zip(listed[0], row, strict=True)) for listed in self.lists.values() for row in listed[1:]]
        numbers = {
            (row["code"], row["system"])
            for row in rows
            if "code" in row and row["included"] != "vague" and not is_classified(Coding(row["system"], row["code"]))
        }
        return sorted(map(list, numbers))


def read_written(folder: Path) -> Written:
    """The content of a folder, which loads without a mistake."""
    return Written(
        about=_read_toml(folder / "content.toml"),
        tables={kind: _read_tables(folder, *place) for kind, place in _TABLES.items()},
        cards={path.parent.name: _read_toml(path) for path in sorted(folder.glob("*/card.toml"))},
        lists={path.stem: _read_rows(path) for path in sorted((folder / "codelists").glob("*.csv"))},
    )


def _read_toml(path: Path) -> dict[str, Value]:
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def _read_tables(folder: Path, file: str, table: str, key: str) -> dict[str, Value]:
    return {row[key]: row for row in _read_toml(folder / file)[table]}


def _read_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


OWN = (ROWS, INDICATOR, WORDS, SETTINGS)  # all other parts may be those of several cards


def card_parts(card: Mapping[str, Value]) -> dict[str, Value]:
    """The parts that are a card's own."""
    named = {name: {key: card[key] for key in keys if key in card} for name, keys in _OF_CARD.items()}
    others = card.keys() - {key for keys in _OF_CARD.values() for key in keys} - _NOT_SIGNED
    return {**named, SETTINGS: {key: card[key] for key in sorted(others)}}


def parts_of(card: str, written: Written) -> dict[str, Value]:
    """Every part that a card rests on. What is named and not there, as in content of another version, is none.

    A card that comes after the others rests on their rows too: what it says of screens that were not done
    comes from the rows of the cards that could not be told. So does one that asks what other cards decided.
    """
    own = card_parts(written.cards[card])
    found = _Found(written)
    found.follow(own)
    for name, keys in _other_cards(card, written, found.facts).items():
        own[f"{ROWS} of {name}"] = {key: written.cards[name].get(key) for key in keys}
        found.follow({key: written.cards[name][key] for key in keys if key != "family"})
    shown = {key: value for key, value in written.about.items() if key not in _NOT_SHOWN}
    return {**own, STATUS: shown, **found.parts, **_parts_of_facts(with_grounds(found.facts), written)}


def _other_cards(card: str, written: Written, facts: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The other cards on whose rows a card rests, each with what of them counts."""
    others = {name: other for name, other in written.cards.items() if other.get("asked_at", "orders") == "orders"}
    if written.cards[card].get("after_others"):
        return {name: ("when", "family") for name, other in others.items() if not other.get("after_others")}
    if "new_glutamine_risk" in facts:
        return {name: ("when", "indicator") for name, other in others.items() if other.get("family") == "glutamine"}
    return {}


class _Found:
    """The parts and the facts that some text or table names, and so on from those parts."""

    def __init__(self, written: Written) -> None:
        self._tables = written.tables
        self.parts: dict[str, Value] = {}
        self.facts: set[str] = set()

    def follow(self, value: Value, key: str = "") -> None:
        """Finds what a value names; `key` is that under which it stands."""
        if isinstance(value, Mapping):
            for inner_key, inner in value.items():
                self.follow(inner, inner_key)
        elif isinstance(value, list):
            for item in value:
                self.follow(item, key)
        elif isinstance(value, str):
            self._follow_text(value, key)

    def _follow_text(self, text: str, key: str) -> None:
        if key == "fact" and text in CATALOGUE:
            self.facts.add(text)
        elif key in _KIND_OF_NAMES:
            self._add(_KIND_OF_NAMES[key], text)
        else:
            for hole in parse_template(text).holes:
                self._fill(hole)

    def _fill(self, hole: str) -> None:
        owner = hole.partition(".")[0]
        if owner in CATALOGUE:
            self.facts.add(owner)
        for kind in ("passage", "phrase"):
            if hole in self._tables[kind]:
                self._add(kind, hole)

    def _add(self, kind: str, name: str) -> None:
        part = f"{kind} {name}"
        if part not in self.parts and name in self._tables[kind]:
            self.parts[part] = self._tables[kind][name]
            self.follow(self.parts[part])


def _parts_of_facts(facts: Iterable[FactType], written: Written) -> dict[str, Value]:
    """The lists and thresholds by which facts are read, and those of the queries that bring their data.

    One query asks for the codes of all its lists and brings only so many results, so that each list counts.
    """
    facts = list(facts)
    queried = [name for fact in facts for key in fact.queries for name in QUERIES[key].code_lists]
    lists = {*queried, *(name for fact in facts for name in fact.lists)}
    thresholds = {name for fact in facts for name in fact.thresholds}
    parts: dict[str, Value] = {
        f"code list {name}": written.lists[name] for name in sorted(lists & written.lists.keys())
    }
    values = written.tables["threshold"]
    parts |= {f"threshold {name}": values[name] for name in sorted(thresholds & values.keys())}
    if any(fact.numbers for fact in facts):
        parts[NUMBERS] = written.numbers
    return parts


def digest(value: Value) -> str:
    """A short digest of a part: the same for the same words and numbers, however they are laid out."""
    return sha256(canonical(value).encode()).hexdigest()[:16]


def canonical(value: Value) -> str:
    """A value in one form: its keys in order, its numbers as they are said."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_say)


def _say(value: Decimal | date) -> str:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value.isoformat()
