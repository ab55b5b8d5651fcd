"""A whole CRM in this process: for tests, rehearsals and as the plainest example of an adapter.

It is strict where real CRMs are lenient: a batch too large, an unknown field or an unknown source
is an error at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connector.adapters.base import (
    Capabilities,
    FieldStep,
    Identity,
    NewTask,
    Page,
    RemoteField,
    Row,
    Use,
    Window,
)
from connector.domain.change import Outcome, Result, Write
from connector.domain.moment import Micros, format_iso
from connector.domain.outward import FieldType
from connector.errors import LoginError, RemoteError, UnknownOutcomeError, UsageError

PAGE = 100
CHANGED = "changed_at"
KEY = "id"


@dataclass
class Remote:
    """The CRM's own state: what a person in its user interface would see and do."""

    clock: Callable[[], Micros]
    page: int = PAGE
    objects: dict[str, dict[str, Row]] = field(default_factory=dict)
    fields: dict[str, dict[str, RemoteField]] = field(default_factory=dict)
    gone: dict[str, dict[str, tuple[Micros, str | None]]] = field(default_factory=dict)
    refuse: Callable[[Write], str | None] = lambda _write: None
    """Says why the CRM's own rules refuse a write; None lets it pass."""
    lose_answers: int = 0
    """How many coming batches are applied without their answer arriving."""
    locked_out: bool = False
    tasks: dict[str, NewTask] = field(default_factory=dict)
    """Tasks by id, as people in sales see them."""
    refuse_task: Callable[[NewTask], str | None] = lambda _task: None
    effects: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)
    """Every effective change of a field: (source, id, field, before, after)."""

    def put(self, source: str, ident: str, **values: Any) -> None:
        """Create, change or undelete a record as a person would, stamped with the CRM's time."""
        rows = self.objects.setdefault(source, {})
        self.gone.get(source, {}).pop(ident, None)
        row = rows.setdefault(ident, {KEY: ident})
        known = self.fields.setdefault(source, {})
        for name in (KEY, CHANGED, *values):
            known.setdefault(name, RemoteField(name, None))
        for name, value in values.items():
            if row.get(name) != value:
                self.effects.append((source, ident, name, row.get(name), value))
                row[name] = value
        row[CHANGED] = format_iso(self.clock())

    def delete(self, source: str, ident: str, merged_into: str | None = None) -> None:
        """Delete a record, or merge it into another."""
        self.objects[source].pop(ident)
        self.gone.setdefault(source, {})[ident] = (self.clock(), merged_into)


