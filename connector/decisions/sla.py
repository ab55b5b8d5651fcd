"""How soon a hand-off is to be touched and answered, and what follows when it is not. Pure.

Warn, then escalate, then give it to somebody else: each at most once for an owner, and the last
at most once for a cycle, so that nobody is passed round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from connector.decisions.calendar import Calendar
from connector.domain.cycle import FINAL, State
from connector.domain.duration import BusinessTime
from connector.domain.moment import DAY, Micros

OTHERS = "others"
"""The tier of whoever is in no other."""


class Tier(NamedTuple):
    """Hand-offs that are due equally soon; the first tier whose conditions hold is theirs."""

    name: str
    first_touch: Micros | BusinessTime
    fast_track: bool = False
    score: float | None = None


class Step(StrEnum):
    """How far the matter of one owner's late hand-off has gone."""

    NONE = ""
    WARNED = "warned"
    ESCALATED = "escalated"
    REASSIGNED = "reassigned"


@dataclass(frozen=True, slots=True)
class Patience:
    """When steps are due: `warn` is the share of the time that has gone by, `reassign_after` the
    time after the due date (None never reassigns), `most` how often a cycle is reassigned."""

    warn: float = 0.8
    reassign_after: Micros | BusinessTime | None = DAY
    most: int = 1


class Watched(NamedTuple):
    """A hand-off as its clock sees it. `turn` counts how often it was reassigned before."""

    began_at: Micros
    touch_due: Micros | None
    touched_at: Micros | None = None
    step: Step = Step.NONE
    turn: int = 0


def tier_of(tiers: Sequence[Tier], *, fast_track: bool, score: float) -> Tier:
    """Give the tier of a hand-off; the last one takes whom no other does."""
    for tier in tiers[:-1]:
        if tier.fast_track and not fast_track:
            continue
        if tier.score is not None and score < tier.score:
            continue
        return tier
    return tiers[-1]


def next_step(one: Watched, patience: Patience, calendar: Calendar, now: Micros) -> Step:
    """Give the step that is due now; the present one when nothing is.

    A late run takes the steps it missed one at a time, the gravest last.
    """
    due = one.touch_due
    if due is None or one.touched_at is not None:
        return one.step
    match one.step:
        case Step.NONE if now >= due:
            return Step.ESCALATED
        case Step.NONE if now >= one.began_at + int((due - one.began_at) * patience.warn):
            return Step.WARNED
        case Step.WARNED if now >= due:
            return Step.ESCALATED
        case Step.ESCALATED if one.turn < patience.most and patience.reassign_after is not None:
            late = now >= calendar.due(due, patience.reassign_after)
            return Step.REASSIGNED if late else one.step
    return one.step


# --- where everybody is --------------------------------------------------------------------------

WAITING, LATE, TOUCHED, SILENT, UNTIMED = "waiting", "late", "touched", "silent", "untimed"
_VERDICTS = frozenset({State.ACCEPTED, State.QUALIFIED, State.RECYCLED} | FINAL)


def bucket(
    state: State, *, touch_due: Micros | None, touched_at: Micros | None, now: Micros
) -> str:
    """Put a handed-off cycle into exactly one bucket.

    A verdict is a bucket of its own name; `silent` is one whose verdict window is over;
    `untimed` hand-offs have no clock: they were sales' before we went live, or the CRM does not
    show what its owners do.
    """
    if state in _VERDICTS:
        return state.value
    if state is State.NO_DECISION:
        return SILENT
    if touched_at is not None:
        return TOUCHED
    if touch_due is None:
        return UNTIMED
    return LATE if now > touch_due else WAITING


def cannot_be_kept(
    tiers: Sequence[Tier], every: Micros | None, calendar: Calendar, monday: Micros
) -> list[str]:
    """Say in words which tiers the schedule cannot keep.

    Args:
        every: How often runs come; None when nobody said.
        monday: The beginning of some week, in which wall and working clocks are compared.
    """
    said = []
    for tier in tiers:
        span = calendar.due(calendar.opening(monday), tier.first_touch) - calendar.opening(monday)
        if every is None:
            if span < DAY:
                said.append(
                    f"sla: `{tier.name}` asks for first contact within {_words(span)}; say "
                    "in `sla.every` how often runs come, to know whether that can be kept"
                )
        elif every > span:
            said.append(
                f"sla: `{tier.name}` asks for first contact within {_words(span)}, but runs come "
                f"every {_words(every)}: it cannot be kept; run more often, or allow more"
            )
    return said


def _words(span: Micros) -> str:
    minutes = span // 60_000_000
    if minutes % 60 or minutes == 0:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours"
