"""Our scoring, as the scoring process does it, with the CPU seconds of each of its stages.

What is asked for: `scores` alone, every rule's `points` too, reasons in words for everybody
(`explained`), or scores by a model of 300 rules (`large`).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from connector.engine.duck import open_duck
from connector.engine.framed import score_tables
from connector.engine.job import Job
from connector.engine.run import ScoredFile
from connector.engine.tables import read_files
from connector.scoring.choice import Models
from connector.scoring.explain import explain, reasons_text
from connector.scoring.model import Model, load_model

SHIPPED = Path(__file__).parents[2] / "mappings" / "model.yaml"
URLS = ("/pricing", "/product", "/blog", "/careers", "/docs", "/about")
KINDS = ("page_view", "download", "form_submit", "email_click", "webinar")


def main(folder: Path, now: int, out: str, memory: str, what: str) -> None:
    """Read the Parquet files, score, write Parquet."""
    begun = time.process_time()
    model = large_model() if what == "large" else load_model(SHIPPED)
    source = {
        "people": str(folder / "people.parquet"),
        "activities": str(folder / "activities.parquet"),
        "contributions": what in {"points", "explained"},
    }
    with tempfile.TemporaryDirectory() as spill:
        duck = open_duck(Path(spill), memory=memory)
        started = time.process_time()
        read_files(duck, source, model)
        read = time.process_time()
        score_tables(duck, Job(source, model.plain(), now, out, memory))
    scored = time.process_time()
    said = {"start": started - begun, "read": read - started, "score": scored - read}
    if what == "explained":
        said["people"] = explained(model, Path(out))
        said["explain"] = time.process_time() - scored
    print(json.dumps(said))


def explained(model: Model, out: Path) -> int:
    """Put everybody's score into words, as publishing does; gives for how many."""
    count = 0
    for _, page in ScoredFile(out, Models.only(model)).pages():
        for score, points, _ in page:
            count += bool(reasons_text(explain(model, points, score), score))
    return count


def large_model() -> Model:
    """150 fit and 150 behaviour rules: all shapes, many half-lives."""
    shapes: list[dict[str, Any]] = [
        {},
        {"per": "day"},
        {"within": "90d"},
        {"per": "day", "times": 2},
    ]
    did = [
        {
            "name": f"b{n}",
            "activity": KINDS[n % 5],
            "points": n % 7 - 2,
            "half_life": f"{7 + n % 25}d",
            "max": 20,
            **({"where": {"url": {"prefix": URLS[n % 6]}}} if n % 5 == 0 else {}),
            **shapes[n % 4],
        }
        for n in range(150)
    ]
    size = [
        {
            "name": f"f{n}",
            "field": "account.employees",
            "range": [60 * n, 60 * n + 60],
            "points": n % 9,
        }
        for n in range(150)
    ]
    return Model.model_validate(
        {
            "version": 1,
            "name": "large",
            "fit": {"full_marks": 9, "groups": [{"name": "size", "rules": size}]},
            "behaviour": {"full_marks": 90, "groups": [{"name": "did", "rules": did}]},
        }
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5])
