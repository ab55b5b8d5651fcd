"""What a decision looks at: a cycle as it stands, and everything known about the person now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from connector.domain.cycle import State
from connector.domain.duration import BusinessTime
from connector.domain.moment import DAY, Micros
from connector.domain.score import Score
from connector.domain.text import normalise


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
    phase: str | None = None


FIVE_WORKING_DAYS = BusinessTime(5, "bd")


class Recycling(NamedTuple):
    """What follows a "not ready": for `cool_off` even new behaviour brings nobody back."""

    theme: str | None = None
    cool_off: Micros = 0
    review: Micros = 90 * DAY


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the process both teams agreed on. Durations are microseconds."""

    cool_off: Micros = 90 * DAY
    recycle_after: Micros = 90 * DAY
    no_decision_after: Micros | BusinessTime = FIVE_WORKING_DAYS
    give_up_after: Micros = 30 * DAY
    look_again: Micros = 90 * DAY
    day_one: bool = False
    recycle: Mapping[str, Recycling] = field(default_factory=dict)
    """By reason, normalised."""

    def recycling(self, reason: str | None) -> Recycling:
        """Give what follows a "not ready" for a reason."""
        known = self.recycle.get(normalise(reason)) if reason else None
        return known or Recycling(review=self.recycle_after)


class Move(NamedTuple):
    """A cycle's step to its next state, with the rule, clock or CRM field that caused it."""

    cycle: Cycle
    before: State | None
    why: str
    by: str
