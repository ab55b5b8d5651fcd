"""What was read: records, activities, and the rows that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, and_, bindparam, delete, func, select, update
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.domain.record import Activity, Edit, Record, Rejected
from connector.mapping.outbound import same
from connector.store.incoming import field_history
from connector.store.persons import suppressed
from connector.store.persons.news import note_changed, note_news
from connector.store.persons.people import chunks
from connector.store.schema import activity, quarantine, record
from connector.store.statements.among import among, parts_of
from connector.store.statements.bulk import execute_many, insert_many
from connector.store.statements.upsert import upsert

_NOTHING_DATED: Mapping[str, str | None] = {}


class PageCounts(NamedTuple):
    """What one page brought."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    remote_changed: int = 0
    gone: int = 0


def store_page(
    tx: Connection,
    *,
    connection: str,
    object: str,  # noqa: A002  the word of our documents
    kind: str,
    records: Sequence[Record],
    mapping_hash: str,
    targets: str | None = None,
    run: str,
    gone: Mapping[str, str | None],
    dated: Mapping[str, str | None] = _NOTHING_DATED,
    now: Micros = 0,
) -> PageCounts:
    """Store a page: an unchanged row costs no write, a changed one is dirty for resolve.

    A record whose write fields alone changed, be it that they are others than before (`targets` is
    a mark of them), is not dirty; its person is planned again. `gone`
    ids become tombstones, which also ask for resolve; a row that comes back is alive again. People
    who were forgotten are not let in. What the `dated` fields held before is kept (see
    field_history).
    """
    records, unwanted = suppressed.let_in(tx, connection, object, kind, records)
    gone = {**gone, **dict.fromkeys(unwanted)}
    suffix = mapping_hash.encode()
    latest = {
        one.id: _values(connection, object, kind, one, suffix, targets, run) for one in records
    }
    known = _known(tx, connection, object, [*latest, *gone])
    fresh: list[tuple[Any, ...]] = []
    differing: list[_Row] = []
    touched: list[_Row] = []
    for ident, values in latest.items():
        before = known.get(ident)
        if before is None:
            fresh.append(values)
            continue
        row = _Row._make(values)
        if before.hash != row.hash or before.gone:
            differing.append(row)
        elif before.targets != targets or not _holds_the_same(before.remote, row.remote):
            touched.append(row)
    insert_many(tx, record, _Row._fields, fresh)
    if dated and (differing or touched):
        seen = _differences(tx, [*differing, *touched], known, dated, suffix, now)
        field_history.store_differences(tx, connection, object, seen, run)
    execute_many(tx, _CHANGE, [_changes(row) for row in differing])
    if touched:
        _touch(tx, touched, known)
    lost = [i for i in gone if i in known and not known[i].gone and i not in latest]
    if lost:
        bury(tx, connection, object, {ident: gone[ident] for ident in lost})
    unchanged = len(latest) - len(fresh) - len(differing) - len(touched)
    return PageCounts(len(fresh), len(differing), unchanged, len(touched), len(lost))


def _holds_the_same(before: str, now: str) -> bool:
    """Whether the fields we write hold what they held, be it in other clothes (71 and "71")."""
    if before == now:
        return True
    one, other = orjson.loads(before), orjson.loads(now)
    return all(same(one.get(name), other.get(name)) for name in one.keys() | other.keys())


class _Known(NamedTuple):
    id: str
    hash: str
    remote: str
    targets: str | None
    gone: bool
    person: str | None


_KNOWN = [record.c[name] for name in _Known._fields]


_MANY = 100
"""Ids of which it is worth a question whether any of them may be known."""


def _known(tx: Connection, connection: str, obj: str, ids: Sequence[str]) -> dict[str, _Known]:
    found: dict[str, _Known] = {}
    if len(ids) >= _MANY and _are_all_new(tx, connection, obj, ids):
        return found
    for some in chunks(ids):
        rows = tx.execute(
            select(*_KNOWN)
            .where(record.c.connection == connection)
            .where(record.c.object == obj, among(record.c.id, some))
        )
        found.update({row[0]: _Known(*row) for row in rows.all()})
    return found


def _are_all_new(tx: Connection, connection: str, obj: str, ids: Sequence[str]) -> bool:
    """Whether nothing is stored from the lowest to the highest id, as on a first load, which comes
    in the order of ids. On PostgreSQL nobody looks: what is lowest is for its collation to say.
    """
    if tx.dialect.name != "sqlite":
        return False
    stored = (
        select(record.c.id)
        .where(record.c.connection == connection, record.c.object == obj)
        .where(record.c.id.between(min(ids), max(ids)))
        .limit(1)
    )
    return tx.execute(stored).first() is None


class _Row(NamedTuple):
    """One row of the table, but for its person, which resolve sets."""

    connection: str
    object: str
    id: str
    kind: str
    changed: int | None
    hash: str
    doc: str
    remote: str
    targets: str | None
    gone: bool
    merged_into: str | None
    account: str | None
    subject: str | None
    first_run: str
    dirty: bool

    @property
    def run(self) -> str:
        """The run that read it."""
        return self.first_run


