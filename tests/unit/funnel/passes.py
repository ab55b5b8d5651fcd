"""Passes as the table that measures ask, out of histories."""

from __future__ import annotations

from functools import cache

from connector.engine.duck import open_duck
from connector.engine.passes import Here
from connector.funnel.history import STAGES
from connector.funnel.measure import COLUMNS


def asking(found):
    """Put histories into the table, in place of those before; gives what asks it."""
    passes = _passes()
    passes.run("DELETE FROM pass")
    rows = [row_of(one) for one in found]
    if rows:
        lists = ", ".join(f"unnest(CAST(? AS {kind}[]))" for kind in COLUMNS.values())
        columns = [[row[name] for row in rows] for name in COLUMNS]
        passes.run(f"INSERT INTO pass SELECT {lists}", columns)
    return passes.ask


@cache
def _passes():
    duck = open_duck()
    duck.execute("SET threads = 1")
    return Here(duck)


def row_of(one):
    """A history as a row."""
    given = one.handoff
    row = {
        "depth": one.depth,
        "won": one.won,
        "settled": one.settled,
        "nurtured": "nurture" in one.states,
        "was_ready": not one.states.isdisjoint({"sales_ready", "held"}),
        **{f"{stage}_at": one.reached.get(stage) for stage in STAGES},
        "given_at": given and given.at,
        **{
            name: None if given is None else getattr(given, name)
            for name in ("touch_due", "touched_at", "touched_open", "decide_due", "decided_at")
        },
        "watched": given and given.watched,
        "campaigns": [{"moment": at, "name": name} for at, name in one.campaigns],
        "stays": [{"state": s, "since": a, "until": b} for s, a, b in one.stays],
        "sales": [{"moment": at, "cents": cents} for at, cents in one.sales],
        "products": list(one.products),
    }
    return {name: row[name] if name in row else getattr(one, name) for name in COLUMNS}
