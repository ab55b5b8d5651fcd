"""What sales decided, taken into the cycle: late verdicts win, repeated ones change nothing."""

from __future__ import annotations

from connector.decisions.calendar import Calendar
from connector.decisions.standing import Cycle, Move, Policy, Standing
from connector.domain.cycle import FINAL, State, Verdict
from connector.domain.moment import Micros

STARTS_IN_SALES = frozenset(
    {State.HANDED_OFF, State.ACCEPTED, State.QUALIFIED, State.REJECTED, State.RECYCLED}
    | {State.WON, State.LOST}
)
"""States a person may already be in on the day the loop first sees them."""

_RANK = {
    State.HANDED_OFF: 0,
    State.NO_DECISION: 0,
    State.ACCEPTED: 1,
    State.QUALIFIED: 2,
    State.RECYCLED: 3,
    State.REJECTED: 3,
    State.LOST: 3,
    State.WON: 4,
}


def open_as_said(
    person: str, number: int, standing: Standing, policy: Policy, calendar: Calendar, now: Micros
) -> Move:
    """Open a cycle where the CRM says the person already is: no task, no alert, no SLA."""
    state = standing.said or State.HANDED_OFF
    at = min(standing.said_at or now, now)
    cycle = Cycle(
        person=person,
        number=number,
        state=state,
        why="found in sales' hands",
        since=at,
        next_at=next_date(state, policy, calendar, now),
        opened_at=at,
        behaviour_at=standing.behaviour_at,
        owner=standing.owner,
        theme=standing.theme,
    )
    if state is not State.HANDED_OFF:
        cycle = cycle._replace(
            verdict=state.value, verdict_reason=standing.said_reason, verdict_at=at
        )
    return Move(cycle, None, cycle.why, "crm")


def judge(
    cycle: Cycle,
    verdict: Verdict,
    *,
    reason: str | None,
    at: Micros,
    behaviour_at: Micros | None,
    policy: Policy,
    calendar: Calendar,
    now: Micros,
) -> Move | None:
    """Move a cycle by what sales said; None when it says nothing new.

    Another reason for the same verdict replaces the one before. A verdict never moves a cycle
    backwards (accepted after qualified), never reopens a final one except by a win, and one given
    before the cycle opened belongs to an earlier cycle. `behaviour_at` is the newest activity
    known: only a newer one ends a recycling early.
    """
    state = State(verdict.value)
    if cycle.number > 1 and at < cycle.opened_at:
        return None
    if state is cycle.state:
        return _other_reason(cycle, reason, at)
    if cycle.state in FINAL and state is not State.WON:
        return None
    if _RANK[state] <= _RANK.get(cycle.state, -1):
        return None
    why = f"{verdict.value}: {reason}" if reason else verdict.value
    next_at = next_date(state, policy, calendar, now)
    theme = cycle.theme
    if state is State.RECYCLED:
        follows = policy.recycling(reason)
        next_at = max(now, at) + (follows.cool_off or follows.review)
        theme = follows.theme or theme
    after = cycle._replace(
        state=state,
        why=why,
        since=at,
        next_at=next_at,
        theme=theme,
        behaviour_at=behaviour_at,
        verdict=verdict.value,
        verdict_reason=reason,
        verdict_at=at,
    )
    return Move(after, cycle.state, why, "crm")


def _other_reason(cycle: Cycle, reason: str | None, at: Micros) -> Move | None:
    if reason is None or reason == cycle.verdict_reason or at < (cycle.verdict_at or at):
        return None
    why = f"{cycle.state.value}: {reason}"
    after = cycle._replace(why=why, verdict_reason=reason, verdict_at=at)
    return Move(after, cycle.state, why, "crm")


def correct(
    cycle: Cycle,
    verdict: Verdict,
    *,
    reason: str | None,
    at: Micros,
    behaviour_at: Micros | None,
    policy: Policy,
    calendar: Calendar,
    now: Micros,
) -> Move | None:
    """Move a cycle by what a person enters by hand; None when it says nothing new.

    Unlike what a CRM shows, a word given by hand may take back an earlier one, a final one too;
    only one that is older than the last word on this pass, or than the pass, changes nothing.
    """
    state = State(verdict.value)
    older = cycle.verdict_at is not None and at < cycle.verdict_at
    if older or (cycle.number > 1 and at < cycle.opened_at):
        return None
    if state is cycle.state and reason == cycle.verdict_reason:
        return None
    why = f"{verdict.value}: {reason}" if reason else verdict.value
    same = state is cycle.state
    after = cycle._replace(
        state=state,
        why=why,
        since=cycle.since if same else at,
        next_at=cycle.next_at if same else next_date(state, policy, calendar, now),
        behaviour_at=behaviour_at,
        verdict=verdict.value,
        verdict_reason=reason,
        verdict_at=at,
    )
    return Move(after, cycle.state, why, "person")


def next_date(state: State, policy: Policy, calendar: Calendar, now: Micros) -> Micros | None:
    """Give when the clock looks at a state again that began `now`; None for final ones."""
    if state in FINAL:
        return None
    if state is State.HANDED_OFF:
        return calendar.due(now, policy.no_decision_after)
    if state is State.NO_DECISION:
        return now + policy.give_up_after
    return now + (policy.recycle_after if state is State.RECYCLED else policy.look_again)
