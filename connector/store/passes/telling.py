"""What is read of the store to tell all passes: one query a table, each row read once.

The queries are texts for a bulk reader. Each begins with a row of nobody's that shows the types of
its columns, because SQLite itself does not know them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_BLANKS = {"text": "''", "whole": "CAST(0 AS BIGINT)", "truth": "CAST(0 AS BIGINT)"}
_NAMES = {"id": "person", "at": "moment"}
NEXT, ANSWERED, BY = "\x1e", "\x1f", "\x1d"
"""Between things done; between a moment and the campaign it answered, or the owner who did it."""


class _Table(NamedTuple):
    columns: Mapping[str, str]
    where: str = "person IS NOT NULL"
    name: str | None = None


_CYCLE = {
    "person": "text",
    "number": "whole",
    "state": "text",
    "opened_at": "whole",
    "owner": "text",
    "handed_off_at": "whole",
    "sla_due_at": "whole",
    "theme": "text",
    "verdict_reason": "text",
    "verdict_at": "whole",
    "current": "truth",
    "phase": "text",
}
_TABLES = {
    "people": _Table({"id": "text", "doc": "text"}, "id IS NOT NULL", "person"),
    "cycles": _Table(_CYCLE, name="cycle"),
    "scores": _Table({"person": "text", "score": "whole"}, name="score"),
    "handoffs": _Table({"person": "text", "number": "whole", "score": "whole"}, name="handoff"),
    "moves": _Table(
        {"person": "text", "number": "whole", "after": "text", "why": "text", "at": "whole",
         "seq": "whole"},
        name="move",
    ),
    "verdicts": _Table(
        {"person": "text", "number": "whole", "verdict": "text", "at": "whole"},
        name="disposition",
    ),
    "offers": _Table(
        {"person": "text", "number": "whole", "partner": "text", "answered_at": "whole"},
        "state = 'accepted'",
        "offer",
    ),
}  # fmt: skip


def telling_queries(dialect: str) -> dict[str, str]:
    """Give the queries by the names of the tables they fill."""
    plain = {name: _plain(table) for name, table in _TABLES.items()}
    return plain | {"doings": _doings(dialect)}


def _plain(table: _Table) -> str:
    blanks = ", ".join(
        f"{_BLANKS[kind]} AS {_NAMES.get(name, name)}" for name, kind in table.columns.items()
    )
    values = ", ".join(
        {
            "text": name,
            "whole": f"CAST({name} AS BIGINT)",
            "truth": f"CAST(CASE WHEN {name} THEN 1 ELSE 0 END AS BIGINT)",
        }[kind]
        for name, kind in table.columns.items()
    )
    return f"SELECT {blanks} UNION ALL SELECT {values} FROM {table.name} WHERE {table.where}"


def _doings(dialect: str) -> str:
    """Ask for one row a person: the newest activity, how many there are, how many of machines,
    seen twice and both, and those that somebody did or that answered a campaign.

    Each row of the store's largest table passes here: what is spelt out is not worked out.
    """
    listed = "string_agg" if dialect == "postgresql" else "group_concat"
    owner, campaign = (f"replace({name}, '{NEXT}', ' ')" for name in ("owner", "campaign"))
    at = "CAST(time AS TEXT)"
    told = (
        f"CASE WHEN owner IS NOT NULL THEN {at} || '{BY}' || connection || '/' || {owner} "
        f"ELSE {at} || '{ANSWERED}' || {campaign} END"
    )
    zero = _BLANKS["whole"]
    return (
        f"SELECT '' AS person, {zero} AS newest, {zero} AS n, {zero} AS machine, "
        f"{zero} AS duplicate, {zero} AS machine_twice, '' AS told UNION ALL "
        "SELECT person, max(CASE WHEN duplicate THEN NULL ELSE time END), count(*), "
        "count(*) FILTER (WHERE machine), count(*) FILTER (WHERE duplicate), "
        "count(*) FILTER (WHERE machine AND duplicate), "
        f"{listed}({told}, '{NEXT}') FILTER (WHERE owner IS NOT NULL "
        "OR campaign IS NOT NULL AND NOT machine AND NOT duplicate) "
        "FROM activity WHERE person IS NOT NULL GROUP BY person"
    )
