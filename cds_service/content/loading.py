"""Loads the content of `cards/`, or reports every mistake in it at once."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.content.code_lists import CodeLists
from cds_service.content.references import check_card, check_link_hosts, check_phrases
from cds_service.content.toml_files import TomlFile
from cds_service.errors import ContentError, Mistake
from cds_service.guidance.model import (
    About,
    Card,
    Content,
    EvidenceSource,
    Example,
    OverrideReason,
    Phrase,
    Threshold,
)

Model = TypeVar("Model", bound=BaseModel)


def load_content(folder: Path) -> Content:
    """The content of a folder. Raises `ContentError` with every mistake in it."""
    if not folder.is_dir():
        raise ContentError([Mistake(folder.name, 1, "the folder of the content is missing")])
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
        self.phrases = self._open("phrases.toml")
        self.sources = self._open("sources.toml")
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
        shared = (self.about, self.phrases, self.sources, self.override_reasons, self.thresholds)
        files = (*shared, *self.cards.values(), *self.examples.values())
        in_files = (mistake for file in files for mistake in file.mistakes)
        return [*self.missing, *in_files, *self.code_lists.mistakes]

    def load(self) -> Content | None:
        """The content; None if not even what all content shares can be read."""
        about = self.about.read(About)
        cards = self._cards()
        phrases = _by_id(self.phrases, self.phrases.read_tables("phrase", Phrase).values())
        sources = _by_id(self.sources, self.sources.read_tables("source", EvidenceSource).values())
        reasons = self.override_reasons.read_tables("reason", OverrideReason).values()
        thresholds = _by_id(self.thresholds, self.thresholds.read_tables("threshold", Threshold).values())
        examples = {name: tuple(file.read_tables("example", Example).values()) for name, file in self.examples.items()}
        check_phrases(phrases.values(), self.phrases)
        vocabulary = self._vocabulary(thresholds.values())
        overrides = _by_id(self.override_reasons, reasons, "code")
        if about is None:
            return None
        check_link_hosts(sources, self.sources, about.link_hosts)
        return Content(about, cards, phrases, sources, overrides, vocabulary, examples, thresholds)

    def _cards(self) -> tuple[Card, ...]:
        cards = []
        for name, file in self.cards.items():
            card = file.read(Card)
            if card is None:
                continue
            if card.id != name:
                file.add_mistake(("id",), f"the id {card.id} is not the name of its folder")
            check_card(card, file, self.sources, self.override_reasons, self.phrases)
            cards.append(card)
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
