"""Records that belong together: textbook clients that count or write them wrong, by the known traps."""

from __future__ import annotations

import pytest

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
