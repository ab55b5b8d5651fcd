"""What a compiled program reads, and what compiled it: a kept one is used while these stay."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from connector.engine.steps import COUNTED_BEFORE
from connector.scoring.choice import Models

_MADE_BY = (
    "scoring/*.py",
    "engine/prepared.py",
    "engine/program.py",
    "engine/steps.py",
    "engine/duck.py",
    "domain/tally.py",
)
_LIBRARIES = ("duckdb", "narwhals")
TYPES = {"text": "VARCHAR", "any": "VARCHAR", "number": "DOUBLE", "bool": "BOOLEAN"}
"""What a field is in DuckDB, by what rules read it as."""
_ACTIVITY = {"person": "VARCHAR", "time": "BIGINT", "machine": "BOOLEAN", "type": "VARCHAR"}


def columns_of(models: Models) -> dict[str, dict[str, str]]:
    """Give the tables a program reads: their columns, in the order of the feed, and types."""
    fields = {name: TYPES[kind] for name, kind in models.person_fields().items()}
    read = dict.fromkeys(sorted(models.activity_columns()), "VARCHAR")
    return {
        "people": {"person": "VARCHAR"} | fields,
        "activities": _ACTIVITY | read,
        "again": _ACTIVITY | read,
        **COUNTED_BEFORE,
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
