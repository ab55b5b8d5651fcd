"""What a sample of a CRM's rows looks like through a mapping: for `leadloop init`. O(1) memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from connector.domain.moment import Micros
from connector.domain.record import Activity, Record, Rejected
from connector.mapping.compile import CompiledObject
from connector.mapping.document import From, MappedObject, MappingDocument

_MOST = 20_000
"""Distinct values counted per table; a column with more is no picklist."""


class Unmapped(NamedTuple):
    """A remote value that a `values:` table of the mapping does not name."""

    object: str
    field: str
    value: str
    rows: int


class Profile:
    """Counts what `init` reports about a sample: fed row by row, it keeps counts only."""

    def __init__(self, document: MappingDocument) -> None:
        self._document = document
        self.rows: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self._filled: Counter[tuple[str, str]] = Counter()
        self._unmapped: Counter[tuple[str, str, str]] = Counter()
        self._addresses: Counter[int] = Counter()
        self.activity_types: Counter[str] = Counter()
        self.first: Micros | None = None
        self.last: Micros | None = None

    def add(self, one: CompiledObject, row: Mapping[str, Any]) -> None:
        """Count one raw row of an object of the mapping."""
        converted = one.convert(row, "")
        if converted is None:
            return
        self.rows[one.name] += 1
        if isinstance(converted, Rejected):
            self.rejected[f"{one.name}: {converted.reason}"] += 1
        elif isinstance(converted, Record):
            self._record(one, converted)
        else:
            for one_of in converted:
                if isinstance(one_of, Activity):
                    self._activity(one_of)
        self._tables(one.name, self._document.objects[one.name], row)

    def fill(self, obj: str, field: str) -> float:
        """Give the share of an object's rows that have a value for one of our fields."""
        good = self.rows[obj]
        return self._filled[obj, field] / good if good else 0.0

    def unmapped(self, most: int = 10) -> list[Unmapped]:
        """Give the commonest values no table of the mapping names."""
        return [Unmapped(*key, rows) for key, rows in self._unmapped.most_common(most)]

    def duplicates(self) -> int:
        """Count records whose address another record of the sample has too."""
        return sum(n for n in self._addresses.values() if n > 1)

    def _record(self, one: CompiledObject, record: Record) -> None:
        for field, value in record.doc.items():
            if value is not None:
                self._filled[one.name, field] += 1
        address = record.doc.get("email")
        if one.kind == "person" and isinstance(address, str) and len(self._addresses) < _MOST * 10:
            self._addresses[hash(address.casefold())] += 1

    def _activity(self, activity: Activity) -> None:
        self.activity_types[activity.type] += 1
        self.first = activity.time if self.first is None else min(self.first, activity.time)
        self.last = activity.time if self.last is None else max(self.last, activity.time)

    def _tables(self, name: str, one: MappedObject, row: Mapping[str, Any]) -> None:
        tables = [
            (spec.from_, spec.values)
            for spec in [*one.fields.values(), one.type]
            if isinstance(spec, From) and spec.from_ and spec.values is not None
        ]
        if one.status is not None and isinstance(one.status.from_, str):
            tables.append((one.status.from_, dict(one.status.values)))
        for remote, values in tables:
            value = row.get(str(remote))
            text = "" if value is None else str(value).strip()
            if text and text not in values and len(self._unmapped) < _MOST:
                self._unmapped[name, str(remote), text[:80]] += 1
