"""Once is enough: what the same user read at selecting is not repeated word for word at signing, nor is what was read
as a chart was opened when it is opened again.

What was shown is remembered as keyed hashes, in the memory of this process and for half an hour. The secret is made
when the process starts, so that nobody can find out from a hash whom it was about (docs/decisions/0029). Whatever is
not known for sure is shown: another user, a changed order or card, another process, an expired or forgotten hash.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec

from cds_service.answering import Answer
from cds_service.auth.clients import Client
from cds_service.guidance.deciding import ADVISE
from cds_service.hooks.cards import Card, Response
from cds_service.hooks.repeat_options import REMEMBER, WITHOUT_REPEATED, read_repeat_options
from cds_service.hooks.requests import PATIENT_VIEW, HookRequest
from cds_service.telemetry.logs import get_logger, where_it_broke

_KEPT_SECONDS = 30 * 60
_MOST = 20_000  # hashes, beyond which the oldest is forgotten
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class ShownBefore:
    """The hashes of the cards that were shown, each for half an hour. `clock` is monotonic, in seconds."""

    def __init__(self, secret: bytes, clock: Callable[[], float], most: int = _MOST) -> None:
        self._secret, self._clock, self._most = secret, clock, most
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def hash_of(self, *parts: Any) -> bytes:
        """The keyed hash of these values."""
        return hmac.digest(self._secret, _ENCODER.encode(parts), "sha256")

    def add(self, hashed: bytes) -> None:
        """Remembers a card, the oldest one being forgotten where there are too many."""
        self._until.pop(hashed, None)
        self._until[hashed] = self._clock() + _KEPT_SECONDS
        while len(self._until) > self._most or next(iter(self._until.values())) <= self._clock():
            self._until.popitem(last=False)

    def holds(self, hashed: bytes) -> bool:
        """Whether a card was shown within the last half hour."""
        return self._until.get(hashed, 0) > self._clock()


def without_repeated(
    asked: HookRequest, client: Client | None, answered: Answer, shown: ShownBefore
) -> tuple[Answer, list[str]]:
    """The answer without what need not be said again, and the ids of the cards left out. Remembers what is shown.

    Only for a client whose entry asks for it. A fault in here shows every card.
    """
    if client is None or client.repeat == "always" or not answered.card_ids or not asked.user_id:
        return answered, []
    try:
        if asked.hook == "order-select" and _wants(asked, REMEMBER):
            for hashed, *_ in _hashes(asked, client, answered, shown):
                shown.add(hashed)
        if asked.hook in ("order-sign", PATIENT_VIEW) and _wants(asked, WITHOUT_REPEATED):
            return _filtered(asked, client, answered, shown)
    except Exception as error:  # a card too many is better than none
        get_logger().error("bug", error=type(error).__name__, where=where_it_broke(error))
    return answered, []


def _wants(asked: HookRequest, option: str) -> bool:
    """Whether the call wants it: unless it says otherwise."""
    options = read_repeat_options(asked.raw_extension)
    if options.unread:
        get_logger().warning("options not read", options=list(options.unread))
    return options.values.get(option, True)


def _filtered(asked: HookRequest, client: Client, answered: Answer, shown: ShownBefore) -> tuple[Answer, list[str]]:
    kept, left_out = [], []
    for hashed, card_id, card in _hashes(asked, client, answered, shown):
        if card.indicator != "critical" and shown.holds(hashed):
            left_out.append(card_id)
        else:
            kept.append((card_id, card))
            if asked.hook == PATIENT_VIEW:
                shown.add(hashed)
    response = Response(cards=tuple(card for _, card in kept))
    return replace(answered, response=response, card_ids=[card_id for card_id, _ in kept]), left_out


def _hashes(
    asked: HookRequest, client: Client, answered: Answer, shown: ShownBefore
) -> Iterator[tuple[bytes, str, Card]]:
    """Each card with its id and its hash: who was shown what, about whom, and for which orders as they stand."""
    whose = (client.name, asked.user_id, asked.patient_id, asked.encounter_id)
    for card_id, card in zip(answered.card_ids, answered.response.cards, strict=True):
        orders = sorted(_ENCODER.encode(order) for order in _orders_of(card_id, answered))
        said = (card_id, card.summary, card.detail, card.indicator)
        yield shown.hash_of(*whose, *said, [order.decode() for order in orders]), card_id, card


def _orders_of(card_id: str, answered: Answer) -> Iterator[Any]:
    """The orders that a card speaks of, whole."""
    for decided in answered.decisions:
        if decided.decision.card.id == card_id and decided.decision.outcome == ADVISE:
            yield decided.order.resource
