"""What every step of a run is handed: the store, the opened connections and the agreed files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from connector.domain.moment import DAY, Micros
from connector.domain.outward import Group
from connector.domain.record import Kind
from connector.errors import BusyError, UsageError

if TYPE_CHECKING:  # what a step is handed is loaded by whoever makes it
    from sqlalchemy import Connection

    from connector.adapters.base import Noter, Tasker
    from connector.adapters.door import Door
    from connector.config.settings import Settings
    from connector.decisions.calendar import Calendar
    from connector.decisions.consent import ConsentPolicy
    from connector.decisions.routing_document import Routing
    from connector.mapping.compile import CompiledObject
    from connector.scoring.choice import Models
    from connector.scoring.model import Model
    from connector.store.database import Store
    from connector.sync.middle import Hold, Middle

Tell = Callable[[str, Mapping[str, int]], None]
"""Progress: a step's name (`pull sf lead`) and its counts so far. Ids and counts only.

Called between two transactions, never inside one: whoever is told may end the run by raising.
"""

Note = Callable[..., None]
"""A log line: a stable event name, and values by name. Ids and counts only."""


class Spending(Protocol):
    """Whoever counts our calls, and must know what they are for."""

    purpose: str


STAGES = ("observe", "score", "nurture", "route")
STAGE_OF = {
    Group.SCORE: "score",
    Group.NURTURE: "nurture",
    Group.OWNER: "route",
    Group.HANDOFF: "route",
}
"""The stage from which on each group of fields may be written."""


@dataclass(frozen=True, slots=True)
class Source:
    """One opened connection. `rank` is its place in leadloop.yaml, which settles ties."""

    name: str
    rank: int
    adapter: Door
    objects: Mapping[str, CompiledObject]
    handoff: bool
    mapping_hash: str
    lease: Hold | None = None
    lost: dict[str, frozenset[str]] = field(default_factory=dict)
    """Remote fields in use that went away, by object: neither read nor written."""

    absent: dict[str, bool] = field(default_factory=dict)
    """Optional objects that were asked for, by remote name: whether the CRM lacks them."""

    reconcile_every: Micros = DAY
    budget: Spending | None = None

    def maps(self, kind: Kind) -> bool:
        """Whether its mapping has an object of this kind."""
        return any(one.kind is kind for one in self.objects.values())

    @property
    def tasker(self) -> Tasker:
        """The adapter as one that makes tasks; ask its capabilities first."""
        return cast("Tasker", self.adapter)

    @property
    def noter(self) -> Noter:
        """The adapter as one that makes notes; ask its capabilities first."""
        return cast("Noter", self.adapter)

    def names(self, one: CompiledObject) -> list[str]:
        """The remote fields to read of an object: those that are still there.

        Raises UsageError when the object cannot be read without one that went away.
        """
        lost = self.lost.get(one.name, frozenset())
        needed = {one.key, one.changed} & lost
        if needed:
            raise UsageError(
                f"{self.name}: {one.source} has no `{needed.pop()}` any more, without which "
                f"`{one.name}` cannot be read",
                hint="Give our user the right to read it, or mend the mapping",
            )
        return [name for name in one.names if name not in lost]

    @property
    def streams(self) -> list[CompiledObject]:
        """All that is read: each object, and where it has a history in the CRM, that behind it."""
        trails = [one.trail for one in self.objects.values() if one.trail is not None]
        return [*self.objects.values(), *trails]

    def has(self, one: CompiledObject) -> bool:
        """Whether the CRM has an object; asked of those only that the mapping calls optional.

        A history of which we may not see every column tells nothing that can be relied on.
        """
        if not one.optional:
            return True
        if one.source not in self.absent:
            try:
                known = self.adapter.describe(one.source)
            except UsageError:
                self.absent[one.source] = True
            else:
                there = {name.casefold() for name in known}
                lacks = any(name.casefold() not in there for name in one.names)
                self.absent[one.source] = one.kind is Kind.HISTORY and lacks
        return not self.absent[one.source]

    def spend_on(self, purpose: str) -> None:
        """Say what the coming calls are for: write, increment, reconcile or backfill."""
        if self.budget is not None:
            self.budget.purpose = purpose

    def hold(self, tx: Connection) -> None:
        """Make sure, inside a transaction, that the connection is still ours to read and write.

        Raises BusyError when somebody took it over.
        """
        if self.lease is None:
            raise BusyError(
                f"connection `{self.name}` was opened to look, not to run", hint="leadloop run"
            )
        self.lease.check(tx)


class Reading(NamedTuple):
    """How many rows came of an object: new ones of a window, or all of them (`since` None)."""

    connection: str
    object: str
    rows: int
    since: Micros | None
    until: Micros


@dataclass(frozen=True, slots=True)
class Loop:
    """One run's world. `now` is the only clock the steps know; `store` is under the lease."""

    settings: Settings
    store: Store
    sources: tuple[Source, ...]
    models: Models
    routing: Routing | None
    calendar: Calendar
    now: Micros
    run: str
    lease: Middle
    tell: Tell = field(default=lambda _step, _counts: None)
    warn: Callable[[str], None] = field(default=lambda _said: None)
    note: Note = field(default=lambda _event, **_values: None)
    folder: Path = field(default=Path())
    """Where the settings file is; what it names is found from there."""
    consent: ConsentPolicy | None = None
    """Who may be contacted, by country; None where two plain rules of the settings say so."""
    filling: set[str] = field(default_factory=set)
    """Connections whose people are still being read for the first time."""
    readings: list[Reading] = field(default_factory=list)
    """What this run has read to the end and not yet noted."""

    @property
    def model(self) -> Model:
        """The model of everybody for whom no other is."""
        return self.models.default

    @property
    def handoff(self) -> Source:
        """The connection whose records get owners and nurture flags."""
        return next((s for s in self.sources if s.handoff), self.sources[0])

    def allows(self, stage: str) -> bool:
        """Whether the stage reached so far lets this be written: score, nurture or route."""
        return STAGES.index(self.settings.stage) >= STAGES.index(stage)
