"""What changed between two contents, for a committee: rows, words, codes, numbers, and examples answered otherwise."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import ndiff
from pathlib import Path

from cds_service.content.examples import run_example
from cds_service.content.parts import Value, Written, canonical, card_parts, digest, parts_of
from cds_service.guidance.model import Content, Example

_CONTENT = "content.toml"
_HEADING = 3  # lines of an answer that say what is decided, how urgent it is, and the summary


@dataclass(frozen=True)
class PartChange:
    """A part that is new, gone or changed: its lines that are no more and those that are new, and who rests on it."""

    part: str
    kind: str  # "new", "gone" or "changed"
    lines: tuple[str, ...]  # each begins with "- " or "+ "
    cards: tuple[str, ...]


@dataclass(frozen=True)
class ExampleChange:
    """An example that a card answers otherwise: the lines of the answer that are no more, and those that are new."""

    card: str
    example: str
    lines: tuple[str, ...]


def compare_parts(before: Written, after: Written) -> list[PartChange]:
    """Every part that differs, whether or not a card uses it."""
    old, new = _all_parts(before), _all_parts(after)
    users = _users(before), _users(after)
    return [
        PartChange(
            name,
            "new" if name not in old else "gone" if name not in new else "changed",
            tuple(_changed_lines(_lines_of(old.get(name)), _lines_of(new.get(name)))),
            tuple(dict.fromkeys([*users[0].get(name, ()), *users[1].get(name, ())])),
        )
        for name in dict.fromkeys([*new, *old])
        if digest(old.get(name)) != digest(new.get(name))
    ]


def _all_parts(written: Written) -> dict[str, Value]:
    parts: dict[str, Value] = {_CONTENT: written.about}
    for card, table in written.cards.items():
        parts |= {_own(card, name): value for name, value in card_parts(table).items()}
    for kind, tables in written.tables.items():
        parts |= {f"{kind} {name}": value for name, value in tables.items()}
    return parts | {f"code list {name}": rows for name, rows in written.lists.items()}


def _own(card: str, part: str) -> str:
    return f"card {card}: {part}"


def _users(written: Written) -> Mapping[str, list[str]]:
    """The cards that rest on each part."""
    users: dict[str, list[str]] = {}
    for card in written.cards:
        own = card_parts(written.cards[card])
        for name in parts_of(card, written):
            users.setdefault(_own(card, name) if name in own else name, []).append(card)
    return users


def _lines_of(value: Value) -> list[str]:
    """A value as lines that can be compared: each row of a list, and each key with the lines of its text."""
    if isinstance(value, Mapping):
        return [line for key, inner in value.items() for line in _named_lines(key, inner)]
    if isinstance(value, list):
        return [_line_of(item) for item in value]
    return [] if value is None else _text_of(value).splitlines()


def _line_of(item: Value) -> str:
    """A row of a list: its cells, or a table on one line."""
    is_row = isinstance(item, list) and all(isinstance(cell, str) for cell in item)
    return ", ".join(item) if is_row else _text_of(item)


def _named_lines(key: str, value: Value) -> list[str]:
    lines = _lines_of(value)
    return [f"{key} = {lines[0]}"] if len(lines) == 1 else [f"{key}: {line}" for line in lines]


def _text_of(value: Value) -> str:
    return value if isinstance(value, str) else canonical(value)


def _changed_lines(before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    return (line for line in ndiff(list(before), list(after)) if line.startswith(("- ", "+ ")))


def compare_examples(before: Content, after: Content, fixtures: Path) -> Iterator[ExampleChange]:
    """The examples of cards that are in both, and that are answered otherwise.

    An example is one of the content after, or else of the one before. The version, which every card names, is left out.
    """
    old, new = _without_version(before), _without_version(after)
    for card in new.cards:
        if not any(other.id == card.id for other in old.cards):
            continue
        examples = {row.name: row for content in (old, new) for row in content.examples.get(card.id, ())}
        for name, example in examples.items():
            answers = [_answer(content, card.id, example, fixtures) for content in (old, new)]
            if answers[0] != answers[1]:
                shown = _HEADING if answers[0][0] != answers[1][0] else None  # all of a card is only half a change
                yield ExampleChange(card.id, name, tuple(_changed_lines(*(lines[:shown] for lines in answers))))


def _without_version(content: Content) -> Content:
    return replace(content, about=content.about.model_copy(update={"version": ""}), signatures={})


def _answer(content: Content, card_id: str, example: Example, fixtures: Path) -> list[str]:
    """What a card decides and shows, line by line."""
    card = next(card for card in content.cards if card.id == card_id)
    try:
        run = run_example(example, card, content, fixtures)
    except (OSError, ValueError, LookupError) as error:
        return [f"cannot be run: {error}"]
    return [run.decision.outcome.value, *run.shown_text.splitlines()]
