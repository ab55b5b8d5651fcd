"""How near we come to what HubSpot allows, in a simulated world of threads, latency and limits."""

from __future__ import annotations

import heapq
from collections import deque

import pytest

from connector.adapters.hubspot.calls import IN_FLIGHT
from connector.adapters.hubspot.limits import Burst
from connector.transport.http import Answer

LATENCY, SPAN = 0.25, 10.0


class World:
    """`most` calls in any ten seconds, whoever sends them; each thread lives in its own time."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0.0
        self.sent: deque[float] = deque()
        self.refused = 0

    def arrives(self, at: float, *, ours: bool) -> Answer:
        while self.sent and self.sent[0] <= at - SPAN:
            self.sent.popleft()
        full = len(self.sent) >= self.most
        self.refused += full and ours
        if not full:
            self.sent.append(at)
        headers = {
            "X-HubSpot-RateLimit-Max": str(self.most),
            "X-HubSpot-RateLimit-Remaining": str(self.most - len(self.sent)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        }
        return Answer(429 if full else 200, headers, b"")


def played(most, seconds, *, ours, others=0.0):
    """Let processes of `IN_FLIGHT` threads each ask for `seconds`; gives answered calls of ours.

    `others` is how many calls a second another app sends.
    """
    world = World(most)
    done = 0

    def sleep(wait):
        world.now += wait

    bursts = [Burst(lambda: world.now, sleep) for _ in range(ours)]
    turns = [(0.0, n, "ask", n % ours, None) for n in range(ours * IN_FLIGHT)]
    if others:
        turns += [(n / others, 1000 + n, "other", 0, None) for n in range(int(seconds * others))]
    heapq.heapify(turns)
    while turns:
        at, n, what, which, answer = heapq.heappop(turns)
        if at > seconds:
            break
        world.now = at
        if what == "ask":
            bursts[which].wait()
            heapq.heappush(turns, (world.now, n, "arrive", which, None))
        elif what == "arrive":
            answer = world.arrives(at, ours=True)
            heapq.heappush(turns, (at + LATENCY, n, "hear", which, answer))
        elif what == "hear":
            done += answer.status == 200
            bursts[which].hear(answer)
            heapq.heappush(turns, (at, n, "ask", which, None))
        else:
            world.arrives(at, ours=False)
    return done, world.refused


@pytest.mark.parametrize("most", [100, 110, 190])
def test_one_process_uses_nearly_all_that_is_allowed_and_is_never_refused(most):
    done, refused = played(most, 600, ours=1)
    assert refused == 0
    assert done >= 0.95 * most / SPAN * 600


def test_two_processes_share_what_is_allowed():
    seconds = 600
    done, refused = played(190, seconds, ours=2)
    assert done >= 0.90 * 19 * seconds
    assert refused <= 0.05 * done


def test_another_app_that_takes_half_is_left_its_half():
    seconds = 600
    done, refused = played(190, seconds, ours=1, others=9.5)
    assert done >= 0.90 * 9.5 * seconds
    assert refused <= 0.03 * done
