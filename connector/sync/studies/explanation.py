"""Everything about one person, for the question "why this score, and why did I get this lead?"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, select

from connector.decisions.matching import SURE, Accounts
from connector.decisions.standing import Cycle
from connector.domain.moment import format_iso
from connector.errors import UsageError
from connector.store.database import Store
from connector.store.incoming import activities
from connector.store.passes import cycles
from connector.store.persons import matching, people
from connector.store.schema import person as person_table
from connector.store.scored import scores

_WHOLE_SECOND = 1_000_000


def explanation(store: Store, word: str) -> dict[str, Any]:
    """Give score, reasons, cycle, moves, routing and last activities of a person.

    `word` is a person id, a record key (`connection/object/id`) or a remote id that is unique.
    Raises UsageError when it names nobody, or more than one.
    """
    with store.read() as tx:
        person = people.find(tx, word)
        if person is None:
            shown = "an address" if "@" in word else f"`{word}`"  # an error repeats no address
            raise UsageError(
                f"{shown} names no person, or more than one",
                hint="Give connection/object/id, such as crm/lead/42",
            )
        published = scores.published(tx, [person]).get(person)
        cycle = cycles.current(tx, [person]).get(person)
        moves, routes = cycles.history(tx, person)
        return {
            "person": person,
            "records": [r.key for r in people.records_of(tx, [person]).get(person, [])],
            "excluded": _excluded(tx, person),
            "score": _score(published),
            "cycle": _cycle(cycle),
            "moves": [{**m, "at": _iso(m["at"])} for m in moves],
            "routing": [
                {**r, "at": _iso(r["at"]), "skipped": orjson.loads(r["skipped"])} for r in routes
            ],
            "why_owner": _why_owner(routes, cycle),
            "account_matches": _matches(tx, person),
            "activities": [
                {
                    "type": a["type"],
                    "at": _iso(a["time"]),
                    "what": a["url"] or a["asset"] or a["form"],
                    "counted": not (a["machine"] or a["duplicate"]),
                    "evidence": a["evidence"],
                }
                for a in activities.of_person(tx, person, 10)
            ],
        }


def _why_owner(routes: Sequence[Mapping[str, Any]], cycle: Cycle | None) -> list[str]:
    """Sentences about the last time the person was routed; none when that never happened."""
    if not routes:
        owner = None if cycle is None else cycle.owner
        return [] if owner is None else [f"{owner} had this person before we routed anybody."]
    last = routes[-1]
    pool = f" in the pool {last['pool']}" if last["pool"] else ""
    took = f"{last['owner']} got this person" if last["owner"] else "Nobody could take this person"
    told = [f"{took} at {_iso(last['at'])}, by {last['rule']}{pool}."]
    told += [f"Passed over: {reason}." for reason in orjson.loads(last["skipped"])]
    if cycle is not None and last["owner"] and cycle.owner and cycle.owner != last["owner"]:
        told.append(f"Since then {cycle.owner} has taken over in the CRM.")
    return told


def _matches(tx: Connection, person: str) -> list[dict[str, Any]]:
    """Accounts the person may belong to, for one whose records name none."""
    records = [r for r in people.records_of(tx, [person]).get(person, []) if not r.gone]
    if not records or any(r.doc.get("account") for r in records):
        return []
    facts = people.facts_of(tx, [person]).get(person, {})
    found = Accounts(matching.accounts(tx, records[0].connection)).match(facts)
    return [
        {
            "account": m.account.id,
            "name": m.account.name,
            "confidence": round(m.confidence, 2),
            "why": m.why,
            "counts": m is found[0] and m.confidence >= SURE,
        }
        for m in found[:5]
    ]


def _excluded(tx: Connection, person: str) -> str | None:
    return tx.execute(select(person_table.c.excluded).where(person_table.c.id == person)).scalar()


def _score(published: scores.Published | None) -> dict[str, Any] | None:
    if published is None:
        return None
    score = published.score
    return {
        **score._asdict(),
        "model": published.model,
        "scored_at": _iso(published.scored_at),
        "reasons": published.reasons,
        "lines": [line._asdict() for line in published.lines],
    }


def _cycle(cycle: Cycle | None) -> dict[str, Any] | None:
    if cycle is None:
        return None
    times = ("since", "next_at", "opened_at", "behaviour_at", "routed_at", "handed_off_at")
    return {
        name: _iso(value) if name in {*times, "sla_due_at", "verdict_at"} else value
        for name, value in cycle._asdict().items()
    }


def _iso(moment: int | None) -> str | None:
    return None if moment is None else format_iso(moment // _WHOLE_SECOND * _WHOLE_SECOND)
