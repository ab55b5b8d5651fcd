"""Hands rows to a cluster and takes scores back: export, score, read."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.domain.moment import Micros
from connector.engine.job import Job
from connector.engine.run import ScoredFile, run_job
from connector.scoring.choice import Models


def export_store(
    models: Models, folder: Path, run: str, *, url: str, people: str, activities: str, memory: str
) -> None:
    """Write what differs from the last export of this folder, under the id of this run."""
    source = {
        "store": url,
        "people": people,
        "activities": activities,
        "fields": models.person_fields(),
        "export": str(folder.absolute()),
        "run": run,
    }
    with tempfile.TemporaryDirectory(prefix="leadloop-") as place:
        run_job(Job(source, models.plain(), 0, "", memory), Path(place))


@contextmanager
def score_export(models: Models, now: Micros, folder: Path, master: str) -> Iterator[ScoredFile]:
    """Score an export on the cluster; results pass through `folder` and are gone afterwards."""
    out = folder.absolute() / "scored"
    source = {"spark": str(folder.absolute()), "master": master}
    try:
        with tempfile.TemporaryDirectory(prefix="leadloop-") as place:
            run_job(Job(source, models.plain(), now, str(out)), Path(place))
        yield ScoredFile(out, models)
    finally:
        for found in folder.absolute().glob("scored*"):
            shutil.rmtree(found, ignore_errors=True)
