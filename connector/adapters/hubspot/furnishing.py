"""What install, uninstall and doctor ask of any CRM, in HubSpot's words: lists, properties."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from connector.adapters.base import Check, FieldStep, Order, PartStep
from connector.adapters.hubspot.lists import Themes
from connector.adapters.hubspot.probing import Probing
from connector.adapters.hubspot.removing import RemovalStep, Removing
from connector.adapters.hubspot.views import Views, ViewStep
from connector.errors import UsageError

LISTS = "lists"
_FIELDS = "fields"
_ACTION = {"create": "create", "keep": "keep", "click": "leave"}


class Furnishing:
    """Lists beside properties: made, looked at, and taken out again."""

    groups = (LISTS,)

    def __init__(
        self,
        views: Views,
        removing: Removing,
        probing: Probing,
        create: Callable[[Sequence[FieldStep]], None],
        themes: Themes,
    ) -> None:
        self._views = views
        self._themes = themes
        self._removing = removing
        self._probing = probing
        self._create = create

    def plan_parts(self, order: Order) -> list[PartStep]:
        """Say of each list whether it would be made, is there, or is left to clicks."""
        return [_part(one) for one in self._views.plan(order.themes, _fields(order))]

    def furnish(self, order: Order, groups: Sequence[str]) -> list[PartStep]:
        """Make properties, then the lists of those groups; static ones are filled."""
        self._create(order.steps)
        if LISTS not in groups:
            return []
        plan = self._views.plan(order.themes, _fields(order))
        done = self._views.create(plan, _fields(order))
        if order.themes:
            self._themes.catch_up()
        return [_part(one) for one in done]

    def exported(self) -> Mapping[str, bytes]:
        """Refuse: HubSpot takes no files of settings."""
        raise UsageError(
            "HubSpot takes its settings from no file",
            hint="leadloop install --plan lists what to make by hand",
        )

    def remove(self, order: Order, *, fields: bool, check_only: bool) -> list[PartStep]:
        """Take our lists out, and our properties by archive if asked; a plan counts both ways."""
        lists = self._views.ours() if check_only else self._views.remove()
        steps = [PartStep(LISTS, "list", name, "remove") for name in lists]
        if fields or check_only:
            plan = self._removing.plan(order.steps)
            done = plan if check_only else self._removing.remove(plan)
            say = _gone if fields else _kept
            steps += [say(one) for one in done if one.action != "absent"]
        return steps

    def examine(self, order: Order) -> list[Check]:
        """Say of each object whether our key may read it, and write it where it must."""
        return [
            Check("ok" if one.ok else "look", f"{one.what}: {one.said}", one.fix)
            for one in self._probing.of(order.uses)
        ]


def _fields(order: Order) -> dict[str, str]:
    return {word: name for names in order.names.values() for word, name in names.items()}


def _part(one: ViewStep) -> PartStep:
    return PartStep(LISTS, f"{one.kind} list", one.name, _ACTION[one.action], one.note)


def _gone(one: RemovalStep) -> PartStep:
    action = "remove" if one.action == "archive" else "leave"
    note = one.note or f"records with a value: {one.filled}; restorable for 90 days"
    return PartStep(_FIELDS, "property", f"{one.source}.{one.name}", action, note)


def _kept(one: RemovalStep) -> PartStep:
    note = one.note or f"records with a value: {one.filled}; it stays, --fields archives it"
    return PartStep(_FIELDS, "property", f"{one.source}.{one.name}", "keep", note)
