"""One cycle as measures read it: how far it came, when, for whom, and what it was worth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from connector.domain.cycle import State
from connector.domain.moment import Micros

STAGES = ("inquiry", "sales_ready", "handed_off", "accepted", "qualified", "won")
"""From first contact to a won deal, in the words of cycles."""

DEPTHS = {
    State.SALES_READY: 1,
    State.HELD: 1,
    State.HANDED_OFF: 2,
    State.NO_DECISION: 2,
    State.REJECTED: 2,
    State.RECYCLED: 2,
    State.ACCEPTED: 3,
    State.QUALIFIED: 4,
    State.LOST: 4,
    State.WON: 5,
}
"""The stage that each state says was reached, as an index into STAGES; of others it is the first.
"""
SETTLED = frozenset({State.WON, State.LOST, State.REJECTED, State.RECYCLED})
"""States in which sales has said its word."""
ON_THE_WAY = frozenset(
    {State.SALES_READY, State.HELD, State.HANDED_OFF, State.NO_DECISION, State.ACCEPTED,
     State.QUALIFIED}
)  # fmt: skip
"""States between sales-ready and a deal."""


_WON = State.WON.value


@lru_cache(maxsize=4096)
def _deepest(states: frozenset[str]) -> int:
    """The same few sets of states come again and again, and every measure asks."""
    return max((DEPTHS.get(State(state), 0) for state in states), default=0)


class Handoff(NamedTuple):
    """A confirmed hand-off, what was due by when, and what the store knows was done.

    `touched_at` is the owner's first activity afterwards, `touched_open` the working time until
    then, `decided_at` the first verdict; `watched` is whether the CRM lets us see what owners do at
    all.
    """

    at: Micros
    touch_due: Micros | None
    touched_at: Micros | None
    decide_due: Micros | None
    decided_at: Micros | None
    watched: bool
    touched_open: Micros | None = None


class History(NamedTuple):
    """One pass of one person.

    `states` are all it was ever in; `reached` says when each stage was, where that is known.
    `newest` tells the person's present pass from earlier ones. `found` passes were under way
    before the first run. `won_cents` and `other_cents` are the amounts of its won deals and of
    its open or lost ones; None where no deal names an amount. `campaigns` are what the person did
    in answer to a campaign in this pass, oldest first. `last_at` is when anything last happened
    in it; `machine_only` that machines alone ever did something in the person's name.
    `stays` are the times in states between sales-ready and a deal: (state, from, until), None
    while it lasts. `efforts` are what owners did for it. `sales` are its won deals as (when,
    cents), `products` what they sold; `partner` is who took it from outside the company. `phase` is
    that of the buying process in which nurture has it. `score` is today's, `given_score` that with
    which it was handed off.
    """

    person: str
    number: int
    state: str
    states: frozenset[str]
    reached: Mapping[str, Micros]
    newest: bool = True
    found: bool = False
    reason: str | None = None
    owner: str | None = None
    source: str | None = None
    score: int | None = None
    handoff: Handoff | None = None
    won_cents: int | None = None
    other_cents: int | None = None
    campaigns: tuple[tuple[Micros, str], ...] = ()
    theme: str | None = None
    segment: str | None = None
    last_at: Micros | None = None
    machine_only: bool = False
    stays: tuple[tuple[str, Micros, Micros | None], ...] = ()
    efforts: int = 0
    sales: tuple[tuple[Micros | None, int | None], ...] = ()
    products: tuple[str, ...] = ()
    partner: str | None = None
    phase: str | None = None
    given_score: int | None = None

    @property
    def depth(self) -> int:
        """The deepest stage, as an index into STAGES.

        Who reached a stage passed the earlier ones, whether or not somebody ticked each box: a
        deal won straight from a hand-off was qualified too.
        """
        return _deepest(self.states)

    @property
    def campaign(self) -> str | None:
        """The first campaign that was answered in it."""
        return self.campaigns[0][1] if self.campaigns else None

    @property
    def won(self) -> bool:
        """Whether it ended in a deal."""
        return _WON in self.states

    @property
    def settled(self) -> bool:
        """Whether sales has said its last word about it."""
        return self.state in SETTLED
