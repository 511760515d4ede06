"""Reads the report. The database counts; the median, for which the two databases have no common SQL, is computed here.

A card counts once, however much feedback it got: as accepted if any of its suggestions was, otherwise as overridden.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import FromClause, Select, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.feedback.connecting import begin_snapshot
from cds_service.feedback.reading_burden import read_burden
from cds_service.feedback.report import CardStatistics, Report
from cds_service.feedback.tables import feedback, shown_cards

Key = tuple[str, str, str]  # card, client, content version
Tallies = Mapping[Key, "_Tally"]
_KEY_COLUMNS = (shown_cards.c.card, shown_cards.c.client, shown_cards.c.content_version)


@dataclass
class _Tally:
    shown: int = 0
    silent: int = 0
    acted_on: int = 0
    accepted: int = 0
    seconds_to_action: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: "_Tally") -> None:
        self.shown += other.shown
        self.silent += other.silent
        self.acted_on += other.acted_on
        self.accepted += other.accepted
        self.seconds_to_action += other.seconds_to_action
        self.reasons += other.reasons


async def read_report(since: datetime | None, our_reasons: str, connection: AsyncConnection) -> Report:
    """The report on cards shown since then. `our_reasons` is the code system of the override reasons on our cards."""
    await begin_snapshot(connection)
    tallies = await _read_tallies(connection, since, our_reasons)
    totals: Tallies = defaultdict(_Tally)
    for (card, _, _), tally in tallies.items():
        totals[card, "", ""].add(tally)
    unknown = await connection.execute(_unknown_cards_query(since))
    unknown_by_client = {row.client: row.items for row in unknown}
    burden = tuple(await read_burden(since, connection))
    return Report(since, _statistics(totals), _statistics(tallies), unknown_by_client, burden)


async def _read_tallies(connection: AsyncConnection, since: datetime | None, our_reasons: str) -> Tallies:
    tallies: Tallies = defaultdict(_Tally)
    for *key, recorded, silent, acted_on, accepted in await connection.execute(_counts_query(since)):
        tally = tallies[_key(key)]
        tally.shown, tally.silent, tally.acted_on, tally.accepted = recorded - silent, silent, acted_on, accepted
    async for *key, shown_at, acted_at in await connection.stream(_times_query(since)):
        seconds = (acted_at - shown_at).total_seconds()
        if seconds >= 0:  # an action before the display means that the client's clock differs from ours
            tallies[_key(key)].seconds_to_action.append(seconds)
    for *key, system, code, count in await connection.execute(_reasons_query(since, our_reasons)):
        tallies[_key(key)].reasons[_format_reason(system, code)] += count
    return tallies


def _key(values: list[Any]) -> Key:
    card, client, version = values
    return card, client, version


def _actions() -> FromClause:
    """For each card with feedback: whether a suggestion was accepted, and the time of the first action."""
    accepted = func.max(case((feedback.c.outcome == "accepted", 1), else_=0)).label("accepted")
    first = func.min(feedback.c.outcome_at).label("acted_at")
    grouped = (feedback.c.card_uuid, feedback.c.client)
    return select(*grouped, accepted, first).group_by(*grouped).subquery()


def _same_card(actions: FromClause) -> Any:
    """Feedback counts only from the client that the card was shown to."""
    return and_(actions.c.card_uuid == shown_cards.c.uuid, actions.c.client == shown_cards.c.client)


def _shown_since(query: Select[Any], since: datetime | None) -> Select[Any]:
    return query.where(shown_cards.c.shown_at >= since) if since else query


def _counts_query(since: datetime | None) -> Select[Any]:
    actions = _actions()
    silent = func.sum(case((shown_cards.c.mode == "silent", 1), else_=0))
    counts = (func.count(), silent, func.count(actions.c.card_uuid), func.coalesce(func.sum(actions.c.accepted), 0))
    query = select(*_KEY_COLUMNS, *counts).select_from(shown_cards.outerjoin(actions, _same_card(actions)))
    return _shown_since(query.group_by(*_KEY_COLUMNS), since)


def _times_query(since: datetime | None) -> Select[Any]:
    actions = _actions()
    query = select(*_KEY_COLUMNS, shown_cards.c.shown_at, actions.c.acted_at)
    return _shown_since(query.select_from(shown_cards.join(actions, _same_card(actions))), since)


def _reasons_query(since: datetime | None, ours: str) -> Select[Any]:
    """The number of overridden cards by reason. A reason without a system counts as one of ours."""
    system = case((feedback.c.reason_system == literal(ours), ""), else_=feedback.c.reason_system).label("system")
    actions, reason = _actions(), (system, feedback.c.reason_code)
    joined = shown_cards.join(actions, _same_card(actions)).join(feedback, _same_card(feedback))
    query = select(*_KEY_COLUMNS, *reason, func.count(feedback.c.card_uuid.distinct())).select_from(joined)
    return _shown_since(query.where(actions.c.accepted == 0).group_by(*_KEY_COLUMNS, *reason), since)


def _unknown_cards_query(since: datetime | None) -> Select[Any]:
    """Feedback items by client whose cards are not on record."""
    joined = feedback.outerjoin(shown_cards, _same_card(feedback))
    query = (
        select(feedback.c.client, func.count().label("items")).select_from(joined).where(shown_cards.c.uuid.is_(None))
    )
    query = query.where(feedback.c.received_at >= since) if since else query
    return query.group_by(feedback.c.client).order_by(feedback.c.client)


def _format_reason(system: str, code: str) -> str:
    if not code:
        return "no reason given"
    return _printable(f"{system}|{code}" if system else code)


def _printable(written: str) -> str:
    """Without what a terminal would obey: an older version stored whatever was sent."""
    return "".join(character if character.isprintable() else "\ufffd" for character in written)


def _statistics(tallies: Tallies) -> list[CardStatistics]:
    """The statistics of all tallies, most frequently decided first."""

    def order(key: Key) -> tuple[int, Key]:
        return -(tallies[key].shown + tallies[key].silent), key

    return [_card_statistics(key, tallies[key]) for key in sorted(tallies, key=order)]


def _card_statistics(key: Key, tally: _Tally) -> CardStatistics:
    seconds = tally.seconds_to_action
    return CardStatistics(
        *key,
        shown=tally.shown,
        silent=tally.silent,
        accepted=tally.accepted,
        overridden=tally.acted_on - tally.accepted,
        ignored_share=round(1 - tally.acted_on / tally.shown, 4) if tally.shown else None,
        seconds_to_action=round(median(seconds), 1) if seconds else None,
        reasons=dict(sorted(tally.reasons.items(), key=lambda reason: (-reason[1], reason[0]))),
    )
