"""Our scoring, as the scoring process does it, with the CPU seconds of each of its stages."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from connector.engine.duck import open_duck
from connector.engine.framed import score_tables
from connector.engine.job import Job
from connector.engine.tables import read_files
from connector.scoring.model import load_model


def main(folder: Path, now: int, out: str, memory: str) -> None:
    """Read the Parquet files, score with the shipped model, write Parquet."""
    begun = time.process_time()
    model = load_model(Path(__file__).parents[2] / "mappings" / "model.yaml")
    source = {
        "people": str(folder / "people.parquet"),
        "activities": str(folder / "activities.parquet"),
        "contributions": False,
    }
    with tempfile.TemporaryDirectory() as spill:
        duck = open_duck(Path(spill), memory=memory)
        started = time.process_time()
        read_files(duck, source, model)
        read = time.process_time()
        score_tables(duck, Job(source, model.plain(), now, out, memory))
    done = time.process_time()
    print(json.dumps({"start": started - begun, "read": read - started, "score": done - read}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
