"""What every measure is: questions to one table of all passes, and figures out of the answers.

The table is `pass`, a row for each pass of each person, as `History` tells one. Measures never
open it: they are given what asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from connector.funnel.history import STAGES

Row = tuple[Any, ...]

REACHED = tuple(f"{stage}_at" for stage in STAGES)
"""The columns that say when each stage was reached."""

COLUMNS = {
    "person": "VARCHAR",
    "number": "INTEGER",
    "state": "VARCHAR",
    "newest": "BOOLEAN",
    "found": "BOOLEAN",
    "depth": "TINYINT",  # the deepest stage, as an index into STAGES
    "won": "BOOLEAN",
    "settled": "BOOLEAN",
    "nurtured": "BOOLEAN",  # it was in nurture at some time
    "was_ready": "BOOLEAN",  # it was sales-ready or held at some time
    **dict.fromkeys(REACHED, "BIGINT"),
    **dict.fromkeys(("reason", "owner", "source", "segment", "theme", "phase"), "VARCHAR"),
    "partner": "VARCHAR",
    "score": "INTEGER",
    "given_score": "INTEGER",
    "given_at": "BIGINT",  # the hand-off; the next six are null without one
    **dict.fromkeys(("touch_due", "touched_at", "touched_open"), "BIGINT"),
    **dict.fromkeys(("decide_due", "decided_at"), "BIGINT"),
    "watched": "BOOLEAN",
    "won_cents": "BIGINT",
    "other_cents": "BIGINT",
    "last_at": "BIGINT",
    "machine_only": "BOOLEAN",
    "efforts": "INTEGER",
    "campaigns": "STRUCT(moment BIGINT, name VARCHAR)[]",
    "campaign": "VARCHAR",  # the name of the first of them
    "stays": "STRUCT(state VARCHAR, since BIGINT, until BIGINT)[]",
    "sales": "STRUCT(moment BIGINT, cents BIGINT)[]",
    "products": "VARCHAR[]",
}
"""The columns of `pass`, with their types in SQL; lists are empty or null where there is nothing.

Moments are microseconds UTC, money is in cents. No text is empty but null.
"""

MACROS = """
CREATE MACRO month_of(moment) AS strftime(make_timestamp(moment), '%Y-%m');
CREATE MACRO quarter_of(moment) AS
    year(make_timestamp(moment)) || '-Q' || quarter(make_timestamp(moment));
CREATE MACRO same_month(moment) AS
    12 * year(make_timestamp(moment)) + month(make_timestamp(moment));
CREATE MACRO same_quarter(moment) AS
    4 * year(make_timestamp(moment)) + quarter(make_timestamp(moment));
CREATE MACRO within(spans, percent) AS list_sort(spans)[(len(spans) * percent + 99) // 100];
"""
"""What questions may use beside SQL's own functions; `within` is that of `statistics`.

Rows are grouped by `same_month`, a number, and each group called by `month_of`: to write a month of
every row takes several times as long.
"""


class Ask(Protocol):
    """Asks the table `pass`, in SQL; gives rows."""

    def __call__(self, query: str, /) -> list[Row]: ...


def by_stage(query: str, stages: Sequence[int] = range(len(STAGES))) -> str:
    """Give a query for each stage after another.

    In `query`, `{stage}` stands for the stage's place, `{at}` for its moment, and `{since}` for
    the moment of the stage before.
    """
    return " UNION ALL ".join(
        query.format(stage=stage, at=REACHED[stage], since=REACHED[max(stage - 1, 0)])
        for stage in stages
    )


def quoted(text: str) -> str:
    """Give a text as SQL writes it."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def listed(texts: Iterable[str]) -> str:
    """Give texts as SQL lists them after IN."""
    return f"({', '.join(map(quoted, sorted(texts)))})"
