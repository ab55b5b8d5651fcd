"""A CRM that outlives us: the memory CRM behind HTTP in the parent, and forked children that die.

The child speaks through our transport, so that every place between two durable effects is passed:
commits, requests, writes. It ends itself with SIGKILL at the place it is told.
"""

from __future__ import annotations

import copy
import os
import shutil
import signal
import sys
import threading
import traceback
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import tenacity

from connector import points
from connector.adapters import memory
from connector.adapters.base import Capabilities, Identity, Page, RemoteField, Window
from connector.domain.change import Outcome, Result, Write
from connector.errors import ApprovalError, LeadloopError, TryLaterError
from connector.transport.http import Transport
from tests.sync.scoring import NoScorer, score_here
from tests.sync.world import World

AGAIN = 75
"""How a child ends that could not go on, and may be told the same step again."""


class WireAdapter:
    """The memory CRM as a child reaches it."""

    capabilities = Capabilities(
        kind="memory", batch_size=3, id_batch=50, overlap=0, provisions=True
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


@dataclass
class Ground:
    """A world whose steps are taken by children; its state can be kept and put back."""

    world: World
    served: Served
    address: str = ""
    kept: list = field(default_factory=list)

    def __post_init__(self) -> None:
        self.address = self.address or self.served.address

    def step(self, name: str, kill_at: int | None = None) -> tuple[int, Counter[str]]:
        """Take one step in a child; gives how it ended and how often each place was passed."""
        seen, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(seen)
            self._live(name, kill_at, tell)
        os.close(tell)
        with os.fdopen(seen, "rb") as pipe:
            passed = Counter(pipe.read().decode().split())
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return -os.WTERMSIG(status), passed
        return os.WEXITSTATUS(status), passed

    def _live(self, name: str, kill_at: int | None, tell: int) -> None:
        code = 70
        try:
            hits = 0

            def at(place: str) -> None:
                nonlocal hits
                hits += 1
                os.write(tell, f"{place}\n".encode())
                if hits == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

            import connector.sync.score as scoring

            scoring.score_store = score_here
            scoring.Scorer = NoScorer
            memory.shared = lambda *_: WireAdapter(self.address)
            points.watch(at)
            tenacity.nap.time.sleep = lambda _seconds: None
            STEPS[name](self.world)
            code = 0
        except LeadloopError as error:
            code = AGAIN if error.retryable else code
            if not error.retryable:
                traceback.print_exc(file=sys.stderr)
        except BaseException:  # noqa: BLE001  the child says it and ends
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)

    def keep(self) -> object:
        """Everything as it stands now; SQLite only."""
        crm = self.world.crm
        folder = self.world.folder / f"kept{len(self.kept)}"
        state = self.world.folder / "state"
        if state.exists():
            shutil.copytree(state, folder)
        values = (crm.objects, crm.fields, crm.gone, crm.effects)
        self.kept.append((folder, copy.deepcopy(values), (self.world.now, self.world.events)))
        return len(self.kept) - 1

    def put_back(self, which: object) -> None:
        folder, values, (now, events) = self.kept[which]
        crm = self.world.crm
        crm.objects, crm.fields, crm.gone, crm.effects = copy.deepcopy(values)
        self.world.now, self.world.events = now, events
        state: Path = self.world.folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        if folder.exists():
            shutil.copytree(folder, state)

    def outcome(self) -> dict[str, object]:
        """What must be the same however we came here: the CRM's whole log, and the book."""
        rows = self.world.rows
        ours = [e for e in self.world.crm.effects if e[2] != "ll_run"]
        return {
            "effects": sorted(ours, key=lambda e: (e[0], e[1], e[2])),
            "cycles": rows("SELECT person, number, state, owner FROM cycle ORDER BY 1, 2"),
            "moves": rows('SELECT person, "before", "after", why FROM move ORDER BY seq'),
            "routing": rows("SELECT person, rule, owner FROM routing ORDER BY seq"),
            "scores": rows("SELECT person, score, reasons FROM score ORDER BY 1"),
            "said": rows("SELECT person, verdict, reason FROM disposition ORDER BY 1, 2"),
            "last": [one for one in self.world.last_written() if one[1] != "ll_run"],
            "waiting": rows(
                "SELECT record, grp, state FROM outbox WHERE state IN "
                "('planned', 'approved', 'sending', 'retry', 'unknown', 'dead') ORDER BY 1, 2"
            ),
            "records": rows(
                "SELECT object, id, hash, gone, person FROM record ORDER BY object, id"
            ),
            "activities": rows("SELECT id, person, machine FROM activity ORDER BY id"),
        }


def _approve(world: World) -> None:
    # The clock stands while a step is told again, so ids of two plans tell no order: the state does.
    plans = world.rows("SELECT id FROM plan WHERE kind = 'write' AND state <> 'superseded'")
    for (plan,) in plans:
        try:
            world.apply(plan)
        except ApprovalError as error:
            if "nothing to apply" not in str(error):
                raise


def _undo(world: World) -> None:
    """Plan the way back of each run that wrote since the last day, newest first, and go it."""
    from connector.sync.undo import undo

    wrote = world.rows(
        "SELECT j.run FROM journal j JOIN outbox o ON o.id = j.outbox "
        "LEFT JOIN plan p ON p.id = o.plan WHERE coalesce(p.kind, 'write') <> 'undo' "
        f"AND j.at > {world.now - 3_600_000_000} GROUP BY j.run ORDER BY max(j.seq) DESC"
    )
    assert wrote, "the day's runs wrote nothing to undo"
    for (run,) in wrote:
        plan = _way_back_of(world, run)
        if plan is None:
            with world.open("runs undo", candidate=True) as loop:
                plan = undo(loop, run).id
        try:
            world.apply(plan)
        except ApprovalError as error:
            if "nothing to apply" not in str(error):
                raise


def _way_back_of(world: World, run: str) -> str | None:
    told = world.rows("SELECT about FROM audit WHERE what = 'undo planned'")
    plans = (orjson.loads(about) for (about,) in told)
    return next((one["plan"] for one in plans if one["of"] == run), None)


STEPS = {"run": World.run, "approve": _approve, "undo": _undo}


def people_at_work(world: World, day: int) -> None:
    """What people do in the CRM before a step: the same in every telling."""
    if day == 0:
        for n in range(7):
            world.lead(f"old{n}", title="Clerk", owner=None)
        world.hot("h1")
        world.hot("h2", owner="ben")
        world.put("deals", "d1", lead="h2", owner="ben", amount=5.0, stage="open")
    elif day == 1:
        world.pass_time()
        world.hot("n1")
        world.hot("n2", email="old3@acme.example")
        world.put("leads", "old0", ll_score=3)
        world.put("leads", "h1", ll_nurture=True)
        world.crm.delete("leads", "old5")
        world.crm.delete("leads", "old6", merged_into="old1")
        world.put("leads", "old2", title="VP Sales")
    elif day == 2:
        world.pass_time(86_400_000_000 + 3_600_000_000)
        world.put("leads", "n1", status="bad", reason="no_budget")
        world.put("deals", "d1", stage="won")
        world.event("old4", "form_submit", form="demo")
        world.crm.objects["leads"]["old1"]["title"] = "CEO"  # without a stamp: the night finds it
    world.now += 5_000_000  # what happened lies behind the window's end


JOURNEY = ((0, "run"), (None, "approve"), (1, "run"), (2, "run"), (None, "undo"))
