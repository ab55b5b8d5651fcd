"""What we may ask of a CRM: shared by processes, left to people, slowed down when refused."""

from __future__ import annotations

import threading
from random import Random

import pytest
import responses

from connector.adapters.base import Pace
from connector.domain.moment import DAY, SECOND
from connector.errors import QuotaError, RateLimitError, TryLaterError, UnknownOutcomeError
from connector.store.database import open_store
from connector.store.running import health
from connector.store.running.budgets import StoreBudget
from connector.transport.budget import Allowance, allowances, metered
from connector.transport.http import Transport

URL = "https://crm.example.com"


class Clock:
    def __init__(self):
        self.now = 1_780_000_000_000_000
        self.slept = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept += seconds
        self.now += round(seconds * SECOND) + 1


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    yield store
    store.close()


def budget(store, clock, reserve=0.2, **more):
    given = {"clock": clock, "sleep": clock.sleep, "ticks": lambda _tx: clock.now, "local": clock}
    return StoreBudget(store, "crm", reserve=reserve, **given, **more)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Sforce-Limit-Info": "api-usage=18/5000"}, [Allowance("day", 5000, 18)]),
        (
            {"Sforce-Limit-Info": "api-usage=25/5000; per-app-api-usage=17/250(appName=x)"},
            [Allowance("day", 5000, 25)],
        ),
        (
            {
                "X-HubSpot-RateLimit-Daily": "250000",
                "X-HubSpot-RateLimit-Daily-Remaining": "249000",
                "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
                "X-HubSpot-RateLimit-Max": "100",
                "X-HubSpot-RateLimit-Remaining": "90",
            },
            [Allowance("day", 250000, 1000), Allowance("window", 100, 10, 10.0)],
        ),
        (
            {"RateLimit-Limit": "50", "RateLimit-Remaining": "0", "RateLimit-Reset": "7"},
            [Allowance("window", 50, 50, 7.0)],
        ),
        ({"Sforce-Limit-Info": "nonsense", "RateLimit-Limit": "many"}, []),
        ({}, []),
    ],
)
def test_headers_say_what_we_are_allowed(headers, found):
    assert allowances(headers) == found


def test_a_part_of_the_day_is_left_to_people(store, clock):
    one = budget(store, clock, reserve=0.2)
    one.purpose = "write"
    one.heard(200, [Allowance("day", 1000, 798)])
    one.take("/x")
    one.take("/x")
    with pytest.raises(QuotaError, match="800 of 1000"):
        one.take("/x")
    clock.now += DAY
    one.take("/x")


def test_what_is_urgent_may_use_more_than_what_is_not(store, clock):
    one = budget(store, clock, reserve=0)
    one.heard(200, [Allowance("day", 1000, 800)])
    passed = []
    for purpose in ("write", "increment", "reconcile", "backfill"):
        one.purpose = purpose
        try:
            one.take("/x")
            passed.append(purpose)
        except QuotaError:
            pass
    assert passed == ["write", "increment", "reconcile"]


def test_what_one_process_hears_the_others_know(store, clock):
    first, second = budget(store, clock), budget(store, clock)
    first.heard(200, [Allowance("day", 1000, 900)])
    with pytest.raises(QuotaError):
        second.take("/x")


def test_a_pace_is_shared_and_kept(store, clock):
    first, second = budget(store, clock), budget(store, clock)
    for one in (first, second):
        one.keep([Pace("search", "/search$", 5, 1.0)])
    began = clock.now
    for n in range(30):
        (first if n % 2 else second).take("/crm/v3/objects/contacts/search")
        first.take("/crm/v3/objects/contacts")
    took = (clock.now - began) / SECOND
    assert took == pytest.approx(29 / 5, rel=0.05)


def test_who_is_alone_uses_a_short_limit_up_at_once_and_then_waits(store, clock):
    one = budget(store, clock)
    one.keep([Pace("search", "/search$", 5, 1.0)])
    left = []
    for _ in range(7):
        one.take("/search")
        left.append(clock.now)
    assert (left[4] - left[0]) / SECOND < 0.1
    assert left[5] - left[0] >= SECOND
    assert (left[6] - left[5]) / SECOND < 0.1


@pytest.mark.parametrize("seed", range(20))
def test_however_processes_come_and_go_no_span_holds_one_call_too_many(store, clock, seed):
    luck = Random(seed)
    several = [budget(store, clock) for _ in range(3)]
    for one in several:
        one.keep([Pace("search", "/search$", 5, 1.0)])
    left = []
    for _ in range(60):
        luck.choices(several, (20, 1, luck.choice((0, 20))))[0].take("/search")
        left.append(clock.now)
        clock.now += luck.choice((0, 0, 0, 50_000, 700_000, 3 * SECOND))
    for n, first in enumerate(left[:-5]):
        assert left[n + 5] - first >= SECOND, f"six within a second, from call {n} on"


def test_a_pace_that_headers_tell_follows_them_and_pauses_where_nothing_is_left(store, clock):
    first, second = budget(store, clock), budget(store, clock)
    for one in (first, second):
        one.keep([Pace("ten", "", 100, 10.0, told=True)])

    def gap(one, limit, used):
        one.take("/x")
        one.heard(200, [Allowance("window", limit, used, 10.0)])
        one.take("/x")
        began = clock.now
        one.take("/x")
        return (clock.now - began) / SECOND

    hurry = 1.6  # a span went by before, in which nobody asked
    assert gap(first, 100, 50) == pytest.approx(0.1 / hurry, rel=0.05)
    assert gap(first, 200, 50) == pytest.approx(0.05 / hurry, rel=0.05)
    second.take("/x")
    began = clock.now
    second.take("/x")
    second.take("/x")
    assert (clock.now - began) / SECOND == pytest.approx(0.1, rel=0.05), "as the first one heard"
    second.heard(200, [Allowance("window", 200, 200, 10.0)])
    began = clock.now
    first.take("/x")
    assert (clock.now - began) / SECOND >= 0.95


