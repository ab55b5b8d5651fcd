"""Hand-offs that were overtaken before the CRM showed them, and would wait for it for good.

The owner who was chosen left, or a person gave the record to somebody else, whose word counts. Who
was not handed off yet is routed again; who was is with whoever the record shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from connector.decisions.routing import Owner
from connector.decisions.sla import Step
from connector.decisions.standing import Cycle, Move
from connector.domain.cycle import State
from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.mapping.outbound import same
from connector.store.outgoing import written
from connector.store.passes import cycles, handoffs
from connector.store.passes.handoffs import Handoff
from connector.store.persons import people
from connector.store.persons.people import PersonRecord
from connector.sync.context import Loop
from connector.sync.deciding.primary import Primary, primaries
from connector.sync.diff import Base, Do, settle

STAYED = "the record stayed with its owner in the CRM"


class _Fate(NamedTuple):
    """What became of a chosen owner: whether he `left`, and whether a person's word is `final`."""

    left: bool
    final: bool


def take_back(loop: Loop, tx: Connection, owners: Sequence[Owner]) -> int:
    """Free everybody whose chosen owner will never be written; gives how many there were."""
    placed = [c for c in cycles.in_state(tx, State.SALES_READY) if c.routed_at is not None]
    if not placed:
        return 0
    found = primaries(tx, loop, (c.person for c in placed))
    fates = _fates(loop, tx, [c for c in placed if c.person in found], found, owners)
    lost = [c for c in placed if c.person in fates]
    given = handoffs.of(tx, (c.person for c in lost))
    moves: list[Move] = []
    returned: list[Handoff] = []
    for cycle in lost:
        if cycle.handed_off_at is None:
            again = cycle._replace(owner=None, routed_at=None)
            moves.append(Move(again, cycle.state, cycle.why, "crm"))
            continue
        owner, one = found[cycle.person].owner, given.get((cycle.person, cycle.number))
        if owner is None or one is None:
            continue
        moves.append(Move(_with(loop, cycle, owner), cycle.state, STAYED, "crm"))
        returned.append(_returned(one, cycle, owner, final=fates[cycle.person].final))
    cycles.save(tx, moves, loop.now, loop.run)
    handoffs.save(tx, returned)
    people.mark(tx, (m.cycle.person for m in moves), pending=True)
    return len(moves)


def _fates(
    loop: Loop,
    tx: Connection,
    placed: Sequence[Cycle],
    found: Mapping[str, Primary],
    owners: Sequence[Owner],
) -> dict[str, _Fate]:
    here = {owner.key: owner for owner in owners if owner.active}
    records = {c.person: found[c.person].record for c in placed}
    keys = [(r.connection, r.object, r.id) for r in records.values()]
    bases, edits = written.bases(tx, keys), written.edits(tx, keys)
    fates = {}
    for cycle in placed:
        holder = found[cycle.person].owner
        other = holder is not None and holder != cycle.owner and holder in here
        final = other and _stands(loop, records[cycle.person], cycle, bases, edits)
        left = cycle.owner not in here
        if final or left:
            fates[cycle.person] = _Fate(left, final)
    return fates


def _stands(
    loop: Loop,
    record: PersonRecord,
    cycle: Cycle,
    bases: Mapping[written.Key, Mapping[str, tuple[Scalar, Micros]]],
    edits: Mapping[written.Key, Mapping[str, tuple[Scalar, Micros]]],
) -> bool:
    """Whether plan would let the owner stand whom the CRM shows."""
    spec = loop.handoff.objects.get(record.object)
    target = spec.writes.get("owner") if spec else None
    if target is None:
        return False
    key = (record.connection, record.object, record.id)
    remote = record.remote.get(target.to)
    ours, seen = bases.get(key, {}).get(target.to), edits.get(key, {}).get(target.to)
    return (
        settle(
            target,
            (cycle.owner or "").partition("/")[2],
            Base(*ours) if ours else None,
            remote,
            edited_at=seen[1] if seen and same(seen[0], remote) else None,
            changed_at=record.changed,
            now=loop.now,
        )
        is Do.KEEP
    )


def _with(loop: Loop, cycle: Cycle, owner: str) -> Cycle:
    assert cycle.handed_off_at is not None  # noqa: S101  the caller asked before
    return cycle._replace(
        state=State.HANDED_OFF,
        owner=owner,
        since=loop.now,
        next_at=loop.calendar.due(cycle.handed_off_at, loop.settings.sla.verdict),
    )


def _returned(one: Handoff, cycle: Cycle, owner: str, *, final: bool) -> Handoff:
    """The hand-off on its first owner's clock. Where no person's word holds it there, it is late as
    before, and may be given to somebody else once more."""
    return one._replace(
        owner=owner,
        began_at=cycle.handed_off_at,
        step=(Step.NONE if final else Step.ESCALATED).value,
        turn=one.turn if final else max(0, one.turn - 1),
        task="done" if one.task_id is not None else one.task,
    )
