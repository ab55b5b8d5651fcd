"""The invented company: the same for the same seed, plausible, and as dirty as real CRMs."""

from __future__ import annotations

from collections import Counter
from statistics import mean
from time import process_time

import pytest

from connector.domain.moment import DAY, HOUR
from connector.practice.clock import PracticeClock
from connector.practice.company import hubspot_rows, salesforce_rows, words
from connector.practice.company.year import invent
from connector.practice.filled import Filling, filled_hubspot, filled_salesforce
from tests.practice.conftest import NOW

PEOPLE = 5000


@pytest.fixture(scope="module")
def year():
    return invent(7, PEOPLE, NOW)


@pytest.fixture(scope="module")
def sf():
    return salesforce_rows(7, PEOPLE, NOW)


@pytest.fixture(scope="module")
def hs():
    return hubspot_rows(7, PEOPLE, NOW)


def test_the_same_seed_gives_the_same_company_and_another_seed_another():
    assert salesforce_rows(3, 400, NOW) == salesforce_rows(3, 400, NOW)
    assert hubspot_rows(3, 400, NOW) == hubspot_rows(3, 400, NOW)
    assert hubspot_rows(3, 400, NOW) != hubspot_rows(4, 400, NOW)


def test_two_years_made_side_by_side_do_not_disturb_each_other():
    alone = salesforce_rows(3, 300, NOW)
    hubspot_rows(9, 200, NOW)
    assert salesforce_rows(3, 300, NOW) == alone


@pytest.mark.parametrize("people", [0, 1, 7, 40])
def test_a_company_of_few_people_is_made_too(people):
    filling = Filling(1, people, NOW)
    filled_salesforce(PracticeClock(lambda: NOW), filling)
    filled_hubspot(PracticeClock(lambda: NOW), lambda: NOW, filling)


def test_it_has_the_size_that_was_promised(year, sf, hs):
    both = sum(one.sales and one.marketing for one in year.people)
    assert len(year.people) == PEOPLE
    assert 500 < both < 700
    assert 850 < len(year.accounts) < 950
    here = sum(len(sf[name]) for name in ("Task", "Event", "CampaignMember"))
    there = len(hs["events"]) + len(hs["mails"]) + sum(map(len, hs["submissions"].values()))
    assert 28_000 < here + there < 33_000
    assert len(sf["User"]) == 40
    assert sum(not row["IsActive"] for row in sf["User"]) == 5
    assert sum(one["archived"] for one in hs["owners"]) == 5
    assert sum(one["type"] == "QUEUE" for one in hs["owners"]) == len(sf["Group"]) == 2


def test_shared_people_have_one_address_and_sometimes_two_spellings_of_a_title(sf, hs):
    titles = {
        row["Email"].lower(): row["Title"]
        for row in sf["Lead"] + sf["Contact"]
        if row["Email"] and row["Title"]
    }
    shared = [
        (titles[p["email"]], p["jobtitle"])
        for p in (row["properties"] for row in hs["contacts"])
        if p["email"] in titles and p["jobtitle"]
    ]
    assert len(shared) > 400
    other = sum(a != b for a, b in shared)
    assert 0.1 < other / len(shared) < 0.6


def test_leads_stand_in_every_status_and_converted_ones_have_their_contact(sf):
    counts = Counter(row["Status"] for row in sf["Lead"])
    assert (
        min(
            counts[status]
            for status in (
                "Open - Not Contacted",
                "Working - Contacted",
                "Closed - Converted",
                "Closed - Not Converted",
            )
        )
        > 100
    )
    for row in sf["Lead"]:
        assert bool(row.get("IsConverted")) is (row["Status"] == "Closed - Converted")
        assert bool(row.get("ConvertedContactId")) is bool(row.get("IsConverted"))


def test_people_who_fit_and_are_active_win_more(year):
    def won(people):
        deals = [one.deal for one in people if one.deal and one.deal.stage != "open"]
        return sum(deal.stage == "won" for deal in deals) / len(deals)

    pulls = sorted(year.people, key=lambda one: one.fit * 0.55 + one.want * 0.9)
    half = len(pulls) // 2
    assert won(pulls[half:]) > won(pulls[:half]) + 0.05
    acts = Counter(act.person for act in year.acts if act.type == "page_view")
    eager = [one for one in year.people if one.marketing and one.want > 0.5]
    cool = [one for one in year.people if one.marketing and one.want < 0.1]
    assert mean(acts[one.number] for one in eager) > 2 * mean(acts[one.number] for one in cool)


