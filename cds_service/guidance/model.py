"""The content as it is loaded: cards, phrases, sources, and what they share. An unknown key is a mistake."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Literal
from unicodedata import category, combining, normalize

from pydantic import Field, field_validator, model_validator

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.guidance.conditions import Check, Condition, Conditional, Strict, When, all_of
from cds_service.guidance.evidence import EvidencePage, EvidenceSource
from cds_service.guidance.override_reasons import OverrideReason
from cds_service.guidance.templates import parse_template

SUMMARY_LIMIT = 140  # CDS Hooks: fewer than 140 characters
FOLD_LIMIT = 60  # words that a busy prescriber reads; `cds-service check` counts them for every combination of facts
Indicator = Literal["info", "warning", "critical"]
Family = Literal["baseline", "glutamine", "monitoring"]
PATIENT_VIEW = "patient-view"  # the hook at which a chart is opened; all others are about orders
Status = Literal["draft", "signed"]


class Gate(Condition):
    """A condition that cards, suggestions and phrases use by its name."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")


class Passage(Strict):
    """A text that several cards or phrases use by its name: in their texts it is a hole."""

    id: str = Field(pattern=r"^[a-z_]+$")
    about: str
    text: str
    sources: list[str] = []

    @property
    def holes(self) -> tuple[str, ...]:
        """The names of the holes in the text."""
        return parse_template(self.text).holes


class Wording(Conditional):
    """One wording of a phrase; without conditions it always applies."""

    text: str

    @property
    def holes(self) -> tuple[str, ...]:
        """The names of the holes in the text."""
        return parse_template(self.text).holes


class Phrase(Strict):
    """A text whose words depend on facts: the first wording whose conditions all hold is used.

    One that is `per_order` is an item for each order, by name where there are several, or where it `names_order`.
    One with a `lead` is a list in a sentence: it begins with the lead, and names every item whose conditions hold.
    """

    id: str = Field(pattern=r"^[a-z_]+$")
    about: str
    per_order: bool = False
    names_order: bool = False
    lead: str = ""
    items: list[Wording] = []
    says: list[Wording] = []
    shared_sources: list[str] = []

    @model_validator(mode="after")
    def _says_or_lists(self) -> "Phrase":
        if bool(self.says) == bool(self.items) or bool(self.items) != bool(self.lead):
            raise ValueError("a phrase has wordings, or a lead and items")
        return self

    def conditions(self) -> Iterator[Condition]:
        """Every condition in it."""
        for wording in (*self.says, *self.items):
            yield from wording.conditions()


class IndicatorRow(Conditional):
    """An indicator, and when it is used; the first row that holds counts.

    Without `offers_reasons` the card asks for no reason not to follow it.
    """

    level: Indicator
    offers_reasons: bool = True


class Review(Strict):
    """Who wrote a card, and on which day. Who signed it stands in the signatures, apart from what they sign."""

    written_by: str = Field(pattern=r"\S")
    written_on: date


@dataclass(frozen=True)
class Signature:
    """That somebody answers for a card as it is now: who, in which role, since when, and when to look at it again."""

    name: str
    role: str
    on: date
    review_by: date


_ACCENTS = 200  # the combining classes of marks above and below letters; below it are vowels of other scripts
_APOSTROPHES = "'’ʼ"
NAMES_NEEDED = 2  # different people who sign a card before it is signed