class MemoryAdapter:
    """Speaks to a Remote as other adapters speak to theirs."""

    capabilities = Capabilities(
        kind="memory", batch_size=50, id_batch=50, overlap=0, provisions=True, tasks=True
    )

    def __init__(self, remote: Remote, uses: Mapping[str, Use] | None = None) -> None:
        self.remote = remote
        self._uses = uses or {}

    def check(self) -> Identity:
        if self.remote.locked_out:
            raise LoginError("the memory CRM refuses us", hint="Set locked_out to False")
        return Identity("memory", "memory", "memory")

    def server_now(self) -> Micros:
        return self.remote.clock()

    def sources(self) -> list[str]:
        return sorted(self.remote.objects)

    def describe(self, source: str) -> dict[str, RemoteField]:
        self._known(source)
        return dict(self.remote.fields[source])

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        self.check()
        self._refuse_unknown(source, names)
        low = format_iso(window.since) if window.since is not None else ""
        high = format_iso(window.until)
        rows = [
            row
            for ident, row in sorted(self.remote.objects[source].items())
            if (after is None or ident > after) and low <= row[CHANGED] < high
        ]
        for start in range(0, len(rows), self.remote.page):
            some = rows[start : start + self.remote.page]
            yield Page([_only(row, names) for row in some], str(some[-1][KEY]))
        gone = {
            ident: into
            for ident, (at, into) in self.remote.gone.get(source, {}).items()
            if (window.since is None or at >= window.since) and at < window.until
        }
        yield Page((), "\U0010ffff", gone=gone)

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        self.check()
        _within(len(ids), self.capabilities.id_batch)
        self._refuse_unknown(source, names)
        rows = self.remote.objects[source]
        return [_only(rows[ident], names) for ident in ids if ident in rows]

    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        self.check()
        _within(len(batch), self.capabilities.batch_size)
        outcomes = [self._write(one) for one in batch]
        if self.remote.lose_answers > 0:
            self.remote.lose_answers -= 1
            return [Outcome(one.id, Result.UNKNOWN, "timeout") for one in batch]
        return outcomes

    def find_tasks(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        self.check()
        _within(len(wanted), self.capabilities.id_batch)
        markers = {one.marker for one in wanted}
        return {t.marker: ident for ident, t in self.remote.tasks.items() if t.marker in markers}

    def create_task(self, task: NewTask) -> str:
        self.check()
        self._known(task.source)
        reason = self.remote.refuse_task(task)
        if reason is not None:
            raise RemoteError("the memory CRM refused a task", vendor_code=reason)
        ident = f"task{len(self.remote.tasks) + 1}"
        self.remote.tasks[ident] = task
        if self.remote.lose_answers > 0:
            self.remote.lose_answers -= 1
            raise UnknownOutcomeError("no answer came to a task", hint="It is looked for next time")
        return ident

    def plan_fields(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        return [self._step(step) for step in wanted]

    def create_fields(self, steps: Sequence[FieldStep]) -> None:
        for step in steps:
            if step.action == "create":
                known = self.remote.fields.setdefault(step.source, {})
                known[step.name] = RemoteField(step.name, step.type, step.label)

    def close(self) -> None:
        return None

    def _write(self, one: Write) -> Outcome:
        self._known(one.source)
        if one.id not in self.remote.objects[one.source]:
            return Outcome(one.id, Result.GONE, "gone", "no such record")
        for name in one.values:
            if name not in self.remote.fields[one.source]:
                return Outcome(one.id, Result.REFUSED, "no_field", "no such field", name)
        reason = self.remote.refuse(one)
        if reason is not None:
            return Outcome(one.id, Result.REFUSED, "rule", reason)
        self.remote.put(one.source, one.id, **one.values)
        return Outcome(one.id, Result.APPLIED)

    def _step(self, step: FieldStep) -> FieldStep:
        held = self.remote.fields.get(step.source, {}).get(step.name)
        if held is None:
            return replace(step, action="create")
        if held.type not in {None, step.type} and FieldType.OWNER not in {held.type, step.type}:
            return replace(step, action="clash", note=f"a {held.type} field has this name")
        return replace(step, action="keep")

    def _known(self, source: str) -> None:
        if source not in self.remote.objects:
            raise UsageError(
                f"the memory CRM has no `{source}`", hint=f"It has: {', '.join(self.sources())}"
            )

    def _refuse_unknown(self, source: str, names: Sequence[str]) -> None:
        self._known(source)
        for name in names:
            if name not in self.remote.fields[source]:
                raise UsageError(f"`{source}` has no field `{name}`", hint="Run leadloop install")


_REMOTES: dict[str, Remote] = {}


def register(name: str, remote: Remote) -> None:
    """Make a Remote reachable as `kind: memory` under a connection's name, in this process."""
    _REMOTES[name] = remote


def shared(name: str, uses: Mapping[str, Use], clock: Callable[[], Micros]) -> MemoryAdapter:
    """Open the Remote registered under a connection's name, or a new empty one."""
    return MemoryAdapter(_REMOTES.setdefault(name, Remote(clock)), uses)


def _only(row: Row, names: Sequence[str]) -> Row:
    return {name: row.get(name) for name in names}


def _within(count: int, limit: int) -> None:
    if count > limit:
        raise ValueError(f"{count} at once, the limit is {limit}")
