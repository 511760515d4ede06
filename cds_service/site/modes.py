"""From `[[card]]` rows to the mode of every card, for every hook and client."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from cds_service.errors import Mistake
from cds_service.guidance.model import PATIENT_VIEW, Card, Content
from cds_service.guidance.modes import CardMode, Modes, make_modes
from cds_service.site.rows import CardRow, Speaks

OTHER_CLIENTS = ""  # stands for every client that no row names
Place = tuple[str, str]  # hook, client
_DRAFT = "because it is a draft, and the file says that drafts are silent"
_ON = CardMode("on", "")
_NOT_SWITCHED_ON = CardMode("off", "because no row switches it on")


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row with the line that it begins at."""

    row: CardRow
    file: str
    line: int

    @property
    def because(self) -> str:
        """Why, by whom and when, and where it stands."""
        row = self.row
        return f"because “{row.because}” (decided by {row.decided_by} on {row.decided_on}, {self.file}:{self.line})"

    def covers(self, card: Card, place: Place) -> bool:
        """Whether the row is about this card, for this hook and client. No family row is about a safety card."""
        hook, client = place
        row = self.row
        is_meant = row.card == card.id if row.card else row.family == card.family and not is_safety_card(card)
        return is_meant and (not row.hooks or hook in row.hooks) and (not row.clients or client in row.clients)


@dataclass(frozen=True, slots=True)
class SilencedSafetyCard:
    """A safety card that a row silences or switches off, to be logged at each start."""

    card: str
    mode: str
    hooks: tuple[str, ...]
    clients: tuple[str, ...]
    because: str


def is_safety_card(card: Card) -> bool:
    """True for a card that can be critical, for the one on what was not checked, and for that on risks of treatment.

    Only a row of its own can silence it.
    """
    gravest = "warning" if card.asked_at == PATIENT_VIEW else "critical"
    return card.after_others or any(row.level == gravest for row in card.indicator)


def modes_of(
    rows: Sequence[PlacedRow],
    content: Content,
    hooks: Sequence[str],
    silent_drafts: Collection[str] = (),
    off: Collection[str] = (),
    speaks: Speaks = "always",
) -> dict[Place, Modes]:
    """The modes for each hook and each client that a row names, and for all other clients.

    `silent_drafts` are the ids of the cards that are not shown before they are signed, and `off` of those that are off
    where no row switches them on.
    """
    clients = {OTHER_CLIENTS, *(client for placed in rows for client in placed.row.clients)}
    return {
        (hook, client): _modes_at((hook, client), rows, content.cards_at(hook), silent_drafts, off, speaks)
        for hook, client in product(hooks, sorted(clients))
    }


def _modes_at(
    place: Place,
    rows: Sequence[PlacedRow],
    cards: Sequence[Card],
    silent_drafts: Collection[str],
    off: Collection[str],
    speaks: Speaks,
) -> Modes:
    by_card = {card.id: _NOT_SWITCHED_ON for card in cards if card.id in off}
    for card in cards:
        most_specific = _most_specific(rows, card, place)
        if most_specific:
            by_card[card.id] = CardMode(most_specific[0].row.mode, most_specific[0].because)
        if card.id in silent_drafts and by_card.get(card.id, _ON).mode != "off":
            by_card[card.id] = CardMode("silent", _DRAFT)
    narrows_baseline = speaks == "with-result-or-reason"
    return make_modes(by_card, (card.id for card in cards), narrows_baseline=narrows_baseline)


def _most_specific(rows: Sequence[PlacedRow], card: Card, place: Place) -> list[PlacedRow]:
    """The rows that count for a card: more than one where several are equally specific."""
    covering = [placed for placed in rows if placed.covers(card, place)]
    most = max((placed.row.selectors for placed in covering), default=None)
    return [placed for placed in covering if placed.row.selectors == most]


def find_mode_mistakes(rows: Sequence[PlacedRow], content: Content, hooks: Sequence[str]) -> Iterator[Mistake]:
    """Families whose safety cards have no row of their own, cards at hooks that do not ask them, and contradictions."""
    yield from _find_unnamed_safety_cards(rows, content.cards)
    yield from _find_cards_elsewhere(rows, content, hooks)
    clients = {OTHER_CLIENTS, *(client for placed in rows for client in placed.row.clients)}
    found: set[tuple[int, int]] = set()
    places = [(card, hook) for hook in hooks for card in content.cards_at(hook)]
    for (card, hook), client in product(places, sorted(clients)):
        place = (hook, client)
        for first, other in pairwise(_most_specific(rows, card, place)):
            if other.row.mode != first.row.mode and (first.line, other.line) not in found:
                found.add((first.line, other.line))
                yield Mistake(other.file, other.line, _contradiction(first, other, card, place))


def _find_cards_elsewhere(rows: Sequence[PlacedRow], content: Content, hooks: Sequence[str]) -> Iterator[Mistake]:
    """Rows that are about no card at a hook that they name, as far as card and hook exist."""
    asked = {hook: {name for card in content.cards_at(hook) for name in (card.id, card.family)} for hook in hooks}
    for placed in rows:
        name = placed.row.card or placed.row.family
        where = [hook for hook in hooks if name in asked[hook]]
        for hook in placed.row.hooks:
            if where and hook in asked and hook not in where:
                problem = f"{name} is not asked at {hook}, but at {', '.join(where)}"
                yield Mistake(placed.file, placed.line, problem)


def _contradiction(first: PlacedRow, other: PlacedRow, card: Card, place: Place) -> str:
    hook, client = place
    of_client = f" and the client {client}" if client else ""
    return (
        f"it makes {card.id} {other.row.mode} for {hook}{of_client}, and the row at line {first.line}, which is as "
        f"specific, makes it {first.row.mode}"
    )


def _find_unnamed_safety_cards(rows: Sequence[PlacedRow], cards: Sequence[Card]) -> Iterator[Mistake]:
    named = {placed.row.card for placed in rows}
    for placed in rows:
        for card in cards:
            is_meant = placed.row.family is not None and placed.row.family == card.family
            if is_meant and placed.row.mode != "on" and is_safety_card(card) and card.id not in named:
                problem = f"the family {card.family} holds {card.id}, which can be critical: it needs a row of its own"
                yield Mistake(placed.file, placed.line, problem)


def silenced_safety_cards(rows: Sequence[PlacedRow], cards: Sequence[Card]) -> list[SilencedSafetyCard]:
    """Each row that silences a safety card or switches it off."""
    safety_cards = {card.id for card in cards if is_safety_card(card)}
    return [
        SilencedSafetyCard(row.card, row.mode, tuple(row.hooks), tuple(row.clients), placed.because)
        for placed in rows
        if (row := placed.row).card in safety_cards and row.card is not None and row.mode != "on"
    ]


def safety_cards_not_shown(modes: Mapping[Place, Modes], cards: Sequence[Card]) -> list[str]:
    """The ids of the safety cards that are not shown where others are: who reads those takes the silence for a no."""
    speaking = [at for at in modes.values() if at.shows_any]
    return [card.id for card in cards if is_safety_card(card) and any(card.id in at.silent | at.off for at in speaking)]


def modes_for(modes: Mapping[Place, Modes], hook: str, client: str, otherwise: Modes) -> Modes:
    """The modes of a hook and a client."""
    return modes.get((hook, client)) or modes.get((hook, OTHER_CLIENTS), otherwise)
