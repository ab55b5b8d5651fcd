"""What every step of a run is handed: the store, the opened connections and the agreed files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connector.adapters.base import Adapter
from connector.config.settings import Settings
from connector.decisions.calendar import Calendar
from connector.decisions.routing_document import Routing
from connector.domain.moment import Micros
from connector.mapping.compile import CompiledObject
from connector.scoring.model import Model
from connector.store.database import Store
from connector.store.leases import Lease

Tell = Callable[[str, Mapping[str, int]], None]
"""Progress: a step's name (`pull sf lead`) and its counts so far. Ids and counts only.

Called between two transactions, never inside one: whoever is told may end the run by raising.
"""

Note = Callable[..., None]
"""A log line: a stable event name, and values by name. Ids and counts only."""

STAGES = ("observe", "score", "nurture", "route")


@dataclass(frozen=True, slots=True)
class Source:
    """One opened connection. `rank` is its place in leadloop.yaml, which settles ties."""

    name: str
    rank: int
    adapter: Adapter
    objects: Mapping[str, CompiledObject]
    handoff: bool
    mapping_hash: str


@dataclass(frozen=True, slots=True)
class Loop:
    """One run's world. `now` is the only clock the steps know; `store` is under the lease."""

    settings: Settings
    store: Store
    sources: tuple[Source, ...]
    model: Model
    routing: Routing | None
    calendar: Calendar
    now: Micros
    run: str
    lease: Lease
    tell: Tell = field(default=lambda _step, _counts: None)
    note: Note = field(default=lambda _event, **_values: None)

    @property
    def handoff(self) -> Source:
        """The connection whose records get owners and nurture flags."""
        return next((s for s in self.sources if s.handoff), self.sources[0])

    def allows(self, stage: str) -> bool:
        """Whether the stage reached so far lets this be written: score, nurture or route."""
        return STAGES.index(self.settings.stage) >= STAGES.index(stage)
