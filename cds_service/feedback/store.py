"""Access to a database that may be down: every transaction has a time limit, and raises `StoreDown` if it fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cds_service.errors import DatabaseRefused, StoreDown
from cds_service.feedback.connecting import (
    check_file,
    check_file_exists,
    check_folder_exists,
    new_engine,
    set_durability,
)
from cds_service.feedback.migrating import check, migrate, prepare
from cds_service.feedback.reasons import reason_of
from cds_service.telemetry.logs import get_logger

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]  # the statements of one transaction
INVALID_ROWS = (DataError, IntegrityError)  # no database would accept these rows: a bug, so retrying is pointless
_TIMEOUT, _START_TIMEOUT = 3.0, 60.0  # seconds for a transaction; at start it may include a migration


class RecordMetrics(Protocol):
    """The metrics of the records."""

    def set_queue_depth(self, depth: int) -> None:
        """How many shown cards wait to be written."""

    def count_dropped_records(self) -> None:
        """A shown card was dropped for a newer one."""

    def set_database_up(self, is_up: bool) -> None:
        """Whether the database is up."""


class NoMetrics:
    """Measures nothing."""

    def set_queue_depth(self, depth: int) -> None:
        """Does nothing."""

    def count_dropped_records(self) -> None:
        """Does nothing."""

    def set_database_up(self, is_up: bool) -> None:
        """Does nothing."""


class Store:
    """Transactions on a database. `is_up` says whether the last one succeeded."""

    def __init__(self, database_url: str, metrics: RecordMetrics) -> None:
        self._engine = new_engine(database_url)
        self._metrics = metrics
        self._is_open = self._is_prepared = False
        self._running: set[asyncio.Task[Any]] = set()
        self.is_up = False

    async def open(self) -> None:
        """Checks the schema. Raises `DatabaseRefused`; a database that is down does not prevent the start."""
        self._is_open = True
        with suppress(StoreDown):
            await self._run_within(_START_TIMEOUT, ping)

    async def close(self, seconds: float = _TIMEOUT) -> None:
        """Closes the connections once they are free, within a time limit in case the database hangs."""
        self._is_open = False
        if self._running:
            await asyncio.wait(self._running, timeout=seconds / 2)
        with suppress(TimeoutError, SQLAlchemyError, OSError):
            await asyncio.wait_for(self._engine.dispose(), seconds / 2)

    async def run(self, work: Work[T], *, durable: bool = True) -> T:
        """Runs and commits one transaction. Raises `StoreDown`, also if the store is not open.

        One that is not durable may be lost if the power fails, and takes a tenth of the time on SQLite.
        """
        if not self._is_open:
            raise StoreDown
        try:
            return await self._run_within(_TIMEOUT, work, durable)
        except DatabaseRefused as error:  # it was down at start, and came back with another schema
            raise self._fail(str(error)) from None

    async def _run_within(self, seconds: float, work: Work[T], durable: bool = True) -> T:
        """Returns within this time even if the transaction cannot be cancelled because the server hangs."""
        task = asyncio.create_task(self._transact(work, durable))
        self._running.add(task)
        task.add_done_callback(self._forget)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            task.cancel()
            raise self._fail("no answer in time")
        try:
            result = task.result()
        except INVALID_ROWS:
            raise
        except (SQLAlchemyError, OSError) as error:
            raise self._fail(reason_of(error)) from None
        self._set_up(True)
        return result

    async def _transact(self, work: Work[T], durable: bool) -> T:
        if not self._is_prepared:
            await prepare(self._engine)
            self._is_prepared = True
        async with self._engine.connect() as connection:
            await set_durability(connection, durable)
            result = await work(connection)
            await connection.run_sync(check_file)
            await connection.commit()
            return result

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio would log the exception of a task that nobody waits for

    def _fail(self, why: str) -> StoreDown:
        self._set_up(False, why)
        return StoreDown()

    def _set_up(self, is_up: bool, why: str = "") -> None:
        if is_up is self.is_up and is_up:
            return
        if is_up:
            get_logger().info("database up")
        else:
            get_logger().warning("database down", why=why)
        self.is_up = is_up
        self._metrics.set_database_up(is_up)


async def ping(connection: AsyncConnection) -> None:
    """The cheapest possible query."""
    await connection.execute(text("SELECT 1"))


async def check_schema(database_url: str) -> None:
    """Opens and closes a store, before the service starts. Raises `DatabaseRefused`."""
    store = Store(database_url, NoMetrics())
    try:
        await store.open()
    finally:
        await store.close()


async def migrate_schema(database_url: str) -> str:
    """Brings the schema up to date and returns its revision. Raises `DatabaseRefused` or `StoreDown`.

    Creates an SQLite file, but no folder for it: a folder that is not there is a mistyped one.
    """
    check_folder_exists(database_url)
    async with _temporary_engine(database_url) as engine:
        return await migrate(engine)


async def read_once(database_url: str, work: Work[T]) -> T:
    """Reads a database without a running service, and creates none. Raises `DatabaseRefused` or `StoreDown`."""
    check_file_exists(database_url)
    async with _temporary_engine(database_url) as engine:
        await check(engine)
        async with engine.connect() as connection:
            return await work(connection)


@asynccontextmanager
async def _temporary_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = new_engine(database_url)
    try:
        yield engine
    except (SQLAlchemyError, OSError) as error:
        raise StoreDown(reason_of(error)) from None
    finally:
        await engine.dispose()
