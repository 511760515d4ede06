"""Which cards a site shows. Every card is decided first; then the answer is filtered, and nothing else changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cds_service.clinical.facts import KNOWN
from cds_service.guidance.deciding import ADVISE, Decision, OrderDecision

Mode = Literal["on", "silent", "off"]


@dataclass(frozen=True, slots=True)
class CardMode:
    """The mode of a card, and in words what set it.

    A card that is *silent* is decided, recorded and counted, and not answered; one that is *off* is not even rendered.
    """

    mode: Mode
    because: str


@dataclass(frozen=True, slots=True)
class Modes:
    """The modes of all cards for one hook and one client; a card that is not among them is on.

    Where they narrow the baseline, its cards speak only with a result or a stated neuropsychiatric reason.
    """

    by_card: Mapping[str, CardMode] = field(default_factory=dict)
    narrows_baseline: bool = False
    silent: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    shows_any: bool = True
    decides_any: bool = True


ALL_ON = Modes()
_NARROWED = (
    "not said: by the site file baseline cards speak only with a result or a stated neuropsychiatric reason, and the "
    "order has neither"
)


def make_modes(by_card: Mapping[str, CardMode], card_ids: Iterable[str], *, narrows_baseline: bool = False) -> Modes:
    """The modes, with what can be worked out before any call."""
    ids = frozenset(card_ids)
    silent = frozenset(name for name, card in by_card.items() if card.mode == "silent")
    off = frozenset(name for name, card in by_card.items() if card.mode == "off")
    return Modes(
        by_card, narrows_baseline, silent, off, shows_any=bool(ids - silent - off), decides_any=bool(ids - off)
    )


def without_switched_off(decisions: Iterable[OrderDecision], modes: Modes) -> Iterable[OrderDecision]:
    """The decisions of which cards may be made."""
    if not modes.off and not modes.narrows_baseline:
        return decisions
    return [decided for decided in decisions if not _is_switched_off(decided.decision, modes)]


def _is_switched_off(decision: Decision, modes: Modes) -> bool:
    return decision.card.id in modes.off or (modes.narrows_baseline and _is_beyond_baseline(decision))


def _is_beyond_baseline(decision: Decision) -> bool:
    """True for a baseline card on an order with neither a result nor a stated neuropsychiatric reason."""
    if decision.card.family != "baseline":
        return False
    return all(decision.facts[name].state is not KNOWN for name in ("glutamate", "neuropsychiatric_reason"))


def say_mode(decision: Decision, modes: Modes) -> str:
    """What the site file makes of a decision, in words; empty where it makes no difference."""
    if modes.narrows_baseline and decision.outcome is ADVISE and _is_beyond_baseline(decision):
        return _NARROWED
    card = modes.by_card.get(decision.card.id)
    if card is None or card.mode == "on" or (card.mode == "silent" and decision.outcome is not ADVISE):
        return ""
    return f"{'silent' if card.mode == 'silent' else 'switched off'} by the site file {card.because}"
