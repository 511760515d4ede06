"""The schema: told apart from what this version needs, and brought up to it."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from cds_service.errors import DatabaseRefused
from cds_service.feedback.connecting import begin_migration

_SCRIPTS = "cds_service.feedback:migrations"  # a folder of a package, as Alembic writes it


async def prepare(engine: AsyncEngine) -> None:
    """An SQLite file is made and migrated; a PostgreSQL server is only looked at. Raises `DatabaseRefused`."""
    await (migrate(engine) if engine.dialect.name == "sqlite" else check(engine))


async def check(engine: AsyncEngine) -> None:
    """Raises `DatabaseRefused` unless the schema is that of this version."""
    async with engine.connect() as connection:
        if await connection.run_sync(_revision) != _known()[0]:
            raise DatabaseRefused("the database's schema is older than this version: run `cds-service migrate` first")


async def check_or_create(engine: AsyncEngine) -> None:
    """As `check`, except that a new SQLite file gets its tables: a report before the first start is empty."""
    if engine.dialect.name == "sqlite" and await _is_new(engine):
        await migrate(engine)
    else:
        await check(engine)


async def _is_new(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return await connection.run_sync(_revision) is None


async def migrate(engine: AsyncEngine) -> str:
    """Brings the schema up to date and says its revision. Of several processes, the first does the work."""
    async with engine.connect() as connection:
        await begin_migration(connection)
        await connection.run_sync(_upgrade)
        await connection.commit()
    return _known()[0]


def _upgrade(connection: Connection) -> None:
    if _revision(connection) != _known()[0]:
        command.upgrade(new_config(connection), "head")


def new_config(connection: Connection | None = None) -> Config:
    """The configuration of Alembic. `migrations/env.py` runs the scripts in the transaction of the connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", _SCRIPTS)
    return config


def _revision(connection: Connection) -> str | None:
    """The revision of the schema. One that this version does not know was made by a newer one."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in _known():
        raise DatabaseRefused("the database's schema is newer than this version of the service: install the newer one")
    return revision


def _known() -> list[str]:
    """The revisions of this version, the newest first."""
    return [script.revision for script in ScriptDirectory.from_config(new_config()).walk_revisions()]
