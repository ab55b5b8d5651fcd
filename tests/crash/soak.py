"""A soak: whole journeys with kills and bad lines, and bad input, until the time is up.

    python -m tests.crash.soak --seconds 7200 --seed 7

Every telling of the journey must end as the calm one did, and every bad input must be refused in
our words or kept aside. Prints one table: what was injected, and what was survived.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bad_input import KINDS as KINDS_OF_INPUT
from tests.crash.ground import AGAIN, Ground, memory_ground
from tests.crash.scenes import JOURNEY, people_at_work
from tests.crash.wire import Served
from tests.proxy import FAULTS, Proxy
from tests.sync.world import World

KINDS = [fault for fault in FAULTS if fault not in {"pass", "stale"}]
"""All but the answer to another question, which our own little protocol could not tell apart."""
_UNSENT = "SELECT 1 FROM outbox WHERE state IN ('approved', 'sending', 'retry', 'unknown')"
_PATIENCE = 40
_SHARE_OF_INPUT = 0.1
_MINUTE = 60_000_000


@dataclass
class Tally:
    """What was done to us, by kind, and how much of it we came through."""

    injected: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    tellings: int = 0
    failures: list[str] = field(default_factory=list)

    def count(self, met: Mapping[str, int], fault: str | None) -> None:
        """Count what was met at one go, and what was wrong after it, if anything was."""
        self.injected.update(met)
        if fault is None:
            self.survived.update(met)
        else:
            self.failures.append(f"{fault}, after {dict(met)}")

    def table(self) -> str:
        """One line for each kind."""
        wide = max(map(len, self.injected), default=0)
        lines = [f"{'':{wide}} {'injected':>9} {'survived':>9}"]
        for kind, count in sorted(self.injected.items()):
            lines.append(f"{kind:{wide}} {count:9,} {self.survived[kind]:9,}")
        lines += [f"journeys told: {self.tellings}", f"failed: {len(self.failures)}"]
        return "\n".join([*lines, *self.failures])


def soak(world: World, served: Served, luck: random.Random, seconds: float, tally: Tally) -> None:
    """Tell the journey again and again, killed and over bad lines, until the time is up."""
    ground = memory_ground(world, served)
    start = ground.keep()
    for day, name in JOURNEY:
        if day is not None:
            people_at_work(ground.world, day)
        assert ground.step(name)[0] == 0
    calm = ground.outcome()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ground.put_back(start)
        met: Counter[str] = Counter()
        fault = _telling(ground, served, luck, met)
        found = ground.outcome()
        differs = [part for part, wanted in calm.items() if found[part] != wanted]
        tally.count(met, fault or (f"{', '.join(differs)} differs" if differs else None))
        tally.tellings += 1


def _telling(ground: Ground, served: Served, luck: random.Random, met: Counter[str]) -> str | None:
    """One journey over a line of its own, which is bad every second time; says what it broke at."""
    proxy = Proxy(served.server.server_address[1])
    over = memory_ground(ground.world, served, address=proxy.address)
    bad = luck.random() < 0.5
    try:
        for day, name in JOURNEY:
            if day is not None:
                people_at_work(ground.world, day)
            if bad:
                faults = luck.choices(KINDS, k=luck.randint(1, 6))
                proxy.faults = [
                    f for fault in faults for f in (*["pass"] * luck.randint(0, 9), fault)
                ]
            then = ground.world.now
            _insist(over, luck, name, met)
            ground.world.now = then  # people keep their hours, however long we took
    except AssertionError as error:
        return str(error)
    finally:
        met.update(f"line: {fault}" for fault in proxy.met if fault != "pass")
        proxy.close()
    return None


def _insist(ground: Ground, luck: random.Random, name: str, met: Counter[str]) -> None:
    """Take a step, killed at random, until it has come to its end and left nothing to be sent.

    What the CRM put off is the next run's, and people do not wait for it: here they do.
    """
    for _ in range(_PATIENCE):
        place = luck.randint(1, 120) if luck.random() < 0.6 else None
        code, _ = ground.step(name, kill_at=place)
        if code == 0 and not ground.world.rows(_UNSENT):
            return
        if code == 0:
            name = "run"
            ground.world.now += _MINUTE
            continue
        if code == -signal.SIGKILL:
            met["kill"] += 1
        else:
            assert code == AGAIN, f"{name} ended with {code}"
            ground.world.now += _MINUTE
    raise AssertionError(f"{name} never came to its end")


def main() -> None:
    """Soak for so long, and print the table."""
    asked = argparse.ArgumentParser(prog="tests.crash.soak")
    asked.add_argument("--seconds", type=float, default=7200)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    luck, tally = random.Random(given.seed), Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        folder.mkdir()
        world = World(folder, f"sqlite:///{folder}/state/leadloop.db")
        served = Served(world)
        try:
            soak(world, served, luck, given.seconds * (1 - _SHARE_OF_INPUT), tally)
        finally:
            served.close()
    end = time.monotonic() + given.seconds * _SHARE_OF_INPUT
    while time.monotonic() < end:
        kind = luck.choice(list(KINDS_OF_INPUT))
        try:
            KINDS_OF_INPUT[kind](luck)
        except Exception as error:  # noqa: BLE001  whatever it is, it is no refusal of ours
            tally.count({kind: 1}, repr(error))
        else:
            tally.count({kind: 1}, None)
    print(f"seed {given.seed}")
    print(tally.table())
    sys.exit(bool(tally.failures))


if __name__ == "__main__":
    main()