class SuggestionRow(Conditional):
    """A change that the card offers if all its conditions hold, never marked as recommended.

    `remove-order` deletes the order. `set-dose` sets its dose to `dose_mg` milligrams twice daily by mouth.
    `order-amino-acids` drafts a laboratory order for `in_days` days from now. Label and description may show facts.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    does: Literal["remove-order", "set-dose", "order-amino-acids"]
    label: str
    description: str
    dose_mg: int | None = None
    in_days: int = 0

    @model_validator(mode="after")
    def _has_its_dose(self) -> "SuggestionRow":
        if (self.does == "set-dose") != (self.dose_mg is not None):
            raise ValueError("set-dose, and nothing else, has dose_mg")
        return self


class Screen(Strict):
    """A fact that is named as not done whenever it is unknown in one of these uses, whether or not a card needs it.

    With `unless_family` it is not named where a card of that family speaks: there the finding is said already.
    """

    fact: str
    uses: list[str] = Field(min_length=1)
    unless_family: Family | None = None
    because: str = Field(min_length=10)

    @model_validator(mode="after")
    def _is_in_catalogue(self) -> "Screen":
        if self.fact not in CATALOGUE:
            raise ValueError(f"no fact is called {self.fact}")
        unknown = [use for use in self.uses if use not in CATALOGUE["use"].values]
        if unknown:
            raise ValueError(f"no use is called {unknown[0]}")
        return self


class CardText(Strict):
    """The texts of a card: a summary of one sentence, and in GitHub-Flavored Markdown what a busy reader sees and more.

    The detail that a client shows begins with `fold`, what matters now, in at most `FOLD_LIMIT` words. A rule follows,
    and then `detail`.
    """

    summary: str
    fold: str
    detail: str

    @property
    def holes(self) -> tuple[str, ...]:
        """The names of the holes in all texts."""
        return tuple(hole for text in (self.summary, self.fold, self.detail) for hole in parse_template(text).holes)


class Card(Strict):
    """One card: when it is shown, with which indicator and words, and who answers for it.

    It is asked when orders are written or signed, or about treatment when a chart is opened.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    scope: Literal["order", "patient"]
    asked_at: Literal["orders", "patient-view"] = "orders"
    family: Family | None = None
    after_others: bool = False
    screens: list[Screen] = []
    sources: list[str]
    shared_sources: list[str] = []
    override_reasons: list[str] = []
    review: Review
    when: list[When] = Field(min_length=1)
    indicator: list[IndicatorRow] = Field(min_length=1)
    suggestion: list[SuggestionRow] = []
    text: CardText

    @model_validator(mode="after")
    def _is_short(self) -> "Card":
        if len(self.title) >= SUMMARY_LIMIT or len(self.text.summary) >= SUMMARY_LIMIT:
            raise ValueError(f"title and summary have fewer than {SUMMARY_LIMIT} characters")
        return self

    @model_validator(mode="after")
    def _has_override_reasons(self) -> "Card":
        if any(row.level != "info" for row in self.indicator) and not self.override_reasons:
            raise ValueError("a warning or critical card offers override reasons")
        if self.indicator[-1].when:
            raise ValueError("the last indicator has no conditions, so that there is always one")
        return self

    @property
    def all_sources(self) -> list[str]:
        """Its own sources, and those of the passages that it uses."""
        return list(dict.fromkeys([*self.sources, *self.shared_sources]))

    @cached_property
    def check(self) -> Check:
        """The conjunction of its rows: the card is shown if it is yes."""
        return all_of([row.check for row in self.when])

    def conditions(self) -> Iterator[Condition]:
        """Every condition that decides whether the card is shown."""
        for row in self.when:
            yield from row.conditions()

    def other_conditions(self) -> Iterator[Condition]:
        """Every condition that decides its indicator and its suggestions."""
        for part in (*self.indicator, *self.suggestion):
            yield from part.conditions()


class Example(Strict):
    """A patient, an order and what the card says to them: one test, named by its sentence.

    One of a card that is asked when a chart is opened has no order.

    `born`, `dose` and `results` change the birthday, the single dose of the order and the values of results, for this
    example only. `results` names them by the code list that they are in. A value keeps the unit that stands there.
    """

    name: str
    patient: str
    order: str = ""
    now: datetime
    expect: Literal["advise", "silent", "cannot tell"]
    because: str
    born: date | None = None
    dose: int | Decimal | None = None
    results: dict[str, int | Decimal] = {}
    also_drafted: list[str] = []
    not_sent: list[str] = []
    says: list[str] = []