def _values(
    connection: str, obj: str, kind: str, one: Record, suffix: bytes, targets: str | None, run: str
) -> tuple[Any, ...]:
    """The values of a `_Row`: one that is new needs no names, and they cost more than it does."""
    fields = one.doc
    doc = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    account, subject = fields.get("account"), fields.get("person")
    return (
        connection,
        obj,
        one.id,
        kind,
        one.changed,
        blake2b(doc + suffix, digest_size=16).hexdigest(),
        doc.decode(),
        orjson.dumps(one.remote).decode(),
        targets,
        one.gone,
        one.merged_into,
        str(account) if account is not None else None,
        str(subject) if subject is not None else None,
        run,
        True,
    )


_AT = (
    record.c.connection == bindparam("k_c"),
    record.c.object == bindparam("k_o"),
    record.c.id == bindparam("k_i"),
)
_CHANGING = (
    "changed",
    "hash",
    "doc",
    "remote",
    "targets",
    "gone",
    "merged_into",
    "account",
    "subject",
)
_CHANGE = (
    update(record)
    .where(*_AT)
    .values(dirty=True, **{name: bindparam(f"v_{name}") for name in _CHANGING})
)
_TOUCHED = ("remote", "targets", "changed")
_TOUCH = update(record).where(*_AT).values({name: bindparam(f"v_{name}") for name in _TOUCHED})
_BURY = update(record).where(*_AT).values(gone=True, dirty=True, merged_into=bindparam("m"))


def _changes(row: _Row) -> dict[str, Any]:
    return {**_at(row), **{f"v_{name}": getattr(row, name) for name in _CHANGING}}


def _touch(tx: Connection, rows: Sequence[_Row], known: Mapping[str, _Known]) -> None:
    touched = [{**_at(r), **{f"v_{name}": getattr(r, name) for name in _TOUCHED}} for r in rows]
    execute_many(tx, _TOUCH, touched)
    people = {known[row.id].person for row in rows}
    note_news(tx, (person for person in people if person is not None))


def _differences(
    tx: Connection,
    rows: Sequence[_Row],
    known: Mapping[str, _Known],
    dated: Mapping[str, str | None],
    suffix: bytes,
    now: Micros,
) -> list[Edit]:
    """What differs between the rows as they were stored and as they came now.

    What was read by another mapping may differ for that alone, and is left out.
    """
    found: list[Edit] = []
    docs = _docs(tx, rows)
    for row in rows:
        was = docs.get(row.id, "")
        if blake2b(was.encode() + suffix, digest_size=16).hexdigest() != known[row.id].hash:
            continue
        old, new = orjson.loads(was), orjson.loads(row.doc)
        held, holds = orjson.loads(known[row.id].remote), orjson.loads(row.remote)
        at = row.changed if row.changed is not None else now
        for field, remote in dated.items():
            before, after = (
                (old.get(field), new.get(field))
                if remote is None
                else (held.get(remote), holds.get(remote))
            )
            if before != after:
                found.append(Edit(row.run, row.id, field, at, before, after))
    return found


def _docs(tx: Connection, rows: Sequence[_Row]) -> dict[str, str]:
    found: dict[str, str] = {}
    connection, obj = rows[0].connection, rows[0].object
    for some in chunks(row.id for row in rows):
        told = tx.execute(
            select(record.c.id, record.c.doc).where(
                record.c.connection == connection,
                record.c.object == obj,
                among(record.c.id, some),
            )
        )
        found.update((ident, doc) for ident, doc in told)
    return found


def bury(tx: Connection, connection: str, obj: str, gone: Mapping[str, str | None]) -> None:
    """Make tombstones of records, each with the id it was merged into or None; ask for resolve."""
    execute_many(
        tx,
        _BURY,
        [{"k_c": connection, "k_o": obj, "k_i": i, "m": into} for i, into in gone.items()],
    )


def _at(row: _Row) -> dict[str, Any]:
    return {"k_c": row.connection, "k_o": row.object, "k_i": row.id}


# --- activities ----------------------------------------------------------------------------------

_FIELDS = (
    "type",
    "time",
    "url",
    "asset",
    "campaign",
    "form",
    "channel",
    "visit",
    "message",
    "agent",
    "owner",
)
_ACTIVITY = (
    "connection",
    "object",
    "id",
    "subject",
    "email",
    *_FIELDS,
    "person",
    "machine",
    "duplicate",
)
_content = attrgetter(*_FIELDS)


