"""Scores an export of the Parquet files on Spark; gives the CPU seconds of Python and the JVM."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from connector.engine.duck import open_duck
from connector.engine.export import write_export
from connector.engine.job import Job
from connector.engine.spark import score_on_spark
from connector.engine.tables import read_files
from connector.scoring.choice import Models
from connector.scoring.model import Model, load_model


def export(data: Path, folder: Path, model: Model) -> None:
    """Write everybody as a run does."""
    source = {
        "people": str(data / "people.parquet"),
        "activities": str(data / "activities.parquet"),
    }
    with tempfile.TemporaryDirectory() as spill:
        duck = open_duck(Path(spill))
        read_files(duck, source, model)
        write_export(duck, folder, "1")
        duck.close()


def jvm_seconds() -> float:
    """The CPU seconds of the JVM that this process drives; Linux only."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway  # noqa: SLF001  nothing public names the JVM's process
    spent = Path(f"/proc/{gateway.proc.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")


def main(data: Path, now: int, out: Path, master: str) -> None:
    """Export, then score; only the second is timed."""
    model = load_model(Path(__file__).parents[2] / "mappings" / "model.yaml")
    folder = out / "export"
    export(data, folder, model)
    begun, used = time.perf_counter(), time.process_time()
    source = {"spark": str(folder), "master": master}
    score_on_spark(Job(source, Models.only(model).plain(), now, str(out / "scored")))
    wall = time.perf_counter() - begun
    cpu = time.process_time() - used + jvm_seconds()
    print(json.dumps({"wall": wall, "cpu": cpu}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
