"""What a scoring process is told: where the rows are, the model, `now`, and where scores go."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import orjson


class Job(NamedTuple):
    """`source` is {"store": url, "people": sql, "activities": sql} or {"people": path, ...}.

    With the parts of a Program they are scored by it, for which {"tallies": sql} and its other
    tables give what was counted before; `model` and `now` are unused.

    With {"export": folder, "run": id} the rows are written for a cluster, none is scored. With
    {"spark": folder, "master": url} a cluster scores what was written there.

    With {"moments": path} each person is scored as of moments of their own, and `now` is unused.
    """

    source: dict[str, Any]
    model: dict[str, Any]
    now: int
    out: str
    memory: str = "1400MB"

    def save(self, path: Path) -> None:
        """Write the job for the child; the store's address may hold a password, so for us only."""
        path.touch(mode=0o600)
        path.write_bytes(orjson.dumps(self._asdict()))


def load_job(path: Path) -> Job:
    """Read a job."""
    return Job(**orjson.loads(path.read_bytes()))


FEW = 10_000
"""Up to so many people their scores come as lines, which are read without loading DuckDB."""


def lines_of(out: str) -> Path:
    """The file of scores as lines, each a JSON list, that stands in place of `out`."""
    return Path(f"{out}.jsonl")


def numbered(out: str, place: int) -> str:
    """The file of the model in this place; the first has the name asked for."""
    return out if place == 0 else f"{out}.{place}"
