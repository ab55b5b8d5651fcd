"""Traps of reading: the search, its index, records that move, and the shapes of values."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from connector.adapters.base import Window
from connector.domain.moment import DAY, HOUR, MINUTE, SECOND
from connector.errors import FeatureError
from connector.mapping.compile import compile_mapping
from connector.mapping.document import load_mapping
from connector.practice.hubspot.moments import epoch_ms, iso

MAPPING = Path(__file__).parents[3] / "mappings" / "hubspot.yaml"


class Naive:
    """Searches by modified date, newest date seen as the cursor, and believes every answer."""

    def __init__(self, hubspot) -> None:
        self.hs, self.cursor, self.seen = hubspot, 0, {}

    def search(self, after="0", kind="contacts", name="lastmodifieddate"):
        test = {"propertyName": name, "operator": "GTE", "value": str(self.cursor)}
        body = {"filterGroups": [{"filters": [test]}], "limit": 200, "after": after, "properties": ["jobtitle"],
                "sorts": [{"propertyName": name, "direction": "ASCENDING"}]}  # fmt: skip
        return self.hs.call("POST", f"{self.hs.objects}/{kind}/search", body)

    def pull(self) -> int:
        """Page after page by offset."""
        after, newest = "0", self.cursor
        while True:
            answer = self.search(after)
            if answer.status_code != 200:
                return answer.status_code
            for one in answer.json()["results"]:
                self.seen[one["id"]] = one
                newest = max(newest, epoch_ms(one["updatedAt"]))
            if "paging" not in answer.json():
                self.cursor = newest + 1
                return 200
            after = answer.json()["paging"]["next"]["after"]

    def keyset(self, most: int) -> int:
        """Page after page by the newest date seen; gives how many pages it took."""
        for page in range(1, most + 1):
            rows = self.search().json()["results"]
            self.seen |= {one["id"]: one for one in rows}
            if len(rows) < 200:
                return page
            self.cursor = epoch_ms(rows[-1]["updatedAt"])
        return most + 1


@pytest.fixture
def naive(hubspot):
    return Naive(hubspot)


def edit(hubspot, id_, **values):
    hubspot.crm.steer("edit", {"type": "contacts", "id": id_, "set": values})


def test_trap_01_a_textbook_search_stops_at_ten_thousand(hubspot, naive):
    hubspot.contacts(10_201)
    assert naive.pull() == 400
    assert len(naive.seen) == 10_000


def test_trap_01_ours_sees_each_of_25_001_changed_once(hubspot, ours):
    ids = hubspot.contacts(25_001)
    seen = [row["id"] for row in ours.rows(hubspot.now - HOUR)]
    assert len(seen) == len(set(seen)) == 25_001
    assert set(seen) == set(ids)


def test_trap_02_a_cursor_on_the_date_never_leaves_a_bulk_stamp(hubspot, naive):
    ids = hubspot.contacts(1000)
    assert naive.keyset(most=50) == 51
    assert len(naive.seen) < len(ids)


def test_trap_02_ours_leaves_it_with_all_rows(hubspot, ours):
    ids = hubspot.contacts(10_300)
    hubspot.tick(60)
    hubspot.crm.steer("stamp", {"type": "contacts", "ids": ids, "at": hubspot.now})
    seen = [row["id"] for row in ours.rows(hubspot.now - SECOND)]
    assert sorted(seen) == sorted(ids)


def test_trap_03_the_newest_date_seen_skips_what_the_index_shows_late(hubspot, naive):
    one, two = hubspot.contacts(2)
    naive.pull()
    hubspot.crm.steer("rules", {"lag": 30})
    hubspot.tick(60)
    edit(hubspot, one, jobtitle="Early")
    hubspot.crm.steer("rules", {"lag": 0})
    hubspot.tick(1)
    edit(hubspot, two, jobtitle="Later")
    naive.pull()
    hubspot.tick(60)
    naive.pull()
    assert naive.seen[two]["properties"]["jobtitle"] == "Later"
    assert naive.seen[one]["properties"]["jobtitle"] is None


def test_trap_03_ours_sees_it_in_the_next_run(opened):
    work = opened("hubspot")
    work.person("early", title="Clerk")
    work.go()
    work.crm.steer("rules", {"lag": 600})
    work.pass_time(HOUR)
    work.edit("early", jobtitle="CEO")
    work.run()
    work.pass_time(12 * MINUTE)
    work.run()
    ((doc,),) = work.rows(f"SELECT doc FROM record WHERE id = '{work.ids['early']}'")
    assert '"title":"CEO"' in doc


@pytest.mark.parametrize("skew", [-10, 10])
def test_trap_04_a_runner_whose_clock_is_ahead_loses_changes(hubspot, naive, skew):
    (id_,) = hubspot.contacts(1)
    naive.cursor = hubspot.now // 1000 + skew * 60_000  # "I have read up to my own now"
    hubspot.tick(60)
    edit(hubspot, id_, jobtitle="CEO")
    naive.pull()
    assert (id_ in naive.seen) is (skew < 0)


@pytest.mark.parametrize("skew", [-10 * MINUTE, 10 * MINUTE])
def test_trap_04_ours_goes_by_the_portals_clock(opened, skew):
    work = opened("hubspot")
    work.person("early", title="Clerk")
    work.go()
    work.skew = skew
    for turn in range(
        3
    ):  # what changes between two runs is read by the next, whatever our clock says
        work.pass_time(2 * MINUTE)
        work.edit("early", jobtitle=f"Title {turn}")
        work.run()
        ((doc,),) = work.rows(f"SELECT doc FROM record WHERE id = '{work.ids['early']}'")
        assert f'"title":"title {turn}"' in doc.lower()
    ((until,),) = work.rows(
        "SELECT done_until FROM checkpoint WHERE object = 'contact' AND kind = 'increment'"
    )
    assert abs(until - work.now) <= 2 * MINUTE


def test_trap_05_a_record_that_changes_between_pages_is_lost_to_offsets(hubspot, naive):
    ids = hubspot.contacts(300)
    first = naive.search().json()
    hubspot.tick(5)
    edit(hubspot, ids[0], jobtitle="CEO")  # it moves to the end, and row 200 onto page one
    rest = naive.search(first["paging"]["next"]["after"]).json()
    seen = [one["id"] for page in (first, rest) for one in page["results"]]
    assert ids[200] not in seen
    assert seen.count(ids[0]) == 2


def test_trap_05_ours_gives_each_record_once_and_none_is_lost(hubspot, ours):
    ids = hubspot.contacts(900)
    start = hubspot.now
    hubspot.tick(10)
    seen = []
    for page in ours.adapter.read("contacts", ["id"], Window(start - HOUR, start + SECOND), None):
        seen += [row["id"] for row in page.rows]
        edit(hubspot, ids[len(seen) % 900], jobtitle=f"T{len(seen)}")
    assert len(seen) == len(set(seen))
    changed = {row["id"] for row in ours.rows(start + SECOND)}
    assert set(seen) | changed == set(ids)


@pytest.mark.parametrize("kind", ["companies", "deals", "meetings"])
def test_trap_06_the_contacts_modified_date_is_refused_elsewhere(hubspot, naive, kind):
    hubspot.load(**{kind: [{"properties": {}}]})
    assert naive.search(kind=kind).status_code == 400


@pytest.mark.parametrize("kind", ["contacts", "companies", "deals", "meetings"])
def test_trap_06_ours_knows_each_types_own(hubspot, ours, kind):
    old, new = hubspot.load(**{kind: [{"at": hubspot.now - DAY, "properties": {}}, {"properties": {}}]})[kind]  # fmt: skip
    assert [row["id"] for row in ours.rows(hubspot.now - HOUR, names=("id",), source=kind)] == [new]
    assert old != new


def test_trap_07_a_search_never_tells_what_was_archived(hubspot, naive):
    ids = hubspot.contacts(5)
    naive.pull()
    for one in ids[:3]:
        hubspot.crm.steer("archive", {"type": "contacts", "id": one})
    naive.pull()
    assert set(naive.seen) == set(ids)


def test_trap_07_ours_marks_the_three_after_the_nightly_comparison(opened):
    work = opened("hubspot")
    for name in ("a", "b", "c", "d"):
        work.person(name)
    work.go()
    for name in ("a", "b", "c"):
        work.crm.steer("archive", {"type": "contacts", "id": work.ids[name]})
    work.pass_time(DAY + HOUR)
    work.run()
    gone = {id_ for (id_,) in work.rows("SELECT id FROM record WHERE object = 'contact' AND gone")}  # fmt: skip
    assert gone == {work.ids[name] for name in ("a", "b", "c")}


def test_trap_12_a_cursor_from_a_write_answer_goes_backwards(hubspot):
    (id_,) = hubspot.contacts(1)
    born = hubspot.now
    hubspot.crm.steer("rules", {"stale_answers": True})
    hubspot.tick(60)
    path = f"{hubspot.objects}/contacts/{id_}"
    said = hubspot.json("PATCH", path, {"properties": {"jobtitle": "A"}})["updatedAt"]
    assert said == iso(born) != hubspot.json("GET", path)["updatedAt"]


def test_trap_12_ours_asks_nothing_of_it(opened):
    work = opened("hubspot")
    work.go()
    work.crm.steer("rules", {"stale_answers": True})
    work.hot("eve")
    work.go()
    assert work.mirrored("eve", "score") is not None
    cursor = "SELECT done_until FROM checkpoint WHERE object = 'contact' AND kind = 'increment'"
    ((before,),) = work.rows(cursor)
    work.written()
    work.pass_time(5 * MINUTE)
    work.edit("eve", jobtitle="Chief of Mills")
    work.run()
    ((after,),) = work.rows(cursor)
    assert after >= before + 5 * MINUTE
    held = work.rows(f"SELECT doc, changed FROM record WHERE id = '{work.ids['eve']}'")
    assert "chief of mills" in held[0][0].lower()
    truly = work.crm.portal.find("contacts", work.ids["eve"]).updated
    assert abs(held[0][1] - truly) < SECOND, (
        "the date of the record, not the one our write was told"
    )
    work.written()
    work.run()
    assert work.written() == []


def test_trap_37_ids_made_numbers_lose_their_last_digits(hubspot):
    big = 2**53 + 1
    assert str(int(float(str(big)))) != str(big)
    (id_,) = hubspot.contacts(1)
    (company,) = hubspot.load(companies=[{"properties": {"name": "M"}}])["companies"]
    hubspot.load(ties=[["contacts", id_, "companies", company]])
    asked = {"inputs": [{"id": id_}]}
    kinds = {}
    for base in ("/crm/v4/associations", "/crm/associations/2026-09"):
        read = hubspot.json("POST", f"{base}/contacts/companies/batch/read", asked)
        kinds[base] = read["results"][0]["to"][0]["toObjectId"]
    old, new = kinds.values()
    assert old != new, "a client that joins by equality finds nothing after the switch"
    assert str(old) == new == company


def test_trap_39_a_format_with_a_fraction_fails_on_whole_seconds(hubspot):
    hubspot.contacts(1)
    (row,) = hubspot.json("GET", f"{hubspot.objects}/contacts?properties=createdate")["results"]
    with pytest.raises(ValueError, match="does not match"):
        datetime.strptime(row["properties"]["createdate"], "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007


def test_trap_39_ours_takes_every_spelling_of_a_moment(hubspot, ours):
    moment = hubspot.now // SECOND * SECOND
    spelt = [iso(moment), iso(moment).replace("Z", ".000Z"), str(moment // 1000)]
    made = hubspot.load(meetings=[{"properties": {"hs_timestamp": one}} for one in spelt])
    rows = ours.rows(names=("id", "hs_timestamp"), source="meetings")
    assert [row["id"] for row in rows] == made["meetings"]
    assert {epoch_ms(str(row["hs_timestamp"])) for row in rows} == {moment // 1000}


def test_trap_37_ours_keeps_ids_as_text(hubspot, ours):
    hubspot.crm.portal._last_id = 2**53
    ids = hubspot.contacts(3)
    assert [row["id"] for row in ours.rows()] == ids
    assert {type(row["id"]) for row in ours.rows()} == {str}


@pytest.fixture
def wide(hubspot):
    known = hubspot.crm.portal.definitions["contacts"]
    names = [f"custom_property_with_a_rather_long_name_{n:04}" for n in range(400)]
    for name in names:
        known.create({"name": name, "label": name, "type": "string", "fieldType": "text",
                      "groupName": "contactinformation"})  # fmt: skip
    hubspot.contacts(3, **{names[0]: "first", names[-1]: "last"})
    return names


def test_trap_33_a_list_of_all_properties_has_too_long_a_url(hubspot, wide):
    path = f"{hubspot.objects}/contacts?properties={','.join(wide)}"
    assert hubspot.call("GET", path).status_code == 414


def test_trap_33_ours_stays_below_and_loses_no_property(wide, ours, calls):
    for since in (None, ours.hubspot.now - HOUR):
        rows = ours.rows(since, names=("id", *wide))
        assert [(row[wide[0]], row[wide[-1]]) for row in rows] == [("first", "last")] * 3
    assert max(len(request.path) + len(request.query) for _, request in calls) < 15_500


def test_trap_34_a_search_for_many_properties_may_be_refused(hubspot, wide):
    hubspot.crm.steer("rules", {"search_body": 3000})
    body = {"filterGroups": [], "limit": 200, "properties": wide}
    answer = hubspot.call("POST", f"{hubspot.objects}/contacts/search", body)
    assert answer.status_code == 400


@pytest.mark.parametrize("cap", [None, 3000])
def test_trap_34_ours_reads_all_of_them_either_way(hubspot, wide, ours, cap):
    hubspot.crm.steer("rules", {"search_body": cap})
    rows = ours.rows(hubspot.now - HOUR, names=("id", *wide))
    assert [row[wide[-1]] for row in rows] == ["last"] * 3


def test_trap_35_history_for_a_hundred_is_refused(hubspot):
    ids = hubspot.contacts(100)
    body = {"inputs": [{"id": one} for one in ids], "propertiesWithHistory": ["jobtitle"]}
    answer = hubspot.call("POST", f"{hubspot.objects}/contacts/batch/read", body)
    assert answer.status_code == 400


def test_trap_35_ours_asks_for_fifty_at_most(hubspot, ours, calls):
    ids = hubspot.contacts(120, jobtitle="Clerk")
    hubspot.tick(60)
    for one in ids:
        edit(hubspot, one, jobtitle="Boss")
    rows = ours.rows(hubspot.now - HOUR, names=("id", "value"), source="history/contacts/jobtitle")
    assert [row["value"] for row in rows].count("Boss") == 120
    sizes = [
        len(request.json()["inputs"])
        for said, request in calls
        if said.endswith("/batch/read") and request.json().get("propertiesWithHistory")
    ]
    assert sizes
    assert max(sizes) <= 50


def test_trap_36_the_first_page_of_associations_is_not_all(hubspot):
    made = hubspot.load(contacts=[{"properties": {"email": "a@mills.example"}}, {"properties": {}}],
                        companies=[{"properties": {"name": f"M{n}"}} for n in range(5)],
                        ties=[["contacts", 0, "companies", n] for n in range(5)])  # fmt: skip
    hubspot.crm.steer("rules", {"ties_page": 2})
    asked = {"inputs": [{"id": one} for one in made["contacts"]]}
    base = "/crm/associations/2026-09/contacts/companies/batch/read"
    answer = hubspot.call("POST", base, asked)
    assert answer.status_code == 207, "somebody tied to nothing is told as an error"
    assert len(answer.json()["results"][0]["to"]) == 2


def test_trap_36_ours_knows_each_persons_company_and_minds_nobody_without(opened):
    work = opened("hubspot")
    work.crm.steer("rules", {"ties_page": 2})
    work.person("tied")
    work.person("free")
    companies = [{"properties": {"name": f"M{n}"}} for n in range(5)]
    ties = [["companies", n, "contacts", work.ids["tied"]] for n in range(5)]
    made = work.crm.steer("load", {"companies": companies, "ties": ties})["companies"]
    work.go()
    accounts = dict(work.rows("SELECT id, account FROM record WHERE object = 'contact'"))
    assert made[0] in (accounts[work.ids["tied"]] or "")
    assert accounts[work.ids["free"]] is None


def test_trap_43_a_portal_without_leads_answers_403(hubspot):
    assert hubspot.call("GET", f"{hubspot.objects}/leads").status_code == 403


def test_trap_43_ours_runs_on_without_them(opened):
    work = opened("hubspot")
    work.person("eve")
    assert work.go().status in {"ok", "needs_approval"}
    assert work.rows("SELECT count(*) FROM record WHERE object = 'contact'") == [(1,)]


def test_trap_43_a_lead_needs_a_contact_where_the_portal_has_leads(hubspot):
    hubspot.crm.steer("rules", {"leads_enabled": True})
    alone = {"properties": {"hs_lead_name": "Mills"}}
    assert hubspot.call("POST", f"{hubspot.objects}/leads", alone).status_code == 400


def test_trap_43_ours_reads_leads_with_their_contact_where_the_portal_has_them(hubspot, ours):
    (id_,) = hubspot.contacts(1)
    with pytest.raises(FeatureError, match="leads"):
        ours.rows(source="leads", names=("id",))
    hubspot.crm.steer("rules", {"leads_enabled": True})
    tie = {"to": {"id": id_}, "types": [{"associationCategory": "HUBSPOT_DEFINED",
                                         "associationTypeId": 578}]}  # fmt: skip
    body = {"properties": {"hs_lead_name": "Mills"}, "associations": [tie]}
    made = hubspot.json("POST", f"{hubspot.objects}/leads", body)["id"]
    (row,) = ours.rows(source="leads", names=("id", "hs_lead_name", "associations.contacts"))
    assert (row["id"], row["hs_lead_name"]) == (made, "Mills")
    assert row["associations.contacts"] == [id_]


def test_trap_42_a_portal_below_enterprise_answers_403(hubspot):
    hubspot.crm.steer("rules", {"enterprise": False})
    assert hubspot.call("GET", "/events/event-occurrences/2026-09").status_code == 403


def test_trap_42_ours_runs_on_without_page_views(opened):
    work = opened("hubspot")
    work.crm.steer("rules", {"enterprise": False})
    work.hot("eve")
    assert work.go().status in {"ok", "needs_approval"}
    assert work.mirrored("eve", "score") is not None


def test_trap_44_opens_by_machines_look_like_opens(hubspot):
    one = {"id": "e1", "type": "OPEN", "recipient": "a@mills.example"}
    hubspot.load(mails=[{**one, "created": n, "filteredEvent": True} for n in (1, 2)])
    answer = hubspot.json("GET", "/email/public/v1/events?eventType=OPEN&limit=1000")
    assert len({event["id"] for event in answer["events"]}) == 1, "keyed by id, one is lost"
    assert all(event["filteredEvent"] for event in answer["events"])


def test_trap_45_one_page_of_submissions_is_not_all_and_fifty_is_the_most(hubspot):
    form = {"id": "f-1", "name": "Demo"}
    sent = [{"conversionId": str(n), "submittedAt": n, "values": []} for n in range(60)]
    hubspot.load(forms=[form], submissions={"f-1": sent})
    base = "/form-integrations/v1/submissions/forms/f-1"
    assert hubspot.call("GET", f"{base}?limit=100").status_code == 400
    page = hubspot.json("GET", base)["results"]
    assert (len(page), page[0]["submittedAt"]) == (20, 59)


def test_trap_44_ours_keeps_both_and_counts_what_people_opened(hubspot, ours):
    one = {"id": "e1", "type": "OPEN", "recipient": "a@mills.example"}
    hubspot.load(
        mails=[
            {**one, "created": hubspot.now // 1000 - 2000, "filteredEvent": True},
            {**one, "created": hubspot.now // 1000 - 1000, "filteredEvent": False},
        ]
    )
    mapping = compile_mapping(load_mapping(MAPPING))["mailing"]
    rows = ours.rows(0, names=mapping.names, source="email_events")
    assert len({row["id"] for row in rows}) == 2
    counted = [found for row in rows if (found := mapping.convert(row, "")) is not None]
    assert [one[0].type for one in counted] == ["email_open"]


def test_trap_45_ours_reads_all_sixty_once(hubspot, ours):
    at = hubspot.now // 1000
    sent = [{"conversionId": str(n), "submittedAt": at - n, "values": []} for n in range(60)]
    hubspot.load(forms=[{"id": "f-1", "name": "Demo"}], submissions={"f-1": sent})
    rows = ours.rows(0, names=("id", "submittedAt"), source="form_submissions")
    assert sorted(int(row["id"].rsplit("/")[-1]) for row in rows) == list(range(60))
