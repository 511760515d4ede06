"""Reads from the database what the figures of the burden are made of."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.feedback.burden import BurdenFigures, Counts, Place, burden_figures
from cds_service.feedback.tables import answered_calls, feedback, shown_cards


async def read_burden(since: datetime | None, connection: AsyncConnection) -> list[BurdenFigures]:
    """The figures of the calls since then; none before the first call of which the orders were recorded."""
    first = await connection.scalar(select(func.min(answered_calls.c.answered_at)))
    if first is None:
        return []
    start = max(first, since) if since else first
    dialect = connection.dialect.name
    answers = {
        Place(*key): Counts(*counts)
        for *key, with_cards, orders, without, shown, words in await connection.execute(_answers(start, dialect))
        for counts in [(with_cards, orders, without, shown, words)]
    }
    cards = {
        (card, Place(*key)): Counts(
            cards=shown, silent=silent, overridden_with_reason=with_reason, overridden_without_reason=without_reason
        )
        for card, *key, shown, silent, with_reason, without_reason in await connection.execute(_cards(start, dialect))
    }
    return burden_figures(answers, cards)


def _answers(since: datetime, dialect: str) -> Select[Any]:
    calls = answered_calls.c
    place = (calls.client, calls.content_version, calls.hook, _week_of(calls.answered_at, dialect))
    sums = (calls.orders, calls.orders_without_card, calls.cards, calls.words)
    with_cards = func.sum(case((calls.cards > 0, 1), else_=0))
    query = select(*place, with_cards, *(func.sum(column) for column in sums))
    return query.where(calls.answered_at >= since).group_by(*place)


def _cards(since: datetime, dialect: str) -> Select[Any]:
    """The cards shown, those kept silent, and those overridden with and without a reason.

    One that was accepted is not overridden.
    """
    cards, verdicts = shown_cards.c, _verdicts()
    place = (cards.client, cards.content_version, cards.hook, _week_of(cards.shown_at, dialect))
    is_overridden = and_(verdicts.c.accepted == 0, verdicts.c.overridden == 1)
    joined = shown_cards.outerjoin(
        verdicts, and_(verdicts.c.card_uuid == cards.uuid, verdicts.c.client == cards.client)
    )
    counts = (
        func.sum(case((cards.mode == "shown", 1), else_=0)),
        func.sum(case((cards.mode == "silent", 1), else_=0)),
        func.sum(case((and_(is_overridden, verdicts.c.reasoned == 1), 1), else_=0)),
        func.sum(case((and_(is_overridden, verdicts.c.reasoned == 0), 1), else_=0)),
    )
    query = select(cards.card, *place, *counts).select_from(joined)
    return query.where(cards.shown_at >= since).group_by(cards.card, *place)


def _verdicts() -> FromClause:
    """For each card with feedback: whether it was accepted, overridden, and overridden with a reason."""
    is_override = feedback.c.outcome == "overridden"
    marks = {
        "accepted": feedback.c.outcome == "accepted",
        "overridden": is_override,
        "reasoned": and_(is_override, feedback.c.reason_code != ""),
    }
    columns = (func.max(case((is_so, 1), else_=0)).label(name) for name, is_so in marks.items())
    grouped = (feedback.c.card_uuid, feedback.c.client)
    return select(*grouped, *columns).group_by(*grouped).subquery()


def _week_of(moment: ColumnElement[datetime], dialect: str) -> ColumnElement[str]:
    """The day of the Monday of its week, in UTC: SQLite stores UTC, PostgreSQL converts to it."""
    if dialect == "sqlite":
        return func.date(moment, "-6 days", "weekday 1")
    return func.to_char(func.date_trunc("week", func.timezone("UTC", moment)), "YYYY-MM-DD")
