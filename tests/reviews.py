"""Content with reviews of the tests' own, whatever the cards of the repository say of theirs."""

from dataclasses import replace
from datetime import date

from cds_service.guidance.model import Card, Content, Review

NOT_CHECKED = Review(written_by="A", written_on=date(2026, 1, 1))


def checked(review_by: date = date(2027, 1, 1)) -> Review:
    """A review that signs a card until a day."""
    return Review(
        written_by="A", written_on=date(2026, 1, 1), checked_by="B", checked_on=date(2026, 1, 2), review_by=review_by
    )


def with_review(card: Card, review: Review) -> Card:
    """The card with another review."""
    return card.model_copy(update={"review": review})


def as_draft(content: Content) -> Content:
    """The content with no card signed."""
    return replace(content, cards=tuple(with_review(card, NOT_CHECKED) for card in content.cards))


def as_signed(content: Content, cards: int | None = None) -> Content:
    """The content with its first cards signed, and the others not; all of them if `cards` is not given."""
    signed = tuple(with_review(card, checked()) for card in content.cards[:cards])
    return replace(content, cards=signed + as_draft(content).cards[len(signed) :])
