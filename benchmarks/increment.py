"""What a run costs in which one in a hundred changed, beside one that scores everybody.

    python -m benchmarks.increment                            100,000 people x 2 million activities

The step is the one a run takes: it reads the store, scores and publishes what differs. Everybody is
scored once a day, because scores age. Each row is a process of its own, which a run is once for all
its steps: what is left without its start (the row in which nobody changed) is told beside it.
These two are run five times, and the median is told. How many each step scored is checked; that
sums which were kept give what the whole history gives is a law (test_tallies.py,
test_increment.py, test_counting_on.py).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from benchmarks.activities import NOW
from benchmarks.measuring import Measured, cache, measured, module, table

PEOPLE, ACTIVITIES = 100_000, 2_000_000
EVERY = 100
TIMES = 5
DAY, MINUTE = 86_400_000_000, 60_000_000
COLUMNS = (
    "",
    "wall s",
    "CPU s",
    "of the first",
    "of counting anew",
    "without start",
    "peak MB",
    "people",
    "scores changed",
)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.increment")
    asked.add_argument("--people", type=int, default=PEOPLE)
    asked.add_argument("--activities", type=int, default=ACTIVITIES)
    asked.add_argument("--account", action="store_true", help="with a rule on what colleagues did")
    given = asked.parse_args()
    model = "account" if given.account else "shipped"
    print(part(given.people, given.activities, model))


def part(people: int, activities: int, model: str = "shipped") -> str:
    """Measure; gives the table. With the model `account` colleagues of who changed come along."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "s.db"
        shutil.copy(_store(people, activities), path)
        later = NOW + 2 * DAY
        first = _score(path, NOW, model, people)
        measured(module("benchmarks.clients.stored", "forget", path))
        full = _score(path, NOW + DAY, model, people)
        aged = _score(path, later, model, people)
        somes, nones = [], []
        for time in range(later + MINUTE, later + 2 * TIMES * MINUTE, 2 * MINUTE):
            few = measured(module("benchmarks.clients.stored", "touch", path, EVERY, time)).said
            somes.append(_score(path, time, model, few, more=model == "account"))
            then = time + MINUTE
            nones.append(measured(module("benchmarks.clients.stored", "score", path, then, model)))
        some, none = _middle(somes), _middle(nones)
        other = _score(path, then + MINUTE, "repriced", people)
    steps = {
        "everybody, for the first time": first,
        "everybody, counted anew": full,
        "everybody, a day later": aged,
        f"one in {EVERY} changed": some,
        "nobody changed": none,
        "everybody, other points": other,
    }
    title = f"increment: {people:,} people, {activities:,} activities in a store"
    rows = [_cells(label, one, first, full, none) for label, one in steps.items()]
    return table(title, COLUMNS, rows)


def _middle(runs: list[Measured]) -> Measured:
    """The one whose CPU is the median: of less than a second a third is chance."""
    return sorted(runs, key=lambda one: one.cpu)[len(runs) // 2]


def _store(people: int, activities: int) -> Path:
    """A filled store, made when it is missing."""
    path = cache() / f"store-3-{people}-{activities}.db"
    if not path.is_file():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        data = measured(module("benchmarks.activities", people, activities)).said
        filled = measured(module("benchmarks.clients.filled", data, part, "quick")).said
        if filled != activities:
            raise SystemExit(f"{filled} of {activities} activities are in the store")
        part.rename(path)
    return path


def _score(path: Path, now: int, model: str, people: int, *, more: bool = False) -> Measured:
    one = measured(module("benchmarks.clients.stored", "score", path, now, model))
    if one.said["scored"] < people or (one.said["scored"] > people and not more):
        raise SystemExit(f"{one.said['scored']} people were scored, {people} should be")
    return one


def _cells(label: str, one: Measured, first: Measured, full: Measured, none: Measured) -> list[str]:
    return [
        label,
        f"{one.wall:.1f}",
        f"{one.cpu:.2f}",
        f"{one.cpu / first.cpu:.1%}",
        f"{one.cpu / full.cpu:.1%}",
        f"{max(one.cpu - none.cpu, 0) / (full.cpu - none.cpu):.1%}",
        f"{one.peak:.0f}",
        f"{one.said.get('scored', 0):,}",
        f"{one.said.get('score changed', 0):,}",
    ]


if __name__ == "__main__":
    main()
