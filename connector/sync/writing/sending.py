"""Sending: one batch to one CRM in three steps, and what became of each of its rows.

Rows are journaled before the request leaves. A batch refused whole is halved until the offender
stands alone; where it is not known what happened, the CRM is read and decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from connector.adapters.door import NotOursError
from connector.domain.change import Outcome, Result, Write
from connector.domain.outward import Group
from connector.domain.record import Scalar
from connector.errors import LeadloopError, RemoteError, StoppedError, UnknownOutcomeError
from connector.mapping.compile import CompiledObject
from connector.mapping.outbound import same
from connector.store.incoming import records
from connector.store.outgoing import outbox
from connector.store.outgoing.outbox import Failure, Row
from connector.store.persons import people
from connector.store.persons.news import note_news
from connector.sync.context import STAGE_OF, Loop, Source
from connector.sync.writing import hands
from connector.sync.writing.living import to_the_living

Held = dict[str, dict[str, Scalar]]
"""What the CRM holds now in the fields of some rows, by record id; gone records are missing."""

_STATES = {Result.REFUSED: "dead", Result.RETRY: "retry", Result.GONE: "cancelled"}
_HINT = "Mend the cause in the CRM, then: leadloop runs retry"


Told = list[Outcome] | Exception
"""What the CRM said of a batch, or what was raised instead of an answer."""


def begin(loop: Loop, source: Source, rows: Sequence[Row], counts: Counter[str]) -> list[Row]:
    """Journal rows of one object and group before they leave; gives those that are to leave."""
    if not loop.allows(STAGE_OF[Group(rows[0].grp)]):
        with loop.store.write() as tx:
            outbox.settle(tx, (r.id for r in rows), "cancelled", loop.now, "stage")
        counts["cancelled"] += len(rows)
        return []
    if rows[0].grp != Group.SCORE.value:
        rows = _still_due(loop, source, rows, counts)
    if rows and rows[0].grp == Group.OWNER.value:
        rows = to_the_living(loop, source, rows, counts)
    with loop.store.write() as tx:
        source.hold(tx)
        return outbox.start_sending(tx, rows, loop.now, loop.run)


def ask(source: Source, rows: Sequence[Row]) -> Told:
    """Send rows and wait for what becomes of them. Touches no store."""
    remote = source.objects[rows[0].object].source
    batch = [
        Write(remote, r.record, {n: after for n, (_, after) in r.changes.items()}, quiet=r.quiet)
        for r in rows
    ]
    try:
        return source.adapter.write(batch)
    except Exception as error:  # noqa: BLE001  whoever settles the batch knows what it means
        return error


def settle(
    loop: Loop, source: Source, rows: Sequence[Row], told: Told, counts: Counter[str]
) -> None:
    """Note what became of rows; raises what ends the whole run, with all of them settled or ready
    to be sent again."""
    match told:
        case UnknownOutcomeError():
            lost = [Outcome(r.record, Result.UNKNOWN, "no_answer") for r in rows]
            _note(loop, source, rows, lost, counts)
        case RemoteError():
            _split(loop, source, rows, (told.vendor_code or told.code, str(told)), counts)
        case NotOursError() | StoppedError():
            raise told  # stopped while the request was under way: the next run reads it back
        case LeadloopError():
            with loop.store.write() as tx:
                outbox.put_back(tx, rows)
            raise told
        case Exception():  # a row that breaks the adapter must not stop others
            rows = settle_by_reading(loop, source, rows, counts, resend=False)
            why = ("poison", f"the adapter failed on it: {_kind(told)}")
            _split(loop, source, rows, why, counts)
        case _:
            _note(loop, source, rows, told, counts)


def _split(
    loop: Loop,
    source: Source,
    rows: Sequence[Row],
    why: tuple[str, str],
    counts: Counter[str],
) -> None:
    """Send both halves of a batch that was refused whole; a row alone is a dead letter."""
    if len(rows) == 1:
        with loop.store.write() as tx:
            source.hold(tx)
            outbox.failed(tx, [Failure(rows[0], "dead", *why, hint=_HINT)], loop.now)
        counts["refused"] += 1
        return
    half = len(rows) // 2
    for some in (rows[:half], rows[half:]):
        if some:
            settle(loop, source, some, ask(source, some), counts)


def _note(
    loop: Loop,
    source: Source,
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    counts: Counter[str],
) -> None:
    done: list[Row] = []
    others: list[tuple[Row, Outcome]] = []
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.result is Result.APPLIED:
            done.append(row)
        else:
            others.append((row, outcome))
    with loop.store.write() as tx:
        source.hold(tx)
        outbox.applied(tx, done, loop.now, loop.run)
        outbox.failed(tx, [_failure(r, o) for r, o in others], loop.now)
        _bury(tx, [(r, o.into) for r, o in others if o.result is Result.GONE])
    counts["applied"] += len(done)
    counts.update(o.result.value for _, o in others if o.result is not Result.UNKNOWN)
    unknown = [r for r, o in others if o.result is Result.UNKNOWN]
    if unknown:
        settle_by_reading(loop, source, unknown, counts)


def _failure(row: Row, outcome: Outcome) -> Failure:
    state = _STATES.get(outcome.result, "unknown")
    hint = outcome.hint or (_HINT if state == "dead" else "")
    return Failure(row, state, outcome.code, outcome.message, outcome.field, hint)


def settle_by_reading(
    loop: Loop,
    source: Source,
    rows: Sequence[Row],
    counts: Counter[str],
    *,
    resend: bool = True,
) -> list[Row]:
    """Settle rows of which nobody knows what became, by reading them; gives those not done.

    Equal to what we sent means applied, gone means cancelled; anything else is sent again by the
    next turn, or left to the caller when not `resend`.
    """
    held = read_held(source, rows)
    done: list[Row] = []
    again: list[Row] = []
    gone: list[Failure] = []
    for row in rows:
        values = held.get(row.record)
        if values is None:
            gone.append(Failure(row, "cancelled", "gone"))
        elif holds(values, ((n, after) for n, (_, after) in row.changes.items())):
            done.append(row)
        else:
            again.append(row)
    with loop.store.write() as tx:
        source.hold(tx)
        outbox.applied(tx, done, loop.now, loop.run)
        put_off = [Failure(row, "retry", "not_applied") for row in again] if resend else []
        outbox.failed(tx, [*put_off, *gone], loop.now)
        _bury(tx, [(one.row, None) for one in gone])
    counts["applied"] += len(done)
    counts["retry"] += len(again) if resend else 0
    counts["gone"] += len(gone)
    return again


def read_held(source: Source, rows: Iterable[Row]) -> Held:
    """Read what the CRM holds now in the fields of rows of one object.

    Whom the answer leaves out is asked for once more: one answer, which may have been another's on
    a line that mixes them up, is not enough to call a record gone.
    """
    rows = list(rows)
    one = source.objects[rows[0].object]
    names = [one.key, *dict.fromkeys(n for r in rows for n in r.changes)]
    ids = list(dict.fromkeys(r.record for r in rows))
    found = _read(source, one, names, ids)
    missing = [ident for ident in ids if ident not in found]
    return {**found, **_read(source, one, names, missing)} if missing else found


def _read(source: Source, one: CompiledObject, names: Sequence[str], ids: Sequence[str]) -> Held:
    size = source.adapter.capabilities.id_batch
    return {
        str(row[one.key]): row
        for start in range(0, len(ids), size)
        for row in source.adapter.read_ids(one.source, names, ids[start : start + size])
    }


def _still_due(loop: Loop, source: Source, rows: Sequence[Row], counts: Counter[str]) -> list[Row]:
    """Look once more at fields we share, just before writing; what somebody changed is theirs."""
    held = read_held(source, rows)
    due: list[Row] = []
    moved: list[Row] = []
    there: list[Row] = []
    for row in rows:
        values = held.get(row.record)
        if values is None or not stands(row, values):
            moved.append(row)
        elif holds(values, ((n, after) for n, (_, after) in row.changes.items())):
            there.append(row)
        else:
            due.append(row)
    theirs = hands.words_of(loop, source, due, held)
    due = [row for row in due if row.id not in theirs]
    moved += theirs.values()
    with loop.store.write() as tx:
        source.hold(tx)
        outbox.noop(tx, there, loop.now, loop.run)
    conflict(loop, moved, held)
    counts["noop"] += len(there)
    counts["conflict"] += len(moved)
    return due


def stands(row: Row, values: dict[str, Scalar]) -> bool:
    """Whether each field holds what it held when it was planned, or what we want already."""
    return all(
        same(values.get(n), before) or same(values.get(n), after)
        for n, (before, after) in row.changes.items()
    )


def holds(values: dict[str, Scalar], wanted: Iterable[tuple[str, Scalar]]) -> bool:
    """Whether every field holds what is wanted."""
    return all(same(values.get(name), value) for name, value in wanted)


def conflict(loop: Loop, rows: Sequence[Row], held: Held) -> None:
    """End rows whose fields moved, and note what stands there now, so that plan sees it."""
    if not rows:
        return
    with loop.store.write() as tx:
        outbox.settle(tx, (r.id for r in rows), "conflict", loop.now, "moved")
        for row in rows:
            values = held.get(row.record, {})
            people.hold(
                tx,
                (row.connection, row.object, row.record),
                {n: values.get(n) for n in row.changes if n in values},
            )
        note_news(tx, (r.person for r in rows))


def _bury(tx: Connection, rows: Sequence[tuple[Row, str | None]]) -> None:
    """The CRM says that they are gone: so they are with us, until a pull shows them again. One
    that was merged away goes on as the record named beside it."""
    for row, winner in rows:
        records.bury(tx, row.connection, row.object, {row.record: winner})


def _kind(error: BaseException) -> str:
    return type(error).__name__