def store_activities(
    tx: Connection,
    *,
    connection: str,
    object: str,  # noqa: A002
    activities: Sequence[Activity],
    gone: Iterable[str] = (),
) -> PageCounts:
    """Store activities not seen before, and those whose content changed; both ask for resolve.

    Those that are `gone` count no more, and their people are scored anew. What forgotten people do
    is not let in.
    """
    latest = {one.id: one for one in suppressed.let_in_activities(tx, connection, activities)}
    known: dict[str, tuple[Any, ...]] = {}
    columns = [activity.c[name] for name in ("subject", "email", *_FIELDS)]
    for some in chunks(latest):
        rows = tx.execute(
            select(activity.c.id, *columns).where(
                activity.c.connection == connection,
                activity.c.object == object,
                among(activity.c.id, some),
            )
        )
        known.update({row[0]: tuple(row[1:]) for row in rows})
    fresh, differing = [], []
    for ident, one in latest.items():
        content = (one.person, one.email, *_content(one))
        if ident not in known:
            fresh.append((connection, object, ident, *content, None, False, False))
        elif known[ident] != content:
            differing.append((connection, object, ident, *content, None, False, False))
    insert_many(tx, activity, _ACTIVITY, fresh)
    if differing:
        before = _done_by(tx, connection, object, [row[2] for row in differing])
        upsert(tx, activity, [dict(zip(_ACTIVITY, row, strict=True)) for row in differing])
        note_changed(tx, before)
    lost = _drop_activities(tx, connection, object, [i for i in gone if i not in latest])
    unchanged = len(latest) - len(fresh) - len(differing)
    return PageCounts(len(fresh), len(differing), unchanged, gone=lost)


def _drop_activities(tx: Connection, connection: str, obj: str, gone: Sequence[str]) -> int:
    """Drop activities by the ids of their rows, also such as are one of several of a row."""
    if not gone:
        return 0
    ids = [*gone, *(i for some in chunks(gone) for i in _parts(tx, connection, obj, some))]
    note_changed(tx, _done_by(tx, connection, obj, ids))
    count = 0
    for some in chunks(ids):
        done = tx.execute(
            delete(activity).where(
                activity.c.connection == connection,
                activity.c.object == obj,
                among(activity.c.id, some),
            )
        )
        count += int(done.rowcount)
    return count


def _parts(tx: Connection, connection: str, obj: str, rows: Sequence[str]) -> list[str]:
    ordered = tx.dialect.name == "sqlite"
    each, fits = parts_of(activity.c.id, rows, ordered=ordered)
    mine = (activity.c.connection == connection, activity.c.object == obj)
    found = select(activity.c.id).select_from(each.join(activity, and_(*mine, fits)))
    return list(tx.execute(found).scalars())


def _done_by(tx: Connection, connection: str, obj: str, ids: Iterable[str]) -> set[tuple[str, str]]:
    """Whose these activities are, and of which type; nobody places one from here on, until we have
    changed them."""
    found: set[tuple[str, str]] = set()
    for some in chunks(ids):
        rows = tx.execute(
            select(activity.c.person, activity.c.type)
            .where(
                activity.c.connection == connection,
                activity.c.object == obj,
                among(activity.c.id, some),
            )
            .with_for_update()
        )
        found.update((who, kind) for who, kind in rows.all() if who is not None)
    return found


# --- rows kept aside -----------------------------------------------------------------------------


def quarantine_rows(
    tx: Connection, connection: str, obj: str, rejected: Sequence[Rejected], run: str
) -> int:
    """Keep rows that could not be read, each with its reason; gives how many are new here."""
    latest = {one.place: one for one in rejected}
    known = set[str]()
    for some in chunks(latest):
        known.update(
            tx.execute(
                select(quarantine.c.place).where(
                    quarantine.c.connection == connection,
                    quarantine.c.object == obj,
                    among(quarantine.c.place, some),
                )
            ).scalars()
        )
    fresh = [one for place, one in latest.items() if place not in known]
    if fresh:
        tx.execute(
            sql_insert(quarantine),
            [
                {
                    "connection": connection,
                    "object": obj,
                    "place": one.place,
                    "id": one.id,
                    "reason": one.reason,
                    "first_run": run,
                    "last_run": run,
                }
                for one in fresh
            ],
        )
    return len(fresh)


def clear_quarantine(tx: Connection, connection: str, obj: str, ids: Iterable[str]) -> None:
    """Forget rows kept aside that have been read well since."""
    if (
        tx.execute(
            select(quarantine.c.place)
            .where(quarantine.c.connection == connection, quarantine.c.object == obj)
            .limit(1)
        ).first()
        is None
    ):
        return
    for some in chunks(ids):
        tx.execute(
            delete(quarantine).where(
                quarantine.c.connection == connection,
                quarantine.c.object == obj,
                among(quarantine.c.id, some),
            )
        )


def count_quarantined(tx: Connection) -> int:
    """Count the rows kept aside."""
    return int(tx.execute(select(func.count()).select_from(quarantine)).scalar_one())


def quarantined(tx: Connection, limit: int = 100) -> list[dict[str, Any]]:
    """Give rows kept aside, by place."""
    rows = tx.execute(
        select(quarantine)
        .order_by(quarantine.c.connection, quarantine.c.object, quarantine.c.place)
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]
