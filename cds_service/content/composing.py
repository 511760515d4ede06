"""Composes cards and phrases from parts that stand in files of their own, each under a name.

A gate is a condition, a passage is a text, a suggestion is an offer. Whoever uses one writes its name: a gate in any
list of conditions, a suggestion in the list `suggestions` of a card, a passage as a hole of a text.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cds_service.content.toml_files import TomlFile
from cds_service.guidance.model import Card, CardText, Gate, Passage, Phrase, SuggestionRow, Wording
from cds_service.guidance.templates import replace_holes

_LISTS_OF_CONDITIONS = ("when", "any_of")


def place_gates(file: TomlFile, gates: Mapping[str, Gate], known: Iterable[str]) -> None:
    """Puts gates where the file names them. One that is known but has a mistake is left out: its own file says so."""
    _place_gates(file.data, file, gates, set(known))


def _place_gates(value: Any, file: TomlFile, gates: Mapping[str, Gate], known: set[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _place_gates(item, file, gates, known)
    if not isinstance(value, dict):
        return
    for key, held in value.items():
        _place_gates(held, file, gates, known)
        if key in _LISTS_OF_CONDITIONS and isinstance(held, list):
            value[key] = _named(held, file, "gate", gates, known)


def place_suggestions(file: TomlFile, suggestions: Mapping[str, SuggestionRow], known: Iterable[str]) -> None:
    """Puts suggestions where a card names them."""
    names = file.data.pop("suggestions", [])
    if isinstance(names, list):
        file.data["suggestion"] = _named(names, file, "suggestion", suggestions, set(known))
    else:
        file.add_mistake(("suggestions",), "suggestions is not a list of names")


def _named(items: list[Any], file: TomlFile, kind: str, parts: Mapping[str, Any], known: set[str]) -> list[Any]:
    """The items, each name among them replaced by what it names."""
    found = []
    for item in items:
        if not isinstance(item, str):
            found.append(item)
        elif item in parts:
            found.append(parts[item])
        elif item not in known:
            file.add_mistake_about(f'"{item}"', f"no {kind} is called {item}")
    return found


def expand_passages(passages: Iterable[Passage]) -> dict[str, Passage]:
    """Each passage by its name, whole and with all its sources. A passage may use those that stand before it."""
    whole: dict[str, Passage] = {}
    for passage in passages:
        changed = {"text": _expand(passage.text, whole), "sources": [*passage.sources, *_sources_of(passage, whole)]}
        whole[passage.id] = passage.model_copy(update=changed)
    return whole


def _expand(text: str, passages: Mapping[str, Passage]) -> str:
    return replace_holes(text, {name: passage.text for name, passage in passages.items()})


def _sources_of(text: Passage | CardText | Wording, passages: Mapping[str, Passage]) -> list[str]:
    """The sources of the passages that a text uses."""
    used = (passages[hole] for hole in text.holes if hole in passages)
    return list(dict.fromkeys(source for passage in used for source in passage.sources))


def with_passages(card: Card, passages: Mapping[str, Passage], phrases: Mapping[str, Phrase]) -> Card:
    """The card with passages in its text, and beside its own sources those of the passages, also of its phrases."""
    fold, detail = (_expand(text, passages) for text in (card.text.fold, card.text.detail))
    text = CardText(summary=card.text.summary, fold=fold, detail=detail)
    of_phrases = [source for hole in text.holes if hole in phrases for source in phrases[hole].shared_sources]
    sources = dict.fromkeys([*_sources_of(card.text, passages), *of_phrases])
    return card.model_copy(update={"text": text, "shared_sources": list(sources)})


def phrase_with_passages(phrase: Phrase, passages: Mapping[str, Passage]) -> Phrase:
    """The phrase with passages in its wordings, and their sources."""
    texts = {name: passage.text for name, passage in passages.items()}
    says = [row.model_copy(update={"text": replace_holes(row.text, texts)}) for row in phrase.says]
    sources = dict.fromkeys(source for row in phrase.says for source in _sources_of(row, passages))
    return phrase.model_copy(update={"says": says, "shared_sources": list(sources)})
