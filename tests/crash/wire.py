"""A CRM that outlives us: the memory CRM behind HTTP, and an adapter that speaks to it.

It speaks through our transport, so that every place between two durable effects is passed.
"""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

from connector.adapters import memory
from connector.adapters.base import Capabilities, Identity, NewTask, Page, RemoteField, Window
from connector.domain.change import Outcome, Result, Write
from connector.errors import TryLaterError
from connector.transport.http import Transport
from tests.sync.world import World


class WireAdapter:
    """The memory CRM as a child reaches it."""

    capabilities = Capabilities(
        kind="memory", batch_size=3, at_once=3, id_batch=50, overlap=0, provisions=True, tasks=True
    )

    def __init__(self, address: str) -> None:
        self._http = Transport(address, attempts=3)

    def _call(self, name, *given, repeatable=True):
        body = orjson.dumps([name, *given])
        answer = self._http.send("POST", f"/{name}", body, repeatable=repeatable)
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise TryLaterError(f"/{name} was answered with something else than JSON") from None

    def check(self):
        return Identity(*self._call("check"))

    def server_now(self):
        return self._call("server_now")

    def sources(self):
        return self._call("sources")

    def describe(self, source):
        return {name: RemoteField(name, None) for name in self._call("describe", source)}

    def read(self, source, names, window, after):
        while True:
            page = self._call("read", source, list(names), list(window), after)
            if page is None:
                return
            after = page["position"]
            yield Page(page["rows"], after, gone=page["gone"])

    def read_ids(self, source, names, ids):
        return self._call("read_ids", source, list(names), list(ids))

    def write(self, batch):
        given = [list(one) for one in batch]
        told = self._call("write", given, repeatable=False)
        return [Outcome(o[0], Result(o[1]), *o[2:]) for o in told]

    def find_tasks(self, wanted):
        return self._call("find_tasks", [list(one) for one in wanted])

    def create_task(self, task):
        return self._call("create_task", list(task), repeatable=False)

    def plan_fields(self, wanted):
        return []

    def create_fields(self, steps):
        return None

    def close(self):
        self._http.close()


def answer(crm: memory.Remote, name: str, given: list) -> object:
    """What the memory CRM says to one call."""
    adapter = memory.MemoryAdapter(crm)
    if name == "read":
        source, names, window, after = given
        pages = adapter.read(source, names, Window(*window), after)
        if after == "\U0010ffff":
            return None
        page = next(iter(pages), None)
        return page and {"rows": page.rows, "position": page.position, "gone": page.gone}
    if name == "write":
        return adapter.write([Write(*one) for one in given[0]])
    if name == "find_tasks":
        return adapter.find_tasks([NewTask(*one) for one in given[0]])
    if name == "create_task":
        return adapter.create_task(NewTask(*given[0]))
    if name == "describe":
        return list(adapter.describe(*given))
    return getattr(adapter, name)(*given)


class Served:
    """The CRM behind an address of this machine."""

    def __init__(self, world: World) -> None:
        served = self
        self.world = world
        self.calls: Counter[str] = Counter()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body leave as one: apart, each answer waits 40 ms

            def do_POST(self):
                name, *given = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
                served.calls[name] += 1
                body = orjson.dumps(answer(served.world.crm, name, given), default=list)
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # the other side died

            def log_message(self, *_):
                return None

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                return None

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
