"""What doctor asks a Salesforce org about our user, and what it makes of the answers."""

from __future__ import annotations

import pytest

from connector.adapters.base import Order
from tests.unit.adapters.salesforce_org import USER

ORDER = Order((), {"Lead": {"score": "Score__c"}, "Contact": {"score": "Score__c"}}, {})


@pytest.fixture
def asked(org, crm):
    """Gives the checks, with a number answered to each kind of question."""
    org.objects["Contact"] = org.objects["Lead"]

    def ask(*, sees=1, powers=0, without=0):
        for match, count in (
            ("FROM%20ObjectPermissions", sees),
            ("FROM%20PermissionSet%20", powers),
            ("IsConverted", without),
        ):
            org.fail(match, 200, {"totalSize": count, "done": True, "records": []}, times=2)
        return crm.examine(ORDER)

    return ask


def test_a_user_who_may_what_it_must_is_well(asked):
    assert {check.state for check in asked()} == {"ok"}


@pytest.mark.parametrize(
    ("answers", "words", "step"),
    [
        ({"sees": 0}, "does not see every Lead", "View All Records"),
        ({"powers": 2}, "modify all data", "Minimum Access"),
        ({"without": 7}, "7 converted leads", "Map Lead Fields"),
    ],
)
def test_what_is_amiss_comes_with_its_one_next_step(asked, answers, words, step):
    looks = [check for check in asked(**answers) if check.state == "look"]
    assert words in looks[0].said
    assert step in looks[0].fix


def test_an_object_our_user_may_not_edit_is_a_failure(org, crm, asked):
    described = crm._objects.of("Lead")
    described.updateable = False
    failed = [check for check in asked() if check.state == "fail"]
    assert failed[0].said == "our user may not edit Lead"
    assert "tick Edit" in failed[0].fix


def test_a_question_our_user_may_not_ask_is_no_finding(org, crm):
    org.objects["Contact"] = org.objects["Lead"]
    refused = [{"errorCode": "INVALID_TYPE", "message": "sObject type is not supported"}]
    org.fail("query?", 400, refused, times=9)
    assert crm.examine(ORDER) == []


def test_our_user_is_named_in_the_questions_by_its_id_alone(org, asked):
    asked()
    urls = [
        call.request.url for call in org.mock.calls if "PermissionSetAssignment" in call.request.url
    ]
    assert urls
    assert all(USER in url for url in urls)


def test_a_status_that_the_mapping_does_not_know_is_named(org, crm):
    order = ORDER._replace(
        statuses={"Lead": ("Open__c", {"accepted": ("A",)})}, known={"Lead": ("A",)}
    )
    refused = [{"errorCode": "INVALID_TYPE", "message": ""}]
    org.objects["Contact"] = org.objects["Lead"]
    org.fail("query?", 400, refused, times=9)
    (check,) = crm.examine(order)
    assert check.said == "1 values of Lead.Open__c mean nothing to the mapping: B"
    org.fail("query?", 400, refused, times=9)
    (check,) = crm.examine(order._replace(known={"Lead": ("A", "B")}))
    assert check.state == "ok"
