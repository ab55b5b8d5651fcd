"""Writing to Salesforce: checked first, each record settled for itself, nothing sent blindly twice."""

from __future__ import annotations

import json

import pytest

from connector.domain.change import Outcome, Result, Write
from connector.domain.outward import FieldType
from connector.errors import LoginError, QuotaError, StoppedError, TryLaterError
from tests.unit.adapters.salesforce_org import USER, ident

QUEUE, GONE_USER = ident("00G", 1), ident("005", 9)


@pytest.fixture
def three(org):
    return [org.lead(n) for n in range(3)]


def write(crm, *pairs):
    return crm.write([Write("Lead", lead, values) for lead, values in pairs])


def shown(org, lead):
    return next(row for row in org.rows["Lead"] if row["Id"] == lead)


def refused(code, message="", *fields):
    error = {"statusCode": code, "message": message, "fields": list(fields)}
    return {"success": False, "errors": [error]}


def test_what_is_written_is_there_and_the_headers_say_what_they_must(org, crm, three):
    values = {"Score__c": 71, "title": "Boss", "Flag__c": None, "Open__c": None}
    (outcome,) = write(crm, (three[1], values))
    assert outcome == Outcome(three[1], Result.APPLIED)
    row = shown(org, three[1])
    assert (row["Score__c"], row["Title"], row["Flag__c"], row["Open__c"]) == (
        71,
        "Boss",
        False,
        None,
    )
    (sent,) = org.sent()
    assert sent.headers["Sforce-Auto-Assign"] == "FALSE"
    assert "allowSave=true" in sent.headers["Sforce-Duplicate-Rule-Header"]
    assert json.loads(sent.body)["allOrNone"] is False


def test_our_headers_go_with_the_attempt_after_a_new_log_in_too(org, crm, three):
    crm.describe("Lead")
    org.expired.add("Bearer token-1")
    assert write(crm, (three[0], {"Score__c": 1}))[0].result is Result.APPLIED
    assert [s.headers["Sforce-Auto-Assign"] for s in org.sent()] == ["FALSE", "FALSE"]
    assert [s.headers["Authorization"] for s in org.sent()] == ["Bearer token-1", "Bearer token-2"]


def test_outcomes_are_told_by_position_for_a_failed_row_has_no_id(org, crm):
    leads = [org.lead(n) for n in range(12)]
    rule = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    trigger = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    answers = [
        {"id": leads[0], "success": True, "errors": []},
        refused(rule, "Ask Anna first", "Title", "Email"),
        refused("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        refused("ENTITY_IS_DELETED", "entity is deleted"),
        refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"),
        refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        refused("INVALID_CROSS_REFERENCE_KEY", "Owner ID: owner cannot be blank", "OwnerId"),
        refused(trigger, "LeadTrigger: System.LimitException: Apex CPU time limit exceeded"),
        refused(trigger, "LeadTrigger: System.NullPointerException"),
        refused("DUPLICATES_DETECTED", "Use one of these records?"),
        {"success": False, "errors": []},
        {"id": leads[11], "success": True, "errors": []},
    ]
    org.results = lambda records: answers if len(records) > 1 else [answers[2]]
    found = write(crm, *((lead, {"Score__c": 1}) for lead in leads))
    assert [o.id for o in found] == leads
    assert [o.result.value for o in found] == [
        "applied", "refused", "retry", "gone", "gone", "gone", "refused", "retry", "refused",
        "refused", "unknown", "applied",
    ]  # fmt: skip
    assert found[1][2:5] == (rule, "Ask Anna first", "Title")
    assert found[4].code == "CANNOT_UPDATE_CONVERTED_LEAD"


@pytest.mark.parametrize(
    "answer",
    [
        lambda leads: [],
        lambda leads: {"id": leads[0], "success": True},
        lambda leads: [{"id": one, "success": True, "errors": []} for one in reversed(leads)],
        lambda leads: [{"id": one, "success": True, "errors": []} for one in [*leads, leads[0]]],
        lambda leads: [None, None, None],
    ],
    ids=["empty", "object", "another order", "too many", "nulls"],
)
def test_an_answer_that_does_not_fit_tells_nothing(org, crm, three, answer):
    org.results = lambda _records: answer(three)
    found = write(crm, *((lead, {"Score__c": 1}) for lead in three))
    assert {o.result for o in found} == {Result.UNKNOWN}


def test_records_the_answer_does_not_name_are_unknown(org, crm, three):
    org.results = lambda records: [{"id": three[0], "success": True, "errors": []}]
    found = write(crm, *((lead, {"Score__c": 1}) for lead in three))
    assert [o.result.value for o in found] == ["applied", "unknown", "unknown"]


@pytest.mark.parametrize("status", [None, 500])
def test_a_lost_answer_is_unknown_and_never_sent_again(org, crm, three, status):
    crm.describe("Lead")
    if status is None:
        org.lose("PATCH")
    else:
        org.fail("PATCH", status, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "gack"}])
    found = write(crm, (three[0], {"Score__c": 1}), (three[1], {"Title": "x" * 21}))
    assert [o.result.value for o in found] == ["unknown", "refused"]
    assert len(org.sent()) == 1


