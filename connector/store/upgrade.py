"""Upgrades a store to this program's version, one process at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from connector.errors import UsageError
from connector.store.agreed.views import create_views, drop_views
from connector.store.create import hold_tables

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, found: str) -> None:
    """Apply the missing steps in one transaction; refuses a store newer than this program."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        raise UsageError(
            f"the store has version {found}, which this program does not know",
            hint="Install the newer Leadloop that wrote it",
        )
    with engine.connect() as connection:
        hold_tables(connection)
        config.attributes["connection"] = connection
        drop_views(connection)
        command.upgrade(config, "head")
        create_views(connection)
        connection.commit()
