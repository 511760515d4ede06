"""Loads the content of `cards/`, or reports every mistake in it at once."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.content.code_lists import CodeLists
from cds_service.content.composing import (
    expand_passages,
    phrase_with_passages,
    place_gates,
    place_suggestions,
    with_passages,
)
from cds_service.content.evidence import check_evidence
from cds_service.content.references import (
    check_card,
    check_link_hosts,
    check_passages,
    check_phrases,
    check_suggestions,
)
from cds_service.content.repeating import refuse_repeated_words
from cds_service.content.toml_files import TomlFile
from cds_service.errors import ContentError, Mistake
from cds_service.guidance.evidence import EvidencePage, EvidenceSource
from cds_service.guidance.model import (
    About,
    Card,
    Content,
    Example,
    Gate,
    Passage,
    Phrase,
    SuggestionRow,
    Threshold,
)
from cds_service.guidance.override_reasons import OverrideReason

Model = TypeVar("Model", bound=BaseModel)


def load_content(folder: Path) -> Content:
    """The content of a folder. Raises `ContentError` with every mistake in it."""
    if not folder.is_dir():
        raise ContentError([Mistake(folder.name, 1, "the folder of the content is missing")])
    if not (folder / "content.toml").exists() and not any(folder.glob("*/card.toml")):
        raise ContentError([Mistake(folder.name, 1, "no content is in this folder: neither content.toml nor cards")])
    loader = _Loader(folder)
    content = loader.load()
    mistakes = loader.mistakes()
    if mistakes or content is None:
        raise ContentError(mistakes)
    return content


class _Loader:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.about = self._open("content.toml")
        self.gates = self._open("gates.toml")
        self.passages = self._open("passages.toml")
        self.suggestions = self._open("suggestions.toml")
        self.phrases = self._open("phrases.toml")
        self.sources = self._open("sources.toml")
        self.evidence = self._open("evidence.toml")
        self.override_reasons = self._open("override-reasons.toml")
        self.thresholds = self._open("thresholds.toml")
        names = sorted(path.parent.name for path in folder.glob("*/card.toml"))
        self.cards = {name: self._open(f"{name}/card.toml") for name in names}
        self.examples = {name: self._open(f"{name}/examples.toml") for name in names}
        self.code_lists = CodeLists(folder / "codelists")
        self.missing: list[Mistake] = [] if names else [Mistake(folder.name, 1, "there are no cards")]

    def _open(self, file: str) -> TomlFile:
        return TomlFile(self.folder / file, f"{self.folder.name}/{file}")

    def mistakes(self) -> list[Mistake]:
        """The mistakes in all files."""
        files = (self.about, *self._said(), self.sources, self.evidence, *self.examples.values())
        in_files = (mistake for file in files for mistake in file.mistakes)
        return [*self.missing, *in_files, *self.code_lists.mistakes]

    def _said(self) -> tuple[TomlFile, ...]:
        """The files in which no sentence and no reason stands twice, the shared ones first."""
        parts = (self.gates, self.passages, self.suggestions, self.phrases)
        return (*parts, self.override_reasons, self.thresholds, *self.cards.values())

    def load(self) -> Content | None:
        """The content; None if not even what all content shares can be read."""
        refuse_repeated_words(self._said())
        about = self.about.read(About)
        passages = self._passages()
        self._place_gates()
        phrases = self._phrases(passages)
        cards = self._cards(passages, phrases)
        sources = _by_id(self.sources, self.sources.read_tables("source", EvidenceSource).values())
        reasons = self.override_reasons.read_tables("reason", OverrideReason).values()
        thresholds = _by_id(self.thresholds, self.thresholds.read_tables("threshold", Threshold).values())
        examples = {name: tuple(file.read_tables("example", Example).values()) for name, file in self.examples.items()}
        vocabulary = self._vocabulary(thresholds.values())
        overrides = _by_id(self.override_reasons, reasons, "code")
        evidence = self.evidence.read(EvidencePage)
        if about is None or evidence is None:
            return None
        check_evidence(evidence, self.evidence, self.sources.values("source", "id"))
        check_link_hosts(sources, self.sources, about.link_hosts)
        return Content(about, cards, phrases, sources, overrides, vocabulary, evidence, examples, thresholds)

    def _place_gates(self) -> None:
        gates = _by_id(self.gates, self.gates.read_tables("gate", Gate).values())
        for file in (self.suggestions, self.phrases, *self.cards.values()):
            place_gates(file, gates, self.gates.values("gate", "id"))

    def _passages(self) -> dict[str, Passage]:
        passages = _by_id(self.passages, self.passages.read_tables("passage", Passage).values())
        check_passages(passages.values(), self.passages, self.phrases, self.sources)
        return expand_passages(passages.values())

    def _phrases(self, passages: Mapping[str, Passage]) -> dict[str, Phrase]:
        phrases = _by_id(self.phrases, self.phrases.read_tables("phrase", Phrase).values())
        sentences = {name for name, passage in passages.items() if not set(passage.holes) & phrases.keys()}
        check_phrases(phrases.values(), self.phrases, sentences)
        return {name: phrase_with_passages(phrase, passages) for name, phrase in phrases.items()}

    def _cards(self, passages: Mapping[str, Passage], phrases: Mapping[str, Phrase]) -> tuple[Card, ...]:
        suggestions = _by_id(self.suggestions, self.suggestions.read_tables("suggestion", SuggestionRow).values())
        check_suggestions(suggestions.values(), self.suggestions)
        names = self.suggestions.values("suggestion", "id")
        are_read = self.phrases.is_readable and self.passages.is_readable
        texts = self.phrases.values("phrase", "id") | self.passages.values("passage", "id") if are_read else None
        cards = []
        for name, file in self.cards.items():
            place_suggestions(file, suggestions, names)
            card = file.read(Card)
            if card is None:
                continue
            if card.id != name:
                file.add_mistake(("id",), f"the id {card.id} is not the name of its folder")
            check_card(card, file, self.sources, self.override_reasons, texts)
            cards.append(with_passages(card, passages, phrases))
        return tuple(cards)

    def _vocabulary(self, thresholds: Iterable[Threshold]) -> Vocabulary:
        values = {threshold.id: threshold.value for threshold in thresholds}
        vocabulary = Vocabulary(self.code_lists.codes, self.code_lists.names, values)
        self.missing += [
            Mistake(f"{self.folder.name}/{file}", 1, f"reading needs {name}, and it is not there")
            for file, name in vocabulary.missing()
        ]
        return vocabulary


def _by_id(file: TomlFile, models: Iterable[Model], key: str = "id") -> dict[str, Model]:
    by_id: dict[str, Model] = {}
    for model in models:
        identity = getattr(model, key)
        if identity in by_id:
            file.add_mistake((), f"{key} {identity} stands twice")
        by_id[identity] = model
    return by_id
