"""Run by alembic: applies the steps on the connection it is handed."""

from __future__ import annotations

from alembic import context

from connector.store import schema_review, schema_sync  # noqa: F401  they fill the metadata
from connector.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
