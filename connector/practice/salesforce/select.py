"""Answers queries over the org's rows, as the asking user may see them.

Text compares without case, ids by 15 characters, nothing is less or greater than null; `!=` is true
of null. Source: SOQL and SOSL Reference, "Comparison Operators" and "ORDER BY".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from connector.practice.salesforce.ids import canonical
from connector.practice.salesforce.schema import FieldSpec, ObjectSpec
from connector.practice.salesforce.soql import (
    Both,
    Condition,
    Literal,
    Not,
    Query,
    Test,
    refuse,
)

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

Row = dict[str, Any]
Predicate = Callable[[Row], bool]
_LITERALS = {
    "datetime": {"moment"},
    "date": {"date"},
    "boolean": {"boolean"},
    "int": {"number"},
    "double": {"number"},
    "currency": {"number"},
    "percent": {"number"},
}


class Selection:
    """One query, held against the schema and ready to run."""

    def __init__(self, org: Org, user: str, query: Query, *, everything: bool) -> None:
        """`everything` includes what is deleted or archived, as queryAll does."""
        self._org, self._user, self._query = org, user, query
        spec = org.spec(query.source)
        if spec is None:
            why = (
                f"sObject type '{query.source}' is not supported. If you are attempting to use a "
                "custom object, be sure to append the '__c' after the entity name. Please "
                "reference your WSDL or the describe call for the appropriate names."
            )
            raise refuse(query.text, query.source_at, "INVALID_TYPE", why)
        self._spec = spec
        self._everything = everything
        self.object = spec.name
        self._columns = [self._path(name, at) for name, at in query.fields]
        self._test = self._condition(query.where) if query.where else None
        self._order = [(self._path(key.field, key.at), key) for key in query.order]
        if query.offset > 2000:
            raise refuse(query.text, 0, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset is 2000")

    def ids(self) -> list[str]:
        """Ids of the rows that answer the query, in its order."""
        table = self._org.tables[self.object]
        test, hidden = self._test, not self._everything
        found = []
        for key in self._candidates():
            row = table.get(key)
            if row is None or (hidden and (row.get("IsDeleted") or row.get("IsArchived"))):
                continue
            if test is None or test(row):
                found.append(row)
        if self._order:
            found.sort(key=cmp_to_key(self._compare))
        found = found[self._query.offset :]
        if self._query.limit is not None:
            found = found[: self._query.limit]
        return [row["Id"] for row in found]

    def render(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The rows as a query gives them."""
        base = f"/services/data/v{self._org.version}/sobjects/"
        return [self._shown(row, base) for row in self._org.rows(self.object, ids)]

    # --- finding --------------------------------------------------------------------------------

    def _candidates(self) -> Sequence[str]:
        """Ids that can match: those after `Id > x`, or those an IN list names, else all."""
        order = self._org.order[self.object]
        where = self._query.where
        parts = where.parts if isinstance(where, Both) and where.word == "and" else (where,)
        for part in parts:
            if not isinstance(part, Test) or part.field.lower() != "id":
                continue
            if part.operator == ">" and isinstance(part.value, Literal):
                after = canonical(part.value.value)
                return order[bisect_right(order, after) :] if after else ()
            if part.operator == "in" and isinstance(part.value, tuple):
                wanted = {canonical(one.value) for one in part.value}
                return sorted(one for one in wanted if one is not None)
        return order

    def _compare(self, left: Row, right: Row) -> int:
        for (read, _), key in self._order:
            a, b = read(left), read(right)
            if a == b:
                continue
            if a is None or b is None:
                return (1 if a is None else -1) * (1 if key.nulls_last else -1)
            a, b = _folded(a), _folded(b)
            if a != b:
                return (1 if a > b else -1) * (-1 if key.descending else 1)
        return 0

    # --- names ----------------------------------------------------------------------------------

    def _path(self, name: str, at: int) -> tuple[Callable[[Row], Any], tuple[str, ...]]:
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
        found = self._field(spec, last, at, polymorphic=bool(hops) and len(hops[-1].refers) > 1)
        names = (*(str(hop.relation) for hop in hops), found)
        return self._reader([hop.name for hop in hops], found), names

    def _field(self, spec: ObjectSpec, name: str, at: int, *, polymorphic: bool) -> str:
        if polymorphic and name.lower() == "type":
            return "Type"
        found = spec.find(name)
        if found is None or not self._org.sees(self._user, spec, found):
            raise self._no_column(name, spec, at)
        return found.name

    def _relation(self, spec: ObjectSpec, name: str, at: int) -> FieldSpec:
        for one in spec.fields.values():
            if one.relation is not None and one.relation.lower() == name.lower():
                return one
        raise refuse(
            self._query.text,
            at,
            "INVALID_FIELD",
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use "
            "a custom relationship, be sure to append the '__r' after the relationship name.",
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
        if isinstance(part, Both):
            tests = [self._condition(one) for one in part.parts]
            if part.word == "and":
                return lambda row: all(test(row) for test in tests)
            return lambda row: any(test(row) for test in tests)
        return self._tested(part)

    def _tested(self, test: Test) -> Predicate:
        read, names = self._path(test.field, test.at)
        spec = self._spec.find(names[0]) if len(names) == 1 else None
        kind = spec.type if spec else "string"
        if isinstance(test.value, Query):
            values = self._inner(test.value)
        elif isinstance(test.value, tuple):
            values = {self._value(one, kind, test) for one in test.value}
        else:
            return _one_value(read, test.operator, self._value(test.value, kind, test))
        if test.operator == "in":
            return lambda row: _folded(read(row)) in values
        return lambda row: _folded(read(row)) not in values

    def _inner(self, query: Query) -> set[Any]:
        inner = Selection(self._org, self._user, query, everything=self._everything)
        read = inner._columns[0][0]
        return {_folded(read(row)) for row in self._org.rows(inner.object, inner.ids())}

    def _value(self, literal: Literal, kind: str, test: Test) -> Any:
        if literal.kind == "null":
            return None
        wanted = _LITERALS.get(kind, {"text"})
        if literal.kind not in wanted:
            quoted = " and should not be enclosed in quotes" if literal.kind == "text" else ""
            why = (
                f"value of filter criterion for field '{test.field}' must be of type {kind}{quoted}"
            )
            raise refuse(self._query.text, test.at, "INVALID_FIELD", why)
        if literal.kind == "moment":
            return normal_moment(literal.value)
        if kind in {"id", "reference"}:
            return _folded(canonical(literal.value) or literal.value)
        return _folded(literal.value)

    # --- showing --------------------------------------------------------------------------------

    def _shown(self, row: Row, base: str) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "attributes": {"type": self.object, "url": f"{base}{self.object}/{row['Id']}"}
        }
        for read, names in self._columns:
            if len(names) == 1:
                shown[names[0]] = read(row)
            else:
                self._shown_parent(shown, row, names, read(row), base)
        return shown

    def _shown_parent(
        self, shown: dict[str, Any], row: Row, names: tuple[str, ...], value: Any, base: str
    ) -> None:
        spec, at, into = self._spec, row, shown
        for name in names[:-1]:
            hop = next(one for one in spec.fields.values() if one.relation == name)
            parent = self._org.find(at.get(hop.name))
            if parent is None:
                into[name] = None
                return
            kind = self._org.type_of(parent["Id"])
            if into.get(name) is None:
                into[name] = {"attributes": {"type": kind, "url": f"{base}{kind}/{parent['Id']}"}}
            into, at, spec = into[name], parent, self._org.schema[kind]
        into[names[-1]] = value


