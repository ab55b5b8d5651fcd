"""What a decision looks at: a cycle as it stands, and everything known about the person now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from connector.domain.cycle import State
from connector.domain.duration import BusinessTime
from connector.domain.moment import DAY, Micros
from connector.domain.score import Score


class Cycle(NamedTuple):
    """One pass of a person through the funnel, as it stands."""

    person: str
    number: int
    state: State
    why: str
    since: Micros
    next_at: Micros | None
    opened_at: Micros
    behaviour_at: Micros | None = None
    owner: str | None = None
    routed_at: Micros | None = None
    handed_off_at: Micros | None = None
    sla_due_at: Micros | None = None
    theme: str | None = None
    verdict: str | None = None
    verdict_reason: str | None = None
    verdict_at: Micros | None = None
    phase: str | None = None
    next_owner: str | None = None


class Standing(NamedTuple):
    """What is known about a person at `now`.

    `said` is what the CRM's status means in our words, None when it says nothing; `owner` the
    person (not queue) the CRM shows as owner. `behaviour_at` is the newest counted activity;
    `in_handoff` says whether sales has a record of the person, in the connection it works in.
    `hysteresis` is how far below the threshold somebody ready stays so; `explore` sends somebody
    below it to sales all the same.
    """

    score: Score
    said: State | None = None
    said_reason: str | None = None
    said_at: Micros | None = None
    owner: str | None = None
    behaviour_at: Micros | None = None
    theme: str | None = None
    may_sell: bool = True
    may_nurture: bool = True
    in_handoff: bool = True
    hysteresis: float = 5
    explore: bool = False


FIVE_WORKING_DAYS = BusinessTime(5, "bd")


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the process both teams agreed on. Durations are microseconds."""

    cool_off: Micros = 90 * DAY
    recycle_after: Micros = 90 * DAY
    no_decision_after: Micros | BusinessTime = FIVE_WORKING_DAYS
    give_up_after: Micros = 30 * DAY
    look_again: Micros = 90 * DAY
    day_one: bool = False


class Move(NamedTuple):
    """A cycle's step to its next state, with the rule, clock or CRM field that caused it."""

    cycle: Cycle
    before: State | None
    why: str
    by: str
