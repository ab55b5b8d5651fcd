"""Textbook clients that lose data against the practice CRMs.

Each is what a first tutorial would write, and each test shows exactly what it loses; were a practice
CRM kinder than the real one, the test would fail.
"""

from __future__ import annotations

import time

import pytest
import requests

from connector.practice.hubspot.moments import epoch_ms

# --- Salesforce -----------------------------------------------------------------------------------


class NaiveSalesforce:
    """Pages by `stamp > last seen` and believes every answer."""

    def __init__(self, salesforce) -> None:
        self.sf, self.cursor = salesforce, "2000-01-01T00:00:00Z"
        self.seen: dict[str, dict] = {}

    def pull(self, page: int = 100) -> None:
        while True:
            soql = f"SELECT Id, Title, SystemModstamp FROM Lead WHERE SystemModstamp > {self.cursor} ORDER BY SystemModstamp LIMIT {page}"
            rows = self._rows(soql)
            self.seen |= {row["Id"]: row for row in rows}
            if not rows:
                return
            self.cursor = rows[-1]["SystemModstamp"].replace("+0000", "Z")

    def _rows(self, soql: str) -> list[dict]:
        answer = self.sf.call("GET", f"{self.sf.data}/query", params={"q": soql})
        try:
            return answer.json()["records"]
        except ValueError:
            return []

    def save(self, id_: str, **values) -> int:
        return self.sf.call("PATCH", f"{self.sf.data}/sobjects/Lead/{id_}", values).status_code


@pytest.fixture
def naive_sf(salesforce):
    return NaiveSalesforce(salesforce)


def test_a_write_without_the_assignment_header_gives_the_lead_to_somebody_else(
    salesforce, naive_sf
):
    rows = {"LastName": "U", "IsActive": True}
    ours, rule = salesforce.load(
        User=[{**rows, "Username": n, "Email": f"{n}@acme.example"} for n in "ab"]
    )["User"]
    salesforce.crm.steer("rules", {"assignment": {"Lead": rule}})
    (lead,) = salesforce.leads(1, OwnerId=ours)
    assert naive_sf.save(lead, City="Paris") == 204
    assert salesforce.crm.org.find(lead)["OwnerId"] == rule
    salesforce.crm.org.find(lead)["OwnerId"] = ours
    salesforce.write({"id": lead, "City": "Rome"}, headers={"Sforce-Auto-Assign": "FALSE"})
    assert salesforce.crm.org.find(lead)["OwnerId"] == ours


def test_a_page_of_html_read_as_no_rows_ends_the_pull_early(salesforce, naive_sf):
    salesforce.leads(5)
    salesforce.fail("GET */query*", html=True)
    naive_sf.pull()
    assert naive_sf.seen == {}


