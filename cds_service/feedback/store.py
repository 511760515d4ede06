"""The database as something that may be away: each transaction takes bounded time, or is an error that says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cds_service.errors import DatabaseRefused, StoreDown
from cds_service.feedback.connecting import new_engine
from cds_service.feedback.migrating import check_or_create, migrate, prepare
from cds_service.telemetry.logs import get_logger

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
OUR_FAULT = (DataError, IntegrityError)  # rows that no database would take: a bug, and no reason to try again
_PATIENCE, _PATIENCE_AT_START = 3.0, 60.0  # seconds for one transaction; at the start it may have to migrate


class Counting(Protocol):
    """What is counted about the records."""

    def queue(self, depth: int) -> None:
        """So many shown cards wait to be written."""

    def queue_full(self) -> None:
        """One shown card was given up for a newer one."""

    def database_down(self, down: bool) -> None:
        """Whether the database is away."""


class Uncounted:
    """Counts nothing."""

    def queue(self, depth: int) -> None:
        """Nothing."""

    def queue_full(self) -> None:
        """Nothing."""

    def database_down(self, down: bool) -> None:
        """Nothing."""


class Store:
    """Transactions on one database. `is_up` is whether the last one went well."""

    def __init__(self, address: str, counting: Counting) -> None:
        self._engine = new_engine(address)
        self._counting = counting
        self._is_open = self._is_prepared = False
        self._running: set[asyncio.Task[Any]] = set()
        self.is_up = False

    async def open(self) -> None:
        """Looks at the schema. A database that is away is no reason not to start; `DatabaseRefused` is."""
        self._is_open = True
        with suppress(StoreDown):
            await self._within(_PATIENCE_AT_START, ping)

    async def close(self) -> None:
        """Closes the connections, once they are free, and unless the database does not even answer to that."""
        self._is_open = False
        if self._running:
            await asyncio.wait(self._running, timeout=_PATIENCE)
        with suppress(TimeoutError, SQLAlchemyError, OSError):
            await asyncio.wait_for(self._engine.dispose(), _PATIENCE)

    async def run(self, work: Work[T]) -> T:
        """The result of one transaction, committed. Raises `StoreDown`, also before it is opened."""
        if not self._is_open:
            raise StoreDown
        try:
            return await self._within(_PATIENCE, work)
        except DatabaseRefused as error:  # it was away at the start, and came back with another schema
            raise self._down(str(error)) from None

    async def _within(self, seconds: float, work: Work[T]) -> T:
        """Not waited for beyond this time, even if it cannot be cancelled because the server hangs."""
        task = asyncio.create_task(self._transact(work))
        self._running.add(task)
        task.add_done_callback(self._look_at)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            task.cancel()
            raise self._down("no answer in time")
        try:
            result = task.result()
        except OUR_FAULT:
            raise
        except (SQLAlchemyError, OSError) as error:
            raise self._down(_code_of(error)) from None
        self._note(True)
        return result

    async def _transact(self, work: Work[T]) -> T:
        if not self._is_prepared:
            await prepare(self._engine)
            self._is_prepared = True
        async with self._engine.begin() as connection:
            return await work(connection)

    def _look_at(self, task: asyncio.Task[Any]) -> None:
        """Takes note of how it ended: it may be that nobody waits for it any more."""
        self._running.discard(task)
        if not task.cancelled():
            task.exception()

    def _down(self, why: str) -> StoreDown:
        self._note(False, why)
        return StoreDown()

    def _note(self, is_up: bool, why: str = "") -> None:
        if is_up is self.is_up and is_up:
            return
        if is_up:
            get_logger().info("database up")
        else:
            get_logger().warning("database down", why=why)
        self.is_up = is_up
        self._counting.database_down(not is_up)


async def ping(connection: AsyncConnection) -> None:
    """The smallest question."""
    await connection.execute(text("SELECT 1"))


async def check_schema(address: str) -> None:
    """What `Store.open` does, before a service starts. Raises `DatabaseRefused`."""
    store = Store(address, Uncounted())
    try:
        await store.open()
    finally:
        await store.close()


async def migrate_schema(address: str) -> str:
    """Brings the schema up to date and says its revision. Raises `DatabaseRefused` or `StoreDown`."""
    async with _engine_of_command(address) as engine:
        return await migrate(engine)


async def read_once(address: str, work: Work[T]) -> T:
    """The result of reading a database, without a service. Raises `DatabaseRefused` or `StoreDown`."""
    async with _engine_of_command(address) as engine:
        await check_or_create(engine)
        async with engine.connect() as connection:
            return await work(connection)


@asynccontextmanager
async def _engine_of_command(address: str) -> AsyncIterator[AsyncEngine]:
    engine = new_engine(address)
    try:
        yield engine
    except (SQLAlchemyError, OSError) as error:
        raise StoreDown(_code_of(error)) from None
    finally:
        await engine.dispose()


def _code_of(error: Exception) -> str:
    """The database's code for what is wrong; its message could hold more than is to be written down."""
    cause = getattr(error, "orig", error)
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return str(code or type(cause).__name__)
