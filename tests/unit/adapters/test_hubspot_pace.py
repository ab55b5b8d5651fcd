"""How near we come to what HubSpot allows, in a simulated world of threads, latency and limits."""

from __future__ import annotations

import heapq
from collections import deque
from types import SimpleNamespace

import pytest

from connector.adapters.hubspot.calls import IN_FLIGHT
from connector.adapters.hubspot.limits import PACES
from connector.domain.moment import SECOND
from connector.store.database import open_store
from connector.store.running.budgets import StoreBudget
from connector.transport.budget import allowances

LATENCY = 0.25
LIST, SEARCH = "/crm/objects/2026-09/contacts", "/crm/objects/2026-09/contacts/search"
ASSOCIATIONS = "/crm/associations/2026-09/contacts/companies/batch/read"


class World:
    """`most` calls in any `span` seconds, whoever sends them; each thread lives in its own time."""

    def __init__(self, most: int, span: float, *, tells: bool) -> None:
        self.most, self.span, self.tells, self.now = most, span, tells, 0.0
        self.sent: deque[float] = deque()
        self.refused = 0

    def arrives(self, at: float, *, ours: bool) -> tuple[int, dict[str, str]]:
        while self.sent and self.sent[0] <= at - self.span:
            self.sent.popleft()
        full = len(self.sent) >= self.most
        self.refused += full and ours
        if not full:
            self.sent.append(at)
        headers = {
            "X-HubSpot-RateLimit-Max": str(self.most),
            "X-HubSpot-RateLimit-Remaining": str(self.most - len(self.sent)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(round(self.span * 1000)),
        }
        return 429 if full else 200, headers if self.tells else {}


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    yield store
    store.close()


def played(store, most, seconds, *, ours, others=0.0, path=LIST, span=10.0):
    """Let processes of `IN_FLIGHT` threads each ask for `seconds`; gives answered calls of ours.

    `others` is how many calls a second another app sends.
    """
    world = World(most, span, tells=path != SEARCH)
    done = 0

    def sleep(wait):
        world.now += wait

    def now(*_tx):
        return round(world.now * SECOND)

    budgets = [
        StoreBudget(store, "hs", reserve=0, clock=now, sleep=sleep, ticks=now, local=now)
        for _ in range(ours)
    ]
    for one in budgets:
        one.keep(PACES)
    owns = [SimpleNamespace() for _ in range(ours * IN_FLIGHT)]
    turns = [(0.0, n, "ask", n % ours, None) for n in range(ours * IN_FLIGHT)]
    if others:
        turns += [(n / others, 1000 + n, "other", 0, None) for n in range(int(seconds * others))]
    heapq.heapify(turns)
    while turns:
        at, n, what, which, answer = heapq.heappop(turns)
        if at > seconds:
            break
        world.now = at
        if what in {"ask", "hear"}:
            budgets[which]._own = owns[n]  # what a thread keeps for itself; here all are one
        if what == "ask":
            budgets[which].take(path)
            heapq.heappush(turns, (world.now, n, "arrive", which, None))
        elif what == "arrive":
            answer = world.arrives(at, ours=True)
            heapq.heappush(turns, (at + LATENCY, n, "hear", which, answer))
        elif what == "hear":
            status, headers = answer
            done += status == 200
            budgets[which].heard(status, allowances(headers))
            heapq.heappush(turns, (at, n, "ask", which, None))
        else:
            world.arrives(at, ours=False)
    return done, world.refused


@pytest.mark.parametrize("most", [100, 110, 190])
@pytest.mark.parametrize("processes", [1, 4])
def test_processes_use_nearly_all_that_is_allowed_and_are_never_refused(store, most, processes):
    seconds = 200
    done, refused = played(store, most, seconds, ours=processes)
    assert refused == 0
    assert done >= 0.95 * most / 10 * seconds


@pytest.mark.parametrize("processes", [1, 4])
def test_searches_are_paced_without_a_word_from_headers(store, processes):
    seconds = 60
    done, refused = played(store, 5, seconds, ours=processes, path=SEARCH, span=1.0)
    assert refused == 0
    assert done >= 0.95 * 5 * seconds


def test_another_app_that_takes_half_is_left_its_half(store):
    seconds = 300
    done, refused = played(store, 190, seconds, ours=1, others=9.5)
    assert done >= 0.75 * 9.5 * seconds
    assert refused <= 0.03 * done


def test_what_a_process_hears_of_the_pace_the_next_one_begins_with(store):
    played(store, 100, 20, ours=1)
    done, _ = played(store, 190, 0.2, ours=1)
    assert done <= 2, "it keeps to the hundred heard before until it hears of more"


def test_batches_of_associations_are_exempt(store):
    done, _ = played(store, 190, 10, ours=1, path=ASSOCIATIONS)
    assert done >= 0.9 * IN_FLIGHT * 10 / LATENCY * 0.9 or done >= 190