def test_lost_deals_have_a_reason_and_won_ones_have_none(sf, hs):
    for row in sf["Opportunity"]:
        assert bool(row["Loss_Reason__c"]) is (row["StageName"] == "Closed Lost")
    for row in hs["deals"]:
        lost = row["properties"]["dealstage"] == "closedlost"
        assert bool(row["properties"]["closed_lost_reason"]) is lost


def test_the_year_keeps_office_hours(year):
    hours = Counter(act.at // HOUR % 24 for act in year.acts)
    days = Counter((act.at // DAY + 3) % 7 for act in year.acts)
    assert sum(hours[h] for h in range(8, 18)) > 0.7 * len(year.acts)
    assert days[5] + days[6] < 0.15 * len(year.acts)
    assert min(act.at for act in year.acts) > NOW - 366 * DAY


def test_the_long_tail_is_long(sf):
    titles = Counter(row["Title"] for row in sf["Lead"])
    assert len(titles) > 80
    assert sum(count for _, count in titles.most_common(28)) > 0.8 * len(sf["Lead"])


def test_it_holds_what_every_real_crm_holds(sf, hs, year):
    names = {row["LastName"] for row in sf["Lead"] + sf["Contact"]}
    names |= {row["properties"]["lastname"] for row in hs["contacts"]}
    assert {last for _, last, *_ in words.HOSTILE} <= names
    domains = {one.email.partition("@")[2] for one in year.people}
    assert {"gmail.com", "rival.example", "acme.example"} <= domains
    assert any(one.title == "Student" for one in year.people)
    assert any(one.opted_out for one in year.people)
    assert not any(
        "\x00" in text for row in sf["Lead"] for text in row.values() if isinstance(text, str)
    )
    mails = Counter(str(row["Email"]).lower() for row in sf["Lead"] if row["Email"])
    assert sum(count > 1 for count in mails.values()) > 15
    assert max(event["at"] for event in hs["events"]) > NOW // 1000
    assert max(row["ActivityDateTime"] for row in sf["Event"]) > "2036"


def test_many_leads_share_one_stamp(sf):
    (_, most), *_ = Counter(row["SystemModstamp"] for row in sf["Lead"]).most_common(1)
    assert most > 100


def test_what_was_loaded_stands_in_the_crms_and_no_effect_was_noted(sf, hs):
    org = filled_salesforce(PracticeClock(lambda: NOW), Filling(7, PEOPLE, NOW))
    portal = filled_hubspot(PracticeClock(lambda: NOW), lambda: NOW, Filling(7, PEOPLE, NOW))
    for name, rows in sf.items():
        extra = {"User": 1}.get(name, 0)
        assert len(org.org.tables[name]) == len(rows) + extra, name
    assert len(portal.portal.records["contacts"]) == len(hs["contacts"])
    assert not org.oracle.effects
    assert not portal.oracle.effects


def test_references_of_loaded_rows_lead_somewhere():
    org = filled_salesforce(PracticeClock(lambda: NOW), Filling(7, 800, NOW)).org
    for name, table in org.tables.items():
        links = [one for one in org.schema[name].fields.values() if one.type == "reference"]
        for row in table.values():
            for link in links:
                value = row.get(link.name)
                if value and link.name not in {"CreatedById", "LastModifiedById"}:
                    assert org.find(value) is not None, (name, link.name, value)
                    assert org.type_of(value) in link.refers, (name, link.name)


def test_loaded_values_are_ones_the_portal_knows():
    portal = filled_hubspot(PracticeClock(lambda: NOW), lambda: NOW, Filling(7, 800, NOW)).portal
    for kind in ("contacts", "companies", "deals"):
        known = portal.definitions[kind]
        for record in portal.records[kind].values():
            for name, value in record.values.items():
                definition = known.live(name)
                assert definition is not None, (kind, name)
                if definition.options and name != "hubspot_owner_id":
                    assert value in definition.options, (kind, name, value)


def test_both_crms_are_filled_in_about_a_second():
    begun = process_time()
    filling = Filling(11, PEOPLE, NOW)
    filled_salesforce(PracticeClock(lambda: NOW), filling)
    filled_hubspot(PracticeClock(lambda: NOW), lambda: NOW, filling)
    assert process_time() - begun < 4  # a second here; four on a machine that is busy
