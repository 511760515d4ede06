"""What became of each call that was replayed, as plain values that are written, sent and added up."""

import hashlib
from collections.abc import Iterable

import msgspec


class ShownCard(msgspec.Struct, frozen=True):
    """A card that was shown: its id, its indicator, its words, and a digest of all that it says."""

    id: str
    indicator: str
    words: int
    digest: str


class PastOrder(msgspec.Struct, frozen=True):
    """An order that was replayed. `silent` says why no card was about it; empty where one was."""

    id: str
    use: str
    cards: tuple[str, ...]
    silent: str


class CallRecord(msgspec.Struct, frozen=True):
    """A call that was replayed: whose, when, its cards, its orders, and the screens that could not be done.

    `kept_silent` are the cards that the site file kept from being shown. `other_cards` are those of the other content
    or site file; None where nothing is compared.
    """

    patient: str
    moment: str
    week: str
    cards: tuple[ShownCard, ...]
    orders: tuple[PastOrder, ...]
    not_done: tuple[str, ...] = ()
    kept_silent: tuple[str, ...] = ()
    other_cards: tuple[ShownCard, ...] | None = None

    @property
    def key(self) -> str:
        """What tells this call from all others, and says nothing of the patient."""
        return key_of(self.patient, self.moment, self.orders)

    @property
    def words(self) -> int:
        """The words of the whole answer."""
        return sum(card.words for card in self.cards)


class BucketOutcome(msgspec.Struct, frozen=True):
    """What a bucket of patients came to: its calls in the order of their keys, and its counts."""

    calls: tuple[CallRecord, ...]
    counts: dict[str, dict[str, int]]


def key_of(patient: str, moment: str, orders: Iterable[PastOrder]) -> str:
    """What tells a call from all others, and says nothing of the patient."""
    return digest_of(patient, moment, *(order.id for order in orders))


def digest_of(*parts: str) -> str:
    """A short digest of some texts, the same on every machine."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def place_of(patient_id: str, places: int) -> int:
    """The bucket of a patient. Patients are in the order of their digests, however many buckets there are."""
    digest = hashlib.blake2b(patient_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) * places >> 64


def patient_order(patient_id: str) -> bytes:
    """The place of a patient among all others: the order of the report, which says nothing of them."""
    return hashlib.blake2b(patient_id.encode(), digest_size=8).digest()
