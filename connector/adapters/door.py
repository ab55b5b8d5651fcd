"""The door before every adapter: what the mapping does not own never goes through.

It also holds an adapter to its word: no batch beyond its size, one outcome for each record in
order. A record the answer says nothing of is unknown, never done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from connector.adapters.base import (
    Adapter,
    Capabilities,
    Deleted,
    Eraser,
    FieldStep,
    Heir,
    Historian,
    Identity,
    NewTask,
    Noter,
    Page,
    Registrar,
    RemoteField,
    Row,
    Tasker,
    Use,
    Window,
    Witness,
)
from connector.domain.change import Outcome, Result, Write
from connector.domain.moment import Micros
from connector.errors import LeadloopError
from connector.points import point


class NotOursError(LeadloopError):
    """A bug of ours: something was about to be written that the mapping does not own."""

    code = "not_ours"


class Door:
    """An adapter behind its door."""

    def __init__(self, adapter: Adapter, uses: Mapping[str, Use]) -> None:
        self.capabilities: Capabilities = adapter.capabilities
        self._adapter = adapter
        self._uses = uses
        self.inner = adapter
        """For set-up alone: what is written to records goes through the door."""

    def __repr__(self) -> str:
        return repr(self._adapter)

    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        for one in batch:
            owned = self._uses[one.source].writes if one.source in self._uses else frozenset()
            if not one.values.keys() <= owned:
                strange = min(one.values.keys() - owned)
                raise NotOursError(
                    f"`{strange}` of {one.source}/{one.id} is no field the mapping writes",
                    hint="Nothing was sent; report this with leadloop's version",
                )
        if len(batch) > self.capabilities.batch_size:
            raise NotOursError(f"{len(batch)} records at once, {self} takes fewer")
        point("write.before")
        outcomes = self._adapter.write(batch)
        point("write.after")
        if [o.id for o in outcomes] == [one.id for one in batch]:
            return outcomes
        told = {o.id: o for o in outcomes}
        return [told.get(w.id, Outcome(w.id, Result.UNKNOWN, "not_mentioned")) for w in batch]

    def find_tasks(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        return self._tasker.find_tasks(wanted)

    def create_task(self, task: NewTask) -> str:
        if task.marker not in task.subject:
            raise NotOursError(
                f"a task for {task.source}/{task.record} lacks its marker",
                hint="Nothing was sent; report this with leadloop's version",
            )
        point("write.before")
        made = self._tasker.create_task(task)
        point("write.after")
        return made

    @property
    def _tasker(self) -> Tasker:
        if not self.capabilities.tasks:
            raise NotOursError(f"{self} makes no tasks", hint="Report this with leadloop's version")
        return cast("Tasker", self._adapter)

    def find_notes(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        return self._noter.find_notes(wanted)

    def create_note(self, note: NewTask) -> str:
        if note.marker not in note.text:
            raise NotOursError(
                f"a note for {note.source}/{note.record} lacks its marker",
                hint="Nothing was sent; report this with leadloop's version",
            )
        point("write.before")
        made = self._noter.create_note(note)
        point("write.after")
        return made

    @property
    def _noter(self) -> Noter:
        if not self.capabilities.notes:
            raise NotOursError(f"{self} makes no notes", hint="Report this with leadloop's version")
        return cast("Noter", self._adapter)

    def check(self) -> Identity:
        return self._adapter.check()

    def server_now(self) -> Micros:
        return self._adapter.server_now()

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        return self._adapter.read(source, names, window, after)

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        return self._adapter.read_ids(source, names, ids)

    def hidden(self, source: str, ids: Sequence[str]) -> list[str]:
        """Of ids that are left out, those only hidden from us; none where the CRM cannot tell."""
        return self._adapter.hidden(source, ids) if isinstance(self._adapter, Witness) else []

    def deleted(self, source: str, since: Micros, until: Micros) -> Deleted | None:
        """What the CRM's log says was deleted; None where it keeps none."""
        if not isinstance(self._adapter, Registrar):
            return None
        return self._adapter.deleted(source, since, until)

    def erased(self, source: str, ids: Sequence[str]) -> list[str]:
        """Of ids that are left out, those erased for good; none where the CRM cannot tell."""
        return self._adapter.erased(source, ids) if isinstance(self._adapter, Eraser) else []

    def losers(self, row: Row) -> list[str]:
        """Ids of the records merged into a row's; none where the CRM's rows do not say it."""
        return self._adapter.losers(row) if isinstance(self._adapter, Heir) else []

    def set_by_hand(
        self, source: str, names: Sequence[str], ids: Sequence[str]
    ) -> dict[str, dict[str, Micros]]:
        """When a person gave fields what they hold; nothing where the CRM does not keep it."""
        if not isinstance(self._adapter, Historian):
            return {}
        return self._adapter.set_by_hand(source, names, ids)

    def describe(self, source: str) -> dict[str, RemoteField]:
        return self._adapter.describe(source)

    def sources(self) -> list[str]:
        return self._adapter.sources()

    def plan_fields(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        return self._adapter.plan_fields(wanted)

    def create_fields(self, steps: Sequence[FieldStep]) -> None:
        self._adapter.create_fields(steps)

    def close(self) -> None:
        self._adapter.close()
