"""A cycle read back from the fields we wrote in the CRM: how a lost store is rebuilt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connector.decisions.calendar import Calendar
from connector.decisions.standing import Cycle, Move, Policy
from connector.decisions.verdict import next_date
from connector.domain.cycle import IN_SALES, State
from connector.domain.moment import Micros, parse_iso
from connector.domain.record import Scalar

BY = "mirror"
"""Who made the move of a cycle that was read back."""
WHY = "found in the CRM as it was"
NURTURED = frozenset({State.NURTURE, State.RECYCLED})


class Mirror(NamedTuple):
    """What one record says of its person's cycle; `at` is when the record last changed."""

    state: State
    number: int
    verdict: str | None
    reason: str | None
    theme: str | None
    run: str | None
    at: Micros
    phase: str | None = None
    why: str | None = None
    """Why the person is nurtured, where a mapping says so."""
    next_at: Micros | None = None


def read_mirror(held: Mapping[str, Scalar], at: Micros) -> Mirror | None:
    """Read a record's mirror fields, given by our outward names; None when they are not filled.

    Both state and cycle must be there and make sense: half a mirror is none.
    """
    try:
        state = State(str(held.get("state") or "").strip())
        number = int(float(held.get("cycle") or 0))
    except (ValueError, OverflowError):
        return None
    if number < 1:
        return None
    verdict, _, reason = str(held.get("verdict") or "").partition(": ")
    run = held.get("run")
    nurtured = {n: held.get(n) if state in NURTURED else None for n in _OF_NURTURE}
    return Mirror(
        state=state,
        number=number,
        verdict=verdict.strip() or None,
        reason=reason.strip() or None,
        theme=_text(nurtured["nurture_theme"]),
        run=_text(run),
        at=at,
        phase=_text(nurtured["nurture_phase"]),
        why=_text(nurtured["nurture_reason"]),
        next_at=_moment(nurtured["review_at"]),
    )


_OF_NURTURE = ("nurture_theme", "nurture_phase", "nurture_reason", "review_at")


def _text(value: Scalar) -> str | None:
    return str(value).strip() or None if value else None


def _moment(value: Scalar) -> Micros | None:
    try:
        return parse_iso(str(value)) if value else None
    except ValueError:
        return None


def further(one: Mirror) -> tuple[int, Micros]:
    """Sort mirrors of one person's records: the one that tells most comes last."""
    return one.number, one.at


_BEHAVED = (frozenset({State.SALES_READY, State.HELD}) | IN_SALES) - {State.NO_DECISION}
"""States that a later cycle reaches by new behaviour only, so it has shown some; whom sales never
answered about waits for newer behaviour like those in nurture."""


def revive(
    mirror: Mirror,
    *,
    person: str,
    before: Cycle | None,
    owner: str | None,
    behaviour_at: Micros | None,
    policy: Policy,
    calendar: Calendar,
) -> Move:
    """Open the cycle where the CRM shows that it stood: no task, no alert, no SLA of its own.

    The clock of each state goes on from the record's last change, which is at or after our own
    last write: nothing comes due earlier than it would have, and on the very day where the CRM
    shows the date. Why somebody was held is not
    mirrored, so a person held waits as backlog, which nobody leaves without a person's word.
    `behaviour_at` is the newest activity up to the mirror's time: what later cycles wait for must
    be newer than that.
    """
    cycle = Cycle(
        person=person,
        number=mirror.number,
        state=mirror.state,
        why="backlog" if mirror.state is State.HELD else mirror.why or WHY,
        since=mirror.at,
        next_at=mirror.next_at or next_date(mirror.state, policy, calendar, mirror.at),
        opened_at=mirror.at,
        behaviour_at=None if mirror.state in _BEHAVED else behaviour_at,
        owner=owner,
        theme=mirror.theme,
        phase=mirror.phase,
        verdict=mirror.verdict,
        verdict_reason=mirror.reason,
        verdict_at=mirror.at if mirror.verdict else None,
    )
    return Move(cycle, before.state if before else None, WHY, BY)


def was_taken_in(mirror: Mirror, verdict: str, reason: str | None, at: Micros | None) -> bool:
    """Whether a verdict the CRM still shows had been taken in before the mirror was written.

    So it was if the mirror names it. In a later cycle a status without a newer date is left over
    from an earlier one.
    """
    if (verdict, reason) == (mirror.verdict, mirror.reason) or verdict == mirror.state.value:
        return True
    return mirror.number > 1 and (at is None or at <= mirror.at)
