"""What each record of a person should say in the CRM, by our outward field names. Pure."""

from __future__ import annotations

from math import floor
from typing import NamedTuple

from connector.decisions.lanes import EXPLORE, HOLDOUT
from connector.decisions.nurture import Place
from connector.decisions.standing import Cycle
from connector.domain.cycle import State
from connector.domain.moment import Micros, format_iso
from connector.domain.outward import Group
from connector.domain.record import Fields
from connector.store.passes.handoffs import Handoff
from connector.store.scored.scores import Published

_SECOND = 1_000_000


class Person(NamedTuple):
    """A person as plan sees it."""

    id: str
    published: Published
    cycle: Cycle
    handoff: Handoff | None = None
    place: Place | None = None
    """Where the person stands in nurture; None for who must not be flagged."""
    segment: str | None = None


def desired(person: Person, group: Group, *, run: str, routing: bool) -> Fields:
    """Give the values of one group of fields.

    The state is the one that holds once this plan is applied: a routed person is written as
    handed_off together with its owner, so that no second write is needed to say so.
    """
    cycle, score = person.cycle, person.published.score
    match group:
        case Group.SCORE:
            return {
                "score": score.score,
                "fit": floor(score.fit + 0.5),
                "behaviour": floor(score.behaviour + 0.5),
                "grade": score.grade,
                "action": score.action,
                "reasons": _reasons(person),
                "state": state_after(cycle, routing=routing).value,
                "cycle": cycle.number,
                "verdict": _verdict(cycle),
                "model": person.published.model,
                "run": run,
            }
        case Group.NURTURE:
            return _nurtured(person)
        case Group.OWNER:
            routed = cycle.owner if is_routed(cycle) else cycle.next_owner
            return {"owner": routed.partition("/")[2] if routed else None}
        case Group.HANDOFF:
            return _handed(person.handoff)


def _nurtured(person: Person) -> Fields:
    """The flag, and what the marketing tool needs to choose the next message by."""
    cycle, place = person.cycle, person.place
    if place is None:
        names = ("theme", "phase", "reason", "programme", "segment")
        empty: Fields = {f"nurture_{name}": None for name in names}
        return {"nurture": False, **empty, "next_message": None, "review_at": None}
    return {
        "nurture": True,
        "nurture_theme": place.theme,
        "nurture_phase": place.phase,
        "nurture_programme": place.programme,
        "nurture_reason": cycle.verdict_reason or cycle.why,
        "nurture_segment": person.segment,
        "next_message": place.next_message,
        "review_at": _iso(cycle.next_at),
    }


def may_be_flagged(cycle: Cycle, *, alongside: bool) -> bool:
    """Whether a person in this state belongs into nurture, or beside sales into its lane."""
    if cycle.theme == HOLDOUT:
        return False
    beside = alongside and cycle.state is State.QUALIFIED
    return beside or cycle.state in {State.NURTURE, State.RECYCLED}


def _handed(given: Handoff | None) -> Fields:
    """What goes along with a hand-off. `sla_due` is exact once the CRM shows the owner."""
    if given is None:
        return {"package": None, "do_next": None, "crossed_at": None, "sla_due": None}
    return {
        "package": given.package,
        "do_next": given.do_next,
        "crossed_at": _iso(given.crossed_at),
        "sla_due": _iso(given.touch_due),
    }


def _iso(moment: Micros | None) -> str | None:
    return None if moment is None else format_iso(moment // _SECOND * _SECOND)


def _reasons(person: Person) -> str:
    """The reasons of the score; who was handed off to learn from is told so first."""
    told = person.published.reasons
    return f"{EXPLORE[0].upper()}{EXPLORE[1:]}\n{told}" if person.cycle.why == EXPLORE else told


def state_after(cycle: Cycle, *, routing: bool) -> State:
    """The state once the plan is applied."""
    return State.HANDED_OFF if routing and is_routed(cycle) else cycle.state


def is_routed(cycle: Cycle) -> bool:
    """Whether the person waits for the owner write that hands it off."""
    return cycle.state is State.SALES_READY and cycle.routed_at is not None


def _verdict(cycle: Cycle) -> str | None:
    if cycle.verdict is None:
        return None
    return f"{cycle.verdict}: {cycle.verdict_reason}" if cycle.verdict_reason else cycle.verdict
