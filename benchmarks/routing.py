"""What routing costs: rules, turns and capacity, for people the store has already read.

    python -m benchmarks.routing                    100,000 people, 200 rules, 500 owners
    python -m benchmarks.routing --people 20000

Each size is routed by a router of its own, the store left out; every person must get an owner, and
each pool's turns must follow its weights to within one.
"""

from __future__ import annotations

import argparse
import time

from benchmarks.measuring import table
from connector.decisions.routing import Desk, Lead, Owner, Router
from connector.decisions.routing_document import Routing
from connector.domain.moment import parse_iso

PEOPLE, RULES, OWNERS, POOLS = 100_000, 200, 500, 50
NOW = parse_iso("2026-03-02T09:00:00Z")
COLUMNS = ("people", "CPU s", "CPU ms per 1,000", "growth", "owners used")
_COUNTRIES = tuple(f"c{n:02}" for n in range(40))
_SIZES = (1, 50, 200, 1000, 5000)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.routing")
    asked.add_argument("--people", type=int, default=PEOPLE)
    given = asked.parse_args()
    print(part(given.people))


def part(people: int) -> str:
    """Measure a tenth, a half and the whole; gives the table."""
    rows = []
    first: float | None = None
    for count in (max(people // 10, 1), max(people // 2, 1), people):
        spent, owners = routed(count)
        each = spent / count * 1_000_000
        first = first if first is not None else each
        rows.append(
            (f"{count:,}", f"{spent:.2f}", f"{each:.1f}", f"{each / first:.2f}x", str(owners))
        )
    title = f"Routing by {RULES} rules to {OWNERS} owners in {POOLS} pools"
    return table(title, COLUMNS, rows)


def routed(count: int) -> tuple[float, int]:
    """Route so many people; gives CPU seconds and how many owners got somebody.

    Raises AssertionError when somebody got no owner, or a pool was not shared out by weight.
    """
    router = Router(document(), owners(), Desk())
    leads = [Lead(facts(n)) for n in range(count)]
    begun = time.process_time()
    results = [router.route(lead, NOW) for lead in leads]
    spent = time.process_time() - begun
    taken: dict[str, dict[str, int]] = {}
    for one in results:
        assert one.owner is not None, "somebody got no owner"
        mine = taken.setdefault(one.pool or "", {})
        mine[one.owner] = mine.get(one.owner, 0) + 1
    _check_shares(taken)
    return spent, len({one.owner for one in results})


def _check_shares(taken: dict[str, dict[str, int]]) -> None:
    for pool, counts in taken.items():
        weights = {f"crm/{n}": 1 + n % 3 for n in _members(int(pool.removeprefix("pool ")))}
        whole = sum(counts.values())
        for owner, weight in weights.items():
            share = whole * weight / sum(weights.values())
            assert abs(counts.get(owner, 0) - share) < len(weights), f"{pool} is not shared fairly"


def _members(pool: int) -> range:
    each = OWNERS // POOLS
    return range(pool * each, (pool + 1) * each)


def document() -> Routing:
    """Give a routing file of so many rules, of which most people meet one late."""
    return Routing.model_validate(
        {
            "version": 1,
            "pools": {
                f"pool {n}": {
                    "members": [
                        {
                            "owner": f"crm/{m}",
                            "weight": float(1 + m % 3),
                            "capacity": {"open": 10_000_000},
                        }
                        for m in _members(n)
                    ]
                }
                for n in range(POOLS)
            },
            "rules": [
                {
                    "name": f"rule {n}",
                    "when": {
                        "country": {"in": [_COUNTRIES[n % len(_COUNTRIES)]]},
                        "account.employees": {"range": [float(_SIZES[n // len(_COUNTRIES)]), None]},
                    },
                    "to": {"pool": f"pool {n % POOLS}"},
                }
                for n in reversed(range(RULES))
            ],
            "fallback": {"pool": "pool 0"},
        }
    )


def owners() -> list[Owner]:
    """Give the owners, all at work."""
    return [Owner(f"crm/{n}", f"o{n}@us.example", f"Owner {n}", active=True) for n in range(OWNERS)]


def facts(number: int) -> dict[str, str | int | float | bool | None]:
    """Give what is known of a person, the same for the same number."""
    return {
        "country": _COUNTRIES[number * 7 % len(_COUNTRIES)],
        "account.employees": (number * 131) % 9_000,
        "title": "head of logistics",
        "score": number % 100,
    }


if __name__ == "__main__":
    main()
