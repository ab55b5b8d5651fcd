"""HubSpot read: lists, search windows, associations, what is gone, and what asks too much."""

from __future__ import annotations

import pytest

from connector.adapters.base import Window
from connector.adapters.hubspot.paths import Paths
from connector.domain.dated import Changed
from connector.domain.moment import SECOND, parse_iso
from connector.errors import FeatureError, LoginError, UsageError
from connector.store.database import open_store
from connector.store.running.budgets import StoreBudget
from connector.transport.budget import metered
from tests.unit.adapters.hubspot_edge import definition, opened

SINCE, UNTIL = parse_iso("2026-10-31T10:00:00Z"), parse_iso("2026-10-31T11:00:00Z")
INSIDE, BEFORE, AFTER = (
    "2026-10-31T10:30:00.500Z",
    "2026-10-31T09:59:59.999Z",
    "2026-10-31T11:00:00Z",
)
CHANGES = Window(SINCE, UNTIL)
ALL = Window(None, UNTIL)


def rows(pages):
    return [row for page in pages for row in page.rows]


def gone(pages):
    return {k: v for page in pages for k, v in page.gone.items()}


def test_a_full_read_lists_everything_with_its_id(portal):
    for n in range(1, 251):
        portal.put("contacts", n, email=f"p{n}@a.example")
    pages = list(opened(portal).read("contacts", ["id", "email"], ALL, None))
    found = rows(pages)
    assert [row["id"] for row in found] == [str(n) for n in range(1, 251)]
    assert found[9]["email"] == "p10@a.example"
    assert portal.calls["contacts list"] == 3 + 1  # and one list of the archived


def test_type_ids_are_taken_for_names(portal):
    portal.put("contacts", 1, modified=INSIDE)
    assert rows(opened(portal).read("0-1", ["id"], CHANGES, None))[0]["id"] == "1"


def test_a_full_read_resumes_by_id_though_the_lists_cursor_is_lost(portal):
    for n in range(1, 301):
        portal.put("contacts", n)
    first = next(iter(opened(portal, page=100).read("contacts", ["id"], ALL, None)))
    rest = rows(opened(portal).read("contacts", ["id"], ALL, first.position))
    assert [int(row["id"]) for row in rest] == list(range(101, 301))


def test_a_list_out_of_order_is_read_anew_from_the_beginning(portal):
    portal.list_order = lambda ids: sorted(ids, key=lambda i: (i % 2, i))
    for n in range(1, 301):
        portal.put("contacts", n)
    first = next(iter(opened(portal, page=100).read("contacts", ["id"], ALL, None)))
    assert [int(r["id"]) for r in first.rows] == list(range(2, 201, 2))
    rest = rows(opened(portal).read("contacts", ["id"], ALL, first.position))
    assert {int(row["id"]) for row in [*first.rows, *rest]} == set(range(1, 301))


def test_a_list_found_out_of_order_later_says_so_in_its_positions(portal):
    portal.list_order = lambda ids: sorted(ids, reverse=True)
    for n in range(1, 301):
        portal.put("contacts", n)
    pages = list(opened(portal, page=100).read("contacts", ["id"], ALL, None))
    assert {page.position for page in pages if page.rows} == {"id:0"}
    assert [int(r["id"]) for r in pages[0].rows] == list(range(201, 301))
    assert len(rows(opened(portal).read("contacts", ["id"], ALL, "id:0"))) == 300


@pytest.mark.parametrize("stamp", [INSIDE, None], ids=["one moment for all", "each its own"])
def test_c08_c10_25_001_changed_records_come_once_each_though_search_ends_at_10_000(
    portal, stamp, monkeypatch
):
    monkeypatch.setattr("connector.adapters.hubspot.reading.MANY", 100_000)
    for n in range(1, 25_002):
        moment = stamp or f"2026-10-31T10:{n // 1000:02}:{n % 60:02}Z"
        portal.put("contacts", n, modified=moment)
    pages = list(opened(portal).read("contacts", ["id", "email"], CHANGES, None))
    assert [int(row["id"]) for row in rows(pages)] == list(range(1, 25_002))
    assert 900 < max(len(page.rows) for page in pages) <= 1000
    assert portal.calls["contacts search"] <= 126 + 2


def test_a_window_is_closed_and_half_open_to_the_millisecond(portal):
    for n, moment in enumerate((BEFORE, "2026-10-31T10:00:00Z", INSIDE, AFTER), 1):
        portal.put("contacts", n, modified=moment)
    assert [r["id"] for r in rows(opened(portal).read("contacts", ["id"], CHANGES, None))] == [
        "2",
        "3",
    ]


