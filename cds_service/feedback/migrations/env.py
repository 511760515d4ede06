"""Run by Alembic: the connection, and its transaction, are those of `migrating`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
