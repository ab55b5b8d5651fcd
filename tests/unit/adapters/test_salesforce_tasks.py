"""Hand-off tasks in Salesforce: one for each hand-off, however often it is asked for."""

from __future__ import annotations

import json

import pytest

from connector.adapters.salesforce.tasks import HandOffTask, make_tasks
from connector.domain.change import Result
from tests.unit.adapters.salesforce_org import USER, field, ident


@pytest.fixture
def tasks(org, crm):
    """An org that keeps the tasks it is given; gives the function that makes them."""
    more = ("Subject", "WhoId", "OwnerId", "ActivityDate", "Description")
    org.objects["Task"] = [*org.objects["Task"], *(field(name) for name in more)]
    original = org._data

    def data(request, path):
        if path != "composite/sobjects" or request.method != "POST":
            return original(request, path)
        made = []
        for record in json.loads(request.body)["records"]:
            number = len(org.rows["Task"]) + 1
            org.rows["Task"].append({**record, "Id": ident("00T", number), "IsDeleted": False})
            made.append({"id": ident("00T", number), "success": True, "errors": []})
        return org._ok(made)

    org._data = data
    return lambda *wanted: make_tasks(crm._calls, crm._reading, wanted)


def wanted(number=1, mark="ll-7f3a", **more):
    base = {"subject": "Call Ada", "due": "2026-05-02", "owner": USER, "text": "Score 71"}
    return HandOffTask(person=ident("00Q", number), mark=mark, **{**base, **more})


def test_a_task_is_made_once_however_often_it_is_asked_for(org, tasks):
    assert tasks(wanted())[0].result is Result.APPLIED
    assert tasks(wanted(), wanted(2))[0].code == "there"
    subjects = [row["Subject"] for row in org.rows["Task"]]
    assert subjects == ["Call Ada [ll-7f3a]", "Call Ada [ll-7f3a]"]
    assert org.rows["Task"][0]["WhoId"] != org.rows["Task"][1]["WhoId"]


def test_the_next_hand_off_of_a_person_is_a_task_of_its_own(org, tasks):
    tasks(wanted())
    tasks(wanted(mark="ll-9c1b"))
    assert len(org.rows["Task"]) == 2


def test_an_answer_lost_on_the_way_makes_no_second_task(org, tasks):
    real = org._data

    def lost(request, path):
        answer = real(request, path)
        if request.method == "POST" and path == "composite/sobjects":
            org._data = real
            return 500, {"Content-Type": "application/json"}, "[]"
        return answer

    org._data = lost
    assert tasks(wanted())[0].result is Result.UNKNOWN
    assert tasks(wanted())[0].result is Result.APPLIED
    assert len(org.rows["Task"]) == 1


def test_a_long_subject_keeps_its_mark(org, tasks):
    tasks(wanted(subject="x" * 400))
    assert len(org.rows["Task"][0]["Subject"]) == 255
    assert tasks(wanted(subject="x" * 400))[0].code == "there"


def test_a_refused_task_says_why_and_stops_no_other(org, tasks):
    refused = {"statusCode": "INACTIVE_OWNER_OR_USER", "message": "inactive", "fields": ["OwnerId"]}
    made = {"id": ident("00T", 1), "success": True, "errors": []}
    org.fail("composite/sobjects", 200, [{"success": False, "errors": [refused]}, made])
    found = tasks(wanted(1), wanted(2))
    assert [one.result for one in found] == [Result.REFUSED, Result.APPLIED]
    assert "routing.yaml" in found[0].hint
