"""Reading Salesforce: whole pages, no row lost or taken twice, deleted and merged rows told."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.base import Window
from connector.adapters.salesforce.soql import full_id, groups, moment, quoted, url_size
from connector.adapters.salesforce.unconfirmed import MAX_URL
from connector.domain.moment import SECOND, parse_iso
from connector.errors import LoginError, RemoteError, TryLaterError, UsageError
from tests.unit.adapters.salesforce_org import field, ident

ALL = Window(None, parse_iso("2026-06-01T00:00:00Z"))


def pages(crm, source="Lead", names=("Id", "Title"), window=ALL, after=None):
    found = list(islice(crm.read(source, names, window, after), 100))
    assert len(found) < 100, "the pages never end"
    return found


def ids(found):
    return [row["Id"] for page in found for row in page.rows]


def test_rows_of_one_moment_come_once_each_over_many_pages(org):
    crm = org.adapter(page=7)
    wanted = [org.lead(n) for n in range(40)]
    assert ids(pages(crm)) == wanted
    crm.close()


def test_a_position_goes_on_after_its_page(org):
    crm = org.adapter(page=7)
    wanted = [org.lead(n) for n in range(40)]
    first = next(iter(crm.read("Lead", ["Id"], ALL, None)))
    rest = pages(crm, after=first.position)
    assert ids([first, *rest]) == wanted
    crm.close()


def test_a_window_is_closed_below_and_open_above_at_whole_seconds(org, crm):
    org.lead(1, "2026-05-01T10:59:59")
    inside = [org.lead(2, "2026-05-01T11:00:00"), org.lead(3, "2026-05-01T11:00:04")]
    org.lead(4, "2026-05-01T11:00:05")
    low, high = parse_iso("2026-05-01T11:00:00Z"), parse_iso("2026-05-01T11:00:05Z")
    assert ids(pages(crm, window=Window(low, high))) == inside
    assert ids(pages(crm, window=Window(low + SECOND // 2, high + SECOND // 2))) == inside


def test_a_page_shorter_than_asked_for_is_gone_on_with(org, crm):
    wanted = [org.lead(n) for n in range(5)]
    rows = [{"Id": i, "IsDeleted": False, "MasterRecordId": None, "Title": "x"} for i in wanted[:2]]
    body = {"totalSize": 5, "done": False, "records": rows, "nextRecordsUrl": "/q/1-2"}
    org.fail("queryAll?q=SELECT%20Id", 200, body)
    assert ids(pages(crm)) == wanted


@pytest.mark.parametrize(
    "body",
    [
        '{"totalSize": 2, "done": true, "records": [{"Id": "00Q1"}]}',
        '{"totalSize": 1, "done": false, "records": [{"Id": "00Q1"}]}',
        '{"totalSize": 2, "done": false, "records": []}',
        '{"totalSize": 1, "done": true, "records": [{"Id": "00Q',
        '{"done": true}',
        "[]",
        "<html>maintenance</html>",
    ],
)
def test_a_page_that_came_in_part_is_asked_for_again_never_taken(org, crm, body, waits):
    wanted = [org.lead(n) for n in range(3)]
    org.fail("queryAll?q=SELECT%20Id", 200, body)
    assert ids(pages(crm)) == wanted
    org.fail("queryAll?", 200, body, times=5)
    with pytest.raises(TryLaterError):
        pages(crm)


def test_an_org_that_repeats_a_page_is_an_error_and_no_endless_loop(org):
    crm = org.adapter(page=2)
    org.lead(1), org.lead(2), org.lead(4)
    rows = [
        {"Id": ident("00Q", n), "IsDeleted": False, "MasterRecordId": None, "Title": "x"}
        for n in (2, 3)
    ]
    body = {"totalSize": 2, "done": True, "records": rows}
    reading = crm.read("Lead", ["Id", "Title"], ALL, None)
    next(reading)
    org.fail("queryAll?q=SELECT%20Id", 200, body)
    with pytest.raises(TryLaterError, match="same page"):
        next(reading)
    crm.close()


def test_deleted_and_merged_rows_are_told_beside_the_living(org, crm):
    org.lead(1)
    winner = org.lead(2)
    lost = org.lead(3, IsDeleted=True, MasterRecordId=winner)
    dead = org.lead(4, IsDeleted=True)
    (page,) = pages(crm)
    assert [row["Id"] for row in page.rows] == [ident("00Q", 1), winner]
    assert page.gone == {lost: winner, dead: None}
    assert page.position == dead
    assert {row["Id"] for row in crm.read_ids("Lead", ["Id"], [winner, lost])} == {winner}


def test_archived_tasks_are_read_for_they_are_hidden_from_a_plain_query(org, crm):
    pages(crm, "Task", ["Id"])
    assert [verb for verb, _ in org.asked] == ["updated", "queryAll"]
    pages(crm, "User", ["Id"])
    assert org.asked[-1] == ("query", "SELECT Id FROM User ORDER BY Id")


def test_names_come_back_as_they_were_asked_for_whatever_their_case(org, crm):
    org.lead(1, Account={"Name": "Acme"}, Owner=None)
    org.lead(2, Account=None, Owner={"Email": "ada@x.y"})
    (page,) = pages(crm, names=["id", "TITLE", "account.name", "Owner.Email"])
    first, second = page.rows
    assert (first["id"], first["TITLE"]) == (ident("00Q", 1), "title 1")
    assert (first["account.name"], second["account.name"]) == ("Acme", None)
    assert (first["Owner.Email"], second["Owner.Email"]) == (None, "ada@x.y")


@pytest.mark.parametrize(
    "name", ["no_such_field", "Nobody.Name", "Account.Nope", "Title.Name", "Id FROM User", "a'b"]
)
def test_an_unknown_field_is_refused_by_name_before_any_query(org, crm, name):
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        pages(crm, names=["Id", name])
    assert org.asked == []


@pytest.mark.parametrize("source", ["Nope", "Lead/../User", "bulk", ""])
def test_an_unknown_object_is_refused(org, crm, source):
    with pytest.raises(UsageError, match="no object"):
        pages(crm, source)
    assert org.asked == []


def test_a_field_hidden_in_mid_run_is_an_error_that_says_where_to_look(org, crm):
    words = "\nSELECT Id, Nope FROM Lead\n ERROR at Row:1"
    org.fail("queryAll?", 400, [{"errorCode": "INVALID_FIELD", "message": words}])
    with pytest.raises(UsageError, match="query of Lead: INVALID_FIELD"):
        pages(crm)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "API_DISABLED_FOR_ORG", LoginError),
        (400, "EXCEEDED_ID_LIMIT", RemoteError),
        (500, "UNKNOWN_EXCEPTION", TryLaterError),
        (400, "QUERY_TIMEOUT", TryLaterError),
        (503, "", TryLaterError),
    ],
)
def test_a_refusal_is_told_by_its_code(org, crm, waits, status, code, error):
    org.fail("queryAll?", status, [{"errorCode": code, "message": "ada@x.y"}], times=10)
    with pytest.raises(error) as caught:
        pages(crm)
    assert code in str(caught.value)
    assert "ada@" not in f"{caught.value} {caught.value.hint}"


def test_many_fields_are_read_in_several_queries_and_joined_by_id(org):
    many = [f"A_very_long_name_of_a_field_that_people_do_make_{n:04}__c" for n in range(600)]
    org.objects["Lead"] += [field(name) for name in many]
    wanted = [org.lead(n, **{many[599]: f"v{n}", many[0]: n}) for n in range(9)]
    crm = org.adapter(page=4)
    found = pages(crm, names=["Id", *many])
    assert ids(found) == wanted
    assert [(row[many[599]], row[many[0]]) for p in found for row in p.rows] == [
        (f"v{n}", n) for n in range(9)
    ]
    longest = max(len(call.request.url) for call in org.mock.calls)
    assert longest < 16_384
    assert len(crm.read_ids("Lead", ["Id", *many], wanted)) == 9
    crm.close()


def test_a_thousand_ids_are_asked_for_in_two_queries_that_urls_have_room_for(org):
    wanted = [org.lead(n) for n in range(1000)]
    crm = org.adapter()
    crm.describe("Lead")
    before = len(org.mock.calls)
    assert [row["Id"] for row in crm.read_ids("Lead", ["Id", "Email"], wanted)] == wanted
    asked = [call.request.url for call in org.mock.calls][before:]
    assert len(asked) == 2
    assert max(map(len, asked)) < MAX_URL
    assert f"('{wanted[0]}','{wanted[1]}'" in asked[0], "lists of ids stand there as they are"
    crm.close()


def test_a_row_that_leaves_the_window_between_two_queries_waits_for_the_next(org):
    many = [f"A_very_long_name_of_a_field_that_people_do_make_{n:04}__c" for n in range(300)]
    org.objects["Lead"] += [field(name) for name in many]
    kept, moved = org.lead(1), org.lead(2)
    crm = org.adapter()
    reading = crm.read("Lead", ["Id", *many], ALL, None)
    original = org._query

    def meanwhile(verb, soql):
        answer = original(verb, soql)
        org.rows["Lead"][1]["SystemModstamp"] = "2026-07-01T00:00:00.000+0000"
        return answer

    org._query = meanwhile
    assert [row["Id"] for row in next(reading).rows] == [kept]
    assert moved not in ids(list(reading))
    crm.close()


def test_ids_are_read_in_chunks_short_or_long_and_what_is_none_names_nobody(org, crm):
    wanted = [org.lead(n) for n in range(700)]
    asked = [*wanted, "99999", "", "' OR Id != '", wanted[0]]
    assert sorted(row["Id"] for row in crm.read_ids("Lead", ["Id"], asked)) == wanted
    assert max(len(call.request.url) for call in org.mock.calls) < 16_384
    real = "0019H00000H28uBQAR"
    org.rows["Lead"].append({"Id": real, "IsDeleted": False, "SystemModstamp": "x"})
    assert crm.read_ids("Lead", ["Id"], [real[:15]])[0]["Id"] == real


def test_a_deal_names_its_primary_contact_else_the_first(org, crm):
    stamp = "2026-05-01T11:00:00.000+0000"
    for n in (1, 2, 3):
        deal = {"Id": ident("006", n), "IsDeleted": False, "SystemModstamp": stamp}
        org.rows["Opportunity"].append(deal)
    role = ("Id", "OpportunityId", "ContactId", "IsPrimary", "SystemModstamp", "IsDeleted")
    org.rows["OpportunityContactRole"] = [
        dict(zip(role, (ident("00K", n), ident("006", deal), contact, primary, stamp, gone), strict=True))
        for n, deal, contact, primary, gone in [
            (1, 1, "003a", False, False),
            (2, 1, "003b", True, False),
            (3, 2, "003c", False, False),
            (4, 2, "003d", False, False),
            (5, 3, "003e", True, True),
        ]
    ]  # fmt: skip
    name = "OpportunityContactRoles.ContactId"
    (page,) = pages(crm, "Opportunity", ["Id", name])
    assert [row[name] for row in page.rows] == ["003b", "003c", None]


def test_a_deal_whose_roles_changed_is_read_anew(org):
    old, new = "2026-04-01T00:00:00.000+0000", "2026-05-01T11:00:00.000+0000"
    for n in (1, 2, 3):
        deal = {"Id": ident("006", n), "IsDeleted": False, "SystemModstamp": old}
        org.rows["Opportunity"].append(deal)
    base = {"ContactId": "003a", "IsPrimary": True, "IsDeleted": False}
    org.rows["OpportunityContactRole"] = [
        {**base, "Id": ident("00K", 1), "OpportunityId": ident("006", 1), "SystemModstamp": old},
        {**base, "Id": ident("00K", 2), "OpportunityId": ident("006", 2), "SystemModstamp": new},
        {
            **base,
            "Id": ident("00K", 3),
            "OpportunityId": ident("006", 3),
            "SystemModstamp": new,
            "IsDeleted": True,
        },
    ]
    crm = org.adapter(page=1)
    names = ["Id", "OpportunityContactRoles.ContactId"]
    window = Window(parse_iso("2026-05-01T00:00:00Z"), parse_iso("2026-05-02T00:00:00Z"))
    found = pages(crm, "Opportunity", names, window)
    assert [(r["Id"], r[names[1]]) for p in found for r in p.rows] == [
        (ident("006", 2), "003a"),
        (ident("006", 3), None),
    ]
    rest = pages(crm, "Opportunity", names, window, after=found[0].position)
    assert ids(rest) == [ident("006", 3)]
    crm.close()


@given(st.text(max_size=40))
def test_whatever_people_write_stays_inside_its_quotes(text):
    literal = quoted(text)
    assert literal.startswith("'")
    assert literal.endswith("'")
    inside, place = literal[1:-1], 0
    read = []
    escapes = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
    while place < len(inside):
        letter = inside[place]
        assert letter != "'"
        if letter == "\\":
            place += 1
            letter = escapes.get(inside[place], inside[place])
        read.append(letter)
        place += 1
    assert "".join(read) == text


@given(
    st.lists(
        st.from_regex(r"[A-Z][a-z_]{0,60}", fullmatch=True).filter(lambda name: name != "Id"),
        max_size=80,
    ),
    st.integers(100, 900),
)
def test_groups_of_columns_fit_their_room_and_lose_none(columns, room):
    found = groups(columns, room)
    assert all(group[0] == "Id" for group in found)
    assert [c for group in found for c in group[1:]] == columns
    for group in found:
        assert url_size("".join(f", {c}" for c in group[1:])) <= room


@given(st.text(max_size=20))
def test_only_what_can_be_an_id_becomes_one(text):
    found = full_id(text)
    assert found is None or (len(found) == 18 and found.isalnum() and found.startswith(text[:15]))


def test_ids_moments_and_room():
    assert full_id("0019H00000H28uB") == "0019H00000H28uBQAR"
    assert full_id("0039H00000BbbFB") == "0039H00000BbbFBQAZ"
    assert moment(parse_iso("2026-05-01T11:00:05.9Z")) == "2026-05-01T11:00:05Z"
    assert MAX_URL < 16_384
