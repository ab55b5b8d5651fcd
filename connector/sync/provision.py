"""Install: the fields a mapping writes to, made in the CRM where they are missing."""

from __future__ import annotations

from connector.adapters.base import FieldStep
from connector.domain.outward import ASKED, OUTWARD, FieldType, OutwardField
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
    """Make what is missing; running it again makes nothing more."""
    steps = plan_install(source)
    source.adapter.create_fields([step for step in steps if step.action == "create"])
    return steps
