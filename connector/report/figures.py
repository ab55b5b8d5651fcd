"""The funnel out of the store, as rows that a table, a page or a program can show."""

from __future__ import annotations

from typing import Any

from connector.funnel.stages import CyclePath, measure
from connector.store import cycles
from connector.store.database import Store


def funnel_figures(store: Store) -> dict[str, Any]:
    """Give stages with conversion, where people stand, and reasons for leaving, most first."""
    with store.read() as tx:
        funnel = measure(CyclePath(*path) for path in cycles.paths(tx))
    return {
        "stages": [
            {
                "stage": stage.name,
                "cycles": stage.cycles,
                "of_previous": None if stage.share is None else round(stage.share, 4),
            }
            for stage in funnel.stages
        ],
        "standing": funnel.standing,
        "reasons": [
            {"state": state, "reason": reason, "cycles": count}
            for (state, reason), count in funnel.reasons.items()
        ],
    }
