"""Content that is signed by people of the tests' own."""

from dataclasses import replace
from datetime import date

from cds_service.guidance.model import Content, Signature


def signed_by(name: str, review_by: date = date(2027, 1, 1)) -> Signature:
    """A signature of somebody until a day."""
    return Signature(name, "reviewer", date(2026, 1, 2), review_by)


def as_signed(content: Content, cards: int | None = None, review_by: date = date(2027, 1, 1)) -> Content:
    """The content with its first cards signed by two people, and the others not; all of them without `cards`."""
    both = (signed_by("A", review_by), signed_by("B", review_by))
    return replace(content, signatures={card.id: both for card in content.cards[:cards]})
