"""Recall: what the store does not know any more is read back from our own fields in the CRM.

A lost store knows nobody: each person's cycle opens where the CRM shows that it stood. A store
brought back from an old backup knows people as they were: records that name a run it has never
heard of were written by a later self, and their cycles are brought up to date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connector.adapters.base import Window
from connector.decisions.mirror import (
    BY,
    NURTURED,
    Mirror,
    further,
    read_mirror,
    revive,
    was_taken_in,
)
from connector.decisions.standing import Cycle, Move
from connector.domain.record import Scalar
from connector.mapping.outbound import same
from connector.store.database import Store
from connector.store.incoming import checkpoints
from connector.store.outgoing import written
from connector.store.passes import cycles
from connector.store.persons import people
from connector.store.persons.people import Held
from connector.store.running import notes, runs
from connector.sync.collect import said_row
from connector.sync.context import Loop, Source
from connector.sync.decide import policy_of
from connector.sync.deciding.primary import Primary, primaries
from connector.sync.deciding.statements import VERDICTS, Statement

PAGE = 1000
OLDER = "older_than_crm"
"""The note that stands while a store found itself older than the CRM, until a plan is approved."""
REBUILT_SHARE = 0.5
"""A new store in which this share of the people was read back is a rebuilt one: no day one."""


class _Found(NamedTuple):
    """A person's mirror, the record that holds it, and the cycle it takes the place of."""

    mirror: Mirror
    records: Sequence[tuple[Held, Mirror]]
    before: Cycle | None


def recall(loop: Loop) -> Counter[str]:
    """Read cycles back where the store does not know better; gives how many, and of what sort.

    `recalled` are people it had no cycle of, `ahead` those who stood further in the CRM.
    """
    counts: Counter[str] = Counter()
    after = ""
    while True:
        with loop.store.write() as tx:
            page = people.flagged(tx, after, PAGE)
            if not page:
                break
            after = page[-1]
            _page(loop, tx, page, counts)
        loop.tell("recall", counts)
    return counts


def is_rebuilt(tx: Connection) -> bool:
    """Whether most people of this store were read back from the CRM."""
    return cycles.moved_by(tx, BY) >= max(1.0, REBUILT_SHARE * people.count_in_scope(tx))


def _page(loop: Loop, tx: Connection, page: Sequence[str], counts: Counter[str]) -> None:
    found = dict(_unknown(loop, tx, page))
    if not found:
        return
    behaved = {
        at: cycles.behaviour(tx, [p for p, f in found.items() if f.mirror.at == at], at)
        for at in {f.mirror.at for f in found.values()}
    }
    primary = primaries(tx, loop, found)
    moves: list[Move] = []
    for person, one in found.items():
        mine = primary.get(person)
        newest = behaved[one.mirror.at].get(person)
        if _differs(one):
            moves.append(
                revive(
                    one.mirror,
                    person=person,
                    before=one.before,
                    owner=mine.owner if mine else None,
                    behaviour_at=newest,
                    policy=policy_of(loop, day_one=False),
                    calendar=loop.calendar,
                )
            )
            counts["ahead" if one.before else "recalled"] += 1
    cycles.save(tx, moves, loop.now, loop.run)
    _say_again(loop, tx, found, primary)
    _seed(loop, tx, found)
    if counts["ahead"]:
        notes.put(tx, OLDER, {"people": counts["ahead"], "run": loop.run})


def _differs(one: _Found) -> bool:
    cycle = one.before
    return cycle is None or (cycle.number, cycle.state) != (one.mirror.number, one.mirror.state)


def _unknown(loop: Loop, tx: Connection, page: Sequence[str]) -> Iterator[tuple[str, _Found]]:
    """People whose mirror tells more than the store knows."""
    seen = {
        person: [(r, m) for r in records if (m := _mirror(loop, r)) is not None]
        for person, records in people.held(tx, page).items()
    }
    seen = {person: pairs for person, pairs in seen.items() if pairs}
    if not seen:
        return
    current = cycles.current(tx, seen)
    alone = [pair for person in seen if person not in current for pair in seen[person]]
    ours = _written_by_us(loop, tx, [record for record, _ in alone])
    foreign = _foreign(loop, tx, [p for person in seen if person in current for p in seen[person]])
    for person, pairs in seen.items():
        cycle = current.get(person)
        if cycle is not None:
            pairs = [(r, m) for r, m in pairs if _key(r) in foreign]  # noqa: PLW2901
        else:
            pairs = [(r, m) for r, m in pairs if _key(r) not in ours]  # noqa: PLW2901
        if not pairs:
            continue
        best = max((m for _, m in pairs), key=further)
        if cycle is None or best.number >= cycle.number:
            yield person, _Found(best, pairs, cycle)


