"""Collect: what sales said since last time goes into the book and moves the cycles.

Collected before deciding, from what was just pulled: so one run takes in a verdict, acts on it,
and leaves nothing for a second run to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from connector.decisions.standing import Cycle, Move, Policy
from connector.decisions.verdict import judge
from connector.documents import canonical_hash
from connector.domain.cycle import Verdict
from connector.domain.moment import Micros
from connector.store.passes import cycles, verdicts
from connector.store.persons import people
from connector.sync.context import Loop
from connector.sync.deciding.nurturing import recycling_of
from connector.sync.deciding.primary import Primary, primaries
from connector.sync.deciding.statements import VERDICTS, Statement, Step, leading_up

PAGE = 1000


def collect(loop: Loop) -> Counter[str]:
    """Take in verdicts of everybody whose records changed; gives how many of each came."""
    counts: Counter[str] = Counter()
    after = ""
    while True:
        with loop.store.write() as tx:
            page = people.flagged(tx, after, PAGE)
            if not page:
                return counts
            after = page[-1]
            _collect_page(loop, tx, page, counts)
        loop.tell("collect", counts)


def _collect_page(loop: Loop, tx: Connection, page: Sequence[str], counts: Counter[str]) -> None:
    found = primaries(tx, loop, page)
    current = cycles.current(tx, page)
    behaved = cycles.behaviour(tx, page, loop.now)
    known, last = _standing_words(tx, found)
    rows: list[dict[str, Any]] = []
    moves: list[Move] = []
    for person, primary in found.items():
        cycle = current.get(person)
        rows += [said_row(loop, person, cycle, s, s.at) for s in _meanwhile(primary, last, cycle)]
        for statement in _news(primary, known):
            at = min(statement.at or primary.record.changed or loop.now, loop.now)
            rows.append(said_row(loop, person, cycle, statement, at))
            counts[statement.state.value] += 1
            newest = behaved.get(person)
            move = _judge(loop, cycle, statement, at, newest)
            if move is not None:
                moves.append(move)
                cycle = move.cycle
    cycles.add_dispositions(tx, _renamed(rows, verdicts.known_ids(tx, (r["id"] for r in rows))))
    cycles.save(tx, moves, loop.now, loop.run)


def _standing_words(
    tx: Connection, found: dict[str, Primary]
) -> tuple[dict[str, cycles.Said], dict[str, cycles.Said]]:
    """What each source said last, unless it has stopped to say so since; and all the same.

    A status that somebody set back and gives again is news, though verdict and reason are the same.
    """
    newest = verdicts.newest_words(tx, found)
    silent = [
        newest[one.record.key]
        for one in found.values()
        if one.record.key in newest and not any(_is_of(one, s) for s in one.statements)
    ]
    back = verdicts.taken_back(tx, newest.values())
    verdicts.take_back(tx, set(silent) - back)
    sources = {s.source: None for p in found.values() for s in p.statements}
    sources |= {s.source: None for p in found.values() for s in p.steps}
    last = cycles.said(tx, sources)
    return {source: one for source, one in last.items() if newest.get(source) not in back}, last


def _is_of(primary: Primary, one: Statement) -> bool:
    return one.source == primary.record.key and one.state.value in VERDICTS


def _renamed(rows: Sequence[dict[str, Any]], known: set[str]) -> list[dict[str, Any]]:
    """What a source said before, took back and says again under the same date is a row anew."""
    return [
        {**row, "id": canonical_hash([row["id"], row["run"]])} if row["id"] in known else row
        for row in rows
    ]


def _meanwhile(primary: Primary, last: dict[str, cycles.Said], cycle: Cycle | None) -> list[Step]:
    """What a record said and took back since its last word or the start of the pass, oldest first.

    Of a person who is met for the first time, the steps that led up to what is said now. All this
    is entered in the book; the cycle follows what the CRM says now.
    """
    found: list[Step] = []
    for source in dict.fromkeys(one.source for one in primary.steps):
        mine = [one for one in primary.steps if one.source == source]
        before = last.get(source)
        since = before.at if before is not None else cycle.opened_at if cycle is not None else None
        if since is None:
            now = next((s for s in primary.statements if s.source == source), None)
            found += leading_up(mine, now)
        else:
            found += [one for one in mine if one.at > since]
    return found


def _news(primary: Primary, known: dict[str, cycles.Said]) -> Iterator[Statement]:
    """Statements that differ from what their source said last, oldest first."""
    said = [s for s in primary.statements if s.state.value in VERDICTS]
    for one in sorted(said, key=lambda s: s.at or 0):
        last = known.get(one.source)
        same = last is not None and (last.verdict, last.reason) == (one.state.value, one.reason)
        if not same or (last is not None and one.at is not None and one.at > last.at):
            yield one


def _judge(
    loop: Loop, cycle: Cycle | None, one: Statement, at: Micros, newest: Micros | None
) -> Move | None:
    """A person without a cycle gets one from decide, which reads the same statements."""
    if cycle is None:
        return None
    return judge(
        cycle,
        Verdict(one.state.value),
        reason=one.reason,
        at=at,
        behaviour_at=newest,
        policy=Policy(recycle=recycling_of(loop.settings)),
        calendar=loop.calendar,
        now=loop.now,
    )


def said_row(
    loop: Loop, person: str, cycle: Cycle | None, one: Statement | Step, at: Micros
) -> dict[str, Any]:
    """Give the row under which a statement is entered: the same statement, the same id."""
    said = [one.source, one.state.value, one.reason, at]
    return {
        "id": canonical_hash(said),
        "person": person,
        "number": cycle.number if cycle else 1,
        "verdict": one.state.value,
        "reason": one.reason,
        "at": at,
        "by": one.by,
        "source": one.source,
        "run": loop.run,
    }
