"""Undo: plan the way back of a run, under the same guard and door as every plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from connector.mapping.outbound import same
from connector.store.outgoing import outbox, plans, written
from connector.store.outgoing.outbox import UNSENT, Planned
from connector.store.outgoing.plans import PlanRow
from connector.store.outgoing.written import Journaled
from connector.store.persons import people
from connector.store.running import audit, runs
from connector.sync.context import Loop
from connector.sync.planning.basis import basis_of

PAGE = 500


def undo(loop: Loop, run: str) -> PlanRow:
    """Plan the way back of a run: each field it changed, where its value still stands."""
    row = PlanRow(
        f"plan-{loop.run}",
        loop.run,
        "undo",
        "needs_approval",
        basis_of(loop),
        loop.now,
        None,
        {},
        ["an undo: somebody has to look at it"],
    )
    counts: Counter[str] = Counter()
    with loop.lease.held():
        _plan_back(loop, row, run, counts)
    return row._replace(counts=dict(+counts))


def _plan_back(loop: Loop, row: PlanRow, run: str, counts: Counter[str]) -> None:
    after = 0
    while True:
        with loop.store.write() as tx:
            loop.lease.check(tx)
            entries = written.journal_of_run(tx, run, after, PAGE)
            outbox.add(tx, row.id, _way_back(loop, tx, entries, counts))
        if not entries:
            break
        after = entries[-1].outbox
    with loop.store.write() as tx:
        loop.lease.check(tx)
        plans.save_plan(tx, row._replace(counts=dict(+counts)))
        audit.append(tx, "undo planned", {"plan": row.id, "of": run}, loop.now)
        runs.finish(tx, loop.run, status="needs_approval", ended=loop.now, counts={}, plan=row.id)


def _way_back(
    loop: Loop, tx: Connection, entries: Sequence[Journaled], counts: Counter[str]
) -> list[Planned]:
    grouped: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for one in (e for e in entries if e.state == "applied"):
        key = (one.connection, one.object, one.record, one.grp)
        group = grouped.setdefault(key, {"person": one.person, "fields": {}})
        for name, (before, after) in one.changes.items():
            first = group["fields"].get(name, (before, after))
            group["fields"][name] = (first[0], after)
    rows = []
    live = outbox.live(tx, (g["person"] for g in grouped.values()))
    for (connection, obj, ident, grp), group in grouped.items():
        held = people.record_remote(tx, connection, obj, ident)
        changes = {
            name: (after, before)
            for name, (before, after) in group["fields"].items()
            if held is not None and same(held.get(name), after)
        }
        waiting = live.get((connection, obj, ident, grp))
        if not changes or (waiting is not None and waiting.state not in UNSENT):
            counts["changed since"] += 1
            continue
        if waiting is not None:
            outbox.settle(tx, [waiting.id], "superseded", loop.now)
        counts[grp] += 1
        rows.append(
            Planned(connection, obj, ident, grp, group["person"], "planned", changes, quiet=True)
        )
    return rows
