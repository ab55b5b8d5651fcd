"""The law of the cycle: which state follows, by score and by clock.

What sales says is taken in by connector.decisions.verdict, before this law is asked. Each state
has one function; a function that returns None leaves the cycle where it stands. Table:
docs/design.md, "A person's cycle".
"""

from __future__ import annotations

from collections.abc import Callable

from connector.decisions.calendar import Calendar
from connector.decisions.lanes import EXPLORE
from connector.decisions.standing import Cycle, Move, Policy, Standing
from connector.decisions.verdict import STARTS_IN_SALES, open_as_said
from connector.domain.cycle import FINAL, State
from connector.domain.moment import Micros

NO_RECORD = "no record where sales works"
"""Why somebody ready is held: known to another connection only, so that nobody can be given it."""
BACKLOG = "backlog"
Law = Callable[[Cycle, Standing, Policy, Micros], Move | None]


def advance(
    cycle: Cycle | None, standing: Standing, policy: Policy, calendar: Calendar, now: Micros
) -> list[Move]:
    """Give the moves that score and clock make now, oldest first; an empty list means it rests.

    A hand-off is not decided here: a cycle that ends as sales_ready is ready to be routed.
    """
    moves: list[Move] = []
    if cycle is None:
        moves.append(_open(standing, policy, calendar, now))
        cycle = moves[-1].cycle
    for _ in State:  # each state is left at most once: the law has no circle within one moment
        step = _LAWS[cycle.state](cycle, standing, policy, now)
        if step is None:
            break
        moves.append(step)
        cycle = step.cycle
    return moves


def is_ready(cycle: Cycle, standing: Standing, *, slack: float = 0) -> bool:
    """Whether the person may go to sales now; `slack` lowers the bar for those already ready."""
    score = standing.score
    if score.disqualified_by or not standing.may_sell:
        return False
    if cycle.number > 1 and not _behaved_since(cycle, standing):
        return False
    reached = score.sales_ready or (slack > 0 and score.score >= slack)
    return reached or score.fast_track_by is not None or standing.explore


def _open(standing: Standing, policy: Policy, calendar: Calendar, now: Micros) -> Move:
    person = standing.score.person
    if standing.said in STARTS_IN_SALES:
        return open_as_said(person, 1, standing, policy, calendar, now)
    if policy.day_one and standing.owner is not None:
        taken = standing._replace(said=State.HANDED_OFF)
        return open_as_said(person, 1, taken, policy, calendar, now)
    return _start(person, 1, standing, policy, now, "first seen")


def _start(
    person: str, number: int, standing: Standing, policy: Policy, now: Micros, why: str
) -> Move:
    cycle = Cycle(
        person=person,
        number=number,
        state=State.INQUIRY,
        why=why,
        since=now,
        next_at=now + policy.look_again,
        opened_at=now,
        behaviour_at=standing.behaviour_at,
        theme=standing.theme,
    )
    return Move(cycle, None, why, "rule")


def _to(cycle: Cycle, state: State, why: str, by: str, now: Micros, next_at: Micros | None) -> Move:
    after = cycle._replace(state=state, why=why, since=now, next_at=next_at)
    return Move(after, cycle.state, why, by)


def _disqualified(cycle: Cycle, standing: Standing, now: Micros) -> Move | None:
    reason = standing.score.disqualified_by
    if reason is None:
        return None
    return _to(cycle, State.DISQUALIFIED, reason, "rule", now, None)


