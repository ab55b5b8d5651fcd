"""Records that belong together: textbook clients that count or write them wrong, by the known traps."""

from __future__ import annotations

import pytest

from connector.domain.change import Result
from connector.domain.moment import HOUR
from connector.practice.salesforce.moments import moment_text
from tests.practice.test_salesforce_records import add, names, patch

# --- 47: person accounts --------------------------------------------------------------------------


@pytest.fixture
def persons(salesforce):
    salesforce.crm.steer("features", {"person_accounts": True})
    (kind,) = salesforce.query("SELECT Id FROM RecordType WHERE IsPersonType = true")
    salesforce.person = kind["Id"]
    add(salesforce, "Account", LastName="Nair", PersonEmail="a@home.example",
        RecordTypeId=salesforce.person)  # fmt: skip
    return salesforce


def test_trap_47_an_account_and_its_contact_counted_apart_are_two_people(persons):
    contacts = persons.query("SELECT Email FROM Contact WHERE Email != null")
    accounts = persons.query("SELECT PersonEmail FROM Account WHERE PersonEmail != null")
    assert len(contacts) + len(accounts) == 2
    assert contacts[0]["Email"] == accounts[0]["PersonEmail"]


def test_trap_47_a_new_persons_record_type_cannot_be_written_through_the_contact(persons):
    (contact,) = persons.query("SELECT Id FROM Contact")
    answer = patch(persons, "Contact", contact["Id"], Title="CEO", RecordTypeId=persons.person)
    assert answer.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert persons.query("SELECT Title FROM Contact")[0]["Title"] is None


def test_trap_47_ours_writes_a_person_through_the_account_and_has_one_person(persons, ours, calls):
    (contact,) = persons.query("SELECT Id FROM Contact")
    business = add(persons, "Contact", LastName="Plain")
    outcomes = ours.write(
        (contact["Id"], {"Title": "CEO"}), (business, {"Title": "CFO"}), source="Contact"
    )
    assert [one.result for one in outcomes] == [Result.APPLIED] * 2
    assert [row["Title"] for row in persons.query("SELECT Title FROM Contact")] == ["CEO", "CFO"]
    sent = [request.json() for said, request in calls if "PATCH" in said]
    kinds = {record["attributes"]["type"] for body in sent for record in body["records"]}
    assert kinds == {"Account", "Contact"}
    assert len(ours.rows(source="Contact")) == 2


def test_trap_47_ours_scores_the_person_account_that_a_lead_became(opened):
    work = opened("salesforce")
    work.crm.steer("features", {"person_accounts": True})
    work.hot("ada", Company=None)
    work.go()
    assert work.mirrored("ada", "score") is not None
    wish = {"leadId": work.ids["ada"], "createOpportunity": False, "ownerId": work.owners["ben"]}
    done = work.crm.steer("convert", wish)
    work.pass_time()
    work.go()
    contact = work.crm.org.find(done["contactId"])
    account = work.crm.org.find(done["accountId"])
    assert contact["IsPersonAccount"] is True
    assert contact["Leadloop_Score__c"] == account["Leadloop_Score__pc"] is not None
    assert len(work.rows("SELECT id FROM person")) == 1


# --- 48: currencies -------------------------------------------------------------------------------

DEAL = {"StageName": "Closed Won", "CloseDate": "2026-11-01"}


def test_trap_48_amounts_added_up_as_they_stand_mix_currencies(salesforce):
    rates = {"EUR": 1, "JPY": 160}
    salesforce.crm.steer("features", {"multi_currency": {"corporate": "EUR", "rates": rates}})
    add(salesforce, "Opportunity", Name="A", Amount=1000, CurrencyIsoCode="EUR", **DEAL)
    add(salesforce, "Opportunity", Name="B", Amount=160_000, CurrencyIsoCode="JPY", **DEAL)
    rows = salesforce.query("SELECT Amount FROM Opportunity")
    assert sum(row["Amount"] for row in rows) == 161_000
    true = salesforce.query("SELECT Amount, CurrencyIsoCode FROM Opportunity")
    assert sum(row["Amount"] / rates[row["CurrencyIsoCode"]] for row in true) == 2000