def test_an_answer_cut_short_is_unknown(org, crm, three):
    org.fail("PATCH", 200, '[{"id": "00Q')
    assert write(crm, (three[0], {"Score__c": 1}))[0].result is Result.UNKNOWN


def test_what_did_nothing_is_sent_again(org, crm, three, waits):
    org.fail("PATCH", 500, [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": ""}])
    org.fail("PATCH", 503, [{"errorCode": "SERVER_UNAVAILABLE", "message": ""}])
    assert write(crm, (three[0], {"Score__c": 1}))[0].result is Result.APPLIED
    assert len(org.sent()) == 3
    assert len(waits) == 2


def test_a_request_refused_whole_is_halved_until_the_offender_stands_alone(org, crm):
    leads = [org.lead(n) for n in range(8)]
    original = org._save

    def strict(records):
        if any(r["Title"] == "poison" for r in records):
            body = [{"errorCode": "JSON_PARSER_ERROR", "message": "x"}]
            return 400, {"Content-Type": "application/json"}, json.dumps(body)
        return original(records)

    org._save = strict
    found = write(
        crm, *((lead, {"Title": "poison" if n == 5 else "ok"}) for n, lead in enumerate(leads))
    )
    assert [n for n, o in enumerate(found) if o.result is Result.REFUSED] == [5]
    assert found[5].code == "JSON_PARSER_ERROR"
    assert {o.result for o in found} == {Result.REFUSED, Result.APPLIED}


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", QuotaError),
        (403, "API_DISABLED_FOR_ORG", LoginError),
        (503, "SERVER_UNAVAILABLE", TryLaterError),
    ],
)
def test_an_error_means_that_nothing_was_applied(org, crm, three, waits, status, code, error):
    org.fail("PATCH", status, [{"errorCode": code, "message": ""}], times=5)
    with pytest.raises(error):
        write(crm, (three[0], {"Score__c": 1}))
    assert "Score__c" not in shown(org, three[0])


