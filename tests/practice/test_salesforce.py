"""Practice Salesforce does what its documents say, and its oracle tells what truly happened."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.domain.moment import DAY
from connector.practice.salesforce.moments import moment_text
from tests.practice.deploys import MANIFEST, SPACE, deploy, zipped

ASSIGN = {"Sforce-Auto-Assign": "FALSE"}


def codes(results):
    return [one["errors"][0]["statusCode"] if one["errors"] else "" for one in results]


def test_a_partial_failure_names_each_row_by_its_place_and_changes_the_others(salesforce):
    ids = salesforce.leads(3)
    salesforce.crm.steer("rules", {"locked": {ids[1]: 1}})
    results = salesforce.write(
        {"id": ids[0], "Title": "A"},
        {"id": ids[1], "Title": "B"},
        {"id": ids[2], "Title": "T" * 129},
    )
    assert codes(results) == ["", "UNABLE_TO_LOCK_ROW", "STRING_TOO_LONG"]
    assert "id" not in results[1]
    assert salesforce.effects() == [("Lead", ids[0], "Title", "Boss", "A")]
    assert codes(salesforce.write({"id": ids[1], "Title": "B"})) == [""]


def test_all_or_none_undoes_the_good_rows_too(salesforce):
    ids = salesforce.leads(2)
    before = salesforce.query("SELECT Id, Title, SystemModstamp FROM Lead")
    salesforce.tick(60)
    body = {"allOrNone": True, "records": [
        {"attributes": {"type": "Lead"}, "id": ids[0], "Title": "A"},
        {"attributes": {"type": "Lead"}, "id": ids[1], "Status": "X", "LastName": ""},
    ]}  # fmt: skip
    results = salesforce.json("PATCH", f"{salesforce.data}/composite/sobjects", body)
    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert salesforce.query("SELECT Id, Title, SystemModstamp FROM Lead") == before
    assert salesforce.effects() == []


def test_too_many_rows_or_types_or_a_row_twice_is_refused_whole(salesforce):
    ids = salesforce.leads(1)
    path = f"{salesforce.data}/composite/sobjects"
    one = {"attributes": {"type": "Lead"}, "id": ids[0], "Title": "A"}
    assert (
        salesforce.call("PATCH", path, {"records": [one] * 201}).json()[0]["errorCode"]
        == "EXCEEDED_ID_LIMIT"
    )
    assert salesforce.call("PATCH", path, {"records": [one, one]}).status_code == 400
    other = {"attributes": {"type": "Contact"}, "id": "x"}
    mixed = [{**(one if n % 2 else other), "id": f"{n}"} for n in range(12)]
    assert salesforce.call("PATCH", path, {"records": mixed}).status_code == 400
    assert salesforce.effects() == []


def test_a_write_of_the_same_value_moves_the_stamps_and_is_no_effect(salesforce):
    (id_,) = salesforce.leads(1)
    salesforce.tick(60)
    salesforce.write({"id": id_, "Title": "Boss"})
    (row,) = salesforce.query("SELECT SystemModstamp, LastModifiedDate FROM Lead")
    assert row["SystemModstamp"] == row["LastModifiedDate"] == moment_text(salesforce.now)
    assert salesforce.effects() == []


def test_stamps_have_whole_seconds_and_many_rows_share_one(salesforce):
    salesforce.leads(2)
    salesforce.tick(0.4)
    salesforce.leads(2)
    stamps = {row["SystemModstamp"] for row in salesforce.query("SELECT SystemModstamp FROM Lead")}
    assert stamps == {"2026-11-24T12:00:00.000+0000"}


def test_the_system_moves_a_stamp_without_a_change(salesforce):
    (id_,) = salesforce.leads(1)
    salesforce.tick(60)
    salesforce.crm.steer("bump", {"ids": [id_]})
    (row,) = salesforce.query("SELECT SystemModstamp, LastModifiedDate FROM Lead")
    assert row["SystemModstamp"] > row["LastModifiedDate"]


def test_a_late_commit_is_stamped_early_and_seen_late_and_get_updated_says_so(salesforce):
    (id_,) = salesforce.leads(1)
    salesforce.tick(600)
    began = salesforce.now
    salesforce.crm.steer("late", {"id": id_, "set": {"Title": "Late"}, "seconds": 420})
    salesforce.tick(300)
    assert salesforce.query("SELECT Title FROM Lead")[0]["Title"] == "Boss"
    assert covered(salesforce) == moment_text(began)
    salesforce.tick(200)
    (row,) = salesforce.query("SELECT Title, SystemModstamp FROM Lead")
    assert row["Title"] == "Late"
    assert row["SystemModstamp"] == moment_text(began)
    assert covered(salesforce) > moment_text(began)


def covered(salesforce):
    end = datetime.fromtimestamp(salesforce.now / 1e6 + 120, UTC).strftime(
        "%Y-%m-%dT%H:%M:%S%%2B00:00"
    )
    path = f"{salesforce.data}/sobjects/Lead/updated?start=2026-11-24T10:00:00%2B00:00&end={end}"
    return salesforce.json("GET", path)["latestDateCovered"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-24T11:59:40", "2026-11-24T11:59:50"),
        ("2026-10-01T00:00:00", "2026-11-24T11:00:00"),
    ],
)
def test_a_span_too_short_or_too_long_ago_is_refused(salesforce, start, end):
    path = f"{salesforce.data}/sobjects/Lead/updated?start={start}%2B00:00&end={end}%2B00:00"
    assert salesforce.call("GET", path).json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_deleted_rows_are_in_the_bin_and_hard_deleted_ones_only_in_get_deleted(salesforce):
    ids = salesforce.leads(3)
    salesforce.crm.steer("delete", {"id": ids[0]})
    salesforce.crm.steer("delete", {"id": ids[1], "hard": True})
    assert [row["Id"] for row in salesforce.query("SELECT Id FROM Lead")] == [ids[2]]
    binned = salesforce.query("SELECT Id, IsDeleted FROM Lead WHERE IsDeleted = true", "queryAll")
    assert [row["Id"] for row in binned] == [ids[0]]
    path = f"{salesforce.data}/sobjects/Lead/deleted?start=2026-11-24T11:00:00%2B00:00&end=2026-11-24T13:00:00%2B00:00"
    assert {one["id"] for one in salesforce.json("GET", path)["deletedRecords"]} == set(ids[:2])
    assert codes(salesforce.write({"id": ids[0], "Title": "x"}, {"id": ids[1], "Title": "x"})) == [
        "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY",
    ]  # fmt: skip
    salesforce.crm.steer("undelete", {"id": ids[0]})
    assert len(salesforce.query("SELECT Id FROM Lead")) == 2
    assert [one["id"] for one in salesforce.json("GET", path)["deletedRecords"]] == [ids[1]]


def test_a_merge_bins_the_loser_with_its_master_and_moves_its_children(salesforce):
    winner, loser = salesforce.leads(2)
    salesforce.load(Task=[{"WhoId": loser, "Subject": "Call"}])
    salesforce.crm.steer("merge", {"winner": winner, "loser": loser})
    (gone,) = salesforce.query(
        "SELECT Id, MasterRecordId FROM Lead WHERE MasterRecordId != null", "queryAll"
    )
    assert (gone["Id"], gone["MasterRecordId"]) == (loser, winner)
    assert salesforce.query("SELECT WhoId FROM Task")[0]["WhoId"] == winner


def test_a_converted_lead_takes_no_more_writes_and_its_work_goes_to_the_contact(salesforce):
    (lead,) = salesforce.leads(1, Email="a@mills.example")
    salesforce.load(Campaign=[{"Name": "Fair"}])
    (campaign,) = salesforce.crm.org.order["Campaign"]
    salesforce.load(
        Task=[{"WhoId": lead}], CampaignMember=[{"LeadId": lead, "CampaignId": campaign}]
    )
    done = salesforce.crm.steer("convert", {"leadId": lead})
    (error,) = salesforce.write({"id": lead, "Title": "x"})[0]["errors"]
    assert error["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"
    (row,) = salesforce.query(
        "SELECT IsConverted, Status, ConvertedContactId, ConvertedOpportunityId FROM Lead"
    )
    assert (row["IsConverted"], row["Status"], row["ConvertedContactId"]) == (
        True,
        "Closed - Converted",
        done["contactId"],
    )
    assert salesforce.query("SELECT WhoId FROM Task")[0]["WhoId"] == done["contactId"]
    (member,) = salesforce.query("SELECT LeadId, ContactId FROM CampaignMember")
    assert (member["LeadId"], member["ContactId"]) == (lead, done["contactId"])
    assert {row["Field"] for row in salesforce.query("SELECT Field FROM LeadHistory")} == {
        "Status",
        "leadConverted",
    }
    (role,) = salesforce.query("SELECT ContactId FROM OpportunityContactRole")
    assert role["ContactId"] == done["contactId"]


def test_owners_must_be_active_users_or_queues_that_serve_the_object(salesforce):
    ids = salesforce.load(
        User=[{"Username": "old", "LastName": "Old", "Email": "o@acme.example", "IsActive": False}],
        Group=[{"Name": "In", "Type": "Queue"}, {"Name": "Deaf", "Type": "Queue"}],
        QueueSobject=[{"QueueId": "@Group:0", "SobjectType": "Lead"}],
        Contact=[{"LastName": "C"}],
    )
    (lead,) = salesforce.leads(1)
    (old,), (queue, deaf), (contact,) = ids["User"], ids["Group"], ids["Contact"]
    off = lambda id_, owner: codes(salesforce.write({"id": id_, "OwnerId": owner}, headers=ASSIGN))[
        0
    ]
    assert off(lead, old) == "INACTIVE_OWNER_OR_USER"
    assert off(lead, deaf) == "INVALID_CROSS_REFERENCE_KEY"
    assert off(lead, queue) == ""
    assert off(contact, queue) == "INVALID_CROSS_REFERENCE_KEY"


def test_a_hidden_field_is_missing_from_describe_and_unknown_to_queries(salesforce):
    (id_,) = salesforce.leads(1)
    salesforce.crm.steer("rules", {"hidden": [["Lead", "Title"]]})
    fields = salesforce.json("GET", f"{salesforce.data}/sobjects/Lead/describe")["fields"]
    assert "Title" not in {one["name"] for one in fields}
    answer = salesforce.call(
        "GET", f"{salesforce.data}/query", params={"q": "SELECT Title FROM Lead"}
    )
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
    assert codes(salesforce.write({"id": id_, "Title": "x"})) == ["INVALID_FIELD"]


def test_rules_of_the_org_refuse_or_change_rows(salesforce):
    ids = salesforce.leads(2, Email="a@mills.example")
    salesforce.crm.steer("rules", {
        "validation": [{"object": "Lead", "field": "Title", "equals": "Nobody", "message": "Say who"}],
        "flows": [{"object": "Lead", "on": "Title", "set": {"City": "Flow"}}],
        "duplicates": {"Lead": "alert"},
    })  # fmt: skip
    results = salesforce.write({"id": ids[0], "Title": "Nobody"}, {"id": ids[1], "Title": "CEO"})
    assert results[0]["errors"][0]["message"] == "Say who"
    assert ("Lead", ids[1], "City", None, "Flow") in salesforce.effects()
    new = {"LastName": "N", "Company": "C", "Email": "A@mills.example"}
    path = f"{salesforce.data}/sobjects/Lead"
    assert salesforce.call("POST", path, new).json()[0]["errorCode"] == "DUPLICATES_DETECTED"
    insist = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert salesforce.call("POST", path, new, headers=insist).status_code == 201
    salesforce.crm.steer("rules", {"duplicates": {"Lead": "block"}})
    assert salesforce.call("POST", path, new, headers=insist).status_code == 400


def test_children_come_with_their_parents_page_by_page(salesforce):
    salesforce.load(
        Contact=[{"LastName": f"C{n}"} for n in range(250)],
        Opportunity=[{"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01"}] * 2,
        OpportunityContactRole=[
            {"OpportunityId": "@Opportunity:0", "ContactId": f"@Contact:{n}"} for n in range(250)
        ],
    )
    soql = "SELECT Id, (SELECT ContactId, Contact.LastName FROM OpportunityContactRoles WHERE IsDeleted = false) FROM Opportunity"
    first, second = salesforce.query(soql)
    block = first["OpportunityContactRoles"]
    assert (block["totalSize"], block["done"], len(block["records"])) == (250, False, 200)
    assert block["records"][0]["Contact"]["LastName"] == "C0"
    rest = salesforce.json("GET", block["nextRecordsUrl"])
    assert (rest["done"], len(rest["records"])) == (True, 50)
    assert second["OpportunityContactRoles"] is None


def test_cursors_are_lost_and_pages_are_short_when_told(salesforce):
    ids = salesforce.leads(5)
    salesforce.crm.steer("page", {"size": 2})
    page = salesforce.json("GET", f"{salesforce.data}/query", params={"q": "SELECT Id FROM Lead"},
                           headers={"Sforce-Query-Options": "batchSize=2000"})  # fmt: skip
    assert [row["Id"] for row in page["records"]] == ids[:2]
    salesforce.crm.steer("page", {"forget": True})
    lost = salesforce.call("GET", page["nextRecordsUrl"])
    assert (lost.status_code, lost.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Title = 'BOSS'", 3), ("Title != 'boss'", 1), ("Email = null", 4), ("NOT Title = null", 3),
        ("Title LIKE 'b%s'", 3), ("LastName IN ('L0','L1','X')", 2), ("LastName NOT IN ('L0')", 3),
        ("(LastName = 'L0' OR LastName = 'L1') AND Title = 'Boss'", 2),
        ("OwnerId IN (SELECT Id FROM User WHERE Username = 'Admin')", 4),
        ("CreatedDate >= 2026-11-24T13:00:00+01:00", 4), ("CreatedDate > 2026-11-24T12:00:00Z", 0),
        ("Owner.Username = 'admin'", 4), ("IsConverted = false", 4), ("NumberOfEmployees < 5", 0),
        ("LastName = 'x\\' OR LastName != \\''", 0),
    ],
)  # fmt: skip
def test_conditions_are_read_as_documented(salesforce, where, found):
    salesforce.leads(3)
    salesforce.load(Lead=[{"LastName": "L9", "Company": "C"}])
    assert len(salesforce.query(f"SELECT Id FROM Lead WHERE {where}")) == found


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Id FRM Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Id = 'short'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Lead LIMIT 5 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT OldValue FROM LeadHistory WHERE OldValue = 'x'", "INVALID_FIELD"),
        ("SELECT Id, (SELECT Id FROM Nothings) FROM Lead", "INVALID_TYPE"),
    ],
)
def test_queries_that_cannot_be_are_refused(salesforce, soql, code):
    answer = salesforce.call("GET", f"{salesforce.data}/query", params={"q": soql})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_rows_come_in_the_order_asked_for_with_nulls_first_or_last(salesforce):
    salesforce.load(Lead=[{"LastName": name, "Company": "C", "City": city} for name, city in
                          (("A", "b"), ("B", None), ("C", "a"), ("D", "B"))])  # fmt: skip
    order = lambda by: "".join(
        row["LastName"] for row in salesforce.query(f"SELECT LastName FROM Lead ORDER BY {by}")
    )
    assert order("City, LastName DESC") == "BCDA"
    assert order("City DESC NULLS LAST, LastName") == "ADCB"
    assert order("City ASC NULLS LAST, LastName LIMIT 2 OFFSET 1") == "AD"
    assert order("Id DESC") == "DCBA"


def test_the_day_has_so_many_calls_and_each_answer_counts_them(salesforce):
    salesforce.crm.steer("quota", {"max": 3, "used": 0})
    for used in (1, 2, 3):
        answer = salesforce.call("GET", f"{salesforce.data}/sobjects")
        assert answer.headers["Sforce-Limit-Info"] == f"api-usage={used}/3"
    over = salesforce.call("GET", f"{salesforce.data}/sobjects")
    assert (over.status_code, over.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert over.headers["Sforce-Limit-Info"]
    salesforce.crm.steer("quota", {"max": 100, "told": False})
    assert salesforce.call("GET", f"{salesforce.data}/limits").status_code == 403


def test_a_composite_passes_ids_on_but_no_header(salesforce):
    (lead,) = salesforce.leads(1)
    other = salesforce.load(
        User=[{"Username": "u", "LastName": "U", "Email": "u@acme.example", "IsActive": True}]
    )["User"][0]
    salesforce.crm.steer("rules", {"assignment": {"Lead": other}})
    patch = {
        "method": "PATCH",
        "url": f"{salesforce.data}/sobjects/Lead/{lead}",
        "body": {"City": "X"},
    }
    make = {
        "method": "POST",
        "url": f"{salesforce.data}/sobjects/Account",
        "referenceId": "a",
        "body": {"Name": "A"},
    }
    use = {"method": "POST", "url": f"{salesforce.data}/sobjects/Contact", "referenceId": "c",
           "body": {"LastName": "C", "AccountId": "@{a.id}"}}  # fmt: skip
    body = {"compositeRequest": [make, use, {**patch, "referenceId": "p"}]}
    answers = salesforce.json("POST", f"{salesforce.data}/composite", body, headers=ASSIGN)[
        "compositeResponse"
    ]
    assert [one["httpStatusCode"] for one in answers] == [201, 201, 204]
    assert ("Lead", lead, "OwnerId", salesforce.admin, other) in salesforce.effects()
    quiet = {**patch, "referenceId": "p", "httpHeaders": ASSIGN}
    seen = len(salesforce.effects())
    salesforce.json("POST", f"{salesforce.data}/composite", {"compositeRequest": [quiet]})
    assert salesforce.effects()[seen:] == []


def test_describe_is_unchanged_since_and_a_stale_patch_is_refused(salesforce):
    path, date = (
        f"{salesforce.data}/sobjects/Lead/describe",
        salesforce.call("GET", f"{salesforce.data}/sobjects").headers["Date"],
    )
    assert salesforce.call("GET", path, headers={"If-Modified-Since": date}).status_code == 304
    (id_,) = salesforce.leads(1)
    salesforce.tick(60)
    salesforce.write({"id": id_, "City": "x"})
    stale = salesforce.call(
        "PATCH",
        f"{salesforce.data}/sobjects/Lead/{id_}",
        {"City": "y"},
        headers={"If-Unmodified-Since": date},
    )
    assert stale.status_code == 412


def test_stages_leave_a_history_that_nobody_set_up(salesforce):
    new = {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01"}
    made = salesforce.json("POST", f"{salesforce.data}/sobjects/Opportunity", new)["id"]
    salesforce.tick(60)
    salesforce.json(
        "PATCH", f"{salesforce.data}/sobjects/Opportunity/{made}", {"StageName": "Closed Won"}
    )
    rows = salesforce.query(
        f"SELECT StageName FROM OpportunityHistory WHERE OpportunityId = '{made}' ORDER BY CreatedDate"
    )
    assert [row["StageName"] for row in rows] == ["Prospecting", "Closed Won"]
    (deal,) = salesforce.query("SELECT IsWon, IsClosed, Probability FROM Opportunity")
    assert (deal["IsWon"], deal["IsClosed"], deal["Probability"]) == (True, True, 100)


def test_old_tasks_are_archived_where_only_query_all_finds_them(salesforce):
    old = moment_text(salesforce.now - 400 * DAY)[:10]
    (lead,) = salesforce.leads(1)
    salesforce.load(
        Task=[
            {"WhoId": lead, "Status": "Completed", "ActivityDate": old},
            {"WhoId": lead, "ActivityDate": old},
        ]
    )
    assert len(salesforce.query("SELECT Id FROM Task")) == 1
    both = salesforce.query("SELECT Id, IsArchived FROM Task", "queryAll")
    assert len(both) == 2


def test_an_external_id_is_matched_or_made_or_found_twice(salesforce):
    field = "<fields><fullName>Key__c</fullName><label>Key</label><type>Text</type><length>20</length><externalId>true</externalId></fields>"
    right = "<fieldPermissions><editable>true</editable><field>Lead.Key__c</field><readable>true</readable></fieldPermissions>"
    rights = f"<PermissionSet {SPACE}><label>K</label>{right}</PermissionSet>"
    files = {
        "package.xml": MANIFEST,
        "objects/Lead.object": f"<CustomObject {SPACE}>{field}</CustomObject>",
        "permissionsets/K.permissionset": rights,
    }
    deploy(salesforce, zipped(files))
    (rights,) = salesforce.query("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = false")
    salesforce.json(
        "POST",
        f"{salesforce.data}/sobjects/PermissionSetAssignment",
        {"AssigneeId": salesforce.admin, "PermissionSetId": rights["Id"]},
    )
    path = f"{salesforce.data}/sobjects/Lead/Key__c/a%2Fb"
    new = {"LastName": "L", "Company": "C"}
    assert [salesforce.call("PATCH", path, new).status_code for _ in range(2)] == [201, 200]
    salesforce.load(Lead=[{**new, "Key__c": "A/B"}])
    twice = salesforce.call("PATCH", path, new)
    assert (twice.status_code, len(twice.json())) == (300, 2)
