"""Pipeline: what leads brought into it, quarter by quarter, and what has become of that."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.cycle import State
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, listed

_QUALIFIED = STAGES.index("qualified")
_OPEN = listed([State.ACCEPTED, State.QUALIFIED, State.HANDED_OFF])


class Pipeline(NamedTuple):
    """Leads that became qualified in a quarter (UTC), by their own deals. Money in cents.

    `created` is what all their deals name, `won` what those won name, `lost` the others' of leads
    that left, `open` the rest; `unvalued` leads name no amount.
    """

    name: str
    leads: int
    unvalued: int
    created: int
    won: int
    lost: int
    open: int


class PipelineMeasure:
    """Adds up deals by the quarter in which their lead became qualified, on a known day."""

    def result(self, ask: Ask) -> tuple[Pipeline, ...]:
        """Give the quarters, oldest first."""
        rows = ask(
            f"""SELECT quarter_of(qualified_at) AS name, count(*),
                count(*) FILTER (won_cents IS NULL AND other_cents IS NULL),
                coalesce(sum(won_cents), 0),
                coalesce(sum(other_cents) FILTER (state NOT IN {_OPEN}), 0),
                coalesce(sum(other_cents) FILTER (state IN {_OPEN}), 0)
            FROM pass WHERE qualified_at IS NOT NULL AND depth >= {_QUALIFIED}
            GROUP BY name ORDER BY name"""
        )
        return tuple(
            Pipeline(name, leads, unvalued, won + lost + still, won, lost, still)
            for name, leads, unvalued, won, lost, still in rows
        )
