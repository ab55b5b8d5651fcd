"""How many calls a CRM is asked for, beside the fewest its documented batch sizes allow.

python -m benchmarks.calls --people 5000
python -m benchmarks.calls --only salesforce --people 50000
"""

from __future__ import annotations

import argparse

from benchmarks import hubspot_calls, salesforce_calls

WRITES = 20_000
PARTS = {"hubspot": hubspot_calls.part, "salesforce": salesforce_calls.part}


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.calls")
    asked.add_argument("--people", type=int, default=5000)
    asked.add_argument("--writes", type=int, default=WRITES)
    asked.add_argument("--only", choices=PARTS)
    given = asked.parse_args()
    for kind in [given.only] if given.only else PARTS:
        print(PARTS[kind](given.people, given.writes))


if __name__ == "__main__":
    main()
