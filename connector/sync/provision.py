"""Install: the fields a mapping writes to and the lists people work from, and both out again."""

from __future__ import annotations

from collections.abc import Sequence

from connector.adapters.base import FieldStep, RemovalStep, ViewStep
from connector.config.settings import Nurture
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


def plan_views(source: Source, nurture: Nurture) -> list[ViewStep]:
    """Say of each list whether it would be made, is there, or is left to clicks. Read-only."""
    themes = list(dict.fromkeys([*nurture.themes.values(), nurture.default]))
    return source.adapter.plan_views(themes if source.handoff else [], _fields(source))


def make_views(source: Source, steps: Sequence[ViewStep]) -> list[ViewStep]:
    """Make the lists that are missing; gives what became of each."""
    return source.adapter.create_views(steps, _fields(source))


def plan_uninstall(source: Source) -> list[RemovalStep]:
    """Say of each field of ours how many records have a value, and which lists would go too."""
    lists = [RemovalStep("list", name, 0, "archive") for name in source.adapter.own_views()]
    return [*lists, *source.adapter.plan_removal(wanted_fields(source))]


def uninstall(source: Source) -> list[RemovalStep]:
    """Take out the lists and fields of ours; running it again takes out nothing more."""
    gone = [RemovalStep("list", name, 0, "archive") for name in source.adapter.remove_views()]
    fields = source.adapter.plan_removal(wanted_fields(source))
    return [*gone, *source.adapter.remove_fields(fields)]


def _fields(source: Source) -> dict[str, str]:
    """The remote names of what we write about people."""
    return {
        name: target.to for one in source.objects.values() for name, target in one.writes.items()
    }
