"""Worlds whose steps are taken by forked children that die: where they may, and what is left.

A child ends itself with SIGKILL at the place it is told. A world's state, the CRM's and the
store's, can be kept and put back, so that each telling begins alike.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

import orjson
import tenacity

from connector import points
from connector.adapters import memory
from connector.errors import LeadloopError
from connector.mapping.outbound import same
from connector.store.database import open_store
from connector.store.running import audit
from tests.crash.wire import Served, WireAdapter
from tests.sync.scoring import NoScorer, score_here

AGAIN = 75
"""How a child ends that could not go on, and may be told the same step again."""
_PSEUDONYM = re.compile(r"forgotten/[0-9a-f]+")
_CODE = "CASE WHEN substr(person, 1, 10) = 'forgotten/' THEN '' ELSE code END"
_VOLATILE = ("ll_run", "leadloop_run")
"""Fields that name the run, which differs between two tellings of the same."""


class Remote(Protocol):
    """The CRM of a world, which outlives every child."""

    def enter(self) -> None:
        """Reach it from a child that was just forked."""

    def keep(self) -> Any:
        """All that it holds."""

    def put_back(self, kept: Any) -> None:
        """Hold again what was kept."""

    def log(self) -> dict[str, Any]:
        """What people see in it, and every effective change by name of what it is."""


@dataclass
class MemoryCrm:
    """The memory CRM of a World behind an address."""

    world: Any
    address: str

    def enter(self) -> None:
        memory.shared = lambda *_: WireAdapter(self.address)

    def keep(self) -> Any:
        crm = self.world.crm
        return copy.deepcopy((crm.objects, crm.fields, crm.gone, crm.effects, crm.tasks))

    def put_back(self, kept: Any) -> None:
        crm = self.world.crm
        crm.objects, crm.fields, crm.gone, crm.effects, crm.tasks = copy.deepcopy(kept)

    def log(self) -> dict[str, Any]:
        crm = self.world.crm
        ours = [e for e in crm.effects if e[2] not in _VOLATILE]
        return {
            "effects": sorted(ours, key=lambda e: e[:3]),
            "owners": sorted((i, r.get("owner")) for i, r in crm.objects["leads"].items()),
            "tasks": sorted((t.marker, t.record, t.owner, t.text) for t in crm.tasks.values()),
        }


class Copies(Protocol):
    """Copies of a store, from which tellings begin."""

    def keep(self) -> Any:
        """Copy the store as it is."""

    def put_back(self, kept: Any) -> None:
        """Begin from a copy again; the copy stays."""

    def let_go(self) -> None:
        """After a kill: let what the dead run held be free."""


@dataclass
class InFiles:
    """The world's own folder, with the SQLite store and all files of ours in it."""

    folder: Path
    made: int = 0

    def keep(self) -> Path:
        self.made += 1
        copied = self.folder.with_name(f"{self.folder.name}-kept{self.made}")
        shutil.copytree(self.folder, copied)
        return copied

    def put_back(self, kept: Path) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(kept, self.folder)

    def let_go(self) -> None:
        """Nothing to do: the lock of a dead process is free at once."""


@dataclass
class OnServer:
    """Databases of a server, each a copy of another; the folder holds the other files."""

    server: Any
    world: Any
    files: InFiles
    name: str
    made: int = 0

    def keep(self) -> tuple[str, Path]:
        copied = self._copy(self._here())
        return copied, self.files.keep()

    def put_back(self, kept: tuple[str, Path]) -> None:
        database, folder = kept
        before = self._here()
        self.files.put_back(folder)
        self.world.store_url = self.server.get_uri(self._copy(database))
        settings = self.world.folder / "leadloop.yaml"
        text = re.sub(r"(?m)^store: .*$", f"store: {self.world.store_url}", settings.read_text())
        settings.write_text(text)
        self.server.psql(f"DROP DATABASE {before} WITH (FORCE);")

    def let_go(self) -> None:
        """A killed run's lease ends by itself after a while; here that while is over at once."""
        store = open_store(self.world.store_url)
        with store.write() as tx:
            tx.exec_driver_sql("UPDATE lease SET expires_at = 0")
        store.close()

    def _here(self) -> str:
        return self.world.store_url.partition("?")[0].rpartition("/")[2]

    def _copy(self, database: str) -> str:
        self.made += 1
        made = f"{self.name}_{self.made}"
        self.server.psql(f"CREATE DATABASE {made} TEMPLATE {database};")
        return made