def test_turns_that_passed_are_made_up_for_by_who_is_alone(store, clock):
    one = budget(store, clock)
    one.keep([Pace("ten", "", 40, 10.0, told=True)])
    began = clock.now
    for n in range(390):
        one.take("/x")
        clock.now += 1_400_000 if n % 30 == 29 else 0
    assert (clock.now - began) / SECOND <= 390 / (0.95 * 4), "while it paused nothing was lost"


@pytest.mark.parametrize("seed", range(10))
def test_whoever_makes_up_for_turns_no_span_holds_one_call_too_many(store, clock, seed):
    luck = Random(seed)
    several = [budget(store, clock) for _ in range(2)]
    for one in several:
        one.keep([Pace("ten", "", 40, 10.0, told=True)])
    left = []
    for n in range(300):
        (luck.choice(several) if 100 < n < 150 else several[n > 180]).take("/x")
        left.append(clock.now)
        clock.now += luck.choice((*[0] * 12, 300_000, 1_400_000))
    for n, first in enumerate(left[:-40]):
        assert left[n + 40] - first >= 10 * SECOND, f"41 within the span, from call {n} on"


def test_too_many_halves_the_rate_and_quiet_answers_bring_it_back(store, clock):
    one = budget(store, clock)
    one.keep([Pace("search", "/search$", 1, 0.25)])

    def speed(status):
        began = clock.now
        for _ in range(4):
            one.take("/search")
            one.heard(status, ())
        return 4 / ((clock.now - began) / SECOND)

    assert speed(200) == pytest.approx(4, rel=0.5)
    assert speed(429) < 1.5
    for _ in range(12):
        speed(200)
    assert speed(200) == pytest.approx(4, rel=0.3)


def test_threads_never_send_one_call_too_many(store):
    """Many takers, real clock: never more than so many in any span."""
    import time

    made = []
    lock = threading.Lock()
    began = time.time()

    def work():
        one = StoreBudget(store, "crm", reserve=0, clock=lambda: time.time_ns() // 1000)
        one.keep([Pace("search", "/search$", 3, 0.15)])
        for _ in range(5):
            one.take("/search")
            with lock:
                made.append(time.time() - began)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, at in enumerate(sorted(made), 1):
        assert n <= 3 * (at / 0.15 + 1) + 1


@responses.activate
def test_a_transport_made_under_a_budget_asks_it_and_tells_it(store, clock):
    responses.get(f"{URL}/x", headers={"Sforce-Limit-Info": "api-usage=800/1000"})
    one = budget(store, clock)
    with metered(one):
        http = Transport(URL)
    http.send("GET", "/x", repeatable=True)
    with pytest.raises(QuotaError):
        http.send("GET", "/x", repeatable=True)
    assert len(responses.calls) == 1
    assert Transport(URL).budget is None


# --- what may be repeated ------------------------------------------------------------------------


@pytest.fixture
def waits(monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    return waited


@responses.activate
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 502},
        {"status": 504},
        {"status": 200, "body": "<html>back soon</html>", "content_type": "text/html"},
    ],
    ids=["500", "502", "504", "a page"],
)
def test_a_create_that_may_have_happened_is_not_sent_twice(waits, answer):
    responses.post(f"{URL}/x", **answer)
    with pytest.raises(UnknownOutcomeError):
        Transport(URL).send("POST", "/x", b"{}", repeatable=False)
    assert len(responses.calls) == 1
    with pytest.raises(TryLaterError):
        Transport(URL, attempts=3).send("POST", "/x", b"{}", repeatable=True)
    assert len(responses.calls) == 4


@responses.activate
def test_told_to_wait_longer_than_a_minute_it_saves_its_state_and_ends(waits):
    responses.get(f"{URL}/x", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimitError) as caught:
        Transport(URL).send("GET", "/x", repeatable=True)
    assert caught.value.retry_after == 3600
    assert waits == []


@responses.activate
def test_a_date_to_wait_for_is_read_against_the_answers_own_date(waits):
    responses.get(
        f"{URL}/x",
        status=503,
        headers={
            "Date": "Tue, 24 Nov 2026 10:00:00 GMT",
            "Retry-After": "Tue, 24 Nov 2026 10:00:09 GMT",
        },
    )
    responses.get(f"{URL}/x", json={})
    Transport(URL).send("GET", "/x", repeatable=True)
    assert waits == [9.0]


# --- the breaker and the latch -------------------------------------------------------------------


def test_a_refused_log_in_waits_longer_each_time_and_a_crm_that_is_down_after_three_runs(store):
    with store.write() as tx:
        waits = []
        for _ in range(6):
            waits.append(health.note_failure(tx, "a", health.LOGIN, "login", 0, None).until)
        down = []
        for _ in range(4):
            down.append(health.note_failure(tx, "b", health.PARKED, "try_later", 0, None).until)
        asked = health.note_failure(tx, "c", health.PARKED, "rate_limit", 0, 900 * SECOND).until
        health.note_well(tx, "a")
        well = health.of(tx, "a")
    minutes = [w // (60 * SECOND) for w in waits]
    assert minutes == [1, 4, 16, 60, 60, 60]
    assert down[:2] == [None, None]
    assert [d // (60 * SECOND) for d in down[2:]] == [1, 4]
    assert asked == 900 * SECOND
    assert well == health.Health()
