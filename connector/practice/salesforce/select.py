"""Answers queries over the org's rows, as the asking user may see them.

Nothing is less or greater than null; `!=` is true of null. Rows stand in order of their ids.
Source: SOQL and SOSL Reference, "Comparison Operators", "ORDER BY" and "Relationship Queries".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from connector.domain.moment import DAY, to_datetime, to_micros
from connector.practice.salesforce.compare import (
    Predicate,
    fold,
    in_day,
    literal,
    several_values,
    tested,
)
from connector.practice.salesforce.fields import CHILDREN, FieldSpec, ObjectSpec
from connector.practice.salesforce.history import HISTORIES, parent_of
from connector.practice.salesforce.ids import canonical
from connector.practice.salesforce.moments import moment_text
from connector.practice.salesforce.schema_details import parts_of
from connector.practice.salesforce.soql import Both, Condition, Literal, Not, Query, Test, refuse

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

Row = dict[str, Any]
Paged = Callable[["Selection", list[str]], dict[str, Any]]
"""Makes a block of child rows: what stands on its first page, and how to ask for more."""
_YEAR = 365 * DAY


class Column(NamedTuple):
    """A field as a query names it: how to read it, the words it is shown under, what it is."""

    read: Callable[[Row], Any]
    names: tuple[str, ...]
    spec: FieldSpec | None


class Selection:
    """One query, held against the schema and ready to run."""

    def __init__(
        self, org: Org, user: str, query: Query, *, everything: bool, spec: ObjectSpec | None = None
    ) -> None:
        """`everything` includes what is deleted or archived, as queryAll does."""
        self._org, self._user, self._query = org, user, query
        self._spec = spec or self._source()
        self._everything = everything
        self._old = moment_text(org.clock.now() - _YEAR)[:10]
        self.object = self._spec.name
        self.columns = [self._path(name, at) for name, at in query.fields]
        own = [one for one in self.columns if len(one.names) == 1]
        self._plain = [one.names[0] for one in own if not _is_compound(one)]
        self._whole = [one for one in own if _is_compound(one)]
        self._deep = [one for one in self.columns if len(one.names) > 1]
        self._test = self._condition(query.where) if query.where else None
        self._order = [(self._path(key.field, key.at), key) for key in query.order]
        self._children = [self._child(one) for one in query.children]
        if query.offset > 2000:
            raise refuse(query.text, 0, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset is 2000")

    def ids(self) -> list[str]:
        """Ids of the rows that answer the query, in its order."""
        table, test, query = self._org.tables[self.object], self._test, self._query
        end = None if query.limit is None else query.offset + query.limit
        sorts, unshared = self._sorts(), self._org.rules.unshared
        timeless = self.object in HISTORIES and not any(p.names == ("Id",) for p, _ in self._order)
        found: list[Row] = []
        ids: list[str] = []
        whole = sorts or timeless  # else ids do, and the rows need not all be in memory
        for key in self._candidates():
            row = None if key in unshared else table.get(key)
            if row is None or (not self._everything and self._hidden(row)):
                continue
            if test is None or test(row):
                if end is not None and len(found) + len(ids) >= end and not sorts:
                    break
                if whole:
                    found.append(row)
                else:
                    ids.append(key)
        if not whole:
            return ids[query.offset : end]
        if timeless:
            upward = self._order and self._order[0][1].descending
            found.sort(key=lambda row: row["Id"], reverse=not upward)  # ties: no order is promised
        if sorts:
            self._sort(found)
        return [row["Id"] for row in found[query.offset : end]]

    def render(self, ids: Sequence[str], paged: Paged | None = None) -> list[dict[str, Any]]:
        """The rows as a query gives them; `paged` is needed where it has sub-queries."""
        base = f"/services/data/v{self._org.version}/sobjects/"
        own, plain = f"{base}{self.object}/", self._plain
        shown: list[dict[str, Any]] = []
        rows = self._org.rows(self.object, ids)
        for row in rows:
            one = {"attributes": {"type": self.object, "url": own + row["Id"]}}
            for name in plain:
                one[name] = row.get(name)  # type: ignore[assignment]
            for path in self._whole:
                one[path.names[0]] = path.read(row)
            for path in self._deep:
                self._show_parent(one, row, path, base)
            shown.append(one)
        for relation, field, inner in self._children:
            found = inner.by_parent(field)
            for row, one in zip(rows, shown, strict=True):
                theirs = found.get(row["Id"])
                one[relation] = paged(inner, theirs) if theirs and paged else None  # type: ignore[assignment]
        return shown

    def by_parent(self, field: str) -> dict[str, list[str]]:
        """Ids of the rows that answer a sub-query, by their parents' ids."""
        found: dict[str, list[str]] = {}
        for row in self._org.rows(self.object, self.ids()):
            if row.get(field):
                found.setdefault(row[field], []).append(row["Id"])
        return found

    def values(self) -> set[Any]:
        """The values of the first column, as they compare: what a semi-join tests against."""
        path = self._path(*self._query.fields[0])
        read = fold(path.read, path.spec)
        return {read(row) for row in self._org.rows(self.object, self.ids())}

    # --- finding --------------------------------------------------------------------------------

    def _source(self) -> ObjectSpec:
        query = self._query
        spec = self._org.spec(query.source)
        if spec is None:
            why = (
                f"sObject type '{query.source}' is not supported. If you are attempting to use a "
                "custom object, be sure to append the '__c' after the entity name. Please "
                "reference your WSDL or the describe call for the appropriate names."
            )
            raise refuse(query.text, query.source_at, "INVALID_TYPE", why)
        return spec

    def _child(self, query: Query) -> tuple[str, str, Selection]:
        for (parent, relation), (child, field) in CHILDREN.items():
            if child not in self._org.schema:
                continue
            if parent == self.object and relation.lower() == query.source.lower():
                spec = self._org.schema[child]
                inner = Selection(
                    self._org, self._user, query, everything=self._everything, spec=spec
                )
                return relation, field, inner
        raise refuse(
            query.text,
            query.source_at,
            "INVALID_TYPE",
            f"Didn't understand relationship '{query.source}' in FROM part of query call. If you "
            "are attempting to use a custom relationship, be sure to append the '__r' after the "
            "custom relationship name. Please reference your WSDL or the describe call for the "
            "appropriate names.",
        )

    def _hidden(self, row: Row) -> bool:
        """Whether only queryAll shows the row: deleted, or an activity over a year old."""
        if row.get("IsDeleted"):
            return True
        parent = parent_of(self.object)
        if parent is not None:
            one = self._org.schema[parent].fields.get(row["Field"])
            return one is not None and not self._org.sees(self._user, self._org.schema[parent], one)
        if self.object not in {"Task", "Event"}:
            return False
        old = self._old
        if (row.get("ActivityDate") or old) < old and row.get("IsClosed", True):
            row["IsArchived"] = True
        return bool(row["IsArchived"])

    def _candidates(self) -> Sequence[str]:
        """Ids that can match: those after `Id > x`, or those `=` or IN name, else all."""
        order: Sequence[str] = self._org.order[self.object]
        where = self._query.where
        parts = where.parts if isinstance(where, Both) and where.word == "and" else (where,)
        for part in parts:
            if not isinstance(part, Test) or part.field.lower() != "id":
                continue
            if isinstance(part.value, Literal):
                one = canonical(part.value.value)
                if part.operator == ">":
                    return order[bisect_right(order, one) :] if one else ()
                if part.operator == "=":
                    return (one,) if one else ()
            elif part.operator == "in" and isinstance(part.value, tuple):
                wanted = {canonical(one.value) for one in part.value}
                return sorted(one for one in wanted if one is not None)
        return order

    def _sorts(self) -> bool:
        """Whether the order asked for is another than that of the ids."""
        if not self._order:
            return False
        (path, key), *_ = self._order
        return path.names != ("Id",) or key.descending

    def _sort(self, found: list[Row]) -> None:
        for path, key in reversed(self._order):
            read = fold(path.read, path.spec)
            nulls_high = key.nulls_last is not key.descending

            def place(row: Row, read: Any = read, high: bool = nulls_high) -> Any:  # noqa: FBT001
                value = read(row)
                return (value is None) is high, value

            found.sort(key=place, reverse=key.descending)

    # --- names ----------------------------------------------------------------------------------

    def _path(self, name: str, at: int) -> Column:
        """How to read a field or a parent's field; raises INVALID_FIELD."""
        *steps, last = name.split(".")
        if steps and steps[0].lower() == self._spec.name.lower():
            steps = steps[1:]
        spec: ObjectSpec = self._spec
        hops: list[FieldSpec] = []
        for step in steps:
            hop = self._relation(spec, step, at)
            hops.append(hop)
            target = self._org.spec("User" if len(hop.refers) > 1 else hop.refers[0])
            if target is None:
                raise self._no_column(step, spec, at)
            spec = target
        if hops and len(hops[-1].refers) > 1 and last.lower() == "type":
            found, field = "Type", None
        else:
            field = spec.find(last)
            if field is None or not self._org.sees(self._user, spec, field):
                raise self._no_column(last, spec, at)
            found = field.name
        names = (*(str(hop.relation) for hop in hops), found)
        if not hops and field is not None and field.type == "address":
            return Column(_address_reader(field.name), names, field)
        return Column(self._reader([hop.name for hop in hops], found), names, field)

    def _relation(self, spec: ObjectSpec, name: str, at: int) -> FieldSpec:
        for one in spec.fields.values():
            if one.refers and one.relation is not None and one.relation.lower() == name.lower():
                return one
        raise refuse(
            self._query.text,
            at,
            "INVALID_FIELD",
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use "
            "a custom relationship, be sure to append the '__r' after the custom relationship "
            "name. Please reference your WSDL or the describe call for the appropriate names.",
        )

    def _no_column(self, name: str, spec: ObjectSpec, at: int) -> Exception:
        return refuse(
            self._query.text,
            at,
            "INVALID_FIELD",
            f"No such column '{name}' on entity '{spec.name}'. If you are attempting to use a "
            "custom field, be sure to append the '__c' after the custom field name. Please "
            "reference your WSDL or the describe call for the appropriate names.",
        )

    def _reader(self, hops: list[str], last: str) -> Callable[[Row], Any]:
        if not hops:
            return lambda row: row.get(last)
        org = self._org

        def read(row: Row) -> Any:
            at: Row | None = row
            for hop in hops:
                at = org.find(at.get(hop)) if at is not None else None
            if at is None:
                return None
            return org.type_of(at["Id"]) if last == "Type" and "Type" not in at else at.get(last)

        return read

    # --- conditions -----------------------------------------------------------------------------

    def _condition(self, part: Condition) -> Predicate:
        if isinstance(part, Not):
            inner = self._condition(part.part)
            return lambda row: not inner(row)
        if isinstance(part, Test):
            return self._tested(part)
        tests = [self._condition(one) for one in part.parts]
        if part.word == "and":
            return lambda row: all([test(row) for test in tests])  # noqa: C419  faster in a list
        return lambda row: any(test(row) for test in tests)

    def _tested(self, test: Test) -> Predicate:
        path, query = self._path(test.field, test.at), self._query
        if path.spec is not None and not path.spec.filterable:
            why = f"field '{path.names[-1]}' can not be filtered in a query call"
            raise refuse(query.text, test.at, "INVALID_FIELD", why)
        read = fold(path.read, path.spec)
        if isinstance(test.value, Literal) and test.value.kind == "day":
            return in_day(read, test.operator, *self._day(test.value.value, path.spec))
        if isinstance(test.value, Query):
            inner = Selection(self._org, self._user, test.value, everything=self._everything)
            return several_values(read, test.operator, inner.values())
        if isinstance(test.value, tuple):
            wanted = {literal(one, path.spec, test, query.text) for one in test.value}
            return several_values(read, test.operator, wanted)
        return tested(read, test.operator, literal(test.value, path.spec, test, query.text))

    def _day(self, word: str, spec: FieldSpec | None) -> tuple[str, str]:
        """When a day begins and ends: midnight where the asking user is, not in UTC."""
        zone = ZoneInfo((self._org.find(self._user) or {}).get("TimeZoneSidKey") or "UTC")
        today = to_datetime(self._org.clock.now()).astimezone(zone).date()
        first = today - timedelta(days=word == "yesterday")
        ends = (first, first + timedelta(days=1))
        if spec is not None and spec.type == "date":
            return ends[0].isoformat(), ends[1].isoformat()
        begins, ended = (datetime.combine(day, time(), zone) for day in ends)
        return moment_text(to_micros(begins)), moment_text(to_micros(ended))

    # --- showing --------------------------------------------------------------------------------

    def _show_parent(self, into: dict[str, Any], row: Row, path: Column, base: str) -> None:
        value, spec, at = path.read(row), self._spec, row
        for name in path.names[:-1]:
            hop = next(one for one in spec.fields.values() if one.relation == name)
            parent = self._org.find(at.get(hop.name))
            if parent is None:
                into[name] = None
                return
            kind = self._org.type_of(parent["Id"])
            if into.get(name) is None:
                into[name] = {"attributes": {"type": kind, "url": f"{base}{kind}/{parent['Id']}"}}
            into, at, spec = into[name], parent, self._org.schema[kind]
        into[path.names[-1]] = value


def _is_compound(column: Column) -> bool:
    return column.spec is not None and column.spec.type == "address"


def _address_reader(name: str) -> Callable[[Row], Any]:
    """Reads a whole address out of its parts; null where none is set."""
    parts = parts_of(name)

    def read(row: Row) -> Any:
        whole = {key: row.get(part) for key, part in parts.items()}
        return whole if any(value is not None for value in whole.values()) else None

    return read
