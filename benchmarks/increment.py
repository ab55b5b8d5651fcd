"""What a run costs in which one in a hundred changed, beside one that scores everybody.

    python -m benchmarks.increment                            100,000 people x 2 million activities

The step is the one a run takes: it reads the store, scores and publishes what differs. Everybody is
scored once a day, because scores age. How many each step scored is checked; that sums which were
kept give what the whole history gives is a law (test_tallies.py, test_increment.py).
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
DAY, HOUR, MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000
COLUMNS = ("", "wall s", "CPU s", "of counting anew", "peak MB", "people", "scores changed")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.increment")
    asked.add_argument("--people", type=int, default=PEOPLE)
    asked.add_argument("--activities", type=int, default=ACTIVITIES)
    given = asked.parse_args()
    print(part(given.people, given.activities))


def part(people: int, activities: int) -> str:
    """Measure; gives the table."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "s.db"
        shutil.copy(_store(people, activities), path)
        later = NOW + DAY
        first = _score(path, NOW, people)
        full = _score(path, NOW + HOUR, people, "anew")
        aged = _score(path, later, people)
        few = measured(
            module("benchmarks.clients.stored", "touch", path, EVERY, later + MINUTE)
        ).said
        some = _score(path, later + MINUTE, few)
        none = measured(module("benchmarks.clients.stored", "score", path, later + 2 * MINUTE))
        other = _score(path, later + 3 * MINUTE, people, "reprice")
    steps = {
        "everybody, for the first time": first,
        "everybody, counted anew": full,
        "everybody, a day later": aged,
        f"one in {EVERY} changed": some,
        "nobody changed": none,
        "everybody, other points": other,
    }
    title = f"increment: {people:,} people, {activities:,} activities in a store"
    return table(title, COLUMNS, [_cells(label, one, full) for label, one in steps.items()])


def _store(people: int, activities: int) -> Path:
    """A filled store, made when it is missing."""
    path = cache() / f"store-1-{people}-{activities}.db"
    if not path.is_file():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        data = measured(module("benchmarks.activities", people, activities)).said
        filled = measured(module("benchmarks.clients.stored", "fill", data, part)).said
        if filled != activities:
            raise SystemExit(f"{filled} of {activities} activities are in the store")
        part.rename(path)
    return path


def _score(path: Path, now: int, people: int, what: str = "score") -> Measured:
    one = measured(module("benchmarks.clients.stored", what, path, now))
    if one.said["scored"] != people:
        raise SystemExit(f"{one.said['scored']} people were scored, {people} should be")
    return one


def _cells(label: str, one: Measured, full: Measured) -> list[str]:
    return [
        label,
        f"{one.wall:.1f}",
        f"{one.cpu:.2f}",
        f"{one.cpu / full.cpu:.1%}",
        f"{one.peak:.0f}",
        f"{one.said.get('scored', 0):,}",
        f"{one.said.get('score changed', 0):,}",
    ]


if __name__ == "__main__":
    main()
