"""Finds words that stand in the content twice: whoever changes a sentence or a reason edits one place."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cds_service.content.toml_files import TomlFile

_WORDS = ("title", "summary", "fold", "detail", "text", "lead", "label", "description", "because", "about")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_MARKS = re.compile(r"[*_]+|^\s*-\s+")
_SHORTEST = 4  # words: shorter ones, such as "Chronic kidney disease", are names


def refuse_repeated_words(files: Iterable[TomlFile]) -> None:
    """Adds a mistake for each sentence that stood before, in the same file or in an earlier one."""
    seen: dict[str, str] = {}
    for file in files:
        for written in _written(file.data, ""):
            for sentence in _sentences(written):
                key = " ".join(_MARKS.sub("", sentence).split()).casefold()
                if len(key.split()) < _SHORTEST:
                    continue
                if key in seen:
                    file.add_mistake_about(sentence, f"the same words stand in {seen[key]}: {sentence[:60]}")
                else:
                    seen[key] = file.name


def _written(value: Any, key: str) -> Iterator[str]:
    """Every text that people read, in the order in which it stands."""
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _written(held, name)
    elif isinstance(value, list):
        for item in value:
            yield from _written(item, key)
    elif isinstance(value, str) and key in _WORDS:
        yield value


def _sentences(written: str) -> Iterator[str]:
    for line in written.splitlines():
        yield from filter(None, _SENTENCE_END.split(line.strip()))
