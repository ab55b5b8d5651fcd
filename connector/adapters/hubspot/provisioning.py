"""The properties `install` makes: in a group of their own, made once, never changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.adapters.base import FieldStep
from connector.adapters.hubspot.answers import RefusedError
from connector.adapters.hubspot.library import Library
from connector.adapters.hubspot.objects import Objects
from connector.domain.outward import FieldType
from connector.errors import RemoteError, UsageError

GROUP, LABEL = "leadloop", "Leadloop"
BATCH = 100
_SPELLED = {  # ours: (type, fieldType)
    FieldType.NUMBER: ("number", "number"),
    FieldType.TEXT: ("string", "text"),
    FieldType.LONG_TEXT: ("string", "textarea"),
    FieldType.BOOLEAN: ("bool", "booleancheckbox"),
    FieldType.MOMENT: ("datetime", "date"),
}
_YES_NO = (("true", "Yes"), ("false", "No"))


class Provisioning:
    """Plans and makes properties of one portal."""

    def __init__(self, library: Library, objects: Objects) -> None:
        self._library = library
        self._objects = objects

    def plan(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        """Say for each property whether it would be made, kept, or clashes."""
        archived: dict[str, dict[str, str]] = {}
        steps = []
        for step in wanted:
            there = self._objects.of(step.source).get(step.name)
            if there is not None:
                steps.append(_beside(step, there.type))
                continue
            if step.source not in archived:
                found = self._library.all_properties(step.source, archived=True)
                archived[step.source] = {one.name: one.type for one in found}
            steps.append(_beside_archived(step, archived[step.source].get(step.name)))
        return steps

    def create(self, steps: Sequence[FieldStep]) -> None:
        """Make those whose action is `create`; running it twice makes nothing more."""
        by_source: dict[str, list[FieldStep]] = {}
        for step in steps:
            if step.action == "create":
                by_source.setdefault(step.source, []).append(step)
        for source, some in by_source.items():
            self._group(source)
            for start in range(0, len(some), BATCH):
                self._make(source, some[start : start + BATCH])

    def _group(self, source: str) -> None:
        if GROUP in self._library.group_names(source):
            return
        try:
            self._library.create_group(source, GROUP, LABEL)
        except RefusedError as error:
            if error.http_status != 409:  # somebody made it meanwhile
                raise

    def _make(self, source: str, steps: Sequence[FieldStep]) -> None:
        try:
            answer = self._library.create_properties(source, [_spelled(step) for step in steps])
        except RefusedError as error:
            if error.http_status != 409:
                raise
            made: list[Any] = []
        else:
            made = list(answer.results or ())
        self._objects.add(source, made)
        if len(made) < len(steps):
            self._objects.forget(source)
        known = self._objects.of(source)
        for step in steps:
            there = known.get(step.name)
            if there is None:
                raise RemoteError(
                    f"HubSpot did not make the property `{step.name}` of {source}",
                    hint="Run leadloop install again; then look at HubSpot's limits on properties",
                )
            if _beside(step, there.type).action == "clash":
                raise UsageError(
                    f"HubSpot's {source} has `{step.name}` as a {there.type} by now",
                    hint="Write to another name in the mapping",
                )


def _beside(step: FieldStep, there: str) -> FieldStep:
    if there == _SPELLED[step.type][0]:
        return replace(step, action="keep")
    return replace(step, action="clash", note=f"a property of type {there} has this name")


def _beside_archived(step: FieldStep, there: str | None) -> FieldStep:
    if there is None:
        return replace(step, action="create")
    if there != _SPELLED[step.type][0]:
        note = f"an archived property of type {there} has this name, and would come back"
        return replace(step, action="clash", note=note)
    return replace(step, action="create", note="an archived property of this name is revived")


def _spelled(step: FieldStep) -> Mapping[str, Any]:
    kind, control = _SPELLED[step.type]
    return {
        "name": step.name,
        "label": step.label,
        "type": kind,
        "field_type": control,
        "group_name": GROUP,
        "description": "Written by Leadloop",
        "options": _YES_NO if kind == "bool" else (),
    }
