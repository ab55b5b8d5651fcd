"""A right that our log-in lacks costs what it is for, and one line; never the run."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY, HOUR
from connector.errors import LoginError
from connector.sync.upkeep.health import examine
from tests.practice.at_work import TOKEN


def begun(opened, kind):
    work = opened(kind)
    work.person("seed", title="Clerk")
    work.go()
    work.pass_time(HOUR)
    return work


def portal(work, *lacks):
    work.crm.steer("token", {"token": TOKEN, "by": work.us, "lacks": list(lacks)})


def told(work, words):
    return [said for said in work.warnings if words in said]


def tasks(work):
    there = work.crm.portal.records["tasks"].values()
    return [one.values["hs_task_subject"] for one in there]


@pytest.mark.parametrize("use", ["read", "write"])
def test_without_the_right_to_tasks_the_hand_off_stands_and_one_line_says_why(opened, use):
    work = begun(opened, "hubspot")
    portal(work, f"crm.objects.tasks.{use}")
    work.hot("one")
    work.hot("two")
    done = work.run()
    assert done.status == "ok"
    assert work.owner("one")
    assert work.owner("two")
    (line,) = told(work, "no tasks are made")
    assert f"crm.objects.tasks.{use}" in line
    assert "Give the key that scope" in line
    assert tasks(work) == []
    work.hot("three")
    assert work.run().status == "ok", "the connection was not paused"
    assert work.owner("three")


def test_tasks_that_waited_for_the_right_are_made_once_it_is_there(opened):
    work = begun(opened, "hubspot")
    portal(work, "crm.objects.tasks.write")
    work.hot("one")
    work.run()
    portal(work)
    work.pass_time(HOUR)
    work.run()
    assert len(tasks(work)) == 1
    assert told(work, "task") == []
    work.run()
    assert len(tasks(work)) == 1


def test_a_task_nobody_may_make_for_a_week_is_given_up(opened):
    work = begun(opened, "hubspot")
    portal(work, "crm.objects.tasks.write")
    work.hot("one")
    work.run()
    work.pass_time(8 * DAY)
    work.run()
    assert told(work, "no tasks are made")
    work.pass_time(HOUR)
    work.run()
    assert told(work, "task") == []
    portal(work)
    work.pass_time(HOUR)
    work.run()
    assert tasks(work) == []


def test_a_token_refused_when_a_task_is_made_still_stops_the_connection(opened):
    work = begun(opened, "hubspot")
    work.hot("one")
    work.fail("POST */tasks", status=401, times=9)
    with pytest.raises(LoginError, match="refused the token"):
        work.run()


def test_a_salesforce_user_who_may_make_no_tasks_costs_the_tasks_alone(opened):
    work = begun(opened, "salesforce")
    work.hot("one")
    work.hot("two")
    refused = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}]
    work.fail("POST */sobjects/Task", status=403, body=refused, times=9)
    done = work.run()
    assert done.status == "ok"
    assert work.owner("one")
    assert work.owner("two")
    (line,) = told(work, "task")
    assert "Edit Tasks" in line


@pytest.mark.parametrize(
    ("scope", "otherwise"),
    [
        ("crm.objects.tasks.write", "without a task"),
        ("crm.lists.read", "install --plan"),
        ("crm.lists.write", "no list follows"),
        ("crm.schemas.contacts.write", "install --plan"),
    ],
)
def test_doctor_names_each_scope_that_lacks_and_what_goes_on_without(opened, scope, otherwise):
    work = opened("hubspot")
    assert not [one for one in rights(work) if one.state != "ok"]
    portal(work, scope)
    (lacking,) = [one for one in rights(work) if one.state != "ok"]
    assert scope in (lacking.fix or "")
    assert otherwise in (lacking.fix or "")
    assert not work.crm.portal.lists, "nothing was made by asking"


def rights(work):
    """What doctor says of rights; that this portal has no leads of its own is left out."""
    found = [one for one in examine(work.loaded, lambda: work.now) if one.what == "crm rights"]
    return [one for one in found if "read leads" not in one.said]
