"""The tables, the same for SQLite and PostgreSQL. They contain no identifier of a patient or user.

A change here needs a migration in `migrations/versions`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Column, DateTime, Dialect, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeDecorator


class Utc(TypeDecorator[datetime]):
    """A datetime in UTC. SQLite stores no time zone, so it is added when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Converts to UTC for storage."""
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Adds the time zone after reading."""
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


metadata = MetaData()
Mode = Literal["shown", "silent"]  # of a card: answered, or only recorded because the site keeps it silent

shown_cards = Table(
    "shown_cards",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("card", String(100), nullable=False),
    Column("content_version", String(50), nullable=False),
    Column("indicator", String(10), nullable=False),
    Column("hook", String(50), nullable=False),
    Column("service", String(100), nullable=False),
    Column("client", String(200), nullable=False),
    Column("hook_instance", String(36), nullable=False),
    Column("shown_at", Utc, nullable=False),
    Column("mode", String(10), nullable=False, server_default="shown"),  # of type `Mode`
    Index("shown_cards_by_time", "shown_at"),
)

answered_calls = Table(  # each call about acetylcysteine that was answered, with or without cards
    "answered_calls",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("content_version", String(50), nullable=False),
    Column("hook", String(50), nullable=False),
    Column("service", String(100), nullable=False),
    Column("client", String(200), nullable=False),
    Column("hook_instance", String(36), nullable=False),
    Column("answered_at", Utc, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("orders_without_card", Integer, nullable=False),
    Column("cards", Integer, nullable=False),
    Column("words", Integer, nullable=False),  # of the summaries and details that were shown
    Index("answered_calls_by_time", "answered_at"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", String(64), primary_key=True),  # a digest of the item, so that a repeat is the same row
    Column("card_uuid", String(36), nullable=False),  # no foreign key: feedback on unknown cards is kept too
    Column("service", String(100), nullable=False),
    Column("client", String(200), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("suggestions", Text, nullable=False),  # the accepted ones, separated by spaces
    Column("reason_system", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("outcome_at", Utc, nullable=False),
    Column("received_at", Utc, nullable=False),
    Index("feedback_by_card", "card_uuid", "client"),
    Index("feedback_by_time", "received_at"),
)

seen_tokens = Table(
    "seen_tokens",
    metadata,
    Column("client", String(200), primary_key=True),
    Column("token", String(64), primary_key=True),  # a digest of the token's id
    Column("until", Utc, nullable=False),
    Index("seen_tokens_by_time", "until"),
)

_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


async def insert_new(table: Table, rows: Sequence[Mapping[str, Any]], connection: AsyncConnection) -> None:
    """Inserts the rows whose primary keys are not in the table yet."""
    await connection.execute(_insert_new(table, connection), list(rows))


async def insert_and_tell_new(
    table: Table, rows: Sequence[Mapping[str, Any]], connection: AsyncConnection
) -> set[tuple[Any, ...]]:
    """The same; returns the keys of those that were inserted. Of concurrent callers, exactly one gets each key."""
    statement = _insert_new(table, connection).values(list(rows)).returning(*table.primary_key)
    return {tuple(key) for key in await connection.execute(statement)}


def _insert_new(table: Table, connection: AsyncConnection) -> Any:
    return _INSERT[connection.dialect.name](table).on_conflict_do_nothing()
