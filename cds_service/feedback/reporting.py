"""Reads the report. The database counts; the median, which the two databases would write differently, is taken here.

A card counts once, however often feedback on it came: as accepted if any of its suggestions was, else as overridden.
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
from cds_service.feedback.report import Line, Report
from cds_service.feedback.tables import feedback, shown_cards

Key = tuple[str, str, str]  # card, client, content version
Tallies = Mapping[Key, "_Tally"]
_KEY = (shown_cards.c.card, shown_cards.c.client, shown_cards.c.content_version)


@dataclass
class _Tally:
    shown: int = 0
    acted: int = 0
    accepted: int = 0
    seconds: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: "_Tally") -> None:
        self.shown += other.shown
        self.acted += other.acted
        self.accepted += other.accepted
        self.seconds += other.seconds
        self.reasons += other.reasons


async def read_report(since: datetime | None, our_reasons: str, connection: AsyncConnection) -> Report:
    """The report on cards shown since then; `our_reasons` is the system of the override reasons on cards."""
    await begin_snapshot(connection)
    found = await _tallies(connection, since, our_reasons)
    totals: Tallies = defaultdict(_Tally)
    for (card, _, _), tally in found.items():
        totals[card, "", ""].add(tally)
    unknown = await connection.execute(_unknown(since))
    return Report(since, _lines(totals), _lines(found), {row.client: row.items for row in unknown})


async def _tallies(connection: AsyncConnection, since: datetime | None, our_reasons: str) -> Tallies:
    found: Tallies = defaultdict(_Tally)
    for *key, shown, acted, accepted in await connection.execute(_counts(since)):
        tally = found[_key(key)]
        tally.shown, tally.acted, tally.accepted = shown, acted, accepted
    async for *key, shown_at, acted_at in await connection.stream(_times(since)):
        seconds = (acted_at - shown_at).total_seconds()
        if seconds >= 0:  # before it was shown: the client's clock is not ours
            found[_key(key)].seconds.append(seconds)
    for *key, system, code, count in await connection.execute(_reasons(since, our_reasons)):
        found[_key(key)].reasons[_reason(system, code)] += count
    return found


def _key(values: list[Any]) -> Key:
    card, client, version = values
    return card, client, version


def _acts() -> FromClause:
    """What became of each card that anything became of."""
    accepted = func.max(case((feedback.c.outcome == "accepted", 1), else_=0)).label("accepted")
    first = func.min(feedback.c.outcome_at).label("acted_at")
    grouped = (feedback.c.card_uuid, feedback.c.client)
    return select(*grouped, accepted, first).group_by(*grouped).subquery()


def _same_card(acts: FromClause) -> Any:
    """Feedback counts for the client that the card was shown to."""
    return and_(acts.c.card_uuid == shown_cards.c.uuid, acts.c.client == shown_cards.c.client)


def _since(query: Select[Any], since: datetime | None) -> Select[Any]:
    return query.where(shown_cards.c.shown_at >= since) if since else query


def _counts(since: datetime | None) -> Select[Any]:
    acts = _acts()
    counted = (func.count(), func.count(acts.c.card_uuid), func.coalesce(func.sum(acts.c.accepted), 0))
    query = select(*_KEY, *counted).select_from(shown_cards.outerjoin(acts, _same_card(acts)))
    return _since(query.group_by(*_KEY), since)


def _times(since: datetime | None) -> Select[Any]:
    acts = _acts()
    query = select(*_KEY, shown_cards.c.shown_at, acts.c.acted_at)
    return _since(query.select_from(shown_cards.join(acts, _same_card(acts))), since)


def _reasons(since: datetime | None, ours: str) -> Select[Any]:
    """How many cards were overridden for which reason; no system at all means ours."""
    system = case((feedback.c.reason_system == literal(ours), ""), else_=feedback.c.reason_system).label("system")
    acts, reason = _acts(), (system, feedback.c.reason_code)
    joined = shown_cards.join(acts, _same_card(acts)).join(feedback, _same_card(feedback))
    query = select(*_KEY, *reason, func.count(feedback.c.card_uuid.distinct())).select_from(joined)
    return _since(query.where(acts.c.accepted == 0).group_by(*_KEY, *reason), since)


def _unknown(since: datetime | None) -> Select[Any]:
    joined = feedback.outerjoin(shown_cards, _same_card(feedback))
    query = (
        select(feedback.c.client, func.count().label("items")).select_from(joined).where(shown_cards.c.uuid.is_(None))
    )
    query = query.where(feedback.c.received_at >= since) if since else query
    return query.group_by(feedback.c.client).order_by(feedback.c.client)


def _reason(system: str, code: str) -> str:
    """A system of the client's own is named."""
    if not code:
        return "no reason given"
    return f"{system}|{code}" if system else code


def _lines(tallies: Tallies) -> list[Line]:
    return [_line(key, tallies[key]) for key in sorted(tallies, key=lambda key: (-tallies[key].shown, key))]


def _line(key: Key, tally: _Tally) -> Line:
    return Line(
        *key,
        shown=tally.shown,
        accepted=tally.accepted,
        overridden=tally.acted - tally.accepted,
        ignored_share=round(1 - tally.acted / tally.shown, 4),
        seconds_to_action=round(median(tally.seconds), 1) if tally.seconds else None,
        reasons=dict(sorted(tally.reasons.items(), key=lambda one: (-one[1], one[0]))),
    )
