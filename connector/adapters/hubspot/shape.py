"""What a mapping wants of an object's records, and how their rows are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from connector.adapters.base import Row
from connector.adapters.hubspot.associations import Associations
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.consent import PREFIX, Consent, opt_out_of
from connector.adapters.hubspot.library import Library
from connector.adapters.hubspot.line_items import KIND as LINE_ITEMS
from connector.adapters.hubspot.line_items import LineItems
from connector.adapters.hubspot.objects import (
    ASSOCIATED,
    FULL_NAME,
    MERGED,
    OF_ROW,
    STAGES,
    Objects,
)
from connector.domain.dated import Changed
from connector.errors import UsageError

HISTORY_BATCH = 50


class Shape(NamedTuple):
    """Wanted of a source: properties by name, and what takes calls of its own.

    `dated` are properties of which we want the moment they last changed, each with the values for
    which that is worth a call (None: any); `stages` are names such as `dealstage.label`,
    `items` properties of a deal's line items.
    """

    source: str
    properties: tuple[str, ...]
    of_row: tuple[str, ...]
    associated: tuple[str, ...]
    dated: Mapping[str, frozenset[str] | None]
    stages: tuple[str, ...]
    named: bool
    subscriptions: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def to_date(self, rows: Sequence[Row]) -> list[Row]:
        """Give the rows that say something of which we want the moment."""
        found: dict[int, Row] = {}
        for name, among in self.dated.items():
            for place, row in enumerate(rows):
                value = row.get(name)
                if value and (among is None or str(value).strip() in among):
                    found[place] = row
        return [found[place] for place in sorted(found)]


def shape_of(objects: Objects, source: str, names: Sequence[str]) -> Shape:
    """Sort the names of a mapping; UsageError names one the portal does not have."""
    known = objects.of(source)
    properties: dict[str, None] = {}
    of_row, associated, stages, named = [], [], [], False
    dated: dict[str, frozenset[str] | None] = {}
    subscriptions: list[str] = []
    items: list[str] = []
    for name in names:
        head, dot, tail = name.partition(".")
        if name in OF_ROW:
            of_row += [name] if name != "id" else []  # every row has its id
        elif name == FULL_NAME and source == "contacts":
            properties |= dict.fromkeys(_NAMES)
            named = True
        elif head == "associations" and tail in ASSOCIATED:
            associated.append(tail)
        elif head == LINE_ITEMS and dot and source == "deals":
            items.append(tail)
        elif name.startswith(PREFIX) and source == "contacts":
            subscriptions.append(tail)
            properties["email"] = None
        elif dot and tail == "changed":
            properties[head] = None
            dated[head] = name.among if isinstance(name, Changed) else None
        elif dot and head in STAGES.get(source, ()) and tail in {"label", "state"}:
            properties.update(dict.fromkeys(STAGES[source]))
            stages.append(name)
        else:
            properties[name] = None
    objects.check(source, properties)
    extra = [*MERGED, *(_CLOSED if stages else ()), *map(opt_out_of, subscriptions)]
    properties.update(dict.fromkeys(name for name in extra if name in known))
    return Shape(
        source,
        tuple(properties),
        tuple(of_row),
        tuple(associated),
        dated,
        tuple(stages),
        named,
        tuple(subscriptions),
        tuple(items),
    )


_NAMES = ("firstname", "lastname")
_CLOSED = ("hs_is_closed_won", "hs_is_closed")


def rows_of(shape: Shape, results: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Turn records as HubSpot gives them into rows: the properties themselves, and their id.

    What takes calls of its own is not in them yet, nor when a property changed: that is None.
    """
    rows: list[Row] = []
    first, last = _NAMES
    unsaid = [_changed(name) for name in shape.dated]
    for one in results:
        row: Row = one["properties"]
        row["id"] = one["id"]
        for name in shape.of_row:
            row[name] = one.get(name)
        for name in unsaid:
            row[name] = None
        if shape.named:
            given, family = row.get(first), row.get(last)
            row[FULL_NAME] = f"{given} {family}" if given and family else given or family or None
        rows.append(row)
    return rows


