"""Streams made out of records: what a property held when, and the last visit of each contact.

Source: HubSpot's pages on property history and on analytics properties (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from connector.adapters.base import Page, RemoteField, Row, Window
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.objects import Objects, known_source
from connector.adapters.hubspot.reading import Reading
from connector.adapters.hubspot.shape import HISTORY_BATCH, refuse_unknown, shape_of
from connector.adapters.hubspot.unconfirmed import HANDS, LAST_SEEN, LAST_URL
from connector.domain.moment import Micros, parse_iso
from connector.domain.outward import FieldType
from connector.errors import FeatureError, UsageError

HISTORY = "history/"
_PAST = ("id", "record", "value", "at", "by", "source", "sourceId")
VISITS = "events/e_visited_page"


def describe_history() -> dict[str, RemoteField]:
    """Describe a row of a property's history."""
    return {
        name: RemoteField(name, FieldType.TEXT, name, writable=False, optional=True)
        for name in _PAST
    }


class Derived:
    """Reads what is derived from the records of one portal."""

    def __init__(self, calls: Calls, objects: Objects, reading: Reading) -> None:
        self._calls = calls
        self._objects = objects
        self._reading = reading

    def history(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        """Yield each value a property held, of records changed in the window: its whole past.

        `source` is `history/<object>/<property>`; a row's id is its record's and the moment's.
        """
        refuse_unknown(source, names, _PAST, None)
        _, _, rest = source.partition("/")
        kind, _, name = rest.partition("/")
        known = known_source(kind)
        if known is None or not name:
            raise UsageError(
                f"`{source}` names no property of an object",
                hint="Write history/deals/dealstage, for one",
            )
        self._objects.check(known, [name])
        shape = shape_of(self._objects, known, [name])
        for page in self._reading.read(shape, window, after):
            rows = self._past(known, name, [row["id"] for row in page.rows if row.get(name)])
            rows.sort(key=lambda row: str(row["id"]))
            yield Page(rows, page.position)

    def _past(self, kind: str, name: str, ids: Sequence[str]) -> list[Row]:
        return [
            _row(ident, entry)
            for ident, past in self._histories(kind, [name], ids)
            for entry in past.get(name) or ()
        ]

    def set_by_hand(
        self, kind: str, names: Sequence[str], ids: Sequence[str]
    ) -> dict[str, dict[str, Micros]]:
        """Say when people gave properties the values they hold, by record and property."""
        found: dict[str, dict[str, Micros]] = {}
        for ident, past in self._histories(kind, names, ids):
            for name, entries in past.items():
                last = max(entries or (), key=_moment, default=None)
                if last is not None and last.get("sourceType") in HANDS:
                    found.setdefault(ident, {})[name] = _moment(last)
        return found

    def _histories(
        self, kind: str, names: Sequence[str], ids: Sequence[str]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Give what properties of records held, fifty records a call."""
        path = f"{self._calls.paths['objects']}/{kind}/batch/read"
        bodies = [
            {
                "inputs": [{"id": one} for one in ids[start : start + HISTORY_BATCH]],
                "properties": [],
                "propertiesWithHistory": list(names),
            }
            for start in range(0, len(ids), HISTORY_BATCH)
        ]
        for answer in self._calls.together(partial(self._calls.post, path), bodies):
            for one in answer.get("results", ()):
                yield str(one["id"]), one.get("propertiesWithHistory") or {}

    def last_visits(
        self, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        """Yield the last page each contact looked at, for portals that keep no events.

        Of several visits between two reads only the last is seen.
        """
        known = self._objects.of("contacts")
        if LAST_SEEN not in known or LAST_URL not in known:
            raise FeatureError(
                "HubSpot keeps no page views for this portal",
                hint="They come with Marketing Hub; map the object out",
            )
        shape = shape_of(self._objects, "contacts", [LAST_SEEN, LAST_URL])
        for page in self._reading.read(shape, window, after):
            rows = [_visit(row, names) for row in page.rows if row.get(LAST_SEEN)]
            rows.sort(key=lambda row: str(row["id"]))
            yield Page(rows, page.position)


def _row(record: str, entry: Mapping[str, Any]) -> Row:
    return {
        "id": f"{record}/{entry.get('timestamp')}",
        "record": record,
        "value": entry.get("value"),
        "at": entry.get("timestamp"),
        "by": _text(entry.get("updatedByUserId")),
        "source": entry.get("sourceType"),
        "sourceId": _text(entry.get("sourceId")),
    }


def _moment(entry: Mapping[str, Any]) -> Micros:
    return parse_iso(str(entry["timestamp"])) if entry.get("timestamp") else 0


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _visit(row: Row, names: Sequence[str]) -> Row:
    visit: Row = {
        "id": f"{row['id']}/{row[LAST_SEEN]}",
        "eventType": "e_visited_page",
        "objectId": row["id"],
        "occurredAt": row[LAST_SEEN],
    }
    visit.update(dict.fromkeys((n for n in names if n.startswith("properties.")), None))
    visit["properties.hs_url"] = row[LAST_URL]
    return visit
