"""Which records are tied to which, by the associations batch: a thousand records a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from connector.adapters.hubspot.calls import Calls

BATCH = 1000


class Associations:
    """Reads associations of records."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def read(self, source: str, kind: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """Give the ids of the `kind` records tied to each id, the primary one first.

        An id that nothing is tied to is missing. Further pages of an id are asked for by id.
        """
        path = f"{self._calls.paths['associations']}/{source}/{kind}/batch/read"
        found: dict[str, list[tuple[bool, str]]] = {}
        asked: list[dict[str, str]] = [{"id": one} for one in ids]
        while asked:
            parts = [asked[start : start + BATCH] for start in range(0, len(asked), BATCH)]
            bodies = [{"inputs": part} for part in parts]
            asked = []
            answers = self._calls.together(partial(self._calls.post, path), bodies)
            for one in (one for answer in answers for one in answer.get("results", ())):
                ident = str(one["from"]["id"])
                found.setdefault(ident, []).extend(_tied(one.get("to", ())))
                after = ((one.get("paging") or {}).get("next") or {}).get("after")
                if after:
                    asked.append({"id": ident, "after": str(after)})
        return {ident: _in_order(tied) for ident, tied in found.items()}


def _tied(to: Sequence[dict[str, Any]]) -> Iterator[tuple[bool, str]]:
    for one in to:
        labels = {kind.get("label") for kind in one.get("associationTypes", ())}
        yield "Primary" not in labels, str(one["toObjectId"])


def _in_order(tied: list[tuple[bool, str]]) -> list[str]:
    """Primary first, else as HubSpot gave them; each once."""
    return list(dict.fromkeys(ident for _, ident in sorted(tied, key=lambda pair: pair[0])))