def test_after_some_was_applied_an_error_is_the_outcome_of_the_rest(org, crm, waits):
    leads = [org.lead(n) for n in range(2)]
    org.fail("PATCH", 400, [{"errorCode": "JSON_PARSER_ERROR", "message": ""}])
    original = org._save

    def once(records):
        org.fail("PATCH", 403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": ""}])
        return original(records)

    org._save = once
    found = write(crm, *((lead, {"Score__c": 1}) for lead in leads))
    assert [o.result.value for o in found] == ["applied", "retry"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Title", "x" * 21, "STRING_TOO_LONG"),
        ("Grade__c", "C", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Grade__c", "Old", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Score__c", 1000, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Score__c", "many", "INVALID_TYPE"),
        ("Score__c", float("nan"), "INVALID_TYPE"),
        ("Score__c", True, "INVALID_TYPE"),
        ("Count__c", 1.5, "INVALID_TYPE"),
        ("Count__c", 10_000, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Flag__c", "perhaps", "INVALID_TYPE"),
        ("Formula__c", 1, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Nope__c", 1, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("OwnerId", "anna", "MALFORMED_ID"),
    ],
)
def test_what_cannot_succeed_is_refused_without_a_call(org, crm, three, name, value, code):
    (outcome,) = write(crm, (three[0], {name: value}))
    assert outcome == Outcome(three[0], Result.REFUSED, code, "", name)
    assert org.sent() == []


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("Grade__c", "B", "B"),
        ("Open__c", "Anything", "Anything"),
        ("Score__c", "71.5", 71.5),
        ("Score__c", 71.0, 71),
        ("Count__c", 9999, 9999),
        ("Flag__c", "true", True),
        ("Title", 7, "7"),
        ("Title", 'zürich 🦊 "b" \\', 'zürich 🦊 "b" \\'),
    ],
)
def test_a_value_leaves_as_its_field_takes_it(org, crm, three, name, value, sent):
    assert write(crm, (three[0], {name: value}))[0].result is Result.APPLIED
    assert shown(org, three[0])[name] == sent


def test_a_row_of_no_possible_id_is_gone_and_stops_no_other(org, crm, three):
    found = write(crm, ("99999", {"Title": "a"}), (three[0], {"Title": "b"}))
    assert [o.result.value for o in found] == ["gone", "applied"]


def test_owners_are_looked_up_before_they_are_given_anything(org, crm, three):
    org.rows["User"] = [{"Id": USER, "IsActive": True}, {"Id": GONE_USER, "IsActive": False}]
    org.rows["QueueSobject"] = [
        {"Id": ident("03g", 1), "QueueId": QUEUE, "SobjectType": "Lead"},
        {"Id": ident("03g", 2), "QueueId": ident("00G", 2), "SobjectType": "Case"},
    ]
    leads = [*three, org.lead(3), org.lead(4)]
    owners = [USER, GONE_USER, QUEUE, ident("00G", 2), ident("005", 7)]
    found = write(crm, *((lead, {"OwnerId": o}) for lead, o in zip(leads, owners, strict=True)))
    assert [(o.result.value, o.code) for o in found] == [
        ("applied", ""),
        ("refused", "INACTIVE_OWNER_OR_USER"),
        ("applied", ""),
        ("refused", "QUEUE_NOT_FOR_OBJECT"),
        ("refused", "QUEUE_NOT_FOR_OBJECT"),
    ]
    assert {o.field for o in found if o.code} == {"OwnerId"}
    assert len(json.loads(org.sent()[0].body)["records"]) == 2
    assert crm.capabilities.owner_alone


def test_a_batch_too_large_is_refused_before_anything_is_sent(org, crm, three):
    with pytest.raises(ValueError, match="batch"):
        write(crm, *[(three[0], {"Title": "x"})] * (crm.capabilities.batch_size + 1))
    assert crm.write([]) == []
    assert org.sent() == []


def test_a_description_says_what_can_be_written_and_what_a_field_takes(org, crm):
    fields = crm.describe("lead")
    assert fields["Score__c"].type is FieldType.NUMBER
    assert fields["OwnerId"].type is FieldType.OWNER
    assert fields["Grade__c"].values == ("A", "B")
    assert fields["Open__c"].values is None
    assert (fields["Title"].length, fields["Score__c"].length) == (20, None)
    assert not fields["Formula__c"].writable
    assert not fields["Owner"].writable, "a path such as Owner.Email begins with it"
    assert "OpportunityContactRoles" in crm.describe("Opportunity")
    assert "Lead" in crm.sources()
    crm.describe("Lead")
    asked = [c for c in org.mock.calls if c.request.url.casefold().endswith("lead/describe")]
    assert len(asked) == 1


@pytest.mark.parametrize("body", ["<html>x</html>", '{"name": "Le', "[]"])
def test_a_description_that_came_in_part_is_told_from_a_missing_object(org, crm, waits, body):
    org.fail("/describe", 200, body, times=5)
    with pytest.raises(TryLaterError):
        crm.describe("Lead")


def test_once_salesforce_says_later_the_rest_of_a_turn_is_not_sent(org, crm, waits):
    leads = [org.lead(n) for n in range(1000)]
    crm.describe("Lead")
    applied = org._save
    sent = []

    def two_then_none(records):
        sent.append(len(records))
        if len(sent) > 2:
            org.fail("PATCH", 503, [{"errorCode": "SERVER_UNAVAILABLE", "message": ""}], times=99)
        return applied(records)

    org._save = two_then_none
    found = write(crm, *((lead, {"Score__c": 1}) for lead in leads))
    assert [o.result.value for o in found] == ["applied"] * 600 + ["retry"] * 400
    assert len(org.sent()) == 3 + 5


def test_a_run_that_is_stopped_in_a_write_stops(org, crm, three):
    crm.describe("Lead")

    def stop():
        raise StoppedError("stopped on request")

    org.faults.append(("PATCH", stop))
    with pytest.raises(StoppedError):
        write(crm, (three[0], {"Score__c": 1}))
    assert len(org.sent()) == 1