class Threshold(Strict):
    """A number with which orders and results are read, with its unit, its reason and its source."""

    id: str
    value: Decimal
    unit: str
    because: str = Field(min_length=10)
    source: str

    @field_validator("value", mode="before")
    @classmethod
    def _accept_integers(cls, value: object) -> object:
        return Decimal(value) if isinstance(value, int) else value


class StatusNotes(Strict):
    """What cards say of the content while it is a draft, and once it is signed."""

    draft: str = Field(pattern=r"\S")
    signed: str = Field(pattern=r"\S")


class About(Strict):
    """What all content shares: its version, the systems of its codes, and the hosts it may link to."""

    version: str = Field(pattern=r"^\d{4}\.\d{2}\.\d+$")
    status_notes: StatusNotes
    source_label: str
    topic_system: str
    override_system: str
    link_hosts: list[str] = Field(min_length=1)
    funding: str = "The content names no funding source."


@dataclass(frozen=True, eq=False)  # no two are ever compared: that would take all their texts
class Content:
    """Everything in `cards/`, loaded without a mistake."""

    about: About
    cards: tuple[Card, ...]
    phrases: Mapping[str, Phrase]
    sources: Mapping[str, EvidenceSource]
    override_reasons: Mapping[str, OverrideReason]
    vocabulary: Vocabulary
    evidence: EvidencePage
    examples: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    signatures: Mapping[str, tuple[Signature, ...]] = field(default_factory=dict)  # those that hold, by card

    def cards_at(self, hook: str) -> tuple[Card, ...]:
        """The cards that are asked at a hook."""
        return self.treatment_cards if hook == PATIENT_VIEW else self.order_cards

    @cached_property
    def order_cards(self) -> tuple[Card, ...]:
        """The cards that are asked about an order."""
        return tuple(card for card in self.cards if card.asked_at == "orders")

    @cached_property
    def treatment_cards(self) -> tuple[Card, ...]:
        """The cards that are asked about treatment when a chart is opened."""
        return tuple(card for card in self.cards if card.asked_at == PATIENT_VIEW)

    @property
    def version(self) -> str:
        """The version that the cards name."""
        return self.about.version

    @property
    def status(self) -> Status:
        """Signed if every card is signed, otherwise a draft."""
        return "signed" if self.cards and not self.drafts else "draft"

    def status_of(self, card: str) -> Status:
        """The status of a card, by its id: signed once two different people have signed it as it is now."""
        names = {_as_it_counts(signature.name) for signature in self.signatures.get(card, ())}
        return "signed" if len(names) >= NAMES_NEEDED else "draft"

    @property
    def drafts(self) -> list[str]:
        """The ids of the cards that are not signed."""
        return [card.id for card in self.cards if self.status_of(card.id) == "draft"]

    @property
    def status_note(self) -> str:
        """The status of all the content in words."""
        return self._note_on(self.status)

    def status_note_of(self, card: str) -> str:
        """The status of a card in words for the card."""
        return self._note_on(self.status_of(card))

    def _note_on(self, status: Status) -> str:
        notes = self.about.status_notes
        return notes.signed if status == "signed" else notes.draft


def same_name(name: str, other: str) -> bool:
    """True for the same name with other capitals, accents, marks or order of words: that is no second person."""
    return _as_it_counts(name) == _as_it_counts(other)


def _as_it_counts(name: str) -> tuple[str, ...]:
    """The words of a name by their letters alone. Titles stay: which words are titles cannot be known."""
    marked = normalize("NFKD", normalize("NFKD", name).casefold())
    letters = "".join(letter for letter in marked if combining(letter) < _ACCENTS and letter not in _APOSTROPHES)
    words = "".join(letter if category(letter)[0] in "LMN" else " " for letter in letters).split()
    return tuple(sorted(words)) or (name,)  # a name of signs alone is itself
