"""Opens a loop: settings, store, connections, and the model and routing that are agreed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import time as clock_time
from typing import Any

import orjson

from connector.adapters import open_adapter
from connector.adapters.base import Use
from connector.config.load import Loaded
from connector.config.settings import Connection
from connector.decisions.calendar import Calendar
from connector.decisions.routing_document import Routing
from connector.documents import load
from connector.domain.moment import Micros
from connector.errors import UsageError
from connector.mapping.compile import CompiledObject, compile_mapping, mapping_hash
from connector.mapping.document import MappingDocument, load_mapping
from connector.scoring.model import Model, load_model, revive
from connector.store import leases, plans, runs
from connector.store.database import Store, open_store
from connector.sync.context import Loop, Note, Source, Tell

LEASE = "run"


@contextmanager
def open_loop(
    loaded: Loaded,
    *,
    now: Micros,
    clock: Callable[[], Micros],
    command: str,
    candidate: bool,
    tell: Tell,
    warn: Callable[[str], None],
    note: Note = lambda _event, **_values: None,
) -> Iterator[Loop]:
    """Open everything one run needs, and take the lease.

    The loop's store is under that lease: whatever a step writes is refused once another run took
    over. With `candidate` the model and routing files as they are now are used, to plan with; else
    the last approved ones, as long as there are any.
    """
    with ExitStack() as stack:
        opened = open_store(loaded.store_url())
        stack.callback(opened.close)
        run_id = runs.new_id(clock())
        lease = leases.acquire(opened, LEASE, run_id)
        stack.callback(lease.release, opened)
        store = opened.under(lease.check)
        model, routing = agreed(loaded, store, candidate=candidate, warn=warn)
        sources = open_sources(loaded, clock, stack)
        with store.write() as tx:
            runs.start(tx, run_id, command, now=now, started=clock())
        yield Loop(
            settings=loaded.settings,
            store=store,
            sources=sources,
            model=model,
            routing=routing,
            calendar=calendar_of(loaded),
            now=now,
            run=run_id,
            lease=lease,
            tell=tell,
            note=note,
        )


def open_sources(
    loaded: Loaded, clock: Callable[[], Micros], stack: ExitStack
) -> tuple[Source, ...]:
    """Open every connection of the settings, each to be closed with `stack`."""
    sources = []
    for rank, connection in enumerate(loaded.settings.connections):
        document = mapping_of(loaded, connection)
        objects = compile_mapping(document)
        adapter = open_adapter(connection, loaded.folder, uses_of(objects), clock)
        stack.callback(adapter.close)
        _refuse_vendor_fields(connection.name, objects, adapter.capabilities.vendor_fields)
        sources.append(
            Source(
                name=connection.name,
                rank=rank,
                adapter=adapter,
                objects=objects,
                handoff=connection.handoff or len(loaded.settings.connections) == 1,
                mapping_hash=mapping_hash(document),
            )
        )
    return tuple(sources)


def mapping_of(loaded: Loaded, connection: Connection) -> MappingDocument:
    """Read the mapping of a connection."""
    return load_mapping(loaded.path(connection.mapping))


def uses_of(objects: dict[str, CompiledObject]) -> dict[str, Use]:
    """Say of each remote source which field is its key and which ones are written."""
    uses: dict[str, Use] = {}
    for one in objects.values():
        writes = frozenset(target.to for target in one.writes.values())
        known = uses.get(one.source)
        uses[one.source] = Use(
            one.key if known is None or writes else known.key,
            writes | (known.writes if known else frozenset()),
        )
    return uses


def model_file(loaded: Loaded) -> Model:
    """Read the model file as it is now."""
    chosen = loaded.settings.model
    if not isinstance(chosen, str):
        if len(chosen) != 1:
            raise UsageError(
                "several models at once are not supported in this version",
                hint="Give one model: `model: model.yaml`",
            )
        chosen = chosen[0].path
    return load_model(loaded.path(chosen))


def routing_file(loaded: Loaded) -> Routing | None:
    """Read the routing file as it is now; None when there is none."""
    name = loaded.settings.routing
    return load(loaded.path(name), Routing) if name is not None else None


def agreed(
    loaded: Loaded, store: Store, *, candidate: bool, warn: Callable[[str], None]
) -> tuple[Model, Routing | None]:
    """Give the model and routing to work with, saying so when a file waits for approval."""
    with store.read() as tx:
        approved = plans.approvals(tx)
    if candidate or "model" not in approved:
        return model_file(loaded), routing_file(loaded)
    model = revive(orjson.loads(approved["model"][1]))
    routing = _routing(orjson.loads(approved["routing"][1]))
    for name, there, used in (
        ("model", _try(lambda: model_file(loaded)), model),
        ("routing", _try(lambda: routing_file(loaded)), routing),
    ):
        if there != used:
            warn(f"the {name} file is not approved yet; going on with the last approved one")
    return model, routing


def calendar_of(loaded: Loaded) -> Calendar:
    """Give the working hours that SLAs are counted in."""
    sla = loaded.settings.sla
    opens, _, closes = sla.hours.partition("-")
    return Calendar(
        sla.tz, clock_time.fromisoformat(opens), clock_time.fromisoformat(closes), sla.country
    )


def _routing(document: Any) -> Routing | None:
    return None if document is None else Routing.model_validate_json(orjson.dumps(document))


def _try(read: Callable[[], Any]) -> Any:
    """A file that is broken is not approved either: the loop goes on without it."""
    try:
        return read()
    except UsageError as error:
        return error


def _refuse_vendor_fields(
    name: str, objects: dict[str, CompiledObject], vendor: tuple[str, ...]
) -> None:
    for one in objects.values():
        for target in one.writes.values():
            if target.to in vendor:
                raise UsageError(
                    f"connection `{name}`: `{one.name}.write.{target.field}` goes to "
                    f"`{target.to}`, which means something to the CRM itself",
                    hint="Write to a field of your own; leadloop install makes them",
                )
