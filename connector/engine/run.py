"""Starts scoring processes and hands back what they found, page by page."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from connector.domain.moment import Micros
from connector.domain.score import Score
from connector.domain.tally import Tally
from connector.engine.job import Job, lines_of, numbered
from connector.engine.steps import Program
from connector.errors import LeadloopError, LoginError, TryLaterError, UsageError
from connector.scoring.choice import Models
from connector.scoring.model import Model
from connector.scoring.rules import column

_ERRORS = {2: UsageError, 3: LoginError, 75: TryLaterError}


class Scored(NamedTuple):
    """A score, the raw points by `rule:<name>` that are not 0, and what was counted anew."""

    score: Score
    points: dict[str, float]
    tally: Tally | None = None


class ScoredFile:
    """Scores in files, one for each model, each in person order: Parquet, or lines of few."""

    def __init__(self, path: Path, models: Models) -> None:
        self.path = path
        self._models = models

    def pages(self, size: int = 2_000) -> Iterator[tuple[Model, list[Scored]]]:
        """Yield pages of scores, each with the model that made them."""
        for place, (model, _) in enumerate(self._models):
            for rows in _rows(numbered(str(self.path), place), size):
                yield model, scored_of(model, rows)


def scored_of(model: Model, rows: Sequence[Sequence[Any]]) -> list[Scored]:
    """Read rows of scores that a model made."""
    names = [column(rule.name) for rule in model.fit_rules()]
    names += [column(rule.name) for rule in model.behaviour_rules()]
    width, end = len(Score._fields), len(Score._fields) + len(names)
    return [
        Scored(
            Score(*row[:width]),
            {n: v for n, v in zip(names, row[width:end], strict=True) if v},
            Tally(*row[end:]) if row[-1] is not None and row[end:] else None,
        )
        for row in rows
    ]


def _rows(path: str, size: int) -> Iterator[Sequence[Sequence[Any]]]:
    """Rows of scores in person order, page by page."""
    lines = lines_of(path)
    if lines.is_file():
        told = lines.read_bytes().splitlines()
        for start in range(0, len(told), size):
            yield [orjson.loads(line) for line in told[start : start + size]]
        return
    from connector.engine.duck import open_duck  # noqa: PLC0415  most runs score few

    duck = open_duck()
    try:
        files = f"{path}/*.parquet" if Path(path).is_dir() else path
        quoted = files.replace("'", "''")
        result = duck.execute(f"SELECT * FROM read_parquet('{quoted}') ORDER BY person")
        while rows := result.fetchmany(size):
            yield rows
    finally:
        duck.close()


@contextmanager
def score_store(
    models: Models,
    now: Micros,
    *,
    url: str,
    queries: Mapping[str, str],
    memory: str = "1400MB",
    scorer: Scorer | None = None,
    program: Program | None = None,
) -> Iterator[ScoredFile]:
    """Score the people of the store whom queries select; the file is gone afterwards.

    `queries` are those of the tables a Program reads; without those of what was counted before all
    is counted. `program` is what was compiled of these models before.
    """
    made = program or compiled_now(models)

    with (
        closing(scorer or Scorer(url)) as process,
        tempfile.TemporaryDirectory(prefix="leadloop-") as folder,
    ):
        source = {
            "store": url,
            **queries,
            "fields": models.person_fields(),
            **made.at(now)._asdict(),
        }
        out = Path(folder) / "scored.parquet"
        run_job(Job(source, {}, now, str(out), memory), Path(folder), process)
        yield ScoredFile(out, models)


def compiled_now(models: Models) -> Program:
    """Compile the models, for any moment."""
    from connector.engine.program import compiled  # noqa: PLC0415  it loads DuckDB

    return compiled(models)


def score_files(
    model: Model,
    *,
    people: Path,
    activities: Path | None,
    now: Micros,
    out: Path,
    contributions: bool = False,
) -> None:
    """Score CSV or Parquet files into a CSV or Parquet file, without a store.

    Raises UsageError that names the file, line and column of the first value that cannot be read.
    """
    source: dict[str, Any] = {
        "people": str(people),
        "activities": str(activities) if activities else None,
        "contributions": contributions,
    }
    with tempfile.TemporaryDirectory(prefix="leadloop-") as folder:
        run_job(Job(source, model.plain(), now, str(out)), Path(folder))


class Scorer:
    """A scoring process that loads its libraries and waits for one job.

    `url` is the store it will read, so that the driver is there before the job comes.
    """

    def __init__(self, url: str = "") -> None:
        database = [url.partition(":")[0]] if url else []  # the address itself may hold a password
        self._process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", "connector.engine", *database],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

    def do(self, job: Path) -> None:
        """Do the job of a file; raises what the process says."""
        _, told = self._process.communicate(f"{job}\n")
        code = self._process.returncode
        if code == 0:
            return
        said, _, hint = told.strip().rpartition("\n")
        kind = _ERRORS.get(code)
        if kind is not None:
            raise kind(said or hint, hint=hint or None)
        raise LeadloopError(
            f"the scoring process ended with {code}: {told.strip()[-400:]}",
            hint="This is a bug; please report it with the model's version",
        )

    def close(self) -> None:
        """Let a process go that got no job."""
        if self._process.returncode is None:
            self._process.communicate()


def run_job(job: Job, folder: Path, scorer: Scorer | None = None) -> None:
    """Do a job in a process of its own, which may wait already; raises what the process says."""
    path = folder / "job.json"
    job.save(path)
    with closing(scorer or Scorer()) as process:
        process.do(path)
