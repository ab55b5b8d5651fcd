"""The service over a filled store, on a port of its own, spoken to over HTTP."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest
import requests
import uvicorn

from connector.config.load import load_settings
from connector.serve.app import application
from connector.serve.hooks import HookDesk
from connector.serve.house import House
from connector.store.database import open_store
from tests.past import NOW, fill
from tests.sync.world import World

SECRET = "not a real secret"
TOKEN = "0123456789abcdef0123"
MORE = """
  - {name: hs, kind: hubspot, mapping: mapping.yaml, auth: {token: "${HS_TOKEN}", client_secret: "${HS_SECRET}"}}
serve: {public: "https://leads.example"}
"""


@dataclass
class Service:
    """A running service: its address, and everything it told its log."""

    address: str
    house: House
    told: list[tuple[str, dict]] = field(default_factory=list)
    now: int = NOW

    def get(self, path, **options):
        return requests.get(self.address + path, timeout=10, **options)


@pytest.fixture
def serving(tmp_path, monkeypatch):
    """Start a service; the clock stands still at the past's end."""
    monkeypatch.setenv("HS_SECRET", SECRET)
    World(tmp_path, f"sqlite:///{tmp_path}/state/leadloop.db")
    path = tmp_path / "leadloop.yaml"
    text = path.read_text().replace("kind: memory\n", "kind: memory\n    handoff: true\n")
    path.write_text(text.replace("write: {limits", MORE.strip("\n") + "\nwrite: {limits"))
    loaded = load_settings(path, environ={})
    closing = []

    def start(*, people=30, token=TOKEN):
        store = open_store(loaded.store_url())
        if people:
            fill(store, people=people)
        service = Service(
            "",
            House(
                loaded,
                store,
                lambda: service.now,
                lambda e, **v: service.told.append((e, v)),
                token,
            ),
        )
        desk = HookDesk(service.house)
        config = uvicorn.Config(
            application(service.house, desk), host="127.0.0.1", port=0, log_config=None,
            access_log=False, lifespan="off", ws="none",
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        until = time.monotonic() + 10
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        service.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        closing.append((server, thread, desk, store))
        return service

    yield start
    for server, thread, desk, store in closing:
        server.should_exit = True
        thread.join(10)
        desk.close()
        store.close()