@dataclass
class Ground:
    """A world whose steps are taken by children; its state can be kept and put back."""

    world: Any
    crm: Remote
    copies: Copies
    steps: dict[str, Callable[[Any], object]]
    book: Callable[[Any], dict[str, Any]]
    """What must be the same however we came here, beside the CRM's log."""
    kept: list[Any] = field(default_factory=list)

    def step(self, name: str, kill_at: int | None = None) -> tuple[int, list[str]]:
        """Take one step in a child; gives how it ended and the places it passed, in order."""
        seen, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(seen)
            self._live(name, kill_at, tell)
        os.close(tell)
        with os.fdopen(seen, "rb") as pipe:
            passed = pipe.read().decode().split()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            self.copies.let_go()
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
            self.crm.enter()
            points.watch(at)
            tenacity.nap.time.sleep = lambda _seconds: None
            self.steps[name](self.world)
            code = 0
        except LeadloopError as error:
            code = AGAIN if error.retryable else code
            if not error.retryable:
                traceback.print_exc(file=sys.stderr)
        except BaseException:  # noqa: BLE001  the child says it and ends
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)

    def keep(self) -> int:
        """Keep everything as it stands now; gives its number."""
        values = {k: v for k, v in vars(self.world).items() if k in {"now", "events", "seen"}}
        self.kept.append((self.copies.keep(), self.crm.keep(), values))
        return len(self.kept) - 1

    def put_back(self, which: int) -> None:
        """Have everything stand as it was kept."""
        copied, remote, values = self.kept[which]
        self.copies.put_back(copied)
        self.crm.put_back(remote)
        vars(self.world).update(values)

    def outcome(self) -> dict[str, Any]:
        """What must be the same however we came here: the CRM's whole log, and the book."""
        return {**self.crm.log(), **self.book(self.world)}


def memory_ground(
    world: Any, served: Served, copies: Copies | None = None, address: str = ""
) -> Ground:
    """A World of the sync tests, its CRM behind HTTP."""
    from tests.crash.scenes import STEPS

    crm = MemoryCrm(world, address or served.address)
    return Ground(world, crm, copies or InFiles(world.folder), STEPS, world_book)


def world_book(world: Any) -> dict[str, Any]:
    """What a World's store and files say that no kill may change."""
    rows = world.rows
    return {
        "cycles": nameless(rows("SELECT person, number, state, owner FROM cycle")),
        "moves": nameless(rows('SELECT person, "before", "after", why FROM move ORDER BY seq')),
        "routing": nameless(rows("SELECT person, rule, owner FROM routing ORDER BY seq")),
        "scores": sorted(rows("SELECT person, score, reasons FROM score")),
        "said": nameless(rows("SELECT person, verdict, reason FROM disposition")),
        "edits": sorted(rows("SELECT record, field, value FROM human_edit")),
        "hand-offs": nameless(
            rows("SELECT person, number, turn, owner, step, task, package FROM handoff")
        ),
        "offers": nameless(rows(f"SELECT person, partner, state, delivered, {_CODE} FROM offer")),
        "kept out": rows("SELECT count(*) FROM forgotten"),
        "last": [one for one in world.last_written() if one[1] not in _VOLATILE],
        "waiting": sorted(
            rows(
                "SELECT record, grp, state FROM outbox WHERE state IN "
                "('planned', 'approved', 'sending', 'retry', 'unknown', 'dead')"
            )
        ),
        "records": sorted(rows("SELECT object, id, hash, gone, person FROM record"), key=repr),
        "people": sorted(rows("SELECT id, excluded FROM person"), key=repr),
        "aliases": sorted(rows("SELECT old, person FROM person_alias")),
        "activities": sorted(rows("SELECT id, person, machine FROM activity"), key=repr),
        "files": files_of(world.folder / "drop"),
        "audit is whole": audit_is_whole(world),
        "not in the journal": unjournaled(world),
    }


def nameless(rows: list[tuple[Any, ...]]) -> list[str]:
    """Rows as text, sorted; who was forgotten has another pseudonym each time."""
    return sorted(_PSEUDONYM.sub("forgotten/…", repr(row)) for row in rows)


def files_of(folder: Path) -> dict[str, str]:
    """Every file of a folder that has its name, with what is in it."""
    found = sorted(folder.rglob("*")) if folder.exists() else []
    return {
        str(f.relative_to(folder)): f.read_text() for f in found if f.is_file() and f.name[0] != "."
    }


def audit_is_whole(world: Any) -> bool:
    """Whether the chain of the audit log has no broken link."""
    store = open_store(world.loaded.store_url())
    try:
        with store.read() as tx:
            return audit.verify(tx).broken_at == 0
    finally:
        store.close()


def unjournaled(world: Any) -> list[tuple[str, str, Any]]:
    """Effective changes that the journal does not know: those are people's."""
    known: dict[tuple[str, str], list[Any]] = {}
    for record, changes in world.rows("SELECT record, changes FROM journal"):
        for name, (_, after) in orjson.loads(changes).items():
            known.setdefault((record, name), []).append(after)
    return [
        (ident, name, after)
        for source, ident, name, _, after in world.crm.effects
        if source == "leads"
        and name not in _VOLATILE
        and not any(same(after, one) for one in known.get((ident, name), ()))
    ]


def chosen(passed: list[str], luck: Random) -> list[int]:
    """Give the places to kill at: all of them, or first each kind's first and then by lot.

    CRASH_PLACES says how many of a step (`all` for every one).
    """
    asked = os.environ.get("CRASH_PLACES", "6")
    every = list(range(1, len(passed) + 1))
    if asked == "all":
        return every
    kinds = list(dict.fromkeys(passed))
    firsts = [passed.index(kind) + 1 for kind in kinds]
    others = [place for place in every if place not in firsts]
    luck.shuffle(firsts)
    luck.shuffle(others)
    return (firsts[: int(asked) // 2] + others)[: int(asked)]
