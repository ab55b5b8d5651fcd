"""Makes the tables of a new store as they are now; a store that has some is upgraded instead."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, inspect, text

from connector.store import schema_review, schema_sync  # noqa: F401  they fill the metadata
from connector.store.agreed.views import create_views
from connector.store.migrations import HEAD
from connector.store.schema import metadata

_LOCK = 7_120_451_133
"""An advisory lock number of our own."""

_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), primary_key=True),
)
"""Where the program that upgrades looks for a store's version."""


def create(engine: Engine) -> None:
    """Make every table in one transaction, unless another process just did."""
    with engine.connect() as connection:
        hold_tables(connection)
        if not inspect(connection).has_table(_VERSION.name):
            metadata.create_all(connection, checkfirst=False)
            _VERSION.create(connection)
            connection.execute(insert(_VERSION), {"version_num": HEAD})
            create_views(connection)
        connection.commit()


def hold_tables(connection: Connection) -> None:
    """Keep other processes from making or changing tables until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
