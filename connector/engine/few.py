"""Scores few people in this process, from rows that whoever has the store open reads.

Starting a process for them would cost more than scoring them. The bulk driver stays out of this
one: it carries a second SQLite.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from connector.domain.moment import Micros
from connector.engine.duck import make_empty, open_duck, safe_words
from connector.engine.making import make_tables
from connector.engine.prepared import columns_of
from connector.engine.run import Scored, scored_of
from connector.engine.steps import Program
from connector.errors import LeadloopError
from connector.scoring.choice import Models
from connector.scoring.model import Model

Page = Sequence[Sequence[Any]]


class Few:
    """One scoring: the tables a program reads are filled first, page by page, then it is run."""

    def __init__(self, duck: duckdb.DuckDBPyConnection, models: Models) -> None:
        self._duck = duck
        self._models = models
        self._scores: list[str] = []

    def fill(self, table: str, pages: Iterable[Page]) -> None:
        """Fill a table with rows whose first column is a person; those of nobody are left out."""
        make_empty(self._duck, table, columns_of(self._models)[table])
        with self._duck.appender(table) as appender:
            for page in pages:
                appender.append_rows([row for row in page if row[0]])

    def run(self, program: Program, now: Micros) -> None:
        """Count everybody as of a moment; scores are worked out as they are asked for."""
        made = program.at(now)
        make_tables(self._duck, made)
        self._scores = made.scores

    def pages(self, size: int = 2_000) -> Iterator[tuple[Model, list[Scored]]]:
        """Yield pages of scores in person order, each with the model that made them."""
        for query, (model, _) in zip(self._scores, self._models, strict=True):
            found = self._duck.execute(f"{query} ORDER BY person")
            while rows := found.fetchmany(size):
                yield model, scored_of(model, rows)


@contextmanager
def scoring_few(models: Models, memory: str) -> Iterator[Few]:
    """Open a scoring of so few people that one thread has done before others have started."""
    with (
        tempfile.TemporaryDirectory(prefix="leadloop-") as folder,
        closing(open_duck(Path(folder), memory=memory, threads=1)) as duck,
    ):
        try:
            yield Few(duck, models)
        except duckdb.Error as error:
            raise LeadloopError(
                f"scoring ended with {safe_words(error)}",
                hint="This is a bug; please report it with the model's version",
            ) from None