def _one_value(read: Callable[[Row], Any], operator: str, wanted: Any) -> Predicate:
    match operator:
        case "=":
            return lambda row: _folded(read(row)) == wanted
        case "!=":
            return lambda row: _folded(read(row)) != wanted
        case "like":
            pattern = _pattern(str(wanted))
            return lambda row: bool(pattern.fullmatch(str(read(row) or "").lower()))
        case "<":
            return lambda row: (value := read(row)) is not None and _folded(value) < wanted
        case "<=":
            return lambda row: (value := read(row)) is not None and _folded(value) <= wanted
        case ">":
            return lambda row: (value := read(row)) is not None and _folded(value) > wanted
    return lambda row: (value := read(row)) is not None and _folded(value) >= wanted


def _folded(value: Any) -> Any:
    """Text as it compares: without case, but for ids and moments, which have none to lose."""
    if isinstance(value, str) and len(value) not in {18, 28}:
        return value.lower()
    if isinstance(value, str) and canonical(value) is None and not value.endswith("+0000"):
        return value.lower()
    return value


def _pattern(text: str) -> re.Pattern[str]:
    parts = ("." if c == "_" else ".*" if c == "%" else re.escape(c) for c in text)
    return re.compile("".join(parts), re.DOTALL)


def normal_moment(text: str) -> str:
    """A moment as rows hold it: UTC, milliseconds, an offset without colon."""
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}+0000"