class Rows:
    """Adds to rows what a mapping wants of them beside properties, many at a time."""

    def __init__(self, calls: Calls, library: Library) -> None:
        self._calls = calls
        self._library = library
        self._associations = Associations(calls)
        self._consent = Consent(calls)
        self._line_items = LineItems(calls)
        self._pipelines: dict[str, dict[str, dict[str, str]]] = {}

    def add_asked(self, shape: Shape, rows: Sequence[Row], dated: Sequence[Row]) -> None:
        """Add to rows what takes calls of its own; `dated` are those that are `to_date`."""
        if not rows:
            return
        for kind in shape.associated:
            tied = self._associations.read(shape.source, kind, [row["id"] for row in rows])
            for row in rows:
                row[f"associations.{kind}"] = tied.get(row["id"], [])
        if dated:
            self._date(shape, rows, dated)
        if shape.stages:
            self._stage(shape, rows)
        if shape.subscriptions:
            self._consent.add(rows, shape.subscriptions)
        if shape.items:
            self._line_items.add(shape.source, rows, shape.items)

    def _date(self, shape: Shape, rows: Sequence[Row], asked: Sequence[Row]) -> None:
        """Add when properties last changed, asking only for rows of which that is of use."""
        path = f"{self._calls.paths['objects']}/{shape.source}/batch/read"
        moments: dict[str, Mapping[str, Any]] = {}
        bodies = [
            {
                "inputs": [{"id": row["id"]} for row in asked[start : start + HISTORY_BATCH]],
                "properties": [],
                "propertiesWithHistory": list(shape.dated),
            }
            for start in range(0, len(asked), HISTORY_BATCH)
        ]
        changed = [(name, _changed(name)) for name in shape.dated]
        for answer in self._calls.together(partial(self._calls.post, path), bodies):
            for one in answer.get("results", ()):
                moments[one["id"]] = one.get("propertiesWithHistory") or {}
        for row in rows:
            if history := moments.get(row["id"]):
                row.update((ours, _latest(history.get(name))) for name, ours in changed)

    def _stage(self, shape: Shape, rows: Sequence[Row]) -> None:
        pipeline, stage = STAGES[shape.source]
        for row in rows:
            for name in shape.stages:
                head, _, tail = name.partition(".")
                if tail == "state":
                    row[name] = self._state(shape.source, row, stage)
                else:
                    known = self._stages(shape.source)
                    table = known["pipelines" if head == pipeline else "labels"]
                    row[name] = table.get(row.get(head) or "")

    def _state(self, source: str, row: Row, stage: str) -> str | None:
        """Say open, won or lost: by the deal's own flags, else by its stage's."""
        won, closed = row.get(_CLOSED[0]), row.get(_CLOSED[1])
        if won == "true":
            return "won"
        if closed is not None:
            return "lost" if closed == "true" else "open"
        return self._stages(source)["states"].get(row.get(stage) or "")

    def _stages(self, source: str) -> dict[str, dict[str, str]]:
        if source not in self._pipelines:
            tables: dict[str, dict[str, str]] = {"pipelines": {}, "labels": {}, "states": {}}
            for one in self._library.pipelines(source):
                tables["pipelines"][one.id] = one.label
                for stage in one.stages or ():
                    tables["labels"][stage.id] = stage.label
                    tables["states"][stage.id] = _state_of(stage.metadata or {})
            self._pipelines[source] = tables
        return self._pipelines[source]


def _changed(name: str) -> str:
    """Our name for when a property last changed."""
    return f"{name}.changed"


def _state_of(metadata: Mapping[str, str]) -> str:
    if str(metadata.get("isClosed", "")).lower() != "true":
        return "open"
    return "won" if str(metadata.get("probability", "")) in {"1.0", "1"} else "lost"


def _latest(history: Any) -> str | None:
    """Give the newest moment of a property's history; all are of one form, so text compares."""
    if not isinstance(history, list):
        return None
    found = [str(one["timestamp"]) for one in history if one.get("timestamp")]
    # Without its Z, `…00` comes before `…00.5`; with it, plain text has them the other way round.
    return max(found, key=lambda moment: moment.removesuffix("Z"), default=None)


def refuse_unknown(
    source: str, names: Sequence[str], known: Sequence[str], prefix: str | None
) -> None:
    """Raise UsageError for a name that a source without definitions does not have."""
    for name in names:
        if name not in known and not (prefix and name.startswith(prefix)):
            more = f", and {prefix}NAME" if prefix else ""
            raise UsageError(
                f"HubSpot's {source.partition('/')[0]} has no field `{name}`",
                hint=f"It has: {', '.join(known)}{more}",
            )
