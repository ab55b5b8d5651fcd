"""What every adapter that makes tasks promises: found by its mark, made once, with its owner."""

from __future__ import annotations

import pytest

from connector.adapters import KINDS
from connector.adapters.base import NewTask
from connector.domain.moment import DAY
from connector.errors import FeatureError, LoginError, UnknownOutcomeError
from connector.practice.fault_script import Fault
from connector.practice.salesforce.org import ADMIN
from tests.contract.fakes import FAKES


@pytest.fixture(params=sorted(KINDS))
def crm(request, tmp_path):
    with FAKES[request.param](tmp_path) as fake:
        if not fake.adapter.capabilities.tasks:
            pytest.skip("makes no tasks")
        yield fake
        fake.adapter.close()


def owner_in(crm):
    match crm.adapter.capabilities.kind:
        case "salesforce":
            return crm.crm.org.user(ADMIN)
        case "hubspot":
            crm.crm.steer(
                "load", {"owners": [{"id": "77", "email": "a@us.example", "archived": False}]}
            )
            return "77"
        case "odoo":
            return "6"
    return "anna"


def a_task(crm, number, owner):
    record = crm.put(number, title="Boss")
    crm.tick()
    mark = f"leadloop-{number:016x}"
    return NewTask(mark, crm.source, record, owner, f"Call [{mark}]", "Why\nso", crm.now + DAY)


def test_a_task_is_found_by_its_mark_once_it_is_made_and_not_before(crm):
    owner = owner_in(crm)
    one, other = a_task(crm, 1, owner), a_task(crm, 2, owner)
    assert crm.adapter.find_tasks([one, other]) == {}
    made = crm.adapter.create_task(one)
    crm.tick()
    assert crm.adapter.find_tasks([one, other]) == {one.marker: made}


def test_a_task_whose_answer_is_lost_is_unknown_and_found_afterwards(crm):
    one = a_task(crm, 1, owner_in(crm))
    crm.adapter.find_tasks([one])
    if crm.adapter.capabilities.kind == "odoo":
        crm.lose_answers(1)
    elif hasattr(crm, "crm") and hasattr(crm.crm, "faults"):
        for path in ("POST */sobjects/Task", "POST */objects/*/tasks"):
            crm.crm.faults.add([Fault(match=path, drop="after", times=1)])
    else:
        pytest.skip("no answer can get lost")
    with pytest.raises(UnknownOutcomeError):
        crm.adapter.create_task(one)
    crm.tick()
    assert list(crm.adapter.find_tasks([one])) == [one.marker]


def test_a_right_to_tasks_that_lacks_is_told_from_a_log_in_that_is_refused(crm):
    one = a_task(crm, 1, owner_in(crm))
    match crm.adapter.capabilities.kind:
        case "odoo":
            crm.forbidden = "_mail_activity_create"
        case "salesforce":
            body = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}]
            fault = Fault(match="POST */sobjects/Task", status=403, body=body)
            crm.crm.faults.add([fault])
        case "hubspot":
            crm.crm.faults.add([Fault(match="POST */objects/*/tasks", status=403, body={})])
        case _:
            pytest.skip("has no rights")
    with pytest.raises(FeatureError):
        crm.adapter.create_task(one)
    crm.lock_out()
    with pytest.raises(LoginError) as refused:
        crm.adapter.create_task(one)
    assert not isinstance(refused.value, FeatureError)
