"""Checks the schema of a database, and migrates it to that of this version."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from cds_service.errors import DatabaseRefused
from cds_service.feedback.connecting import migration_transaction

_SCRIPTS = "cds_service.feedback:migrations"  # a folder of a package, as Alembic writes it


async def prepare(engine: AsyncEngine) -> None:
    """Creates or migrates an SQLite file; only checks a PostgreSQL database. Raises `DatabaseRefused`."""
    await (migrate(engine) if engine.dialect.name == "sqlite" else check(engine))


async def check(engine: AsyncEngine) -> None:
    """Raises `DatabaseRefused` unless the schema is that of this version."""
    async with engine.connect() as connection:
        if await connection.run_sync(_read_revision) != _known_revisions()[0]:
            raise DatabaseRefused("the database's schema is older than this version: run `cds-service migrate` first")


async def migrate(engine: AsyncEngine) -> str:
    """Brings the schema up to date and returns its revision. If several processes try, the first does the work."""
    async with migration_transaction(engine) as connection:
        await connection.run_sync(_upgrade)
    return _known_revisions()[0]


def _upgrade(connection: Connection) -> None:
    if _read_revision(connection) != _known_revisions()[0]:
        command.upgrade(new_config(connection), "head")


def new_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration. `migrations/env.py` runs the migrations in the transaction of the connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", _SCRIPTS)
    return config


def _read_revision(connection: Connection) -> str | None:
    """The revision of the schema; None if there is none. Raises `DatabaseRefused` for one of a newer version."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in _known_revisions():
        raise DatabaseRefused("the database's schema is newer than this version of the service: install the newer one")
    return revision


def _known_revisions() -> list[str]:
    """The revisions that this version knows, newest first."""
    return [script.revision for script in ScriptDirectory.from_config(new_config()).walk_revisions()]
