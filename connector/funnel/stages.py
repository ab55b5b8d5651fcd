"""How many cycles reached each stage, and how many of those went on to the next.

A cycle that reached a later stage passed the earlier ones, whether or not somebody ticked each
box on the way: a deal won straight from a hand-off was qualified too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from connector.domain.cycle import State

STAGES = ("inquiry", "sales_ready", "handed_off", "accepted", "qualified", "won")
"""From first contact to a won deal, in the words of cycles."""

_DEPTH = {
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


class Stage(NamedTuple):
    """Cycles that reached a stage, and the share of the stage before that did (0 to 1).

    `share` is None where nobody reached the stage before.
    """

    name: str
    cycles: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """The stages in order, where cycles stand now, and why sales sent them back."""

    stages: tuple[Stage, ...]
    standing: dict[str, int]
    reasons: dict[tuple[str, str], int]


class CyclePath(NamedTuple):
    """One cycle: every state it was ever in, where it stands, and its verdict's reason."""

    states: Iterable[str]
    state: str
    reason: str | None


def measure(paths: Iterable[CyclePath]) -> Funnel:
    """Count cycles, in one pass."""
    reached = [0] * len(STAGES)
    standing: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    for path in paths:
        depth = max((_DEPTH.get(State(state), 0) for state in path.states), default=0)
        for stage in range(depth + 1):
            reached[stage] += 1
        standing[path.state] += 1
        if path.state in {State.REJECTED, State.RECYCLED, State.LOST}:
            reasons[path.state, path.reason or "no reason given"] += 1
    stages = tuple(
        Stage(name, reached[i], reached[i] / reached[i - 1] if i and reached[i - 1] else None)
        for i, name in enumerate(STAGES)
    )
    return Funnel(stages, dict(standing), dict(reasons.most_common()))
