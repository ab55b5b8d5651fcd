"""What was sold with a deal: a property of its line items, as a list beside the row.

They take a call for a thousand deals and one for a hundred line items. Without the right to see
them the deals are read all the same, and nothing is said of products.

Source: HubSpot's page on line items (2026-11).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from connector.adapters.base import Row
from connector.adapters.hubspot.answers import ForbiddenError
from connector.adapters.hubspot.associations import Associations
from connector.adapters.hubspot.calls import Calls

log = logging.getLogger("leadloop.hubspot")
KIND = "line_items"
BATCH = 100


class LineItems:
    """Reads the line items of one portal's deals."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._associations = Associations(calls)
        self._offered = True

    def add(self, source: str, rows: Sequence[Row], names: Sequence[str]) -> None:
        """Add `line_items.NAME` to each row: the values, each once; None where we may not see."""
        told = self._told(source, rows, names) if self._offered else None
        for row in rows:
            for name in names:
                found = None if told is None else told.get(row["id"], [])
                values = None if found is None else [one.get(name) for one in found]
                row[f"{KIND}.{name}"] = values and list(dict.fromkeys(filter(None, values)))

    def _told(
        self, source: str, rows: Sequence[Row], names: Sequence[str]
    ) -> dict[str, list[Mapping[str, Any]]] | None:
        try:
            tied = self._associations.read(source, KIND, [row["id"] for row in rows])
            known = self._read(list(dict.fromkeys(i for ids in tied.values() for i in ids)), names)
        except ForbiddenError as error:
            self._offered = False
            log.warning("HubSpot's line items are left out: %s", error)
            return None
        return {deal: [known[i] for i in ids if i in known] for deal, ids in tied.items()}

    def _read(self, ids: Sequence[str], names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        path = f"{self._calls.paths['objects']}/{KIND}/batch/read"
        bodies = [
            {
                "inputs": [{"id": one} for one in ids[start : start + BATCH]],
                "properties": list(names),
                "propertiesWithHistory": [],
            }
            for start in range(0, len(ids), BATCH)
        ]
        answers = self._calls.together(partial(self._calls.post, path), bodies)
        return {
            str(one["id"]): one["properties"]
            for answer in answers
            for one in answer.get("results", ())
        }
