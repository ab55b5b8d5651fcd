"""Pull: what changed since last time, then what a reconcile or a backfill still has to read.

Each object keeps three checkpoints. The backfill walks everything by id, once for each mapping,
and may take days; increments are windows of the change time that begin at the backfill's start
less the overlap, and go on meanwhile; the reconcile walks everything again each night and says how
far the store had drifted. A window closes at the server's clock, and a page's rows and position
are one transaction, so that a run may end anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from connector.adapters.base import Window
from connector.domain.moment import DAY, Micros
from connector.domain.record import Kind
from connector.errors import FeatureError, LeadloopError, RemoteError, UsageError
from connector.mapping.compile import CompiledObject
from connector.store.incoming import checkpoints, field_history
from connector.store.incoming.checkpoints import Checkpoint
from connector.store.incoming.records import PageCounts
from connector.sync.context import Loop, Reading, Source
from connector.sync.reading import hints, intake
from connector.sync.reading.drifting import look_at_schema
from connector.sync.reading.gathering import gathered
from connector.sync.reading.reconcile import reconcile
from connector.sync.reading.storing import store_page
from connector.sync.reading.vanishing import drop_vanished

INCREMENT, BACKFILL, LATE = "increment", "backfill", "late"


def pull(loop: Loop, source: Source) -> Counter[str]:
    """Bring every object of one connection up to date; gives what came, by kind of news.

    An object that cannot be read does not keep the others from being read; then the first error
    is raised at the end, its checkpoint as it was.
    """
    counts: Counter[str] = Counter()
    source.spend_on("increment")
    counts.update(+look_at_schema(loop, source))
    now = source.adapter.server_now()
    faults: list[LeadloopError] = []
    hints.follow(loop, source, counts)
    _watch(loop, source)
    ends = {one.name: _known(loop, source, one)[0] for one in source.streams}
    due = [
        one
        for one in filter(source.has, source.streams)
        if _tried(loop, faults, partial(_news, loop, source, one, now, counts))
    ]
    for one in due:
        _tried(loop, faults, partial(_late, loop, source, one, now, ends[one.name], counts))
    source.spend_on("reconcile")
    for one in due:
        _tried(loop, faults, partial(_compare, loop, source, one, now, counts))
    source.spend_on("backfill")
    for one in due:
        _tried(loop, faults, partial(_backfill, loop, source, one, now, counts))
    intake.remember(loop, source)
    if faults:
        raise faults[0]
    return counts


def _tried(loop: Loop, faults: list[LeadloopError], step: Callable[[], None]) -> bool:
    """Whether the step came to its end; what is wrong with one object is kept for later. One that
    is not offered to us costs a line, and nothing else."""
    try:
        step()
    except FeatureError as error:
        loop.warn(f"{error}; it is left out. {error.hint or ''}".rstrip())
        return False
    except (UsageError, RemoteError) as error:
        faults.append(error)
        return False
    return True


def _watch(loop: Loop, source: Source) -> None:
    """Note from when on differences in dated fields are seen."""
    with loop.store.write() as tx:
        source.hold(tx)
        for one in source.objects.values():
            field_history.watch(tx, source.name, one.name, one.dated, loop.now)


# --- news ----------------------------------------------------------------------------------------


def _news(
    loop: Loop, source: Source, one: CompiledObject, now: Micros, counts: Counter[str]
) -> None:
    if not source.adapter.capabilities.windows:
        _whole(loop, source, one, now, counts)
        return
    if one.changed is None:
        return  # without a change time there is no news, only the backfill, each run
    known, filled = _known(loop, source, one)
    window, after = increment_window(source, one, known, filled, now)
    if window is None:
        return
    done = known.done_until if known else None
    before = counts[f"new {one.kind}"]
    _read(loop, source, one, INCREMENT, window, after, done, counts)
    end = window.until
    _save(loop, source, one, INCREMENT, done_until=end)
    if done is not None and done <= end and (known is None or known.window_until is None):
        fresh = counts[f"new {one.kind}"] - before
        loop.readings.append(Reading(source.name, one.name, fresh, done, end))


def _late(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    now: Micros,
    before: Checkpoint | None,
    counts: Counter[str],
) -> None:
    """Read what changed once more when the remote's index has surely caught up with it.

    The window lies wholly below the increments', and ends where they stood `before` this run: what
    this run's own increment read that far below was old enough already. A new mapping or first run
    begins it there.
    """
    late = source.adapter.capabilities.late
    if not late or one.changed is None or not source.adapter.capabilities.windows:
        return
    with loop.store.read() as tx:
        known = checkpoints.load(tx, source.name, one.name, LATE)
        news = checkpoints.load(tx, source.name, one.name, INCREMENT)
    if news is None or news.done_until is None or news.window_until is not None:
        return
    done, window, after = now - late, None, None
    if known is not None and known.mapping == one.hash:
        done = known.done_until or done
        if known.window_until is not None:
            window, after = Window(known.window_since, known.window_until), known.position
    if window is None:
        until = min(now - late, news.done_until)
        if until - done < source.adapter.capabilities.overlap:  # nothing to gain yet
            if known is None or known.mapping != one.hash:
                _save(loop, source, one, LATE, done_until=done)
            return
        read_to = before.done_until if before is not None else None
        if read_to is not None and now - read_to >= late:
            read_to -= _reach(source, read_to, now)  # this run's own increment reached so far down
        window = Window(done, min(until, read_to if read_to is not None else until))
        done_until = until
    else:
        done_until = window.until
    if window.since is None or window.until > window.since:
        _read(loop, source, one, LATE, window, after, done, counts)
    _save(loop, source, one, LATE, done_until=done_until)


def increment_window(
    source: Source,
    one: CompiledObject,
    known: Checkpoint | None,
    filled: Checkpoint | None,
    now: Micros,
) -> tuple[Window | None, str | None]:
    """The window of news to read and where in it to begin; None while there can be none.

    An open window is gone on with. A new one closes at the server's time less the lag, and begins
    the overlap below the last one, or below the start of the backfill. A clock that went back
    behind the last window's end makes the window reach a day below.
    """
    capabilities = source.adapter.capabilities
    same = known is not None and known.mapping == one.hash
    if same and known is not None and known.window_until is not None:
        return Window(known.window_since, known.window_until), known.position
    began = filled.done_until or filled.window_until if filled else None
    since = known.done_until if known and known.done_until is not None else began
    if since is None:
        return None, None
    until = now - capabilities.lag
    if until + capabilities.overlap < since:
        return Window(until - max(DAY, capabilities.overlap), until), None
    return Window(since - _reach(source, since, now), max(until, since)), None


def _reach(source: Source, since: Micros, now: Micros) -> Micros:
    """How far a window reaches below the last one: after a pause, over all that was read young."""
    capabilities = source.adapter.capabilities
    paused = now - since >= capabilities.late
    return max(capabilities.overlap, capabilities.late) if paused else capabilities.overlap


def _known(
    loop: Loop, source: Source, one: CompiledObject
) -> tuple[Checkpoint | None, Checkpoint | None]:
    with loop.store.read() as tx:
        return (
            checkpoints.load(tx, source.name, one.name, INCREMENT),
            checkpoints.load(tx, source.name, one.name, BACKFILL),
        )


# --- everything ----------------------------------------------------------------------------------


def _backfill(
    loop: Loop, source: Source, one: CompiledObject, now: Micros, counts: Counter[str]
) -> None:
    """Read everything below the moment the backfill began, by id, going on where it stopped."""
    if not source.adapter.capabilities.windows:
        return
    _, filled = _known(loop, source, one)
    same = filled is not None and filled.mapping == one.hash
    if one.kind is Kind.PERSON and (filled is None or filled.done_until is None):
        loop.filling.add(source.name)
    if same and filled is not None and filled.window_until is None and one.changed is not None:
        return
    done = filled.done_until if filled else None
    if same and filled is not None and filled.window_until is not None:
        window, after = Window(None, filled.window_until), filled.position
    else:
        window, after = Window(None, now - source.adapter.capabilities.lag), None
        _save(loop, source, one, BACKFILL, done_until=done, window=window)  # it counts from here on
    before = _good(counts)
    _read(loop, source, one, BACKFILL, window, after, done, counts)
    _save(loop, source, one, BACKFILL, done_until=window.until)
    if after is None:
        _note_whole(loop, source, one, _good(counts) - before, window.until)


def is_filled(loop: Loop, source: Source) -> bool:
    """Whether the people of a connection have been read once from end to end."""
    if not source.adapter.capabilities.windows:
        return True
    people = [one for one in source.objects.values() if one.kind is Kind.PERSON]
    filled = [_known(loop, source, one)[1] for one in people]
    return all(one is not None and one.done_until is not None for one in filled)


def _compare(
    loop: Loop, source: Source, one: CompiledObject, now: Micros, counts: Counter[str]
) -> None:
    if not source.adapter.capabilities.windows or not one.changed or one.kind is Kind.HISTORY:
        return  # a history is only added to
    known, filled = _known(loop, source, one)
    if filled is None or filled.window_until is not None or filled.mapping != one.hash:
        return  # the backfill itself is still to be read
    if one.kind is Kind.ACTIVITY:
        drop_vanished(loop, source, one, filled.done_until or 0, now, counts)
        return
    reconcile(loop, source, one, filled.done_until or 0, known, now, counts)


def _whole(
    loop: Loop, source: Source, one: CompiledObject, now: Micros, counts: Counter[str]
) -> None:
    """Read a source that knows no windows; its position says whether there is anything new."""
    with loop.store.read() as tx:
        known = checkpoints.load(tx, source.name, one.name, INCREMENT)
    after = known.position if known is not None and known.mapping == one.hash else None
    window = Window(None, now)
    done = known.done_until if known else None
    resumed = known is not None and known.window_until is not None
    begun, before = after, _good(counts)
    after = _read(loop, source, one, INCREMENT, window, after, done, counts)
    _save(loop, source, one, INCREMENT, done_until=now, position=after)
    if after != begun and not resumed:
        _note_whole(loop, source, one, _good(counts) - before, now)


def _good(counts: Counter[str]) -> int:
    """How many rows could be read so far."""
    return counts["read"] - counts["rejected"]


def _note_whole(loop: Loop, source: Source, one: CompiledObject, rows: int, until: Micros) -> None:
    loop.readings.append(Reading(source.name, one.name, rows, None, until))


# --- pages and checkpoints -----------------------------------------------------------------------


def _read(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    kind: str,
    window: Window,
    after: str | None,
    done_until: Micros | None,
    counts: Counter[str],
) -> str | None:
    """Store every page of a window with its position; gives the last position."""
    for page in gathered(source.adapter.read(one.source, source.names(one), window, after)):
        after = page.position
        point = _checkpoint(loop, source, one, kind, done_until, window, after)
        store_page(loop, source, one, page, partial(_keep, point), counts)
        loop.tell(f"pull {source.name} {one.name}", counts)
        del page  # its rows make room before the next ones come
    return after


def _keep(point: Checkpoint, tx: Connection, _stored: PageCounts) -> None:
    checkpoints.save(tx, point)


def _save(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    kind: str,
    *,
    done_until: Micros | None = None,
    window: Window | None = None,
    position: str | None = None,
) -> None:
    with loop.store.write() as tx:
        source.hold(tx)
        saved = _checkpoint(loop, source, one, kind, done_until, window, position)
        checkpoints.save(tx, saved)


def _checkpoint(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    kind: str,
    done_until: Micros | None,
    window: Window | None,
    position: str | None,
) -> Checkpoint:
    return Checkpoint(
        connection=source.name,
        object=one.name,
        kind=kind,
        done_until=done_until,
        window_since=window.since if window else None,
        window_until=window.until if window else None,
        position=position,
        mapping=one.hash,
        run=loop.run,
        fence=source.lease.fence if source.lease else 0,
    )
