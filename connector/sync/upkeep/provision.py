"""Install: a place in the CRM for what a mapping writes and asks, and what people see of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.adapters.base import Adapter, FieldStep, Furnisher, Order, PartStep, Window
from connector.config.settings import Nurture
from connector.domain.change import Result, Write
from connector.domain.moment import HOUR
from connector.domain.outward import ASKED, OUTWARD, FieldType, OutwardField
from connector.domain.record import Kind
from connector.errors import LoginError, UsageError
from connector.mapping.compile import CompiledObject
from connector.sync.context import Source


def wanted_fields(source: Source) -> list[FieldStep]:
    """Give the fields our scores, flags and questions need; an owner field is the CRM's own."""
    steps: dict[tuple[str, str], FieldStep] = {}
    for one in source.objects.values():
        wanted = [(target.to, OUTWARD[target.field]) for target in one.writes.values()]
        wanted += [(name, ASKED[ours]) for ours, name in one.asks.items()]
        for name, field in wanted:
            if field.type is not FieldType.OWNER:
                steps[one.source, name] = _step(one.source, name, field)
    return list(steps.values())


def _step(source: str, name: str, field: OutwardField) -> FieldStep:
    return FieldStep(source, name, field.type, field.label, field.length, action="create")


def plan_install(source: Source) -> list[FieldStep]:
    """Say of each field whether it would be made, is there already, or clashes. Read-only."""
    wanted = wanted_fields(source)
    return source.adapter.plan_fields(wanted) if wanted else []


def install(source: Source) -> list[FieldStep]:
    """Make what is missing; running it again makes nothing more. Where one clashes none is made."""
    steps = plan_install(source)
    if not any(step.action == "clash" for step in steps):
        source.adapter.create_fields([step for step in steps if step.action == "create"])
    return steps


# --- what people see -----------------------------------------------------------------------------


def furnisher(adapter: Adapter) -> Furnisher | None:
    """The adapter behind its door, where its CRM takes more of us than fields."""
    inner = getattr(adapter, "inner", adapter)
    return inner if isinstance(inner, Furnisher) else None


def themes_of(source: Source, nurture: Nurture) -> list[str]:
    """The themes that a list is kept for in the CRM that sales works in."""
    return nurture.all_themes if source.handoff else []


def order_of(source: Source, steps: Sequence[FieldStep], themes: Sequence[str] = ()) -> Order:
    """Put together what a CRM is asked for: fields, our words for them, and what statuses mean."""
    names: dict[str, dict[str, str]] = {}
    statuses: dict[str, tuple[str, Mapping[str, Sequence[str]]]] = {}
    deals: dict[str, tuple[str, Mapping[str, Sequence[str]]]] = {}
    known: dict[str, Sequence[str]] = {}
    for one in source.objects.values():
        ours = {word: target.to for word, target in one.writes.items()} | dict(one.asks)
        if ours:
            names[one.source] = ours
        said = {Kind.PERSON: statuses, Kind.OPPORTUNITY: deals}.get(one.kind)
        if said is not None and one.says is not None:
            said[one.source] = (one.says.field, one.says.means)
            known[one.source] = one.says.known
    uses: dict[str, bool] = {}
    for one in source.objects.values():
        uses[one.source] = uses.get(one.source, False) or bool(one.writes)
    return Order(steps, names, statuses, known, uses, themes, deals)


def furnish(
    source: Source,
    maker: Furnisher,
    steps: Sequence[FieldStep],
    groups: Sequence[str],
    themes: Sequence[str] = (),
) -> list[PartStep]:
    """Make fields and all that belongs to them, then look whether our own log-in may use them.

    `maker` may be logged in as somebody else, who has the right to make them and is not kept.
    """
    login = source.adapter.check().login
    made = maker.furnish(order_of(source, steps, themes), groups, login)
    absent = [step.name for step in plan_install(source) if step.action == "create"]
    if absent:
        raise LoginError(
            f"made, but our own user may not write: {', '.join(absent)}",
            hint="Assign the permission set Leadloop Integration to it, then: leadloop doctor",
        )
    return made


def canary(source: Source, ident: str) -> str:
    """Write what one record holds in our fields back to it, unchanged; gives what became of it.

    Raises UsageError when the record is not there.
    """
    for one in source.objects.values():
        names = sorted({t.to for t in one.writes.values() if t.field != "owner"})
        if not names:
            continue
        rows = source.adapter.read_ids(one.source, [one.key, *names], [ident])
        if not rows:
            continue
        values = {name: rows[0][name] for name in names}
        (outcome,) = source.adapter.write([Write(one.source, str(rows[0][one.key]), values)])
        if outcome.result is not Result.APPLIED:
            raise LoginError(
                f"the canary {one.source}/{ident} was not written: {outcome.code}",
                hint=outcome.hint or "Mend that in the CRM, then try again",
            )
        return f"{one.source}/{ident}: {len(names)} fields written as they were"
    raise UsageError(f"there is no person {ident} to try on", hint="Give the id of a test record")


def kept_values(source: Source) -> Iterator[tuple[CompiledObject, list[dict[str, Any]]]]:
    """Yield what our fields hold in the CRM, page by page, for a file before they are removed."""
    until = source.adapter.server_now() + HOUR  # what was written this very second counts, too
    for one in source.objects.values():
        ours = {*(t.to for t in one.writes.values()), *one.asks.values()}
        names = sorted(ours & source.adapter.describe(one.source).keys()) if ours else []
        if not names:
            continue
        for page in source.adapter.read(one.source, [one.key, *names], Window(None, until), None):
            yield one, [{name: row.get(name) for name in (one.key, *names)} for row in page.rows]
