"""What the store knows about one page of people, read once, for planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from connector.decisions.nurture import Place
from connector.decisions.standing import Cycle
from connector.domain.moment import DAY, Micros
from connector.domain.outward import OUTWARD, Group
from connector.domain.record import Fields, Scalar
from connector.mapping.compile import WriteTarget
from connector.mapping.outbound import same
from connector.store.outgoing import flapping, outbox, plans, questions, written
from connector.store.outgoing.questions import FieldKey
from connector.store.outgoing.written import Key
from connector.store.passes import cycles, handoffs
from connector.store.passes.nurture import assets
from connector.store.persons import people
from connector.store.scored import scores
from connector.sync.context import STAGE_OF, Loop, Source
from connector.sync.decide import owners_in
from connector.sync.deciding.nurturing import matrix_of, may
from connector.sync.deciding.primary import Primary, primaries
from connector.sync.planning.desire import Person, may_be_flagged

RowKey = tuple[str, str, str, str]
"""connection, object, record, group"""
UNDO_WAITS: Micros = 7 * DAY
"""How long an undo that nobody approved keeps its records from being planned anew."""


class Known:
    """One page of people. `people` are those that are scored and have a cycle."""

    def __init__(self, loop: Loop, tx: Connection, page: Sequence[str]) -> None:
        published = scores.published(tx, page)
        current = cycles.current(tx, page)
        given = handoffs.of(tx, page)
        placed = _placed(loop, tx, current)
        self.people = [
            Person(
                one,
                published[one],
                current[one],
                given.get((one, current[one].number)),
                *placed.get(one, (None, None)),
            )
            for one in page
            if one in published and one in current
        ]
        self.records = people.records_of(tx, page)
        self.primaries: dict[str, Primary] = primaries(tx, loop, page, self.records)
        keys = [
            (r.connection, r.object, r.id) for records in self.records.values() for r in records
        ]
        self.bases = written.bases(tx, keys)
        self.edits = written.edits(tx, keys)
        self.turns = flapping.turns(tx, keys, loop.now)
        self.live = outbox.live(tx, page)
        self.live_of: dict[str, list[tuple[RowKey, outbox.Row]]] = {}
        for key, row in self.live.items():
            self.live_of.setdefault(row.person, []).append((key, row))
        self.dead = outbox.dead_same(tx, page)
        self.undone = outbox.undone(tx, page)
        self.undoing = plans.undoing(tx, loop.now - UNDO_WAITS)
        self.questions = questions.of_people(tx, page)
        self.sources = {source.name: source for source in loop.sources}
        self.groups = [group for group in Group if loop.allows(STAGE_OF[group])]
        self.scopes = {c.name: c.scope.write for c in loop.settings.connections}
        scoped = any(self.scopes.values())
        self.facts: dict[str, Fields] = people.facts_of(tx, page) if scoped else {}
        owners = owners_in(tx, loop.handoff.name, loop.now) if loop.allows("route") else []
        self.inactive = {o.key.partition("/")[2] for o in owners if not o.active}
        self.queues = {o.key.partition("/")[2] for o in owners if o.queue}
        self._targets: dict[tuple[str, str, Group], Mapping[str, WriteTarget]] = {}
        self.edits_seen: list[tuple[str, str, str, str, Scalar]] = []
        self.asked: list[tuple[FieldKey, str, str, Scalar, Scalar]] = []

    def targets(self, source: Source, obj: str, group: Group) -> Mapping[str, WriteTarget]:
        """The fields of one group that are written to an object, less those the CRM lost."""
        key = (source.name, obj, group)
        if key not in self._targets:
            lost = source.lost.get(obj, frozenset())
            self._targets[key] = {
                name: target
                for name, target in source.objects[obj].writes.items()
                if OUTWARD[name].group is group and target.to not in lost
            }
        return self._targets[key]

    def decided(self, key: Key, field: str, theirs: Scalar, ours: Scalar) -> str | None:
        """What was asked or decided about these very values; None when nothing was."""
        one = self.questions.get((*key, field))
        if one is None or not same(one.theirs, theirs) or not same(one.ours, ours):
            return None
        return one.answer

    def asks(self, key: Key, field: str, theirs: Scalar, ours: Scalar) -> bool:
        """Whether the question is new."""
        return self.decided(key, field, theirs, ours) is None


def _placed(
    loop: Loop, tx: Connection, current: Mapping[str, Cycle]
) -> dict[str, tuple[Place, str | None]]:
    """Where people stand in nurture, and their segment: who is in it and may be mailed."""
    nurture = loop.settings.nurture
    flagged = [
        person
        for person, cycle in current.items()
        if may_be_flagged(cycle, alongside=nurture.alongside is not None)
    ]
    if not flagged or not loop.allows("nurture"):
        return {}
    docs, facts = people.documents_of(tx, flagged), people.facts_of(tx, flagged)
    asked, matrix = assets(tx, flagged, loop.now), matrix_of(loop.settings)
    found = {}
    for person in flagged:
        mine = facts.get(person, {})
        if not may(loop.settings, loop.consent, docs.get(person, {}), mine, asked=False).mail:
            continue
        cycle, had = current[person], [a.asset for a in asked.get(person, [])]
        place = matrix.place(cycle.theme or matrix.theme(had), had)
        segment = mine.get(nurture.segment)
        found[person] = (place, None if segment is None else str(segment))
    return found
