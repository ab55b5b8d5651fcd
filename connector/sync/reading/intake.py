"""Intake: whether a CRM gave unusually little, before anything is written because of it.

Two things are remembered of each object: how many rows its last whole readings gave, and how many
new ones came on each day. A whole reading far below the usual one says that our user sees less, or
that an export broke off: nothing at all is written then. A day far below the same day of other
weeks says that a source ran dry: scores would fall for want of news, so scores and nurture flags
wait and hand-offs go on. Usual is a median, so that it follows what stays.
"""

from __future__ import annotations

from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connector.domain.moment import DAY, Micros
from connector.store.running import notes
from connector.sync.context import Loop, Reading, Source

FEW = 20
"""Whole readings that usually give fewer rows than this are not judged."""
FEW_A_DAY = 50
"""Neither are objects of which usually fewer new rows come in a day."""
SIZES = 5
WEEKS = 4
KNOWN_WEEKS = 3


class Small(NamedTuple):
    """An object of which unusually little came, in words, and whether nothing may be written."""

    connection: str
    object: str
    said: str
    whole: bool


def remember(loop: Loop, source: Source) -> None:
    """Add what was read of a connection to what is known of it."""
    readings = [r for r in loop.readings if r.connection == source.name]
    if not readings:
        return
    name = _name(source.name)
    with loop.store.write() as tx:
        source.hold(tx)
        known = notes.get(tx, name) or {"whole": {}, "days": {}}
        for one in readings:
            _add(known, one)
        notes.put(tx, name, known)
    loop.readings[:] = [r for r in loop.readings if r.connection != source.name]


def _add(known: dict[str, Any], one: Reading) -> None:
    if one.since is None:
        sizes = known["whole"].setdefault(one.object, [])
        sizes.append(one.rows)
        del sizes[:-SIZES]
        return
    day = (one.since + one.until) // 2 // DAY
    days = known["days"].setdefault(one.object, {})
    rows, span = days.get(str(day), (0, 0))
    days[str(day)] = [rows + one.rows, span + one.until - one.since]
    for old in [d for d in days if int(d) < day - 7 * (WEEKS + 1)]:
        del days[old]


def unusual(loop: Loop, tx: Connection) -> list[Small]:
    """Say of which objects unusually little came, if of any."""
    share = loop.settings.write.limits.input
    found = []
    for source in loop.sources:
        known = notes.get(tx, _name(source.name)) or {"whole": {}, "days": {}}
        for name, sizes in sorted(known["whole"].items()):
            now, usual = sizes[-1], median(sizes[:-1] or sizes)
            if usual >= FEW and now < share * usual:
                said = f"a whole reading of {name} gave {now:,} rows, {usual:,.0f} are usual"
                found.append(Small(source.name, name, f"{source.name}: {said}", whole=True))
        for name, days in sorted(known["days"].items()):
            a_day, usual = _rates(days, loop.now)
            if usual >= FEW_A_DAY and a_day < share * usual:
                said = f"{a_day:,.0f} new {name} rows came in a day, {usual:,.0f} are usual"
                found.append(Small(source.name, name, f"{source.name}: {said}", whole=False))
    return found


def _rates(days: dict[str, list[int]], now: Micros) -> tuple[float, float]:
    """(rows of the newest day that is over, what is usual on its weekday); 0 while not known."""
    covered = {int(d): rows / (span / DAY) for d, (rows, span) in days.items() if span >= DAY // 2}
    newest = max((day for day in covered if day < now // DAY), default=0)
    before = [covered[d] for d in range(newest - 7 * WEEKS, newest, 7) if d in covered]
    return (covered[newest], median(before)) if len(before) >= KNOWN_WEEKS else (0, 0)


def accept(loop: Loop, tx: Connection) -> None:
    """Take what came last for usual from now on, where it was little: a person has looked."""
    for one in unusual(loop, tx):
        known = notes.get(tx, _name(one.connection))
        if one.whole:
            known["whole"][one.object] = known["whole"][one.object][-1:]
        else:
            days = known["days"][one.object]
            known["days"][one.object] = {d: n for d, n in days.items() if int(d) >= loop.now // DAY}
        notes.put(tx, _name(one.connection), known)


def _name(connection: str) -> str:
    return f"intake {connection}"
