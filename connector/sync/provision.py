"""Install: the fields a mapping writes to, made in the CRM where they are missing."""

from __future__ import annotations

from connector.adapters.base import FieldStep
from connector.domain.outward import OUTWARD, FieldType
from connector.sync.context import Source


def wanted_fields(source: Source) -> list[FieldStep]:
    """Give the fields our scores and flags need; an owner field is the CRM's own."""
    steps: dict[tuple[str, str], FieldStep] = {}
    for one in source.objects.values():
        for target in one.writes.values():
            field = OUTWARD[target.field]
            if field.type is not FieldType.OWNER:
                steps[one.source, target.to] = FieldStep(
                    one.source, target.to, field.type, field.label, field.length, action="create"
                )
    return list(steps.values())


def plan_install(source: Source) -> list[FieldStep]:
    """Say of each field whether it would be made, is there already, or clashes. Read-only."""
    wanted = wanted_fields(source)
    return source.adapter.plan_fields(wanted) if wanted else []


def install(source: Source) -> list[FieldStep]:
    """Make what is missing; running it again makes nothing more."""
    steps = plan_install(source)
    source.adapter.create_fields([step for step in steps if step.action == "create"])
    return steps
