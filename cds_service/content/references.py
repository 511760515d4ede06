"""Checks what the files of the content say of each other: sources, override reasons, phrases, holes and links."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.content.toml_files import TomlFile
from cds_service.guidance.evidence import EvidenceSource
from cds_service.guidance.model import Card, Passage, Phrase, SuggestionRow
from cds_service.guidance.templates import parse_template

_OTHER_HOLES = frozenset(("orders", "content.version", "card.status_note"))
_LINK = re.compile(r"\w+://|www\.|\]\s*[(\[:]|<\w+|mailto:", re.IGNORECASE)


def check_card(
    card: Card, file: TomlFile, sources: TomlFile, override_reasons: TomlFile, texts: Container[str] | None
) -> None:
    """Everything that the card names exists; `texts` are the names of phrases and passages, None if they are not read.

    What cannot be read is not missed.
    """
    if sources.is_readable:
        ids = sources.values("source", "id")
        _add_unknown(file, "no source is called", card.sources, ids)
    if override_reasons.is_readable:
        codes = override_reasons.values("reason", "code")
        _add_unknown(file, "no override reason has the code", card.override_reasons, codes)
    if texts is not None:
        _check_holes(file, card.text.holes, texts)
    for text in _texts(card):
        _check_no_link(file, text)


def check_phrases(phrases: Iterable[Phrase], file: TomlFile, passages: Container[str]) -> None:
    """Every hole of a wording is one of a fact, of the content, or one of these passages, which hold no phrase."""
    for wording in (wording for phrase in phrases for wording in (*phrase.says, *phrase.items)):
        _check_holes(file, wording.holes, passages)
        _check_no_link(file, wording.text)


def check_passages(passages: Iterable[Passage], file: TomlFile, phrases: TomlFile, sources: TomlFile) -> None:
    """Its sources exist, and every hole is one of a fact, of the content, a phrase, or a passage before it."""
    known = phrases.values("phrase", "id")
    for passage in passages:
        if sources.is_readable:
            _add_unknown(file, "no source is called", passage.sources, sources.values("source", "id"))
        if phrases.is_readable:
            _check_holes(file, passage.holes, known)
        _check_no_link(file, passage.text)
        known.add(passage.id)


def check_suggestions(suggestions: Iterable[SuggestionRow], file: TomlFile) -> None:
    """Every hole of a suggestion is one of a fact, and no text of it is a link."""
    for text in (text for suggestion in suggestions for text in (suggestion.label, suggestion.description)):
        _check_holes(file, parse_template(text).holes, ())
        _check_no_link(file, text)


def check_link_hosts(sources: Mapping[str, EvidenceSource], file: TomlFile, hosts: Container[str]) -> None:
    """Every link leads to one of the listed hosts, written exactly as it is listed."""
    for source in sources.values():
        if source.url and urlsplit(source.url).netloc not in hosts:
            file.add_mistake_about(source.url, "its host is not among link_hosts in content.toml")


def _texts(card: Card) -> Iterator[str]:
    """Every text of a card that a client may render."""
    yield from (card.title, card.text.summary, card.text.fold, card.text.detail)


def _add_unknown(file: TomlFile, problem: str, names: Iterable[str], known: Container[str]) -> None:
    for name in names:
        if name not in known:
            file.add_mistake_about(f'"{name}"', f"{problem} {name}")


def _check_holes(file: TomlFile, holes: Iterable[str], phrase_ids: Container[str]) -> None:
    for name in dict.fromkeys(holes):
        if not _is_hole(name, phrase_ids):
            file.add_mistake_about(f"{{{name}}}", f"nothing fills the hole {name}")


def _is_hole(name: str, phrase_ids: Container[str]) -> bool:
    fact, _, text = name.partition(".")
    return name in phrase_ids or name in _OTHER_HOLES or (fact in CATALOGUE and text in CATALOGUE[fact].texts)


def _check_no_link(file: TomlFile, text: str) -> None:
    """Texts have no URLs and no links: what a card links to is in the list of sources alone."""
    if link := _LINK.search(text):
        file.add_mistake_about(link[0], "words hold no link; name a source instead")