@pytest.mark.parametrize("kind", ["contacts", "companies", "deals", "emails"])
def test_each_object_is_searched_by_its_own_modified_date(portal, kind):
    portal.put(kind, 1, modified=INSIDE)
    assert len(rows(opened(portal).read(kind, ["id"], CHANGES, None))) == 1
    (body,) = [b for path, b in portal.bodies if path.endswith("/search")]
    name = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    assert {f["propertyName"] for f in body["filterGroups"][0]["filters"]} == {name, "hs_object_id"}


def test_an_increment_resumes_above_the_last_id(portal):
    for n in range(1, 501):
        portal.put("contacts", n, modified=INSIDE)
    first = next(iter(opened(portal, page=200).read("contacts", ["id"], CHANGES, None)))
    rest = rows(opened(portal).read("contacts", ["id"], CHANGES, first.position))
    assert [int(row["id"]) for row in rest] == list(range(201, 501))


@pytest.mark.parametrize("limit", [3000, None], ids=["long bodies refused", "long bodies taken"])
def test_wide_property_sets_are_searched_by_id_and_read_in_batches(portal, limit):
    portal.body_limit = limit
    wide = [f"wide_property_number_{n:03}" for n in range(200)]
    for n in range(1, 251):
        portal.put("contacts", n, modified=INSIDE, wide_property_number_199=f"v{n}")
    found = rows(opened(portal).read("contacts", ["id", *wide], CHANGES, None))
    assert [row["wide_property_number_199"] for row in found] == [f"v{n}" for n in range(1, 251)]
    assert portal.calls["contacts read"] == 3


def test_ids_longer_than_a_float_holds_stay_what_they_are(portal):
    portal.put("contacts", 9_007_199_254_740_993, modified=INSIDE)
    (row,) = rows(opened(portal).read("contacts", ["id"], CHANGES, None))
    assert row["id"] == "9007199254740993"


def test_an_unknown_property_is_named_before_any_row_is_read(portal):
    portal.put("contacts", 1)
    with pytest.raises(UsageError, match="no property `jobtitel`; did you mean `jobtitle`"):
        list(opened(portal).read("contacts", ["id", "jobtitel"], ALL, None))
    assert not portal.calls["contacts list"]


@pytest.mark.parametrize("source", ["no_such_object", "2-999"])
def test_an_unknown_object_is_refused(portal, source):
    with pytest.raises(UsageError, match=source):
        list(opened(portal).read(source, ["id"], ALL, None))


def test_archived_records_are_told_as_gone_by_both_kinds_of_read(portal):
    for n in (1, 2, 3):
        portal.put("contacts", n)
    portal.archive("contacts", 2, at=INSIDE)
    portal.archive("contacts", 3, at=BEFORE)
    assert gone(opened(portal).read("contacts", ["id"], ALL, None)) == {"2": None, "3": None}
    assert gone(opened(portal).read("contacts", ["id"], CHANGES, None)) == {"2": None}


def test_the_list_of_the_archived_is_short_but_once_a_day(portal):
    for n in range(1, 1502):
        portal.put("contacts", n)
        portal.archive("contacts", n, at=INSIDE)
    assert len(gone(opened(portal).read("contacts", ["id"], CHANGES, None))) == 1000
    midnight = Window(SINCE, parse_iso("2026-11-01T00:10:00Z"))
    assert len(gone(opened(portal).read("contacts", ["id"], midnight, None))) == 1501


def test_a_merged_record_is_gone_into_its_winner(portal):
    portal.put("contacts", 30, modified=INSIDE, hs_merged_object_ids="10;20")
    assert gone(opened(portal).read("contacts", ["id"], CHANGES, None)) == {"10": "30", "20": "30"}
    assert gone(opened(portal).read("contacts", ["id"], ALL, None)) == {"10": "30", "20": "30"}


def test_a_loser_that_is_listed_as_archived_first_still_names_its_winner(portal):
    portal.put("contacts", 10)
    portal.archive("contacts", 10, at=INSIDE)
    portal.put("contacts", 30, modified=AFTER, hs_merged_object_ids="10;20")
    portal.merged = {"10": "30"}
    assert gone(opened(portal).read("contacts", ["id"], CHANGES, None)) == {"10": "30"}