def _mirror(loop: Loop, record: Held) -> Mirror | None:
    held = {name: record.remote.get(to) for name, to, _ in _targets(loop, record)}
    at = min(record.changed, loop.now) if record.changed is not None else loop.now
    return read_mirror(held, at)


def _targets(loop: Loop, record: Held) -> Iterator[tuple[str, str, str]]:
    """(our outward name, remote field, policy) of what we write to a record."""
    source = next((s for s in loop.sources if s.name == record.connection), None)
    spec = source.objects.get(record.object) if source else None
    for name, target in spec.writes.items() if spec else ():
        yield name, target.to, target.policy


def _key(record: Held) -> tuple[str, str, str]:
    return record.connection, record.object, record.id


def _written_by_us(
    loop: Loop, tx: Connection, records: Sequence[Held]
) -> set[tuple[str, str, str]]:
    """Records whose state this very store wrote; where it has no cycle all the same, the record was
    taken out of another person, and the state was that one's."""
    bases = written.bases(tx, [_key(record) for record in records])
    found = set()
    for record in records:
        field = next(to for name, to, _ in _targets(loop, record) if name == "state")
        if field in bases.get(_key(record), {}):
            found.add(_key(record))
    return found


def _foreign(
    loop: Loop, tx: Connection, pairs: Sequence[tuple[Held, Mirror]]
) -> set[tuple[str, str, str]]:
    """Records last written by a run this store neither knows nor has taken in before."""
    named = {m.run for _, m in pairs if m.run is not None}
    ours = runs.known(tx, named)
    doubtful = [(r, m) for r, m in pairs if m.run is not None and m.run not in ours]
    if not doubtful:
        return set()
    bases = written.bases(tx, [_key(r) for r, _ in doubtful])
    found = set()
    for record, mirror in doubtful:
        key = _key(record)
        field = next(to for name, to, _ in _targets(loop, record) if name == "run")
        last = bases.get(key, {}).get(field)
        if last is None or not same(last[0], mirror.run):
            found.add(key)
    return found


def _say_again(
    loop: Loop, tx: Connection, found: dict[str, _Found], primary: dict[str, Primary]
) -> None:
    """Enter verdicts the mirror shows as taken in, so that collect does not take them for news."""
    known = cycles.said(tx, (s.source for p in primary.values() for s in p.statements))
    rows: list[dict[str, Any]] = []
    for person, mine in primary.items():
        one = found[person]
        cycle = cycles.current(tx, [person]).get(person)
        for said in mine.statements:
            last = known.get(said.source)
            again = last is not None and (last.verdict, last.reason) == (said.state, said.reason)
            if not again and _old(one.mirror, said):
                at = min(said.at or mine.record.changed or loop.now, loop.now)
                rows.append(said_row(loop, person, cycle, said, at))
    cycles.add_dispositions(tx, rows)


def _old(mirror: Mirror, said: Statement) -> bool:
    verdict = said.state.value
    return verdict in VERDICTS and was_taken_in(mirror, verdict, said.reason, said.at)


def _seed(loop: Loop, tx: Connection, found: dict[str, _Found]) -> None:
    """Take what stands in our own fields for what we last wrote there.

    A nurture flag is ours if it says what the mirrored state implies; else somebody changed it,
    and that counts from now on. An owner, or any other field in which people have a say, is left
    without a base: a value of theirs is then never written over.
    """
    rows: list[tuple[str, str, str, str, Scalar, int]] = []
    edits: list[tuple[str, str, str, str, Scalar]] = []
    for one in found.values():
        for record, mirror in one.records:
            key = _key(record)
            for name, to, policy in _targets(loop, record):
                value = record.remote.get(to)
                if policy == "ours" and value is not None:
                    rows.append((*key, to, value, mirror.at))
                elif policy == "theirs_for" and name == "nurture":
                    implied = mirror.state in NURTURED
                    rows.append((*key, to, implied, mirror.at))
                    if not same(value, implied):
                        edits.append((*key, to, value))
                elif policy == "theirs_for" and name == "nurture_theme" and mirror.theme:
                    rows.append((*key, to, value, mirror.at))
    written.seed(tx, rows, loop.run)
    written.save_edits(tx, edits, loop.now, loop.run)


def unknown_runs(store: Store, source: Source) -> set[str]:
    """Runs that wrote records changed since our last reading, and that this store never heard of.

    Looks at the first page of each object only; reads the CRM, writes nothing.
    """
    found: set[str] = set()
    for one in source.objects.values():
        target = one.writes.get("run")
        if target is None:
            continue
        with store.read() as tx:
            last = checkpoints.load(tx, source.name, one.name)
        since = last.done_until if last is not None and one.changed else None
        window = Window(since, source.adapter.server_now())
        page = next(iter(source.adapter.read(one.source, one.names, window, None)), None)
        named = {str(row.get(target.to) or "") for row in page.rows} if page else set()
        with store.read() as tx:
            found |= named - {""} - runs.known(tx, named - {""})
    return found
