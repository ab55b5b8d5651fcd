"""Serves one practice CRM of the demo in a process of its own; a pipe's end ends it.

Run as `python -m connector.demo.serving KIND SEED NOW` (microseconds). Prints one line of JSON with
the address and what logs in, then serves until its standard input is closed.
"""

from __future__ import annotations

import os
import sys
import time

import orjson

from connector.practice.clock import PracticeClock
from connector.practice.filled import (
    CLIENT,
    SECRET,
    TOKEN,
    Filling,
    filled_hubspot,
    filled_salesforce,
)
from connector.practice.server import PracticeCrm, PracticeServer

PEOPLE = 5000


def main(kind: str, seed: int, now: int) -> None:
    """Serve a filled practice CRM whose clock stands at `now` until somebody sets it."""
    clock = PracticeClock(_machine, now)
    filling = Filling(seed, PEOPLE, now)
    crm: PracticeCrm
    if kind == "salesforce":
        crm = filled_salesforce(clock, filling)
        auth = {"client_id": CLIENT, "client_secret": SECRET}
    else:
        portal = filled_hubspot(clock, _machine, filling)
        portal.limits.burst = 100_000  # a year is read in seconds, and nobody else is here
        crm = portal
        auth = {"token": TOKEN}
    with PracticeServer(crm) as server:
        sys.stdout.write(orjson.dumps({"address": server.address, "auth": auth}).decode() + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        os._exit(0)  # nothing is kept, and taking a year of rows apart takes its time


def _machine() -> int:
    return time.time_ns() // 1000


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
