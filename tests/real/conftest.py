"""A real Odoo, started once; each module gets a database of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connector.adapters.odoo.adapter import OdooAdapter
from connector.adapters.odoo.calls import Json2, headers
from connector.transport.http import Transport

SCRIPT = Path(__file__).with_name("odoo.sh")
NOT_HERE = 77


def script(*words: str, limit: float = 900) -> str:
    done = subprocess.run(
        ["bash", str(SCRIPT), *words],
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode == NOT_HERE:
        pytest.skip(f"Odoo cannot be had here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@dataclass
class Odoo:
    """One database of a running Odoo, as its administrator sees it."""

    address: str
    database: str
    key: str

    def adapter(self, **options: Any) -> OdooAdapter:
        return OdooAdapter(self.address, self.database, "admin", lambda: self.key, **options)

    @property
    def call(self) -> Callable[..., Any]:
        transport = Transport(self.address, headers=headers(lambda: self.key, self.database))
        return Json2(transport).call

    def sql(self, text: str) -> str:
        return script("sql", self.database, text)


@pytest.fixture(scope="session")
def odoo_address():
    """The address of the running server."""
    print(script("up"))
    yield f"http://127.0.0.1:{os.environ.get('LEADLOOP_ODOO_PORT', '18069')}"
    if not os.environ.get("LEADLOOP_ODOO_KEEP"):
        script("stop")


@pytest.fixture(scope="module")
def odoo(odoo_address):
    """A new database with a key of its administrator."""
    name = f"t{uuid4().hex[:12]}"
    script("clone", name)
    return Odoo(odoo_address, name, script("key", name))
