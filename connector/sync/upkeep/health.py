"""Doctor: is everything there that a run needs? Each answer comes with the one next step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from sqlalchemy import Connection

from connector.adapters.base import Examiner
from connector.config.load import Loaded
from connector.config.settings import Settings
from connector.decisions.routing import Desk, Router
from connector.domain.moment import Micros
from connector.errors import LeadloopError
from connector.store.database import Store, open_store
from connector.store.outgoing import plans
from connector.store.running import audit, health, notes, runs
from connector.sync.context import Source
from connector.sync.decide import owners_in
from connector.sync.opening import model_file, open_sources, routing_file
from connector.sync.planning.sides import both_sides
from connector.sync.recall import OLDER, unknown_runs
from connector.sync.upkeep.as_admin import opened_as
from connector.sync.upkeep.provision import order_of, plan_install, themes_of


class Finding(NamedTuple):
    """One check: `state` is ok, look or fail; `fix` the next step when it is not ok."""

    state: str
    what: str
    said: str
    fix: str | None = None


def examine(
    loaded: Loaded, clock: Callable[[], Micros], admin: str | None = None
) -> Iterator[Finding]:
    """Yield one finding a check, in the order a newcomer meets the problems.

    Args:
        admin: A log-in of the sf CLI, by its alias: asked for this once what our own user
            may not ask.
    """
    yield Finding(
        "ok", "settings", f"{len(loaded.settings.connections)} connections are well formed"
    )
    try:
        models = model_file(loaded)
        names = ", ".join(model.name for model, _ in models)
        yield Finding("ok", "model", f"{names}, version {models.hash[:8]}")
    except LeadloopError as error:
        yield _failed("model", error)
    yield from _store(loaded)
    with ExitStack() as stack:
        try:
            sources = open_sources(loaded, clock, stack)
        except LeadloopError as error:
            yield _failed("connections", error)
            return
        for source in sources:
            findings = list(_source(source, clock, loaded, admin, stack))
            yield from findings
            if findings[0].state != "fail":
                _forget_trouble(loaded, source.name)
        yield from _age(loaded, sources)
    for one in both_sides(loaded):
        yield Finding("look", "both sides", one.said, one.fix)
    yield from _routing(loaded, clock)


def _store(loaded: Loaded) -> Iterator[Finding]:
    try:
        store = open_store(loaded.store_url())
    except LeadloopError as error:
        yield _failed("store", error)
        return
    try:
        with store.read() as tx:
            sound = store.dialect != "sqlite" or (
                tx.exec_driver_sql("PRAGMA quick_check").scalar() == "ok"
            )
            if sound:
                yield Finding("ok", "store", f"{store.dialect}, tables up to date")
                yield _audit(tx)
            else:
                yield Finding("fail", "store", "the file is damaged", "Restore it from a backup")
    finally:
        store.close()


def _audit(tx: Connection) -> Finding:
    chain = audit.verify(tx)
    if chain.broken_at:
        return Finding(
            "fail",
            "audit log",
            f"row {chain.broken_at} of {chain.rows} is not as it was written",
            "Find out who changed it; a backup holds it as it was",
        )
    for run in runs.newest(tx, 100):
        head = str(run.counts.get("audit_head") or "")
        if not audit.holds(tx, head):
            return Finding(
                "fail",
                "audit log",
                f"rows are missing: run {run.id} ended with one that is not there",
                "Find out who took them out; a backup holds them",
            )
    return Finding("ok", "audit log", f"{chain.rows} rows, unbroken, head {chain.head[:12]}")


def _age(loaded: Loaded, sources: Sequence[Source]) -> Iterator[Finding]:
    """Whether the CRM shows writes of runs the store has never heard of."""
    try:
        store = open_store(loaded.store_url())
    except LeadloopError:
        return  # said already
    try:
        with store.read() as tx:
            older = notes.get(tx, OLDER)
            works = "model" in plans.approvals(tx)
        if older is not None:
            yield Finding(
                "look",
                "store's age",
                f"the store was older than the CRM: {older['people']} people stood further there "
                f"and were brought up to date by run {older['run']}; a plan waits for approval",
                "Look at it: leadloop status; then leadloop apply PLAN --approve",
            )
        elif works and (strange := {r for s in sources for r in _strange(store, s)}):
            yield Finding(
                "look",
                "store's age",
                f"the CRM shows writes of {len(strange)} runs this store has never heard of: it is "
                "older than the CRM (a backup brought back), or another Leadloop writes there",
                "One store for each CRM. The next run reads back what is missing and asks first",
            )
    finally:
        store.close()


def _strange(store: Store, source: Source) -> set[str]:
    try:
        return unknown_runs(store, source)
    except LeadloopError:
        return set()  # the log-in or the fields are said to be wrong already


def _forget_trouble(loaded: Loaded, connection: str) -> None:
    """The log-in works: a connection that was left alone is tried again by the next run."""
    try:
        store = open_store(loaded.store_url())
    except LeadloopError:
        return  # said above
    with store.write() as tx:
        health.note_well(tx, connection)
    store.close()


def _source(
    source: Source,
    clock: Callable[[], Micros],
    loaded: Loaded,
    admin: str | None,
    stack: ExitStack,
) -> Iterator[Finding]:
    name = source.name
    try:
        there = source.adapter.check()
    except LeadloopError as error:
        yield _failed(f"{name} log-in", error)
        return
    yield Finding(
        "ok", f"{name} log-in", f"{there.login} at {there.organisation} ({there.product})"
    )
    for note in there.notes:
        yield Finding("look", f"{name} log-in", note, "Change how the connection logs in")
    off = abs(source.adapter.server_now() - clock()) / 1_000_000
    if off > 300:
        yield Finding(
            "look", f"{name} clock", f"differs from ours by {off:.0f} s", "Set this machine's clock"
        )
    yield from _fields(source)
    yield from _histories(source)
    asker = admin if source.adapter.capabilities.admin_knows else None
    try:
        by = opened_as(loaded, name, asker, clock, stack) if asker else None
    except LeadloopError as error:
        yield _failed(f"{name} admin", error)
        by = None
    yield from _rights(source, loaded.settings, by)


def _fields(source: Source) -> Iterator[Finding]:
    name = source.name
    try:
        for one in filter(source.has, source.objects.values()):
            known = source.adapter.describe(one.source)
            ours = {target.to for target in one.writes.values()}
            missing = [
                n
                for n in one.names
                if known and n.partition(".")[0] not in known and n not in {*known, *ours}
            ]
            if missing:
                free = all(field.optional for field in known.values())
                yield Finding(
                    "look" if free else "fail",
                    f"{name} {one.name}",
                    f"{'no row seen' if free else 'the CRM'} has no {', '.join(missing[:5])}",
                    "Mend the mapping, or give our user the right to read it",
                )
        steps = plan_install(source)
    except LeadloopError as error:
        yield _failed(f"{name} fields", error)
        return
    absent = [step.name for step in steps if step.action == "create"]
    clashing = [step.name for step in steps if step.action == "clash"]
    if clashing:
        yield Finding("fail", f"{name} fields", f"of another type: {clashing}", "Map other names")
    elif absent:
        said = f"{len(absent)} of our fields are not there yet"
        yield Finding("look", f"{name} fields", said, f"leadloop install {name}")
    else:
        yield Finding("ok", f"{name} fields", f"{len(steps)} of our fields are there")


def _histories(source: Source) -> Iterator[Finding]:
    """Which earlier values the CRM does not tell of, so that only differences between runs do."""
    try:
        silent = [
            (one, one.trail.source)
            for one in source.objects.values()
            if one.trail is not None and not source.has(one.trail)
        ]
    except LeadloopError as error:
        yield _failed(f"{source.name} history", error)
        return
    for one, remote in silent:
        yield Finding(
            "look",
            f"{source.name} history",
            f"the CRM shows no {remote}, or not all of it: what {', '.join(one.dated)} of "
            f"{one.name} held before is known as runs see it",
            f"Have the CRM track these fields of {one.source}, or let our user read {remote}",
        )


def _rights(source: Source, settings: Settings, by: Source | None) -> Iterator[Finding]:
    """Whether our user may do what it must, where the CRM can be asked that."""
    inner = _behind(source)
    if inner is None:
        return
    nurtures = settings.stage in {"nurture", "route"}
    order = order_of(source, (), themes_of(source, settings.nurture) if nurtures else ())
    order = order._replace(gives=source.handoff and settings.stage == "route")
    try:
        checks = inner.examine(order, _behind(by) if by is not None else None)
    except LeadloopError as error:
        yield _failed(f"{source.name} rights", error)
        return
    for one in checks:
        yield Finding(one.state, f"{source.name} rights", one.said, one.fix)


def _behind(source: Source) -> Examiner | None:
    inner = getattr(source.adapter, "inner", source.adapter)
    return inner if isinstance(inner, Examiner) else None


def _routing(loaded: Loaded, clock: Callable[[], Micros]) -> Iterator[Finding]:
    try:
        routing = routing_file(loaded)
    except LeadloopError as error:
        yield _failed("routing", error)
        return
    if routing is None:
        yield Finding("look", "routing", "no routing file: nobody is handed off", "Set `routing:`")
        return
    connections = loaded.settings.connections
    handoff = next((c.name for c in connections if c.handoff), connections[0].name)
    store = open_store(loaded.store_url())
    with store.read() as tx:
        owners = owners_in(tx, handoff, clock())
    store.close()
    unknown = Router(routing, owners, Desk()).unknown_owners() if owners else []
    if unknown:
        yield Finding(
            "fail",
            "routing",
            f"not an active owner in the CRM: {len(unknown)} of those named",
            "Mend routing.yaml; leadloop doctor -o json lists them",
        )
    else:
        yield Finding("ok", "routing", f"{len(routing.rules)} rules, fallback is set")


def _failed(what: str, error: LeadloopError) -> Finding:
    return Finding("fail", what, str(error), error.hint)