def _inquiry(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    if move := _disqualified(cycle, standing, now) or _ready(cycle, standing, policy, now):
        return move
    if not standing.may_nurture:
        return _rest(cycle, policy, now)
    theme = cycle.theme or standing.theme
    nurtured = cycle._replace(theme=theme, phase=cycle.phase or standing.phase)
    return _to(nurtured, State.NURTURE, "below threshold", "rule", now, now + policy.look_again)


def _nurture(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    if move := _disqualified(cycle, standing, now) or _ready(cycle, standing, policy, now):
        return move
    if not standing.may_nurture:
        return _to(cycle, State.INQUIRY, "no consent", "rule", now, now + policy.look_again)
    return _rest(cycle, policy, now)


def _ready(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    if not is_ready(cycle, standing):
        return None
    why = _reached(standing)
    if policy.day_one and why == EXPLORE:
        return None
    if not standing.in_handoff:
        return _to(cycle, State.HELD, NO_RECORD, "rule", now, now + policy.look_again)
    if policy.day_one:
        return _to(cycle, State.HELD, BACKLOG, "rule", now, now + policy.look_again)
    return _to(cycle, State.SALES_READY, why, "rule", now, now)


def _reached(standing: Standing) -> str:
    score = standing.score
    return score.fast_track_by or ("threshold" if score.sales_ready else EXPLORE)


def _sales_ready(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    if move := _disqualified(cycle, standing, now):
        return move
    if cycle.state is State.SALES_READY and cycle.handed_off_at is not None:
        return None  # on its way from one owner to another: a hand-off never lapses by decay
    if is_ready(cycle, standing, slack=standing.score.threshold - standing.hysteresis):
        lost = cycle.state is State.SALES_READY and not standing.in_handoff
        wait = now + policy.look_again
        return _to(cycle, State.HELD, NO_RECORD, "crm", now, wait) if lost else None
    return _to(cycle, State.NURTURE, "cooled off", "rule", now, now + policy.look_again)


def _held(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    if move := _sales_ready(cycle, standing, policy, now):
        return move
    if cycle.why == NO_RECORD and standing.in_handoff:
        return _to(cycle, State.SALES_READY, _reached(standing), "crm", now, now)
    return _rest(cycle, policy, now) if cycle.why in {BACKLOG, NO_RECORD} else None


def _handed_off(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    if cycle.next_at is None or now < cycle.next_at:
        return None
    until = now + policy.give_up_after
    silent = cycle._replace(behaviour_at=standing.behaviour_at)  # only newer behaviour brings back
    return _to(silent, State.NO_DECISION, "verdict window over", "clock", now, until)


def _no_decision(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    if cycle.next_at is None or now < cycle.next_at:
        return None
    return _again(cycle, standing, policy, now, "no decision", "clock")


def _recycled(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    follows = policy.recycling(cycle.verdict_reason)
    due = cycle.next_at is not None and now >= cycle.next_at
    over = due and now >= cycle.since + follows.review
    if not over and due and not _behaved_since(cycle, standing):  # cooled off, and nothing new
        later = cycle._replace(next_at=cycle.since + follows.review)
        return Move(later, cycle.state, cycle.why, "clock")
    cooling = follows.cool_off > 0 and not due and now < cycle.since + follows.cool_off
    if not over and (cooling or not _behaved_since(cycle, standing)):
        return None
    why = "recycle date passed" if over else "new behaviour"
    return _again(cycle, standing, policy, now, why, "clock" if over else "activity")


def _again(
    cycle: Cycle, standing: Standing, policy: Policy, now: Micros, why: str, by: str
) -> Move:
    """Open the next cycle in nurture; it keeps theme and last owner, and needs new behaviour."""
    after = Cycle(
        person=cycle.person,
        number=cycle.number + 1,
        state=State.NURTURE,
        why=why,
        since=now,
        next_at=now + policy.look_again,
        opened_at=now,
        behaviour_at=cycle.behaviour_at,
        owner=cycle.owner,
        theme=cycle.theme or standing.theme,
        phase=cycle.phase,
    )
    return Move(after, cycle.state, why, by)


def _final(cycle: Cycle, standing: Standing, policy: Policy, now: Micros) -> Move | None:
    score = standing.score
    if cycle.state is State.DISQUALIFIED:
        if score.disqualified_by is not None:
            return None
        why = "no disqualify rule holds any more"
        return _start(cycle.person, cycle.number + 1, standing, policy, now, why)
    came_back = (
        cycle.state in {State.REJECTED, State.LOST}
        and score.fast_track_by is not None
        and score.disqualified_by is None
        and now - cycle.since >= policy.cool_off
        and _behaved_since(cycle, standing)
    )
    if not came_back:
        return None
    return _again(cycle, standing, policy, now, f"came back: {score.fast_track_by}", "activity")


def _rest(cycle: Cycle, policy: Policy, now: Micros) -> Move | None:
    """Give a state whose date passed without anything to do its next date, silently."""
    if cycle.next_at is not None and now < cycle.next_at:
        return None
    return Move(cycle._replace(next_at=now + policy.look_again), cycle.state, cycle.why, "clock")


def _behaved_since(cycle: Cycle, standing: Standing) -> bool:
    newest = standing.behaviour_at
    return newest is not None and (cycle.behaviour_at is None or newest > cycle.behaviour_at)


def _waits(cycle: Cycle, _: Standing, policy: Policy, now: Micros) -> Move | None:
    return _rest(cycle, policy, now)


_LAWS: dict[State, Law] = {
    State.INQUIRY: _inquiry,
    State.NURTURE: _nurture,
    State.SALES_READY: _sales_ready,
    State.HELD: _held,
    State.HANDED_OFF: _handed_off,
    State.ACCEPTED: _waits,
    State.QUALIFIED: _waits,
    State.NO_DECISION: _no_decision,
    State.RECYCLED: _recycled,
    **dict.fromkeys(FINAL, _final),
}
