"""Compiled models as text: kept from run to run, so that a run that scores few compiles nothing."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.scoring.choice import Models

NOW = 2_305_843_009_213_693_951
"""Stands for the moment in a compiled program: no duration or other moment is this number."""
_MADE_BY = (
    "scoring/*.py",
    "engine/prepared.py",
    "engine/program.py",
    "engine/duck.py",
    "domain/tally.py",
)
_LIBRARIES = ("duckdb", "narwhals")
TYPES = {"text": "VARCHAR", "any": "VARCHAR", "number": "DOUBLE", "bool": "BOOLEAN"}
"""What a field is in DuckDB, by what rules read it as."""
_ACTIVITY = {"person": "VARCHAR", "time": "BIGINT", "machine": "BOOLEAN", "type": "VARCHAR"}
_TALLY = {
    "person": "VARCHAR",
    "more": "BIGINT",
    **dict.fromkeys(("as_of", "newest", "until"), "BIGINT"),
    **dict.fromkeys(("sums", "open"), "VARCHAR"),
}


class Program(NamedTuple):
    """Queries over the tables `people`, `activities` and `tallies`, run in this order.

    Of whom there is no tally all activities are counted; of whom there is one that is to get `more`
    those since its open days began, which are counted anew; of all others none.

    `tables` are made first, by name; `scores` is one query a model, of the people it is for. Each
    gives the columns of score_frame, then `newest`, `until`, `sums` and `open` of whom it counted
    anew.
    """

    tables: list[tuple[str, str]]
    scores: list[str]

    def at(self, now: Micros) -> Program:
        """Give the same for a moment."""
        return Program(
            [(name, query.replace(str(NOW), str(now))) for name, query in self.tables],
            [query.replace(str(NOW), str(now)) for query in self.scores],
        )


def columns_of(models: Models) -> dict[str, dict[str, str]]:
    """Give the tables a program reads: their columns, in the order of the feed, and types."""
    fields = {name: TYPES[kind] for name, kind in models.person_fields().items()}
    read = dict.fromkeys(sorted(models.activity_columns()), "VARCHAR")
    return {
        "people": {"person": "VARCHAR"} | fields,
        "activities": _ACTIVITY | read,
        "tallies": _TALLY,
    }


@lru_cache(maxsize=1)
def compiler() -> str:
    """Name what compiles: a program that another one made is not used."""
    root = Path(__file__).parents[1]
    digest = blake2b(" ".join(version(name) for name in _LIBRARIES).encode(), digest_size=16)
    for pattern in _MADE_BY:
        for path in sorted(root.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()
