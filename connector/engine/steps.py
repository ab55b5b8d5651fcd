"""Compiled models as text: kept from run to run, so that a run that scores few compiles nothing."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.moment import Micros

NOW = 2_305_843_009_213_693_951
"""Stands for the moment in a compiled program: no duration or other moment is this number."""
SLICE = "hash(person) % 1 = 0"
"""Stands in a query for the people it is run for: with very many it is run slice by slice."""
COUNTED_BEFORE = {
    "tallies": {
        "person": "VARCHAR",
        "more": "BIGINT",
        **dict.fromkeys(("as_of", "newest", "until"), "BIGINT"),
        **dict.fromkeys(("sums", "open", "entries"), "VARCHAR"),
    },
    "changed": {"person": "VARCHAR", "type": "VARCHAR"},
}
"""The tables of what was counted before, with their columns and types; empty, nothing was."""
Steps = list[tuple[str, str]]
"""Names of tables, each with the query of what is in it, in the order they are made; without one
the table is dropped."""


class Program(NamedTuple):
    """Queries over the tables `people`, `activities`, `tallies`, `again` and `changed`.

    Of whom there is no tally `activities` must hold all; of whom there is one that is to get `more`
    those since its open days began, which are counted anew; of all others none. Of which types not
    all is what it was says `changed`: rules that read these are counted from `again`, where all
    activities are of the types they read.

    `counting` is made first, then `anew` where something changed, then `told`. `scores` is one
    query a model, of the people it is for. Each gives the columns of score_frame, then those of
    Tally of whom it counted something.
    """

    counting: Steps
    anew: Steps
    told: Steps
    scores: list[str]

    def at(self, now: Micros) -> Program:
        """Give the same for a moment."""
        said, moment = str(NOW), str(now)
        counting, anew, told = (
            [(name, query.replace(said, moment)) for name, query in steps] for steps in self[:3]
        )
        return Program(counting, anew, told, [query.replace(said, moment) for query in self.scores])

    def steps(self, *, changed: bool) -> Steps:
        """The tables to be made before scores can be asked for."""
        return [*self.counting, *(self.anew if changed else []), *self.told]
