"""The package of a hand-off as a note on its record: looked for by its mark, then made, once.

As with tasks it is noted before it is sent, and what may have been made is looked for. A note is
no more than a copy of the package: where our log-in may not make one, it is given up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from connector.adapters.base import NewTask
from connector.errors import FeatureError, RemoteError, UnknownOutcomeError
from connector.store.passes import handoffs
from connector.store.passes.handoffs import Alert, Handoff
from connector.sync.context import Loop, Source
from connector.sync.decide import owners_in
from connector.sync.handing_off.tasks import marker, shown_by_now

Waiting = tuple[Alert, Handoff]


def give_notes(loop: Loop, source: Source) -> Counter[str]:
    """Make the note of every confirmed hand-off of a connection that wants one."""
    counts: Counter[str] = Counter()
    if not (loop.allows("route") and loop.settings.handoff.note):
        return counts
    with loop.store.read() as tx:
        waiting = handoffs.notes_due(tx, source.name)
        owners = owners_in(tx, source.name, loop.now) if waiting else []
    if not source.adapter.capabilities.notes:
        _settle(loop, source, [one for one, _ in waiting], "left_out")
        return counts
    people = {owner.key for owner in owners if owner.active and not owner.queue}
    size = source.adapter.capabilities.id_batch
    by_object: dict[str, list[Waiting]] = {}
    for one in waiting:
        by_object.setdefault(one[1].record.split("/", 2)[1], []).append(one)
    for some in by_object.values():
        try:
            for start in range(0, len(some), size):
                _give(loop, source, some[start : start + size], people, counts)
        except FeatureError as error:
            _give_up(loop, source, some)
            loop.warn(f"{source.name}: no notes are made: {error}. {error.hint or ''}".rstrip())
    return counts


def _give(
    loop: Loop, source: Source, page: Sequence[Waiting], people: set[str], counts: Counter[str]
) -> None:
    notes = [_note(source, given, people) for _, given in page]
    there = source.noter.find_notes(notes)
    for (one, _), note in zip(page, notes, strict=True):
        if note.marker in there:
            _settle(loop, source, [one], "sent")
            counts["notes found"] += one.state == "sending"
        elif one.state == "sending" and not shown_by_now(loop, source, one.settled_at):
            counts["notes unknown"] += 1
        else:
            _make(loop, source, one, note, counts)


def _make(loop: Loop, source: Source, one: Alert, note: NewTask, counts: Counter[str]) -> None:
    _settle(loop, source, [one], "sending")
    try:
        source.noter.create_note(note)
    except UnknownOutcomeError:
        counts["notes unknown"] += 1
        return
    except FeatureError:
        raise
    except RemoteError as error:
        _settle(loop, source, [one], "refused")
        counts["notes refused"] += 1
        code = error.vendor_code or error.code
        loop.warn(f"the CRM refused a note for {note.source}/{note.record} ({code})")
        return
    _settle(loop, source, [one], "sent")
    counts["notes"] += 1


def _give_up(loop: Loop, source: Source, some: Sequence[Waiting]) -> None:
    """Want no more of those that were not made."""
    keys = {one.key for _, one in some}
    with loop.store.read() as tx:
        left = [one for one, given in handoffs.notes_due(tx, source.name) if given.key in keys]
    _settle(loop, source, left, "refused")


def _settle(loop: Loop, source: Source, some: Sequence[Alert], state: str) -> None:
    if some:
        with loop.store.write() as tx:
            source.hold(tx)
            handoffs.settle(tx, some, state, loop.now)


def _note(source: Source, given: Handoff, people: set[str]) -> NewTask:
    """A note in the name of its owner, where that is a person; its mark is that of its cycle."""
    _, name, record = given.record.split("/", 2)
    mark = marker(given._replace(turn=0))
    owner = given.owner.partition("/")[2] if given.owner in people else ""
    return NewTask(
        marker=mark,
        source=source.objects[name].source,
        record=record,
        owner=owner,
        subject=given.do_next[:120],
        text=f"{given.package}\n\n[{mark}]",
        due=given.began_at or given.crossed_at,
    )
