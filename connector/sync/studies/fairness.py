"""Who got how much of what, against what routing.yaml says; and what another file would do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from connector.decisions.routing import Desk, Lead, Router
from connector.decisions.routing_document import Capacity, Pool, Routing
from connector.domain.moment import DAY, Micros
from connector.domain.text import normalise
from connector.scoring.choice import Models
from connector.store.database import Store
from connector.store.passes import cycles
from connector.store.passes.cycles import Given
from connector.sync.decide import expected, facts_for_routing, owners_in

NOBODY = "(nobody: held)"
OUTSIDE = "(no pool)"


def fairness(store: Store, routing: Routing, connection: str, now: Micros, days: int) -> list[Any]:
    """Give a row for each pool and owner: leads and expected value against the share by weight."""
    with store.read() as tx:
        given = cycles.given_since(tx, now - days * DAY)
        weights = _weights(tx, routing, connection, now)
    totals: dict[str, list[Given]] = defaultdict(list)
    for one in given:
        totals[one.pool or OUTSIDE].append(one)
    rows = []
    for pool, some in sorted(totals.items()):
        owners = sorted({one.owner for one in some} | set(weights.get(pool, {})))
        whole, value = len(some), sum(one.value or 0 for one in some)
        weight = sum(weights.get(pool, {}).values())
        for owner in owners:
            mine = [one for one in some if one.owner == owner]
            due = weights.get(pool, {}).get(owner)
            rows.append(
                {
                    "pool": pool,
                    "owner": owner,
                    "leads": len(mine),
                    "share": round(len(mine) / whole, 3) if whole else 0.0,
                    "due": round(due / weight, 3) if due is not None and weight else None,
                    "value": round(sum(one.value or 0 for one in mine), 2),
                    "value_share": round(sum(o.value or 0 for o in mine) / value, 3)
                    if value
                    else 0.0,
                }
            )
    return rows


def _weights(
    tx: Connection, routing: Routing, connection: str, now: Micros
) -> dict[str, dict[str, float]]:
    words = {
        normalise(word): owner.key
        for owner in owners_in(tx, connection, now)
        for word in (owner.key, owner.key.partition("/")[2], owner.name, owner.login)
        if word
    }
    return {
        name: {words.get(normalise(m.owner), m.owner): m.weight for m in pool.members}
        for name, pool in routing.pools.items()
    }


def rehearse(
    store: Store, old: Routing | None, new: Routing, models: Models, connection: str, now: Micros
) -> dict[str, Any]:
    """Route everybody who is with sales, or ready for it, anew by both files; nothing is stored.

    Capacity and hours are left out, so that the flow itself can be held against them.
    """
    with store.read() as tx:
        people = cycles.in_motion(tx)
        owners = owners_in(tx, connection, now)
        known = [facts_for_routing(tx, people, file, models, now) for file in (old, new)]
    results = {}
    for name, routing, facts in (("old", old, known[0]), ("new", new, known[1])):
        counts: Counter[tuple[str, str]] = Counter()
        if routing is not None:
            router = Router(unlimited(routing), owners, Desk())
            for person in people:
                mine = facts.get(person, {})
                routed = router.route(Lead(mine, value=expected(mine)), now)
                counts[routed.pool or OUTSIDE, routed.owner or NOBODY] += 1
        results[name] = counts
    both = sorted({*results["old"], *results["new"]})
    capacity = _capacity(new, owners)
    return {
        "people": len(people),
        "owners": [
            {
                "pool": pool,
                "owner": owner,
                "old": results["old"][pool, owner],
                "new": results["new"][pool, owner],
                "change": results["new"][pool, owner] - results["old"][pool, owner],
                "per_week": capacity.get((pool, owner)),
            }
            for pool, owner in both
        ],
        "pools": [
            {
                "pool": pool,
                "old": _sum(results["old"], pool),
                "new": _sum(results["new"], pool),
                "per_week": _sum(capacity, pool) or None,
            }
            for pool in sorted({pool for pool, _ in both})
        ],
    }


def unlimited(routing: Routing) -> Routing:
    """Give the same rules without capacity, hours, offers and waiting."""
    free = {"capacity": Capacity(), "hours": None, "partner": None}
    pools: dict[str, Pool] = {
        name: pool.model_copy(update={"members": [m.model_copy(update=free) for m in pool.members]})
        for name, pool in routing.pools.items()
    }
    return routing.model_copy(update={"pools": pools})


def _capacity(routing: Routing, owners: Iterable[Any]) -> dict[tuple[str, str], int]:
    words = {
        normalise(word): owner.key
        for owner in owners
        for word in (owner.key, owner.key.partition("/")[2], owner.name, owner.login)
        if word
    }
    found = {}
    for name, pool in routing.pools.items():
        for member in pool.members:
            most = member.capacity
            weekly = (
                most.per_week if most.per_week is not None else most.per_day and most.per_day * 5
            )
            if weekly is not None:
                found[name, words.get(normalise(member.owner), member.owner)] = weekly
    return found


def _sum(counts: Mapping[tuple[str, str], int], pool: str) -> int:
    return sum(n for (name, _), n in counts.items() if name == pool)
