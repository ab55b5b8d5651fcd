"""Opens a loop: settings, store, connections, and the model and routing that are agreed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import time as clock_time
from typing import Any

import orjson

from connector.adapters import open_adapter
from connector.adapters.base import Use
from connector.adapters.door import Door
from connector.adapters.keeping import Keeping, keeping
from connector.config.load import Loaded
from connector.config.settings import Connection
from connector.decisions.calendar import Calendar
from connector.decisions.routing_document import Routing
from connector.documents import load
from connector.domain.moment import Micros
from connector.errors import LeaseHeldError, UsageError
from connector.mapping.compile import CompiledObject, compile_mapping, mapping_hash
from connector.mapping.document import MappingDocument, load_mapping
from connector.scoring.choice import Choice, Models, revived, tests_of
from connector.scoring.model import load_model
from connector.store.database import Store, open_store
from connector.store.incoming.bookmarks import StoreBookmark
from connector.store.late import LateStore, Transactions
from connector.store.outgoing import plans
from connector.store.running import leases, runs
from connector.store.running.budgets import StoreBudget
from connector.store.running.leases import Lease
from connector.store.running.vault import StoreVault
from connector.sync.context import Loop, Note, Source, Tell
from connector.sync.deciding.nurturing import consent_of
from connector.sync.middle import NAME, Hold, Middle, held_ones
from connector.transport.budget import metered


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

    The loop's store is under what the run holds: whatever a step writes is refused once another
    run took over. With `candidate` the model and routing files as they are now are used, to plan
    with; else the last approved ones, as long as there are any.
    """
    with ExitStack() as stack:
        opened = open_store(loaded.store_url())
        stack.callback(opened.close)
        run_id = runs.new_id(clock())
        holds, middle = _take_leases(loaded, opened, run_id, stack)
        store = opened.under(held_ones(middle, holds.values()))
        models, routing = agreed(loaded, store, candidate=candidate, warn=warn)
        sources = open_sources(loaded, clock, stack, holds, opened)
        with store.write() as tx:
            alive = leases.holders(tx) if store.dialect == "postgresql" else frozenset()
            runs.start(tx, run_id, command, now=now, started=clock(), alive=alive)
        yield Loop(
            settings=loaded.settings,
            store=store,
            sources=sources,
            models=models,
            routing=routing,
            calendar=calendar_of(loaded),
            now=now,
            run=run_id,
            lease=middle,
            tell=tell,
            warn=warn,
            note=note,
            folder=loaded.folder,
            consent=consent_of(loaded),
        )


def _take_leases(
    loaded: Loaded, store: Store, run_id: str, stack: ExitStack
) -> tuple[dict[str, Hold], Middle]:
    """Take one lease for everything; on PostgreSQL each connection is taken when its turn comes.

    Raises LeaseHeldError when another run holds it.
    """
    lease: Lease | None = None
    if store.dialect != "postgresql":
        lease = leases.acquire(store, NAME, run_id)
        stack.callback(lease.release, store)
    holds = {
        connection.name: Hold(store, connection.name, run_id, lease)
        for connection in loaded.settings.connections
    }
    for hold in holds.values():
        stack.callback(hold.release)
    return holds, Middle(store, run_id, lease, holds=holds.values())


@contextmanager
def alone(loaded: Loaded, store: Store, holder: str) -> Iterator[Store]:
    """Keep every run out; gives the store under all that is held for it.

    Raises LeaseHeldError when one is going on.
    """
    with ExitStack() as stack:
        holds, middle = _take_leases(loaded, store, holder, stack)
        for name, hold in holds.items():
            if not hold.take():
                raise LeaseHeldError(
                    f"run {hold.taken_by} is at work on {name}",
                    holder=hold.taken_by,
                    hint="Wait for it to end, or see leadloop status",
                )
        stack.enter_context(middle.held())
        yield store.under(held_ones(middle, holds.values()))


def open_sources(
    loaded: Loaded,
    clock: Callable[[], Micros],
    stack: ExitStack,
    held: Mapping[str, Hold] | None = None,
    store: Store | None = None,
) -> tuple[Source, ...]:
    """Open every connection of the settings, each to be closed with `stack`.

    Without its lease one is only to be looked at; with a store their calls are budgeted there.
    """
    sources = []
    late = LateStore(loaded.store_url(), stack)
    for rank, connection in enumerate(loaded.settings.connections):
        document = mapping_of(loaded, connection)
        objects = compile_mapping(document)
        uses = uses_of(objects)
        budget = _budget(store, connection, clock)
        with metered(budget), keeping(_keeping(loaded, connection, store, late)):
            adapter = Door(open_adapter(connection, loaded.folder, uses, clock), uses)
        if budget is not None:
            budget.keep(adapter.capabilities.paces)
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
                lease=held.get(connection.name) if held else None,
                budget=budget,
                reconcile_every=connection.api.reconcile,
            )
        )
    return tuple(sources)


def _keeping(
    loaded: Loaded, connection: Connection, store: Store | None, late: Transactions
) -> Keeping:
    """Where the adapter of a connection keeps its bookmarks and log-ins."""
    key = loaded.settings.vault.secret() if loaded.settings.vault is not None else None
    place = store or late
    bookmark = StoreBookmark(place, connection.name)
    vault = StoreVault(place, connection.name, key)
    return Keeping(bookmark, vault, lasting=store is not None)


def _budget(
    store: Store | None, connection: Connection, clock: Callable[[], Micros]
) -> StoreBudget | None:
    if store is None:
        return None
    return StoreBudget(store, connection.name, reserve=connection.api.reserve, clock=clock)


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
            frozenset(one.asks.values()) | (known.asks if known else frozenset()),
        )
    return uses


def model_file(loaded: Loaded) -> Models:
    """Read the model files as they are now."""
    chosen = loaded.settings.model
    if isinstance(chosen, str):
        return Models.only(load_model(loaded.path(chosen)))
    return Models([Choice(load_model(loaded.path(c.path)), tests_of(c.when)) for c in chosen])


def routing_file(loaded: Loaded) -> Routing | None:
    """Read the routing file as it is now; None when there is none."""
    name = loaded.settings.routing
    return load(loaded.path(name), Routing) if name is not None else None


def agreed(
    loaded: Loaded, store: Store, *, candidate: bool, warn: Callable[[str], None]
) -> tuple[Models, Routing | None]:
    """Give the model and routing to work with, saying so when a file waits for approval."""
    with store.read() as tx:
        approved = plans.approvals(tx)
    if candidate or "model" not in approved:
        return model_file(loaded), routing_file(loaded)
    model = revived(orjson.loads(approved["model"][1]))
    routing = _routing(orjson.loads(approved["routing"][1]))
    for name, there, used in (
        ("model", _try(lambda: model_file(loaded)), model),
        ("routing", _try(lambda: routing_file(loaded)), routing),
    ):
        if there != used:
            warn(f"the {name} file is not approved yet; going on with the last approved one")
    return model, routing


def routing_in_use(loaded: Loaded, store: Store) -> Routing | None:
    """Give the last approved routing, or the file where none was approved yet."""
    with store.read() as tx:
        approved = plans.approvals(tx)
    if "routing" not in approved:
        found = _try(lambda: routing_file(loaded))
        return found if isinstance(found, Routing) else None
    return _routing(orjson.loads(approved["routing"][1]))


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
