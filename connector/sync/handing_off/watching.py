"""Watch hand-offs: note the first touch, warn, escalate, and give to somebody else in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from connector.decisions.sla import Patience, Step, Watched, next_step
from connector.decisions.standing import Cycle, Move
from connector.domain.cycle import State
from connector.domain.moment import DAY
from connector.mapping.outbound import same
from connector.store.outgoing import written
from connector.store.passes import cycles, handoffs
from connector.store.passes.handoffs import Alert, Handoff
from connector.store.persons import people
from connector.sync.context import Loop
from connector.sync.decide import give_anew, owners_in
from connector.sync.deciding.packaging import touch_due
from connector.sync.deciding.primary import primaries

REASSIGNED = "nobody made contact in time"


def watch(loop: Loop) -> Counter[str]:
    """Take the steps that are due; nobody is late where the CRM does not show what owners do."""
    counts: Counter[str] = Counter()
    if not loop.allows("route"):
        return counts
    with loop.store.write() as tx:
        open_ones = handoffs.running(tx, loop.now)
        if not open_ones or not handoffs.shows_owners(tx, loop.handoff.name):
            return counts
        current = cycles.current(tx, (one.person for one in open_ones))
        open_ones = [_taken_over(one, current[one.person]) for one in open_ones]
        handoffs.save(tx, open_ones)
        touched = handoffs.touches(tx, (one.person for one in open_ones))
        changed: list[Handoff] = []
        alerts: list[Alert] = []
        again: list[Handoff] = []
        for one in open_ones:
            if one.key in touched:
                changed.append(one._replace(touched_at=touched[one.key]))
                counts["touched"] += 1
                continue
            step = _step(loop, one)
            if step is Step(one.step):
                continue
            if step is Step.REASSIGNED:
                again.append(one)
                continue
            changed.append(one._replace(step=step.value))
            alerts.append(_alert(loop, one, step.value))
            counts[step.value] += 1
        handoffs.save(tx, changed)
        handoffs.want(tx, alerts)
        counts["reassigned"] += _reassign(loop, tx, again)
    return +counts


def _step(loop: Loop, one: Handoff) -> Step:
    sla = loop.settings.sla
    assert one.began_at is not None  # noqa: S101  running ones have begun
    watched = Watched(one.began_at, one.touch_due, one.touched_at, Step(one.step), one.turn)
    return next_step(watched, Patience(sla.warn, sla.reassign_after), loop.calendar, loop.now)


def _taken_over(one: Handoff, cycle: Cycle) -> Handoff:
    """Follow a change of owner that somebody made in the CRM; we do not change it again."""
    if cycle.owner is None or cycle.owner == one.owner:
        return one
    return one._replace(owner=cycle.owner, turn=one.turn + 1)


def _alert(loop: Loop, one: Handoff, kind: str) -> Alert:
    return Alert(one.person, one.number, one.turn, kind, one.owner, "wanted", loop.now)


def _reassign(loop: Loop, tx: Connection, late: Sequence[Handoff]) -> int:
    """Give late ones to somebody else, if there is anybody who has not had or refused them."""
    if not late or loop.routing is None:
        return 0
    current = cycles.current(tx, (one.person for one in late))
    chosen = give_anew(loop, tx, _movable(loop, tx, [current[one.person] for one in late]))
    moves, rows, kept = [], [], []
    for one in late:
        routed = chosen.get(one.person)
        if routed is None or routed.owner is None or routed.owner == one.owner:
            kept.append(one._replace(step=Step.REASSIGNED.value))  # nobody else: it stays late
            continue
        cycle: Cycle = current[one.person]
        after = cycle._replace(
            state=State.SALES_READY,
            owner=routed.owner,
            routed_at=loop.now,
            since=loop.now,
            next_at=loop.now + DAY,
        )
        moves.append(Move(after, cycle.state, REASSIGNED, "clock"))
        kept.append(
            one._replace(
                owner=routed.owner,
                began_at=None,
                touch_due=touch_due(loop, one.tier),
                step=Step.NONE.value,
                turn=one.turn + 1,
                task="none" if one.task == "none" else "wanted",
            )
        )
        rows.append(_row(loop, cycle, routed))
    cycles.save(tx, moves, loop.now, loop.run)
    cycles.add_routing(tx, rows)
    handoffs.save(tx, kept)
    people.mark(tx, (m.cycle.person for m in moves), pending=True)
    return len(moves)


def _movable(loop: Loop, tx: Connection, late: Sequence[Cycle]) -> list[Cycle]:
    """Those whose owner we gave or who left: a record that was somebody's before stays theirs."""
    found = primaries(tx, loop, (one.person for one in late))
    keys = {who: (p.record.connection, p.record.object, p.record.id) for who, p in found.items()}
    bases = written.bases(tx, keys.values())
    here = {owner.key for owner in owners_in(tx, loop.handoff.name, loop.now) if owner.active}
    movable = []
    for cycle in late:
        primary = found.get(cycle.person)
        spec = loop.handoff.objects.get(primary.record.object) if primary else None
        target = spec.writes.get("owner") if spec else None
        if primary is None or target is None:
            continue
        given = bases.get(keys[cycle.person], {}).get(target.to)
        ours = given is not None and same(given[0], primary.record.remote.get(target.to))
        if ours or target.policy == "ours" or cycle.owner not in here:
            movable.append(cycle)
    return movable


def _row(loop: Loop, cycle: Cycle, routed: Any) -> dict[str, Any]:
    return {
        "person": cycle.person,
        "number": cycle.number,
        "rule": f"{routed.rule}, reassigned",
        "pool": routed.pool,
        "owner": routed.owner,
        "skipped": list(routed.skipped),
        "value": None,
        "at": loop.now,
        "run": loop.run,
    }
