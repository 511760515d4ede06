"""The sources of the guidance, and what the evidence page says of the article that the product grew from."""

from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from cds_service.guidance.conditions import Strict

A_COPY, A_HOME_PAGE = "a third-party copy", "a home page"
Address = Literal["the article", "the label", "the laboratory's page", "a third-party copy", "a home page"]


class EvidenceSource(Strict):
    """A source of a card: what it is, whom it studied, what it supports, and how that was verified."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    authors: str | None = None
    title: str | None = None
    journal: str | None = None
    year: int | None = None
    doi: str | None = None
    pmid: str | None = None
    pmc: str | None = None
    label_id: str | None = None
    url: str | None = Field(None, pattern=r"^https://[^\s]+$")
    address_is: Address | None = None
    design: str | None = None
    n: int | None = None
    population: str | None = None
    supports: str
    against: bool = False
    secondary: bool = False
    verified: str

    @model_validator(mode="after")
    def _says_where_it_leads(self) -> "EvidenceSource":
        if (self.url is None) != (self.address_is is None):
            raise ValueError("a source with an address, and no other, says what the address is")
        return self

    @property
    def where_it_leads(self) -> str:
        """What to know of the address before following it; empty if it is the thing itself."""
        return f" ({self.address_is})" if self.address_is in (A_COPY, A_HOME_PAGE) else ""

    @cached_property
    def label(self) -> str:
        """A short name: authors, journal or title, year."""
        parts = (self.authors, self.journal or self.title, str(self.year) if self.year else None)
        return ", ".join(part for part in parts if part) or self.id


class Topic(Strict):
    """A section of the evidence page: what is known of a question, on both sides, and by which sources."""

    id: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    title: str
    text: str
    sources: list[str] = Field(min_length=1)


class Statement(Strict):
    """A statement of the article that the product grew from: what became of it, and why."""

    under: str
    says: str
    became: Literal["said", "said with limits", "corrected", "left out"]
    cards: list[str] = []
    instead: str
    verified: str
    against: str = ""
    sources: list[str] = Field(min_length=1)


class EvidencePage(Strict):
    """What the evidence page says."""

    topic: list[Topic] = Field(min_length=1)
    statement: list[Statement] = Field(min_length=1)
