"""What doctor makes of an org that answers only in part."""

from __future__ import annotations

from connector.adapters.base import Order
from tests.unit.adapters.salesforce_org import USER

ORDER = Order((), {"Lead": {"score": "Score__c"}, "Contact": {"score": "Score__c"}}, {})
REFUSED = [{"errorCode": "INVALID_TYPE", "message": "sObject type is not supported"}]


def examined(org, crm, order):
    org.objects["Contact"] = org.objects["Lead"]
    org.fail("query?", 400, REFUSED, times=9)
    org.fail("Soap/m/", 500, "<soapenv:Envelope><soapenv:Fault></soapenv:Fault>", times=9)
    return crm.examine(order)


def test_a_question_our_user_may_not_ask_is_no_finding(org, crm):
    assert [check.state for check in examined(org, crm, ORDER)] == ["ok"], "that the API answers"


def test_our_user_is_named_in_the_questions_by_its_id_alone(org, crm):
    org.objects["PermissionSet"] = [
        *org.objects["PermissionSet"],
        org.objects["Lead"][0] | {"name": "PermissionsApiEnabled", "type": "boolean"},
    ]
    examined(org, crm, ORDER)
    urls = [
        call.request.url for call in org.mock.calls if "PermissionSetAssignment" in call.request.url
    ]
    assert urls
    assert all(USER in url for url in urls)


def test_a_status_that_the_mapping_does_not_know_is_named(org, crm):
    order = ORDER._replace(
        statuses={"Lead": ("Open__c", {"accepted": ("A",)})}, known={"Lead": ("A",)}
    )
    _, check = examined(org, crm, order)
    assert check.said == "1 values of Lead.Open__c mean nothing to the mapping: B"
    _, check = examined(org, crm, order._replace(known={"Lead": ("A", "B")}))
    assert check.state == "ok"
