"""Where everybody stands who was handed off: each in exactly one bucket, as of a moment."""

from __future__ import annotations

from typing import Any

from connector.config.load import Loaded
from connector.decisions.sla import SILENT, bucket
from connector.domain.moment import Micros, format_iso
from connector.store.database import Store
from connector.store.passes import handoffs

_SECOND = 1_000_000


def standings(store: Store, loaded: Loaded, now: Micros) -> list[dict[str, Any]]:
    """Give a row for every current cycle that was handed off, soonest due first."""
    connections = loaded.settings.connections
    name = next((c.name for c in connections if c.handoff), connections[0].name)
    with store.read() as tx:
        shown = handoffs.shows_owners(tx, name)
        listed = handoffs.everybody(tx)
        touched = handoffs.touches(tx, (one.person for one in listed))
    rows = []
    for one in listed:
        at = one.touched_at or touched.get((one.person, one.number))
        due = one.touch_due if shown and one.began_at is not None else None
        where = bucket(one.state, touch_due=due, touched_at=at, now=now)
        rows.append(
            {
                "person": one.person,
                "cycle": one.number,
                "bucket": where,
                "owner": one.owner,
                "tier": one.tier,
                "score": one.score,
                "since": _iso(one.began_at),
                "due": _iso(one.decide_due if where == SILENT else one.touch_due),
                "touched": _iso(at),
                "step": one.step or None,
                "why": one.why,
            }
        )
    return rows


def _iso(moment: Micros | None) -> str | None:
    return None if moment is None else format_iso(moment // _SECOND * _SECOND)