def test_trap_48_a_currency_asked_for_always_ends_the_pull_of_most_orgs(salesforce):
    add(salesforce, "Opportunity", Name="A", Amount=1000, **DEAL)
    soql = {"q": "SELECT Amount, CurrencyIsoCode FROM Opportunity"}
    answer = salesforce.call("GET", f"{salesforce.data}/query", params=soql)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_trap_48_ours_gives_amounts_in_the_corporate_currency(salesforce, ours):
    dated = [{"IsoCode": "JPY", "StartDate": "2026-10-01", "NextStartDate": "2026-12-01",
              "ConversionRate": 200}]  # fmt: skip
    rates = {"EUR": 1, "JPY": 160}
    how = {"corporate": "EUR", "rates": rates, "dated": dated}
    salesforce.crm.steer("features", {"multi_currency": how})
    add(salesforce, "Opportunity", Name="A", Amount=1000, CurrencyIsoCode="EUR", **DEAL)
    add(salesforce, "Opportunity", Name="B", Amount=200_000, CurrencyIsoCode="JPY", **DEAL)
    add(salesforce, "Opportunity", Name="C", Amount=160_000, CurrencyIsoCode="JPY",
        StageName="Prospecting", CloseDate="2026-09-01")  # fmt: skip
    rows = ours.rows(source="Opportunity", names=("Id", "Amount"))
    assert [row["Amount"] for row in rows] == [1000, 1000, 1000]


def test_trap_48_ours_asks_for_no_currency_where_there_is_one_only(salesforce, ours, calls):
    add(salesforce, "Opportunity", Name="A", Amount=1000, **DEAL)
    rows = ours.rows(source="Opportunity", names=("Id", "Amount"))
    assert [row["Amount"] for row in rows] == [1000]
    assert not any("Currency" in request.query for _, request in calls)


# --- 50: mails ------------------------------------------------------------------------------------


def test_trap_50_a_mail_counted_as_task_and_as_message_is_two_signs_of_interest(salesforce):
    (lead,) = salesforce.leads(1)
    mail = add(salesforce, "EmailMessage", Subject="Price?", Status="1", Incoming=True)
    add(salesforce, "EmailMessageRelation", EmailMessageId=mail, RelationId=lead,
        RelationType="ToAddress")  # fmt: skip
    tasks = salesforce.query(f"SELECT Id FROM Task WHERE WhoId = '{lead}'")
    mails = salesforce.query(f"SELECT Id FROM EmailMessageRelation WHERE RelationId = '{lead}'")
    assert len(tasks) + len(mails) == 2
    (row,) = salesforce.query("SELECT ActivityId FROM EmailMessage")
    assert row["ActivityId"] == tasks[0]["Id"]


def test_trap_50_ours_counts_it_once(opened):
    work = opened("salesforce")
    lead, moment = work.person("ada"), moment_text(work.now - HOUR)
    work.crm.steer("load", {
        "Task": [{"WhoId": lead, "TaskSubtype": "Email", "Status": "Completed",
                  "CompletedDateTime": moment}],
        "EmailMessage": [{"Subject": "Hello", "Status": "3", "ActivityId": "@Task:0",
                          "MessageDate": moment}],
        "EmailMessageRelation": [{"EmailMessageId": "@EmailMessage:0", "RelationId": lead,
                                  "RelationType": "ToAddress"}],
    })  # fmt: skip
    work.run()
    seen = work.rows("SELECT object, duplicate FROM activity WHERE type = 'email_sent'")
    assert sorted(name for name, _ in seen) == ["email", "task"]
    assert len([name for name, again in seen if not again]) == 1


# --- 52: history that nobody switched on ----------------------------------------------------------


def test_trap_52_a_time_line_read_from_history_alone_is_empty_where_nobody_tracks(salesforce):
    salesforce.crm.steer("features", {"lead_history": False})
    (lead,) = salesforce.leads(1)
    patch(salesforce, "Lead", lead, Status="Working - Contacted")
    soql = {"q": "SELECT OldValue, NewValue FROM LeadHistory WHERE Field = 'Status'"}
    answer = salesforce.call("GET", f"{salesforce.data}/query", params=soql)
    steps = answer.json()["records"] if answer.ok else []
    assert steps == []
    known = salesforce.json("GET", f"{salesforce.data}/sobjects")["sobjects"]
    assert "LeadHistory" not in {one["name"] for one in known}
    assert "Status" in names(salesforce, "Lead")


def test_trap_52_ours_takes_the_run_that_sees_a_change_where_nobody_tracks(opened):
    work = opened("salesforce")
    work.crm.steer("features", {"lead_history": False})
    mapping = (work.folder / "mapping.yaml").read_text()
    asks = "# at: Status.changed             # when, for a mapping"
    assert asks in mapping
    work.write("mapping.yaml", mapping.replace(asks, f"at: Status.changed {asks}"))
    work.hot("backlog")
    work.go()
    work.hot("no")
    work.go()
    work.pass_time()
    work.says("no", "rejected")
    work.go()
    said = work.rows("SELECT verdict, at FROM disposition WHERE verdict = 'rejected'")
    assert [verdict for verdict, _ in said] == ["rejected"]
    assert work.now - HOUR <= said[0][1] <= work.now