def test_offsets_end_at_two_thousand(salesforce):
    salesforce.leads(2500)
    answer = salesforce.call(
        "GET", f"{salesforce.data}/query", params={"q": "SELECT Id FROM Lead LIMIT 200 OFFSET 2200"}
    )
    assert answer.json()[0]["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"


# --- HubSpot --------------------------------------------------------------------------------------


class NaiveHubSpot:
    """Searches for what changed, page after page, and believes every answer."""

    def __init__(self, hubspot) -> None:
        self.hs, self.cursor = hubspot, 0
        self.seen: dict[str, dict] = {}

    def pull(self) -> int:
        after, newest = "0", self.cursor
        while True:
            test = {"propertyName": "lastmodifieddate", "operator": "GT", "value": str(self.cursor)}
            body = {"filterGroups": [{"filters": [test]}], "limit": 200, "after": after, "properties": ["jobtitle"],
                    "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}]}  # fmt: skip
            answer = self.hs.call("POST", f"{self.hs.objects}/contacts/search", body)
            if answer.status_code != 200:
                return answer.status_code
            for one in answer.json()["results"]:
                self.seen[one["id"]] = one
                newest = max(newest, epoch_ms(one["updatedAt"]))
            if "paging" not in answer.json():
                self.cursor = newest
                return 200
            after = answer.json()["paging"]["next"]["after"]

    def save(self, **titles) -> requests.Response:
        inputs = [
            {"id": id_, "properties": {"hs_lead_status": status}} for id_, status in titles.items()
        ]
        return self.hs.call("POST", f"{self.hs.objects}/contacts/batch/update", {"inputs": inputs})


@pytest.fixture
def naive_hs(hubspot):
    return NaiveHubSpot(hubspot)


def test_a_search_ends_at_ten_thousand_rows(hubspot, naive_hs):
    hubspot.contacts(10_500)
    assert naive_hs.pull() == 400
    assert len(naive_hs.seen) == 10_000


def test_the_index_lags_so_the_newest_date_seen_skips_what_it_shows_later(hubspot, naive_hs):
    one, two = hubspot.contacts(2)
    naive_hs.pull()
    hubspot.crm.steer("rules", {"lag": 30})
    hubspot.tick(60)
    hubspot.json(
        "PATCH", f"{hubspot.objects}/contacts/{one}", {"properties": {"jobtitle": "Early"}}
    )
    hubspot.crm.steer("rules", {"lag": 0})
    hubspot.tick(10)
    hubspot.json(
        "PATCH", f"{hubspot.objects}/contacts/{two}", {"properties": {"jobtitle": "Later"}}
    )
    naive_hs.pull()
    hubspot.tick(60)
    naive_hs.pull()
    assert (
        hubspot.search({"limit": 5, "properties": ["jobtitle"]})["results"][0]["properties"][
            "jobtitle"
        ]
        == "Early"
    )
    assert naive_hs.seen[one]["properties"]["jobtitle"] is None


def test_one_bad_value_loses_ninety_nine_good_ones(hubspot, naive_hs):
    ids = hubspot.contacts(100)
    statuses = dict.fromkeys(ids, "OPEN")
    assert naive_hs.save(**{**statuses, ids[50]: "open"}).status_code == 400
    assert hubspot.effects() == []


def test_a_207_that_is_taken_for_success_loses_its_errors(hubspot, naive_hs):
    ids = hubspot.contacts(3)
    hubspot.json("DELETE", f"{hubspot.objects}/contacts/{ids[1]}")
    answer = naive_hs.save(**dict.fromkeys(ids, "OPEN"))
    assert answer.ok
    assert len(answer.json()["results"]) == 2


def test_a_search_never_tells_of_archived_or_merged_records(hubspot, naive_hs):
    gone, one, two = hubspot.contacts(3)
    naive_hs.pull()
    hubspot.tick(60)
    hubspot.crm.steer("archive", {"type": "contacts", "id": gone})
    made = hubspot.crm.steer("merge", {"type": "contacts", "primary": one, "other": two})["id"]
    naive_hs.pull()
    assert set(naive_hs.seen) == {gone, one, two, made}
    assert set(hubspot.crm.portal.records["contacts"]) == {gone, made}


def test_one_name_for_the_modified_date_finds_no_changed_companies(hubspot):
    hubspot.load(companies=[{"properties": {"name": "Mills"}}])
    body = {
        "filterGroups": [
            {"filters": [{"propertyName": "lastmodifieddate", "operator": "GT", "value": "0"}]}
        ]
    }
    assert hubspot.call("POST", f"{hubspot.objects}/companies/search", body).status_code == 400
    body["filterGroups"][0]["filters"][0]["propertyName"] = "hs_lastmodifieddate"
    assert hubspot.search(body, "companies")["total"] == 1


def test_a_create_sent_again_after_a_lost_answer_makes_a_second_note(hubspot):
    hubspot.fail("POST */objects/2026-09/notes", drop="after")
    note = {"properties": {"hs_note_body": "Hot", "hs_timestamp": "2026-11-24T12:00:00Z"}}
    for _ in range(3):
        try:
            hubspot.json("POST", f"{hubspot.objects}/notes", note)
            break
        except requests.RequestException:
            continue
    assert len(hubspot.crm.portal.records["notes"]) == 2


def test_a_user_id_taken_for_an_owner_id_is_refused(hubspot):
    hubspot.load(
        owners=[
            {
                "id": "41",
                "userId": 95,
                "archived": False,
                "email": "a@acme.example",
                "type": "PERSON",
            }
        ]
    )
    (id_,) = hubspot.contacts(1)
    owner = hubspot.json("GET", "/crm/owners/2026-09")["results"][0]
    give = {"properties": {"hubspot_owner_id": str(owner["userId"])}}
    assert hubspot.call("PATCH", f"{hubspot.objects}/contacts/{id_}", give).status_code == 400


def test_a_life_cycle_written_back_is_silently_kept(hubspot):
    (id_,) = hubspot.contacts(1, lifecyclestage="customer")
    answer = hubspot.call(
        "PATCH", f"{hubspot.objects}/contacts/{id_}", {"properties": {"lifecyclestage": "lead"}}
    )
    assert answer.ok
    assert hubspot.crm.portal.find("contacts", id_).values["lifecyclestage"] == "customer"


def test_a_quarter_of_a_second_after_each_429_is_never_enough(hubspot):
    """The clock of this portal moves with the client's own waits."""
    hubspot.contacts(1)
    hubspot.crm.steer("limits", {"burst": 2})
    calls = 0
    for _ in range(12):
        answer = hubspot.call("GET", f"{hubspot.objects}/contacts")
        calls += answer.status_code == 429
        hubspot.tick(0.25)
    assert calls == 10
    hubspot.tick(10)
    assert hubspot.call("GET", f"{hubspot.objects}/contacts").status_code == 200


# --- speed ----------------------------------------------------------------------------------------


def test_a_pull_of_ten_thousand_contacts_costs_the_portal_little(hubspot):
    """No page may cost a pass over all rows: that would be minutes."""
    hubspot.contacts(9_900)
    begun = time.process_time()
    for start in range(0, 9_800, 200):
        hubspot.search({"limit": 200, "after": str(start), "properties": ["email"],
                        "sorts": [{"propertyName": "createdate", "direction": "ASCENDING"}]})  # fmt: skip
    assert time.process_time() - begun < 5
