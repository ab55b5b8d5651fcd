"""How fast everybody is scored anew: the shipped model over Parquet files.

    python -m benchmarks.scoring                            100,000 people x 2 million activities
    python -m benchmarks.scoring --people 1000000 --activities 20000000

Beside DuckDB's own scan and group-by of the same columns (the floor), the same model as SQL by
hand, in pandas, and as a Python loop over some of the people. All results are held against ours.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.activities import NOW
from benchmarks.measuring import (
    Measured,
    NotMeasured,
    environment,
    free_memory,
    measured,
    module,
    table,
)

PEOPLE, ACTIVITIES = 100_000, 2_000_000
LOOPED = 2_000
PANDAS_BYTES = 500
"""What pandas needs for each activity, with room to spare: it holds every row and its copies."""
PATIENCE = 900
"""Seconds that a contestant may take."""
COLUMNS = ("", "wall s", "CPU s", "activities/CPU-s", "peak MB", "CPU vs ours", "same results")
MEMORY = "1400MB"
FLOOR = "floor: DuckDB scan + group by"
BY_HAND = "DuckDB SQL by hand"
MORE = {
    "  every rule's points too": "points",
    "  and everybody's reasons": "explained",
    "  a model of 300 rules": "large",
}


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.scoring")
    asked.add_argument("--people", type=int, default=PEOPLE)
    asked.add_argument("--activities", type=int, default=ACTIVITIES)
    asked.add_argument("--no-peers", action="store_true", help="neither pandas nor the loop")
    given = asked.parse_args()
    print(part(given.people, given.activities, peers=not given.no_peers))


def part(people: int, activities: int, *, peers: bool = True) -> str:
    """Measure; gives the table."""
    data = measured(module("benchmarks.activities", people, activities)).said
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "ours.parquet"
        ours = _ours(data, out, "scores")
        shown = [_cells("Leadloop, scoring process", ours, ours, activities, "")]
        for label, stage in (("reading", "read"), ("scoring", "score")):
            shown.append([f"  of it {label}", "", f"{ours.said[stage]:.2f}", "", "", "", ""])
        for label, what in MORE.items():
            more = _ours(data, folder / "more.parquet", what)
            if more.said.get("people", people) != people:
                raise SystemExit(f"{more.said['people']} people were explained, not {people}")
            shown.append(_cells(label, more, ours, activities, "", activities))
        shown += list(_others(data, folder, ours, activities, peers=peers))
    title = f"scoring: {people:,} people, {activities:,} activities, shipped model"
    return table(title, COLUMNS, shown) + _ratios(shown)


def _ours(data: str, out: Path, what: str) -> Measured:
    return measured(module("benchmarks.clients.ours", data, NOW, out, MEMORY, what))


def _ratios(shown: list[list[str]]) -> str:
    """Our CPU over that of the floor and of the SQL by hand, which is what the goals are about."""
    cpu = {cells[0]: float(cells[2]) for cells in shown if len(cells) == len(COLUMNS) and cells[1]}
    ours = cpu.pop("Leadloop, scoring process")
    told = [f"{ours / cpu[name]:.2f} x {name}" for name in (FLOOR, BY_HAND) if cpu.get(name)]
    return f"Leadloop's CPU: {', '.join(told)}\n" if told else ""


def _others(
    data: str, folder: Path, ours: Measured, activities: int, *, peers: bool
) -> Iterator[list[str]]:
    hand, frame, looped = (folder / n for n in ("hand.parquet", "pandas.parquet", "loop.csv"))

    def by_hand(what: str) -> list[str]:
        return module("benchmarks.clients.by_hand", what, data, NOW, hand)

    def by_pandas() -> list[str]:
        if free_memory() < activities * PANDAS_BYTES:
            need = activities * PANDAS_BYTES / 2**30
            raise NotMeasured(f"it needs about {need:.0f} GB of memory, which are not free")
        python = environment("pandas", "pandas", "pyarrow")
        return [str(python), "-m", "benchmarks.clients.by_pandas", data, str(NOW), str(frame)]

    runs: list[tuple[str, Callable[[], list[str]], Path | None]] = [
        (FLOOR, lambda: by_hand("floor"), None),
        (BY_HAND, lambda: by_hand("score"), hand),
    ]
    if peers:
        runs += [
            ("pandas", by_pandas, frame),
            (
                f"Python loop, {LOOPED:,} people",
                lambda: module("benchmarks.clients.by_loop", data, NOW, LOOPED, looped),
                looped,
            ),
        ]
    for name, command, result in runs:
        try:
            one = measured(command(), seconds=PATIENCE)
            same = _compared(folder / "ours.parquet", result, whole=result in {hand, frame})
        except NotMeasured as why:
            yield [name, f"not measured: {why}"]
            continue
        yield _cells(
            name, one, ours, one.said if result is looped else activities, same, activities
        )


def _compared(ours: Path, theirs: Path | None, *, whole: bool) -> str:
    if theirs is None:
        return ""
    kind = "whole" if whole else "some"
    try:
        said = measured(module("benchmarks.clients.compared", ours, theirs, kind)).said
    except NotMeasured as why:
        raise SystemExit(f"{theirs.stem}: {why}") from None
    return f"{said['people']:,} to {said['apart']:.0e}"


def _cells(
    name: str, one: Measured, ours: Measured, did: int, same: str, activities: int = 0
) -> list[str]:
    speed = did / one.cpu
    ratio = (activities or did) / ours.cpu / speed
    return [
        name,
        f"{one.wall:.1f}",
        f"{one.cpu:.2f}",
        f"{speed:,.0f}",
        f"{one.peak:.0f}",
        f"{ratio:.2f}",
        same,
    ]


if __name__ == "__main__":
    main()