def test_rows_by_id_leave_out_what_is_gone_and_follow_merges(portal):
    for n in range(1, 121):
        portal.put("contacts", n, email=f"p{n}@a.example")
    portal.merged = {"900": "7"}
    asked = [str(n) for n in range(1, 121)] + ["900", "999", "no number"]
    found = opened(portal).read_ids("contacts", ["id", "email"], asked)
    assert {row["id"] for row in found} == {str(n) for n in range(1, 121)}
    assert opened(portal).read_ids("contacts", ["id"], ["900"])[0]["id"] == "7"


def test_associations_come_primary_first_page_by_page_and_none_is_an_empty_list(portal):
    def tie(ident, *labels):
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 1, "label": label} for label in labels]
        return {"toObjectId": ident, "associationTypes": kinds}

    portal.put("deals", 1, modified=INSIDE)
    portal.put("deals", 2, modified=INSIDE)
    tied = [tie(5, None), tie("9007199254740993"), tie("6"), tie("7", None, "Primary"), tie("8")]
    portal.ties["deals", "companies"] = {"1": tied}
    found = rows(opened(portal).read("deals", ["id", "associations.companies"], CHANGES, None))
    assert found[0]["associations.companies"] == ["7", "5", "9007199254740993", "6", "8"]
    assert found[1]["associations.companies"] == []
    assert portal.calls["associations"] == 3  # three pages of one deal


def test_a_page_of_rows_asks_once_for_its_associations(portal):
    for n in range(1, 1501):
        portal.put("deals", n)
    pages = opened(portal).read("deals", ["id", "associations.contacts"], ALL, None)
    assert [len(page.rows) for page in pages if page.rows] == [1000, 500]
    assert portal.calls["associations"] == 2


