"""A task in the CRM for each hand-off: looked for by its cycle's mark, then made, once.

It is noted before it is sent. What may have been made is looked for by the next run; while the CRM
may still be slow to show it, nothing is sent again. Where our log-in may not make tasks, they wait
a week for the right, and the run goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from connector.adapters.base import NewTask
from connector.domain.moment import DAY, Micros
from connector.errors import FeatureError, RemoteError, UnknownOutcomeError
from connector.store.passes import handoffs
from connector.store.passes.handoffs import Handoff
from connector.sync.context import Loop, Source
from connector.sync.decide import owners_in

PATIENCE = 7 * DAY
"""A task is made so long after its hand-off at most, where the right to make it lacked."""


def marker(one: Handoff) -> str:
    """Name a cycle, and its second owner, by a mark no other task holds and that tells nothing."""
    named = f"{one.person}\x00{one.number}" + (f"\x00{one.turn}" if one.turn else "")
    digest = blake2b(named.encode(), digest_size=8).hexdigest()
    return f"leadloop-{digest}"


def give_tasks(loop: Loop, source: Source) -> Counter[str]:
    """Make the task of every confirmed hand-off of a connection that has none yet."""
    counts: Counter[str] = Counter()
    if not loop.allows("route"):
        return counts
    with loop.store.read() as tx:
        waiting = handoffs.to_give(tx, source.name)
        owners = owners_in(tx, source.name, loop.now) if waiting else []
    people = {owner.key for owner in owners if owner.active and not owner.queue}
    able = [h for h in waiting if h.owner in people and source.adapter.capabilities.tasks]
    left = [h for h in waiting if h not in able]
    with loop.store.write() as tx:
        handoffs.set_task(tx, [h.key for h in left], "none", loop.now)
    size = source.adapter.capabilities.id_batch
    by_object: dict[str, list[Handoff]] = {}
    for one in able:
        by_object.setdefault(one.record.split("/", 2)[1], []).append(one)
    for some in by_object.values():
        try:
            for start in range(0, len(some), size):
                _give(loop, source, some[start : start + size], counts)
        except FeatureError as error:
            _wait(loop, source, some, error, counts)
    return counts


def _wait(
    loop: Loop, source: Source, some: Sequence[Handoff], error: FeatureError, counts: Counter[str]
) -> None:
    """Say that no tasks can be made; those that waited long enough are given up."""
    loop.warn(
        f"{source.name}: no tasks are made: {error}; the hand-offs stand, and a task waits up to "
        f"{PATIENCE // DAY} days for that right. {error.hint or ''}".rstrip()
    )
    keys = {one.key for one in some}
    with loop.store.write() as tx:
        source.hold(tx)
        left = [one for one in handoffs.to_give(tx, source.name) if one.key in keys]
        wanted = [one for one in left if one.task == "wanted"]
        late = [one.key for one in wanted if loop.now - (one.began_at or 0) > PATIENCE]
        handoffs.set_task(tx, late, "refused", loop.now)
    counts["tasks refused"] += len(late)
    counts["tasks waiting"] += len(wanted) - len(late)


def _give(loop: Loop, source: Source, page: Sequence[Handoff], counts: Counter[str]) -> None:
    tasks = {one.key: _task(source, one) for one in page}
    there = source.tasker.find_tasks(list(tasks.values()))
    for one in page:
        task = tasks[one.key]
        if task.marker in there:
            _settle(loop, source, one, "done", there[task.marker])
            counts["tasks found"] += one.task == "sending"
            continue
        if one.task == "sending" and not shown_by_now(loop, source, one.task_at):
            counts["tasks unknown"] += 1
            continue
        _make(loop, source, one, task, counts)


def _make(loop: Loop, source: Source, one: Handoff, task: NewTask, counts: Counter[str]) -> None:
    _settle(loop, source, one, "sending", None)
    try:
        ident = source.tasker.create_task(task)
    except UnknownOutcomeError:
        counts["tasks unknown"] += 1
        return
    except FeatureError:
        _settle(loop, source, one, "wanted", None)
        raise
    except RemoteError as error:
        _settle(loop, source, one, "refused", None)
        counts["tasks refused"] += 1
        loop.warn(
            f"the CRM refused a task for {one.record} ({error.vendor_code or error.code}); the "
            "hand-off stands without one"
        )
        return
    _settle(loop, source, one, "done", ident)
    counts["tasks"] += 1


def shown_by_now(loop: Loop, source: Source, sent_at: Micros | None) -> bool:
    """Whether the CRM would show by now what we sent without hearing an answer."""
    slow = source.adapter.capabilities
    return sent_at is not None and loop.now - sent_at > slow.lag + slow.overlap


def _settle(loop: Loop, source: Source, one: Handoff, task: str, ident: str | None) -> None:
    with loop.store.write() as tx:
        source.hold(tx)
        handoffs.set_task(tx, [one.key], task, loop.now, ident)


def _task(source: Source, one: Handoff) -> NewTask:
    _, name, record = one.record.split("/", 2)
    mark = marker(one)
    return NewTask(
        marker=mark,
        source=source.objects[name].source,
        record=record,
        owner=one.owner.partition("/")[2],
        subject=f"{one.do_next[:120]} [{mark}]",
        text=one.package,
        due=one.touch_due or one.began_at or one.crossed_at,
    )
