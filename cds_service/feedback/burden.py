"""How much the cards ask of their readers: for all, and by card, client, content version, hook and week.

An order is counted each time that a call asks about it: at order-select and again at order-sign, and treatment that is
active each time that a chart is opened. Words, and orders without a card, are those of a whole answer, so that single
cards have none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

_WEEK = timedelta(days=7)
ALL = "all"


class Place(NamedTuple):
    """Where calls were answered: for which client, by which content, at which hook, in the week from which Monday."""

    client: str
    content_version: str
    hook: str
    week: str  # the day of its Monday in UTC, as an ISO 8601 date


@dataclass
class Counts:
    """What was counted of calls and of the cards shown in them."""

    answers_with_cards: int = 0
    orders: int = 0
    orders_without_card: int = 0
    cards: int = 0
    words: int = 0
    silent: int = 0
    overridden_with_reason: int = 0
    overridden_without_reason: int = 0

    def add(self, other: "Counts") -> None:
        """Adds the counts of another place."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class BurdenFigures:
    """The figures of one group. Shares and ratios are None where nothing was counted; `change` is of weeks alone.

    Silent cards are those that the site file kept back: with them it would have been more.
    `overridden_with_reason` and the other are shares of the cards shown. `change` is that of the cards per 100 orders
    against the week before: 0.5 for half as many again.
    """

    by: str
    name: str
    orders: int
    cards: int
    cards_per_100_orders: float | None
    silent_per_100_orders: float | None
    orders_without_card: float | None
    words_per_answer: float | None
    overridden_with_reason: float | None
    overridden_without_reason: float | None
    change: float | None


CardCounts = Mapping[tuple[str, Place], Counts]  # by card


def burden_figures(answers: Mapping[Place, Counts], cards: CardCounts) -> list[BurdenFigures]:
    """The figures of all calls together, then those of each group."""
    in_places = _with_overrides(answers, cards)
    total = _sum(in_places.values())
    figures = [_figures(ALL, ALL, total)]
    for card in sorted({card for card, _ in cards}):
        of_card = _sum(counts for (name, _), counts in cards.items() if name == card)
        of_card.orders = total.orders
        figures.append(_figures("card", card, of_card, is_card=True))
    for index, by in enumerate(("client", "content version", "hook")):
        groups = _grouped(in_places, index)
        figures += [_figures(by, name, groups[name]) for name in sorted(groups)]
    return figures + list(_weeks(_grouped(in_places, 3)))


def _with_overrides(answers: Mapping[Place, Counts], cards: CardCounts) -> dict[Place, Counts]:
    """The counts of each place, with the silent cards and the overrides in it."""
    found = {place: Counts(**vars(counts)) for place, counts in answers.items()}
    for (_, place), counts in cards.items():
        in_place = found.setdefault(place, Counts())
        in_place.silent += counts.silent
        in_place.overridden_with_reason += counts.overridden_with_reason
        in_place.overridden_without_reason += counts.overridden_without_reason
    return found


def _grouped(places: Mapping[Place, Counts], index: int) -> dict[str, Counts]:
    groups: dict[str, Counts] = {}
    for place, counts in places.items():
        groups.setdefault(place[index], Counts()).add(counts)
    return groups


def _sum(counts: Iterable[Counts]) -> Counts:
    total = Counts()
    for one_place in counts:
        total.add(one_place)
    return total


def _weeks(weeks: Mapping[str, Counts]) -> Iterator[BurdenFigures]:
    for week in sorted(weeks):
        before = weeks.get((date.fromisoformat(week) - _WEEK).isoformat(), Counts())
        yield _figures("week", week, weeks[week], before)


def _figures(
    by: str, name: str, counts: Counts, before: Counts | None = None, *, is_card: bool = False
) -> BurdenFigures:
    per_100 = _ratio(100 * counts.cards, counts.orders)
    per_100_before = _ratio(100 * before.cards, before.orders) if before else None
    return BurdenFigures(
        by=by,
        name=name,
        orders=counts.orders,
        cards=counts.cards,
        cards_per_100_orders=per_100,
        silent_per_100_orders=_ratio(100 * counts.silent, counts.orders),
        orders_without_card=None if is_card else _ratio(counts.orders_without_card, counts.orders),
        words_per_answer=None if is_card else _ratio(counts.words, counts.answers_with_cards),
        overridden_with_reason=_ratio(counts.overridden_with_reason, counts.cards),
        overridden_without_reason=_ratio(counts.overridden_without_reason, counts.cards),
        change=_ratio(per_100 - per_100_before, per_100_before) if per_100 is not None and per_100_before else None,
    )


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
