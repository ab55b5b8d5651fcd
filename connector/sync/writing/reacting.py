"""A breaker: whether the CRM answers our own writes by changing what we score by.

A flow that edits an input whenever a score changes, and a score that follows its inputs, make a
circle that never ends. If most of the people written by the last run that wrote come back changed,
scores and nurture flags wait until a person has looked and approved a plan.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from connector.domain.moment import MINUTE
from connector.domain.record import Kind
from connector.store.outgoing import plans
from connector.store.running import notes, runs
from connector.store.schema import last_written, record
from connector.sync.context import Loop
from connector.sync.planning.basis import basis_of

REACTION = "reaction"
SHARE = 0.5
FEW = 20
"""So many people are always believed to have been changed by people."""
_EARLIER = 5 * MINUTE
_BACK = 20


def look(loop: Loop) -> None:
    """Compare what was just pulled with what the last writing run wrote; note it if it is much.

    Asked after the pull and before anything is made of it. A changed mapping makes everybody look
    changed and is no reaction.
    """
    with loop.store.read() as tx:
        last = plans.newest_plan(tx)
        if last is None or last.basis != basis_of(loop):
            return
        wrote = next((r for r in runs.newest(tx, _BACK) if _applied(r.counts)), None)
        if wrote is None:
            return
        changed = _changed_since(tx, wrote.id, wrote.started_at - _EARLIER)
        written = _written(tx, wrote.id) if changed >= FEW else 0
    if changed >= FEW and changed > SHARE * written:
        with loop.store.write() as tx:
            loop.lease.check(tx)
            told = {"run": wrote.id, "written": written, "changed": changed}
            notes.put(tx, REACTION, told)


def said(tx: Connection) -> str | None:
    """Say what the breaker waits for; None while it is closed."""
    told = notes.get(tx, REACTION)
    if told is None:
        return None
    return (
        f"{told['changed']} of {told['written']} records that run {told['run']} wrote came back "
        "with other data to score by: a flow of the CRM seems to answer our writes. See what it "
        "does, then approve a plan"
    )


def _applied(counts: object) -> int:
    applied = counts.get("apply", {}).get("applied", 0) if isinstance(counts, dict) else 0
    return int(applied)


def _written(tx: Connection, run: str) -> int:
    query = select(func.count()).select_from(last_written).where(last_written.c.run == run)
    return int(tx.execute(query).scalar_one())


def _changed_since(tx: Connection, run: str, since: int) -> int:
    """How many people of a run's writes have a new version that nobody has looked at yet."""
    both = (
        (last_written.c.connection == record.c.connection)
        & (last_written.c.object == record.c.object)
        & (last_written.c.record == record.c.id)
    )
    query = (
        select(func.count())
        .select_from(record.join(last_written, both))
        .where(
            record.c.kind == Kind.PERSON.value,
            record.c.dirty,
            record.c.changed >= since,
            last_written.c.run == run,
        )
    )
    return int(tx.execute(query).scalar_one())
