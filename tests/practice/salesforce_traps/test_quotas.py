"""Two limits with one code: textbook clients that take one for the other, by the known traps."""

from __future__ import annotations

import pytest

from connector.errors import QuotaError


def attempts(salesforce, *, wait, most=5):
    """Asks until it is answered, waiting after each refusal, and gives the statuses."""
    seen = []
    for _ in range(most):
        seen.append(salesforce.call("GET", f"{salesforce.data}/sobjects").status_code)
        if seen[-1] == 200:
            break
        salesforce.tick(wait)
    return seen


def test_trap_38_a_client_that_stops_at_the_code_loses_a_day_over_some_busy_seconds(salesforce):
    salesforce.crm.steer("quota", {"running": {"count": 25, "seconds": 30}})
    answer = salesforce.call("GET", f"{salesforce.data}/sobjects")
    stops_for_today = answer.json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert stops_for_today
    assert attempts(salesforce, wait=10) == [403, 403, 403, 200]


def test_trap_38_a_client_that_waits_at_the_code_waits_for_nothing_all_day(salesforce):
    salesforce.crm.steer("quota", {"max": 100, "used": 100})
    assert attempts(salesforce, wait=60) == [403] * 5


def test_trap_38_ours_waits_out_busy_seconds(salesforce, ours, waits):
    ids = salesforce.leads(3)
    salesforce.crm.steer("quota", {"running": {"count": 25, "seconds": 5}})
    assert [row["Id"] for row in ours.rows(names=("Id",))] == ids
    assert sum(waits) >= 5


def test_trap_38_ours_stops_for_the_day_when_its_calls_are_spent(salesforce, ours, waits, calls):
    salesforce.leads(3)
    salesforce.crm.steer("quota", {"max": 100, "used": 100})
    with pytest.raises(QuotaError) as caught:
        ours.rows(names=("Id",))
    assert caught.value.exit_code == 75
    assert len([said for said, _ in calls if "/services/data" in said]) == 1
    assert waits == []


def test_trap_39_a_guard_that_asks_for_the_limits_and_may_not_takes_peoples_last_calls(salesforce):
    salesforce.leads(1)
    salesforce.crm.steer("quota", {"max": 100, "used": 85, "told": False})
    told = salesforce.call("GET", f"{salesforce.data}/limits")
    assert told.status_code == 403
    left = told.json()[0].get("DailyApiRequests", {}).get("Remaining", 100)
    done = 0
    while left > 20 and salesforce.call("GET", f"{salesforce.data}/sobjects").ok:
        done += 1
    assert done == 14  # nobody can call any more today


def test_trap_39_ours_reads_it_off_each_answer_and_leaves_people_their_share(
    salesforce, ours, calls
):
    salesforce.leads(1)
    salesforce.crm.steer("quota", {"max": 100, "used": 85, "told": False})
    with pytest.raises(QuotaError) as caught:
        for _ in range(20):
            ours.rows(names=("Id",))
    assert caught.value.exit_code == 75
    assert len([said for said, _ in calls if "/services/data" in said]) <= 2
    assert not any(said.endswith("/limits") for said, _ in calls)
