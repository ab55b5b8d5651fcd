"""HubSpot written to: exact strings, an outcome for each record, and properties made once."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.base import FieldStep, Window
from connector.adapters.hubspot.objects import Definition
from connector.adapters.hubspot.values import BadValue, exact
from connector.domain.change import Result, Write
from connector.domain.outward import FieldType
from connector.errors import LoginError, QuotaError, TryLaterError, UsageError
from tests.unit.adapters.hubspot_edge import definition, opened


def of(kind, control="text", options=None):
    return Definition("x", kind, control, "X", writable=True, owner=False, options=options)


def write(portal, *batch, slow=None):
    return opened(portal, slow).write([Write("contacts", ident, values) for ident, values in batch])


def sent(portal):
    return [b["inputs"] for path, b in portal.bodies if path.endswith("/batch/update")]


# --- exact strings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (55, "55"),
        (55.0, "55"),
        ("55.0", "55"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (1e21, "1" + "0" * 21),
        (1e-7, "0.0000001"),
        (None, ""),
        ("", ""),
    ],
)
def test_numbers_are_spelled_plainly(value, spelled):
    assert exact(value, of("number")) == spelled


@pytest.mark.parametrize(
    "value",
    ["1,000", "NaN", float("nan"), float("inf"), True, "1_000", "٣", "five", "1e9999"],
)
def test_what_is_no_number_is_not_sent(value):
    with pytest.raises(BadValue):
        exact(value, of("number"))


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_every_number_is_plain_and_loses_nothing(value):
    spelled = exact(value, of("number"))
    assert re.fullmatch(r"-?\d+(\.\d*[1-9])?", spelled)
    assert Decimal(spelled) == Decimal(repr(value))


@given(st.text())
def test_text_goes_out_as_it_is_or_not_at_all(value):
    assert exact(value, of("string")) == value


@pytest.mark.parametrize(
    ("value", "there", "spelled"),
    [
        (True, of("bool", "booleancheckbox"), "true"),
        (False, of("bool", "booleancheckbox", ("true", "false")), "false"),
        (None, of("bool", "booleancheckbox"), ""),
        ("gold", of("enumeration", "select", ("gold", "silver")), "gold"),
        ("gold;silver", of("enumeration", "checkbox", ("gold", "silver")), "gold;silver"),
        ("2026-11-01T12:00:00Z", of("datetime"), "2026-11-01T12:00:00Z"),
        ("2026-11-01T12:00:00.500000+01:00", of("datetime"), "2026-11-01T11:00:00.500Z"),
        ("2026-11-01", of("date"), "2026-11-01"),
    ],
)
def test_other_values_are_exact_too(value, there, spelled):
    assert exact(value, there) == spelled


@pytest.mark.parametrize(
    ("value", "there", "code"),
    [
        ("Gold", of("enumeration", "select", ("gold",)), "no_such_option"),
        ("gold;silver", of("enumeration", "select", ("gold", "silver")), "no_such_option"),
        ("yes", of("bool"), "no_truth_value"),
        ("tomorrow", of("datetime"), "no_moment"),
        ("01.11.2026", of("date"), "no_day"),
        ("x" * 65_537, of("string"), "too_long"),
    ],
)
def test_a_value_the_property_does_not_take_has_a_code(value, there, code):
    with pytest.raises(BadValue, match=code):
        exact(value, there)


# --- outcomes ------------------------------------------------------------------------------------


def test_values_leave_as_exact_strings_and_stand_there_afterwards(portal):
    portal.put("contacts", 1)
    values = {"leadloop_score": 55.0, "leadloop_nurture": True, "jobtitle": None, "tier": "gold"}
    assert write(portal, ("1", values))[0].result is Result.APPLIED
    ((there,),) = sent(portal)
    expected = {"leadloop_score": "55", "leadloop_nurture": "true", "jobtitle": "", "tier": "gold"}
    assert there == {"id": "1", "properties": expected}


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"leadloop_score": "1,000"}, "no_number", "leadloop_score"),
        ({"tier": "GOLD"}, "no_such_option", "tier"),
        ({"hubspotscore": 5}, "read_only", "hubspotscore"),
        ({"gone_by_now": 5}, "no_field", "gone_by_now"),
    ],
)
def test_what_hubspot_would_refuse_is_refused_without_a_call(portal, values, code, field):
    portal.put("contacts", 1)
    portal.put("contacts", 2)
    bad, good = write(portal, ("1", values), ("2", {"leadloop_score": 7}))
    assert (bad.result, bad.code, bad.field) == (Result.REFUSED, code, field)
    assert good.result is Result.APPLIED
    assert [[one["id"] for one in inputs] for inputs in sent(portal)] == [["2"]]


def test_a_207_is_split_into_an_outcome_a_record_in_order(portal):
    for n in range(1, 101):
        portal.put("contacts", n)
    for n in (3, 50, 99):
        del portal.records["contacts"][n]
    outcomes = write(portal, *((str(n), {"leadloop_score": n}) for n in range(1, 101)))
    assert [int(one.id) for one in outcomes] == list(range(1, 101))
    assert [int(one.id) for one in outcomes if one.result is Result.GONE] == [3, 50, 99]
    assert sum(one.result is Result.APPLIED for one in outcomes) == 97
    assert len(sent(portal)) == 1


@pytest.mark.parametrize("place", [*range(1, 101, 9), 37, 100])
def test_one_bad_record_of_a_hundred_costs_few_calls_more_and_no_other_its_write(portal, place):
    for n in range(1, 101):
        portal.put("contacts", n)
    portal.bad = {str(place)}
    outcomes = write(portal, *((str(n), {"leadloop_score": n}) for n in range(1, 101)))
    (bad,) = [one for one in outcomes if one.result is not Result.APPLIED]
    assert (bad.id, bad.result, bad.code, bad.field) == (
        str(place),
        Result.REFUSED,
        "INVALID_OPTION",
        "tier",
    )
    assert len(sent(portal)) - 1 <= 13  # 2 * log2(100)
    written = {n for n, one in portal.records["contacts"].items() if "leadloop_score" in one}
    assert written == set(range(1, 101)) - {place}


def test_several_bad_records_are_each_found(portal):
    for n in range(1, 33):
        portal.put("contacts", n)
    portal.bad = {"1", "2", "17", "32"}
    outcomes = write(portal, *((str(n), {"leadloop_score": n}) for n in range(1, 33)))
    assert {one.id for one in outcomes if one.result is Result.REFUSED} == portal.bad
    assert sum(one.result is Result.APPLIED for one in outcomes) == 28


def test_a_record_merged_away_is_gone_into_the_winner(portal):
    portal.put("contacts", 900, hs_merged_object_ids="1;2")
    portal.put("contacts", 3)
    portal.merged = {"1": "900"}
    won, other = write(portal, ("1", {"leadloop_score": 5}), ("3", {"leadloop_score": 6}))
    assert (won.id, won.result, won.into) == ("1", Result.GONE, "900")
    assert other.result is Result.APPLIED
    assert portal.records["contacts"][900]["leadloop_score"] == "5"


def test_a_value_ignored_without_a_word_is_not_taken_for_written(portal):
    portal.put("contacts", 1, hs_lead_status="OPEN")
    portal.deaf = {"hs_lead_status"}
    (said,) = write(portal, ("1", {"hs_lead_status": "NEW", "leadloop_score": 5}))
    assert (said.result, said.code, said.field) == (Result.UNKNOWN, "not_kept", "hs_lead_status")


def test_a_property_that_went_away_is_not_looked_for_by_halving(portal):
    for n in range(1, 101):
        portal.put("contacts", n)
    inner = [
        {"code": "PROPERTY_DOESNT_EXIST", "message": "m", "context": {"propertyName": ["tier"]}}
    ]
    refusal = (
        400,
        {},
        {"status": "error", "category": "VALIDATION_ERROR", "message": "m", "errors": inner},
    )
    portal.queue = [None, refusal]
    batch = [
        (str(n), {"tier": "gold"} if n <= 60 else {"leadloop_score": 1}) for n in range(1, 101)
    ]
    outcomes = write(portal, *batch)
    assert {one.code for one in outcomes[:60]} == {"PROPERTY_DOESNT_EXIST"}
    assert {one.result for one in outcomes[60:]} == {Result.APPLIED}
    assert len(sent(portal)) == 1  # beside the refused one, which the portal never saw


def test_a_property_the_portals_own_rules_want_is_named(portal):
    portal.required = "jobtitle"
    portal.put("contacts", 1, jobtitle="VP")
    portal.put("contacts", 2)
    good, bad = write(portal, ("1", {"leadloop_score": 1}), ("2", {"leadloop_score": 1}))
    assert good.result is Result.APPLIED
    if portal.version == "v3":
        assert bad.result is Result.APPLIED  # the old paths do not hold those rules
    else:
        assert bad.code == "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
        assert (bad.result, bad.field) == (Result.REFUSED, "jobtitle")


def test_a_lost_answer_is_unknown_for_all_and_reading_back_settles_it(portal):
    portal.put("contacts", 1)
    portal.put("contacts", 2)
    portal.lost = 1
    outcomes = write(portal, ("1", {"leadloop_score": 5}), ("2", {"leadloop_score": 6}))
    assert {one.result for one in outcomes} == {Result.UNKNOWN}
    assert len(sent(portal)) == 1
    found = opened(portal).read_ids("contacts", ["id", "leadloop_score"], ["1", "2"])
    assert {row["leadloop_score"] for row in found} == {"5", "6"}


def test_an_inner_error_leaves_open_what_was_done(portal):
    portal.put("contacts", 1)
    portal.queue = [None, (500, {}, {"status": "error"})]
    assert write(portal, ("1", {"leadloop_score": 5}))[0].result is Result.UNKNOWN


def test_a_record_twice_in_a_batch_is_written_twice_in_order(portal):
    portal.put("contacts", 1)
    portal.put("contacts", 2)
    outcomes = write(
        portal,
        ("1", {"leadloop_score": 1}),
        ("2", {"leadloop_score": 2}),
        ("1", {"leadloop_score": 3}),
    )
    assert {one.result for one in outcomes} == {Result.APPLIED}
    assert [len(inputs) for inputs in sent(portal)] == [2, 1]
    assert portal.records["contacts"][1]["leadloop_score"] == "3"


def test_a_record_hubspot_does_not_speak_of_is_unknown(portal):
    portal.put("contacts", 1)
    portal.queue = [
        None,
        (200, {}, {"status": "COMPLETE", "results": [{"id": "77", "properties": {}}]}),
    ]
    assert write(portal, ("1", {"leadloop_score": 5}))[0].result is Result.UNKNOWN


def test_no_quota_is_an_error_before_anything_was_done_and_a_retry_after(portal):
    quota = (429, {}, {"status": "error", "policyName": "DAILY", "errorType": "RATE_LIMIT"})
    for n in range(1, 5):
        portal.put("contacts", n)
    portal.queue = [None, quota]
    with pytest.raises(QuotaError):
        write(portal, ("1", {"leadloop_score": 5}))
    portal.bad = {"4"}
    portal.queue = [None, None, None, quota]
    outcomes = write(portal, *((str(n), {"leadloop_score": n}) for n in range(1, 5)))
    assert [one.result for one in outcomes[:2]] == [Result.APPLIED] * 2
    assert outcomes[2].result is Result.RETRY


def test_an_owner_must_be_an_owner_id_of_an_active_person(portal):
    def owner(ident, user, kind="PERSON", archived=False):
        return {
            "id": ident,
            "email": f"o{ident}@a.example",
            "type": kind,
            "firstName": "A",
            "lastName": "B",
            "userId": None if archived else user,
            "userIdIncludingInactive": user,
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-02T00:00:00.500Z",
            "archived": archived,
        }

    portal.owners = [owner("11", 91), owner("12", 92, archived=True), owner("13", 93, "QUEUE")]
    for n in range(1, 6):
        portal.put("contacts", n)
    chosen = ["11", "91", "12", "13", None]
    batch = [(str(n), {"hubspot_owner_id": o}) for n, o in enumerate(chosen, 1)]
    outcomes = write(portal, *batch)
    assert [one.code for one in outcomes] == [
        "",
        "not_an_owner_id",
        "owner_archived",
        "owner_is_a_queue",
        "",
    ]
    assert [[one["id"] for one in inputs] for inputs in sent(portal)] == [["1", "5"]]
    (page,) = opened(portal).read(
        "owners", ["id", "name", "archived", "userId", "updatedAt"], None, None
    )
    assert [(row["id"], row["archived"], row["userId"]) for row in page.rows] == [
        ("11", False, "91"),
        ("12", True, "92"),
        ("13", False, "93"),
    ]
    assert page.rows[0]["updatedAt"] == "2026-01-02T00:00:00.500Z"
    assert (
        opened(portal).read_ids("owners", ["id", "email"], ["12", "99"])[0]["email"]
        == "o12@a.example"
    )


def test_owners_come_page_by_page(portal):
    portal.owners = [
        {
            "id": str(n),
            "type": "PERSON",
            "archived": False,
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
        }
        for n in range(1, 251)
    ]
    (page,) = opened(portal).read("owners", ["id"], None, None)
    assert [row["id"] for row in page.rows] == [str(n) for n in range(1, 251)]


def test_the_lifecycle_stage_is_the_vendors(portal):
    assert "lifecyclestage" in opened(portal).capabilities.vendor_fields


# --- install -------------------------------------------------------------------------------------

STEPS = [
    FieldStep("contacts", "leadloop_fit", FieldType.NUMBER, "Fit", 0, "create"),
    FieldStep("contacts", "leadloop_reasons", FieldType.LONG_TEXT, "Reasons", 2000, "create"),
    FieldStep("contacts", "leadloop_flag", FieldType.BOOLEAN, "Flag", 0, "create"),
    FieldStep("contacts", "leadloop_score", FieldType.NUMBER, "Score", 0, "create"),
]


def test_properties_are_made_once_in_a_group_of_their_own(portal):
    adapter = opened(portal)
    planned = adapter.plan_fields(STEPS)
    assert [one.action for one in planned] == ["create", "create", "create", "keep"]
    adapter.create_fields(planned)
    assert portal.groups == {"contacts": {"leadloop"}}
    assert [one.action for one in adapter.plan_fields(STEPS)] == ["keep"] * 4
    assert [one.action for one in opened(portal).plan_fields(STEPS)] == ["keep"] * 4
    before = len(portal.properties["contacts"])
    opened(portal).create_fields(planned)
    assert len(portal.properties["contacts"]) == before


def test_what_was_made_meanwhile_is_fine_unless_its_type_differs(portal):
    adapter = opened(portal)
    planned = adapter.plan_fields(STEPS)
    portal.properties["contacts"].append(definition("leadloop_fit", "number", "number"))
    adapter.create_fields(planned)
    other = opened(portal)
    new = FieldStep("contacts", "leadloop_new", FieldType.NUMBER, "New", 0, "create")
    planned = other.plan_fields([new])
    portal.properties["contacts"].append(definition("leadloop_new", "string", "text"))
    with pytest.raises(UsageError, match="leadloop_new"):
        other.create_fields(planned)


def test_another_type_of_the_same_name_clashes_and_an_archived_one_is_revived_and_said_so(portal):
    portal.properties["contacts"].append(definition("leadloop_fit", "string", "text"))
    portal.archived_properties["contacts"] = [
        definition("leadloop_reasons", "string", "textarea"),
        definition("leadloop_flag", "number", "number"),
    ]
    adapter = opened(portal)
    fit, reasons, flag, _ = adapter.plan_fields(STEPS)
    assert (fit.action, fit.note) == ("clash", "a property of type string has this name")
    assert (reasons.action, "revived" in reasons.note) == ("create", True)
    assert (flag.action, "type number" in flag.note) == ("clash", True)
    adapter.create_fields([reasons])
    assert adapter.plan_fields([reasons])[0].action == "keep"


# --- what the CRM answers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "waited"),
    [
        (429, {}, {"policyName": "TEN_SECONDLY_ROLLING"}, TryLaterError, [10.0] * 4),
        (429, {}, {"policyName": "SECONDLY"}, TryLaterError, [1.0] * 4),
        (429, {}, {}, TryLaterError, [1.0] * 4),
        (429, {"Retry-After": "7"}, {"policyName": "SECONDLY"}, TryLaterError, [7.0] * 4),
        (429, {}, {"policyName": "DAILY"}, QuotaError, []),
        (423, {}, {}, TryLaterError, [2.0] * 4),
        (423, {"Retry-After": "1"}, {}, TryLaterError, [2.0] * 4),
        (477, {"Retry-After": "3600"}, {}, TryLaterError, []),
        (477, {"Retry-After": "20"}, {}, TryLaterError, [20.0] * 4),
        (502, {}, {}, TryLaterError, None),
        (503, {}, {}, TryLaterError, None),
        (504, {}, {}, TryLaterError, None),
        (521, {}, {}, TryLaterError, None),
        (526, {}, {}, TryLaterError, None),
        (500, {}, {}, TryLaterError, None),
        (530, {}, {}, LoginError, []),
        (401, {}, {"category": "EXPIRED_AUTHENTICATION"}, LoginError, []),
        (403, {}, {"category": "MISSING_SCOPES"}, LoginError, []),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else None,
)
def test_each_refusal_is_the_error_and_the_patience_it_asks_for(
    portal, waits, status, headers, body, error, waited
):
    portal.queue = [(status, headers, {"status": "error", "message": "ada@a.example", **body})] * 5
    with pytest.raises(error) as caught:
        opened(portal).check()
    said = f"{caught.value} {caught.value.hint}"
    assert caught.value.hint
    assert "ada@" not in said
    assert "canary" not in said
    assert waits == waited if waited is not None else len(waits) == 4


def test_the_token_and_the_people_stand_in_no_log_and_no_error(portal, caplog):
    caplog.set_level("DEBUG")
    portal.put("contacts", 1, email="ada@a.example")
    portal.bad = {"1"}
    adapter = opened(portal)
    list(adapter.read("contacts", ["id", "email"], Window(None, 0), None))
    adapter.write([Write("contacts", "1", {"jobtitle": "ada@a.example"})])
    with pytest.raises(LoginError) as caught:
        opened(portal, token="pat-canary-wrong").check()
    said = caplog.text + str(caught.value) + repr(adapter) + str(caught.value.hint)
    assert "canary" not in said
    assert "ada@" not in said


@pytest.mark.parametrize(("left", "stops"), [("100000", True), ("200000", False)])
def test_a_share_of_the_days_calls_is_left_to_people(portal, left, stops):
    daily = {"X-HubSpot-RateLimit-Daily": "625000", "X-HubSpot-RateLimit-Daily-Remaining": left}
    portal.headers = daily
    adapter = opened(portal)
    adapter.check()
    if stops:
        with pytest.raises(QuotaError, match="reserved for people"):
            adapter.check()
    else:
        adapter.check()


def test_several_hundred_writes_leave_in_calls_of_a_hundred_and_one_bad_stops_no_other(portal):
    for n in range(1, 551):
        portal.put("contacts", n)
    portal.bad = {"345"}
    outcomes = write(portal, *((str(n), {"leadloop_score": n}) for n in range(1, 551)))
    assert [one.id for one in outcomes] == [str(n) for n in range(1, 551)]
    assert [one.id for one in outcomes if one.result is not Result.APPLIED] == ["345"]
    assert max(len(inputs) for inputs in sent(portal)) == 100
    assert len(sent(portal)) <= 6 + 13


def test_a_quota_that_ends_among_several_calls_leaves_the_rest_for_later(portal):
    for n in range(1, 301):
        portal.put("contacts", n)
    quota = (429, {}, {"status": "error", "policyName": "DAILY", "errorType": "RATE_LIMIT"})
    portal.queue = [None, None, quota]
    outcomes = write(portal, *((str(n), {"leadloop_score": n}) for n in range(1, 301)))
    counts = {r: sum(one.result is r for one in outcomes) for r in Result}
    assert (counts[Result.APPLIED], counts[Result.RETRY]) == (200, 100)
    portal.queue = [quota] * 4
    with pytest.raises(QuotaError):
        write(portal, *((str(n), {"leadloop_score": 0}) for n in range(1, 301)))
