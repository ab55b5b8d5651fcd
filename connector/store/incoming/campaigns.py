"""Campaigns as the CRMs tell of them: how they are called, what kind they are, what they cost."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select

from connector.domain.text import normalise
from connector.store.schema import record


class Campaign(NamedTuple):
    """One name's campaigns together, in all CRMs: none keeps two from having one name.

    `cents` is what they cost until now, None where no CRM says it. `begins` and `ends` are days
    (ISO 8601) of the CRM's own calendar.
    """

    name: str
    type: str | None
    cents: int | None
    begins: str | None
    ends: str | None


def campaigns(tx: Connection) -> dict[str, Campaign]:
    """Give every campaign by the word that activities know it by."""
    query = select(record.c.doc).where(record.c.kind == "campaign", ~record.c.gone)
    found: dict[str, Campaign] = {}
    for doc in tx.execute(query.order_by(record.c.connection, record.c.id)).scalars():
        given = orjson.loads(doc)
        word = normalise(str(given.get("name") or ""))
        if word:
            found[word] = _together(found.get(word), _campaign(given))
    return found


def _campaign(doc: dict[str, Any]) -> Campaign:
    kind = doc.get("type")
    return Campaign(
        str(doc["name"]).strip(),
        str(kind) if kind else None,
        _cents(doc.get("cost")),
        _day(doc.get("begins")),
        _day(doc.get("ends")),
    )


def _day(given: object) -> str | None:
    return given if isinstance(given, str) and given else None


def _cents(cost: object) -> int | None:
    if isinstance(cost, bool) or not isinstance(cost, int | float) or cost < 0:
        return None
    return round(cost * 100)


def _together(known: Campaign | None, one: Campaign) -> Campaign:
    if known is None:
        return one
    costs = [cents for cents in (known.cents, one.cents) if cents is not None]
    begins = [at for at in (known.begins, one.begins) if at is not None]
    ends = [at for at in (known.ends, one.ends) if at is not None]
    return Campaign(
        known.name,
        known.type or one.type,
        sum(costs) if costs else None,
        min(begins, default=None),
        max(ends, default=None),
    )