def test_the_moment_a_property_last_changed_is_asked_in_fifties_and_only_where_it_has_a_value(
    portal,
):
    for n in range(1, 161):
        past = {"hs_lead_status": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500Z"]}
        portal.put(
            "contacts", n, modified=INSIDE, hs_lead_status="OPEN" if n <= 60 else None, _past=past
        )
    names = ["id", "hs_lead_status.changed"]
    found = rows(opened(portal).read("contacts", names, CHANGES, None))
    assert found[0]["hs_lead_status.changed"] == "2026-01-01T00:00:00.500Z"
    assert found[159]["hs_lead_status.changed"] is None
    assert portal.calls["contacts read"] == 2


def test_a_moment_is_asked_only_where_the_value_says_something_and_pages_share_the_calls(portal):
    past = {"hs_lead_status": ["2026-01-01T00:00:00Z"]}
    for n in range(1, 2_501):
        said = "BAD_TIMING" if n % 25 == 0 else "NEW"
        portal.put("contacts", n, hs_lead_status=said, _past=past)
    names = ["id", Changed("hs_lead_status", ["BAD_TIMING"])]
    pages = list(opened(portal).read("contacts", names, ALL, None))
    found = rows(pages)
    dated = [row["id"] for row in found if row["hs_lead_status.changed"] is not None]
    assert dated == [str(n) for n in range(25, 2_501, 25)]
    assert portal.calls["contacts read"] == 2, "a hundred of them, fifty a call, from three pages"
    assert [len(page.rows) for page in pages if page.rows] == [1000, 1000, 500]


def test_pages_of_which_nobody_asks_for_a_moment_wait_for_no_others(portal):
    for n in range(1, 3_001):
        portal.put("contacts", n, hs_lead_status="NEW")
    names = ["id", Changed("hs_lead_status", ["BAD_TIMING"])]
    pages = opened(portal, leaps=False).read("contacts", names, ALL, None)
    assert len(next(pages).rows) == 1000
    assert portal.calls["contacts list"] == 11, "a hundred to see its cursor, then a thousand"
    pages.close()


def test_a_deal_says_open_won_or_lost_by_its_flags_else_by_its_stage(portal):
    def stage(ident, closed, probability):
        return {
            "id": ident,
            "label": f"Stage {ident}",
            "displayOrder": 0,
            "archived": False,
            "createdAt": "1970-01-01T00:00:00Z",
            "updatedAt": "1970-01-01T00:00:00Z",
            "metadata": {"isClosed": closed, "probability": probability},
        }

    stages = [stage("a", "true", "1.0"), stage("b", "true", "0.0"), stage("c", "false", "0.5")]
    portal.pipelines = [{"id": "default", "label": "Sales", "displayOrder": 0, "stages": stages}]
    flags = {"hs_is_closed": "true", "hs_is_closed_won": "false"}
    portal.put("deals", 1, modified=INSIDE, dealstage="a", pipeline="default", **flags)
    portal.put(
        "deals", 2, modified=INSIDE, dealstage="c", hs_is_closed="true", hs_is_closed_won="true"
    )
    portal.put("deals", 3, modified=INSIDE, dealstage="c", hs_is_closed="false")
    for ident, name in ((4, "a"), (5, "b"), (6, "c"), (7, "renamed")):
        portal.put("deals", ident, modified=INSIDE, dealstage=name)
    names = ["id", "dealstage.state", "dealstage.label", "pipeline.label"]
    found = rows(opened(portal).read("deals", names, CHANGES, None))
    states = [row["dealstage.state"] for row in found]
    assert states == ["lost", "won", "open", "won", "lost", "open", None]
    assert (found[0]["dealstage.label"], found[0]["pipeline.label"]) == ("Stage a", "Sales")


def test_what_was_sold_with_a_deal_stands_beside_it_each_once(portal):
    for n in (1, 2):
        portal.put("deals", n)
    portal.properties["line_items"] = [definition("name")]
    for n, name in ((11, "Planner"), (12, "Planner"), (13, "Support")):
        portal.put("line_items", n, name=name)
    portal.ties["deals", "line_items"] = {
        "1": [{"toObjectId": str(n), "associationTypes": []} for n in (11, 12, 13)]
    }
    found = rows(opened(portal).read("deals", ["id", "line_items.name"], ALL, None))
    assert [row["line_items.name"] for row in found] == [["Planner", "Support"], []]


def test_without_the_right_to_line_items_deals_are_read_and_it_is_said_once(portal, caplog):
    portal.put("deals", 1)
    portal.ties["deals", "line_items"] = {"1": [{"toObjectId": "11", "associationTypes": []}]}
    portal.forbidden.add("line_items")
    crm = opened(portal)
    for _ in range(2):
        (row,) = rows(crm.read("deals", ["id", "line_items.name"], ALL, None))
        assert row["line_items.name"] is None
    assert len([one for one in caplog.messages if "line items" in one]) == 1


def test_the_full_name_is_put_together(portal):
    portal.put("contacts", 1, firstname="Ada", lastname="Lovelace")
    portal.put("contacts", 2, lastname="Hopper")
    portal.put("contacts", 3)
    found = rows(opened(portal).read("contacts", ["id", "full_name"], ALL, None))
    assert [row["full_name"] for row in found] == ["Ada Lovelace", "Hopper", None]


def test_descriptions_say_what_can_be_written_and_which_values(portal):
    known = opened(portal).describe("contacts")
    assert known["tier"].values == ("gold", "silver")
    assert not known["hubspotscore"].writable
    assert not known["lastmodifieddate"].writable
    assert known["leadloop_score"].writable
    assert known["hubspot_owner_id"].type == "owner"
    assert known["hubspot_owner_id"].values is None
    assert {"id", "associations.companies", "full_name"} <= set(known)


def test_a_missing_scope_is_named_and_not_asked_for_twice(portal):
    portal.forbidden = {"contacts"}
    with pytest.raises(LoginError, match=r"crm\.objects\.contacts\.read") as caught:
        list(opened(portal).read("contacts", ["id"], ALL, None))
    assert caught.value.hint
    assert sum(portal.calls.values()) == 1


@pytest.mark.parametrize("source", ["leads", "deals", "calls", "owners", "form_submissions"])
def test_what_is_not_offered_to_us_is_a_feature_less_and_names_its_scope(portal, source):
    portal.forbidden = {source, "forms"}
    with pytest.raises(FeatureError, match=f"{source} cannot be read.*crm.objects"):
        list(opened(portal).read(source, ["id"], ALL, None))
    if source not in {"owners", "form_submissions"}:
        assert opened(portal).describe(source) == {}
        with pytest.raises(FeatureError):
            opened(portal).read_ids(source, ["id"], ["1"])


def test_what_somebody_agreed_to_is_read_by_address_or_from_the_contact(portal):
    portal.properties["contacts"].append(definition("hs_email_optout_77", "bool"))
    portal.put("contacts", 1, email="Ada@a.example")
    portal.put("contacts", 2, email="bob@a.example", hs_email_optout_77="true")
    portal.put("contacts", 3)
    portal.consents = {"ada@a.example": {"77": "SUBSCRIBED"}}
    found = rows(opened(portal).read("contacts", ["id", "consent.77"], ALL, None))
    said = {row["id"]: row["consent.77"] for row in found}
    assert said == {"1": "SUBSCRIBED", "2": "UNSUBSCRIBED", "3": None}
    portal.forbidden = {"consent"}
    found = rows(opened(portal).read("contacts", ["id", "consent.77"], ALL, None))
    said = {row["id"]: row["consent.77"] for row in found}
    assert said == {"1": None, "2": "UNSUBSCRIBED", "3": None}  # unknown is not agreed


def test_the_whole_past_of_a_property_is_read_fifty_records_a_call(portal):
    for n in range(1, 121):
        past = {"dealstage": ["2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"]}
        portal.put("deals", n, dealstage="a", _past=past)
    portal.put("deals", 900)
    names = ["id", "record", "value", "at"]
    found = rows(opened(portal).read("history/deals/dealstage", names, ALL, None))
    assert len(found) == 240
    assert found[0]["id"] == "1/2026-10-01T00:00:00Z"
    assert {row["value"] for row in found} == {"a"}
    with pytest.raises(UsageError, match="deelstage"):
        list(opened(portal).read("history/deals/deelstage", names, ALL, None))


@pytest.mark.parametrize("longest", [3000, 100_000])
def test_wide_increments_are_read_under_either_limit_of_a_searchs_length(portal, longest):
    portal.body_limit = longest
    wide = [f"wide_property_number_{n:03}" for n in range(200)]
    portal.put("contacts", 1, modified=INSIDE, wide_property_number_199="x")
    adapter = opened(portal, search_body=longest)
    (row,) = rows(adapter.read("contacts", ["id", *wide], CHANGES, None))
    assert row["wide_property_number_199"] == "x"
    assert portal.calls["contacts read"] == (1 if longest == 3000 else 0)


def test_where_most_of_a_portal_changed_it_is_listed_and_resumed_by_search(portal, monkeypatch):
    monkeypatch.setattr("connector.adapters.hubspot.reading.MANY", 30)
    for n in range(1, 500):
        portal.put("contacts", n, modified=INSIDE if n % 3 else "2026-01-01T00:00:00Z")
    adapter = opened(portal)
    pages = [page for page in adapter.read("contacts", ["id"], CHANGES, None) if page.rows]
    assert {row["id"] for row in rows(pages)} == {str(n) for n in range(1, 500)}
    assert portal.calls["contacts search"] == 3, "one more says how much of the list is left"
    assert {page.position for page in pages} == {"id:0"}
    again = rows(adapter.read("contacts", ["id"], CHANGES, pages[0].position))
    assert {row["id"] for row in again} == {str(n) for n in range(1, 500) if n % 3}


def test_two_processes_together_stay_at_five_searches_a_second(portal, slow, tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    portal.clock = slow.clock
    for n in range(1, 4002):
        portal.put("contacts", n, modified=INSIDE)
    for n in range(4002, 8100):
        portal.put("contacts", n, modified="2026-01-01T00:00:00Z")

    def process():
        budget = StoreBudget(
            store,
            "hs",
            reserve=0.2,
            clock=lambda: round(slow.now * SECOND),
            ticks=lambda _tx: round(slow.now * SECOND),
            local=lambda: round(slow.now * SECOND),
            sleep=lambda seconds: slow.sleep(seconds + 1e-6),
        )
        with metered(budget):
            adapter = opened(portal, slow)
        budget.keep(adapter.capabilities.paces)
        return adapter.read("contacts", ["id"], CHANGES, None)

    for _pages in zip(process(), process(), strict=True):
        pass
    store.close()
    at = portal.searched_at
    assert len(at) == 44, "21 pages each, and a look at how many there are"
    assert all(sixth - first >= 1 for first, sixth in zip(at, at[5:], strict=False))
    assert at[-1] - at[0] < 10, "and not much slower"


def test_check_names_portal_and_product(portal):
    there = opened(portal).check()
    assert (there.organisation, there.product) == ("4711", f"HubSpot STANDARD API {portal.version}")


@pytest.mark.parametrize("web", ["evil.example", "hubspot.com.evil.example", "a b.hubspot.com", ""])
def test_a_host_that_is_not_hubspots_becomes_no_link(portal, web):
    portal.web = web
    assert opened(portal).check().record_page is None


def test_the_time_is_hubspots_own(portal):
    assert opened(portal).server_now() == parse_iso("2026-11-01T12:00:00Z")


def test_no_version_is_guessed():
    with pytest.raises(UsageError, match="2027"):
        Paths("2027-03")
