"""Textbook clients that lose something in the practice org, by the numbers of the known traps."""

from __future__ import annotations


def test_trap_13_a_pull_that_meets_an_expired_locator_keeps_only_its_first_page(salesforce):
    salesforce.leads(5)
    salesforce.crm.steer("page", {"size": 2})
    answer = salesforce.json("GET", f"{salesforce.data}/query?q=SELECT+Id+FROM+Lead")
    kept = answer["records"]
    salesforce.crm.steer("page", {"forget": True})
    more = salesforce.call("GET", answer["nextRecordsUrl"])
    if more.ok:
        kept += more.json()["records"]
    assert len(kept) == 2


def test_trap_14_a_pull_that_ends_at_the_first_short_page_loses_the_rest(salesforce):
    salesforce.leads(300)
    salesforce.crm.steer("page", {"size": 137})
    asked, kept, path = 2000, [], f"{salesforce.data}/query?q=SELECT+Id+FROM+Lead"
    while path:
        hint = {"Sforce-Query-Options": f"batchSize={asked}"}
        answer = salesforce.json("GET", path, headers=hint)
        kept += answer["records"]
        path = answer.get("nextRecordsUrl") if len(answer["records"]) == asked else None
    assert len(kept) == 137


def test_trap_30_a_batch_believed_by_its_200_marks_unsaved_rows_as_written(salesforce):
    ids = salesforce.leads(3)
    salesforce.crm.steer("rules", {"locked": {ids[1]: 1}})
    records = [{"attributes": {"type": "Lead"}, "id": one, "Title": "CEO"} for one in ids]
    body = {"allOrNone": False, "records": records}
    answer = salesforce.call("PATCH", f"{salesforce.data}/composite/sobjects", body)
    believed = set(ids) if answer.status_code == 200 else set()
    saved = {one for one in ids if salesforce.crm.org.find(one)["Title"] == "CEO"}
    assert believed - saved == {ids[1]}


def test_trap_35_an_inactive_owner_in_the_same_call_takes_the_score_down_with_it(salesforce):
    (lead,) = salesforce.leads(1)
    left = {"Username": "left", "LastName": "L", "Email": "l@us.example", "IsActive": False}
    (owner,) = salesforce.load(User=[left])["User"]
    salesforce.write({"id": lead, "Title": "CEO", "OwnerId": owner})
    assert salesforce.crm.org.find(lead)["Title"] == "Boss"
    assert salesforce.effects() == []


def test_trap_36_one_hidden_field_takes_the_others_of_the_row_down_with_it(salesforce):
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("rules", {"hidden": [["Lead", "City"]]})
    salesforce.write({"id": lead, "Title": "CEO", "City": "Rome"})
    assert salesforce.crm.org.find(lead)["Title"] == "Boss"


def test_trap_44_a_name_with_a_quote_put_into_soql_as_it_is_finds_nobody(salesforce):
    salesforce.load(Lead=[{"LastName": "O'Hara", "Company": "Mills"}])
    soql = "SELECT Id FROM Lead WHERE LastName = '{}'"
    ask = {"q": soql.format("O'Hara")}
    answer = salesforce.call("GET", f"{salesforce.data}/query", params=ask)
    assert answer.status_code == 400
    assert len(salesforce.query(soql.format("O\\'Hara"))) == 1
