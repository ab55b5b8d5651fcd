"""What is read: every row, once, whatever the CRM does meanwhile."""

from __future__ import annotations

import pytest

from connector.adapters.base import Capabilities, Page, RemoteField
from connector.adapters.memory import MemoryAdapter
from connector.domain.moment import DAY, HOUR, MINUTE, format_iso
from connector.domain.outward import FieldType
from connector.errors import RemoteError, TryLaterError, UsageError
from tests.sync.world import MAPPING


def scores(world):
    return {i: row.get("ll_score") for i, row in sorted(world.crm.objects["leads"].items())}


def kept(world):
    return {
        row[0] for row in world.rows("SELECT id FROM record WHERE object = 'lead' AND NOT gone")
    }


@pytest.fixture
def reading(monkeypatch):
    """Put something between the loop and the memory CRM's `read`."""

    def put(instead):
        whole = MemoryAdapter.read
        monkeypatch.setattr(
            MemoryAdapter, "read", lambda self, *asked: instead(self, whole, *asked)
        )

    return put


@pytest.fixture
def windows(reading):
    """Every window that was read of leads."""
    seen = []

    def watch(adapter, whole, source, names, window, after):
        if source == "leads":
            seen.append((window.since, window.until, after))
        return whole(adapter, source, names, window, after)

    reading(watch)
    return seen


def capable(monkeypatch, **facts):
    given = {"kind": "memory", "batch_size": 50, "id_batch": 50, "overlap": 0, "provisions": True}
    monkeypatch.setattr(MemoryAdapter, "capabilities", Capabilities(**{**given, **facts}))


# --- windows and checkpoints ---------------------------------------------------------------------


def test_news_begin_where_the_backfill_began_less_the_overlap(small, windows, monkeypatch):
    capable(monkeypatch, overlap=10 * MINUTE)
    small.hot("l1")
    small.run()
    began = small.now
    assert windows == [(None, began, None)]
    small.pass_time(HOUR)
    small.run()
    assert windows[1:] == [(began - 10 * MINUTE, small.now, None)]
    second = small.now
    small.pass_time(HOUR)
    small.run()
    assert windows[2:] == [(second - 10 * MINUTE, small.now, None)]


def test_a_window_closes_behind_the_lag(small, windows, monkeypatch):
    capable(monkeypatch, lag=5 * MINUTE)
    small.hot("l1")
    small.run()
    assert windows[0][1] == small.now - 5 * MINUTE
    assert kept(small) == set()
    small.pass_time(10 * MINUTE)
    small.run()
    assert kept(small) == {"l1"}


def test_a_long_backfill_goes_on_where_it_stopped_and_news_come_first(small, reading):
    for n in range(40):
        small.lead(f"l{n:02}")
    pages, stop_after, order = [], [3], []

    def out_of_quota(adapter, whole, source, names, window, after):
        if source == "leads":
            order.append("backfill" if window.since is None else "news")
        for page in whole(adapter, source, names, window, after):
            yield page
            if source == "leads" and window.since is None:
                pages.append([row["id"] for row in page.rows])
                if len(pages) == stop_after[0]:
                    raise TryLaterError("the day's calls are used up")

    reading(out_of_quota)
    with pytest.raises(TryLaterError):
        small.run()
    assert len(kept(small)) == 21
    stop_after[0] = 5
    small.pass_time(HOUR)
    small.lead("l00", title="Clerk")
    small.lead("l39", title="Clerk")
    with pytest.raises(TryLaterError):
        small.run()
    assert len(kept(small)) == 36  # 35 by the backfill, and l39 as news
    stop_after[0] = 0
    small.pass_time(HOUR)
    small.run()
    assert len(kept(small)) == 40
    read = [i for page in pages for i in page]
    assert len(read) == len(set(read)), "a page was read twice"
    assert order == ["backfill", "news", "backfill", "news", "backfill"]


def test_an_open_window_is_gone_on_with_to_the_page_before_a_new_one_is_opened(
    small, reading, windows
):
    small.lead("l0")
    small.run()
    small.pass_time(HOUR)
    for n in range(30):
        small.lead(f"n{n:02}")
    count = [0]

    def broken(adapter, whole, source, names, window, after):
        for page in whole(adapter, source, names, window, after):
            yield page
            count[0] += source == "leads"
            if count[0] == 2:
                count[0] += 1
                raise TryLaterError("the line went dead")

    reading(broken)
    with pytest.raises(TryLaterError):
        small.run()
    first_end = small.now
    small.pass_time(HOUR)
    small.lead("later")
    small.run()
    assert windows[2][1:] == (first_end, "n13")
    assert "later" not in kept(small)
    small.run()
    assert kept(small) == {"l0", "later", *(f"n{n:02}" for n in range(30))}


def test_a_row_that_changes_while_pages_are_read_is_read_with_the_next_window(small, reading):
    for n in range(20):
        small.lead(f"l{n:02}")
    edited = []

    def edit_meanwhile(adapter, whole, source, names, window, after):
        for page in whole(adapter, source, names, window, after):
            yield page
            if source == "leads" and not edited:
                small.now += 1_000_000
                small.put("leads", "l15", title="Clerk")
                small.put("leads", "l01", title="Clerk")
                edited.append(1)

    reading(edit_meanwhile)
    small.run()
    small.run()
    titles = dict(small.rows("SELECT id, doc FROM record WHERE object = 'lead'"))
    assert '"Clerk"' in titles["l15"]
    assert '"Clerk"' in titles["l01"]


def test_a_clock_that_went_back_loses_nothing(small):
    small.lead("l1")
    small.start()
    small.pass_time(DAY)
    small.run()
    small.now -= DAY  # the CRM's clock was a day ahead
    small.pass_time(HOUR)
    small.hot("l2")
    small.run()
    assert kept(small) == {"l1", "l2"}
    small.pass_time(HOUR)
    small.hot("l3")
    small.run()
    assert kept(small) == {"l1", "l2", "l3"}


def test_a_new_mapping_reads_everything_anew_and_goes_on_with_the_news(small):
    small.hot("l1", country="fr")
    small.start()
    small.pass_time(HOUR)
    small.write(
        "mapping.yaml", MAPPING.replace("country: country}", "country: country, city: title}")
    )
    small.run()
    assert (
        '"city":"VP Operations"' in small.rows("SELECT doc FROM record WHERE object = 'lead'")[0][0]
    )


def test_one_object_that_cannot_be_read_keeps_no_other_from_being_read(small, reading):
    small.lead("l0")
    small.start()
    small.pass_time(HOUR)
    small.hot("l1")

    def no_deals(adapter, whole, source, names, window, after):
        if source == "deals":
            raise RemoteError("deals are closed for today", vendor_code="CLOSED")
        return whole(adapter, source, names, window, after)

    reading(no_deals)
    with pytest.raises(RemoteError, match="deals are closed"):
        small.run()
    assert small.rows("SELECT count(*) FROM activity") == [(1,)]
    assert kept(small) == {"l0", "l1"}
    until = dict(small.rows("SELECT object, done_until FROM checkpoint WHERE kind = 'increment'"))
    assert until["event"] == small.now
    assert until.get("deal", 0) < small.now


def test_c25_memory_holds_one_transaction_whatever_the_size(small, reading):
    """The next page is asked for only when those before are stored, as far as they are enough."""
    for n in range(30):
        small.lead(f"l{n:02}")
    out = []

    def watch(adapter, whole, source, names, window, after):
        for page in whole(adapter, source, names, window, after):
            if source == "leads" and page.rows:
                before = {r[0] for r in small.rows("SELECT id FROM record WHERE object = 'lead'")}
                out.append(len(before))
            yield page

    reading(watch)
    small.run()
    assert out == [0, 7, 14, 21, 28]


# --- schema drift --------------------------------------------------------------------------------


def test_a_field_that_went_away_is_said_each_run_and_the_rest_goes_on(small):
    small.hot("l1")
    small.start()
    title = small.crm.fields["leads"].pop("title")
    small.pass_time(HOUR)
    small.lead("l2", email="l2@b.example")
    small.crm.fields["leads"].pop("title")
    for _ in range(2):
        result = small.run()
        assert result.counts["pull"]["fields lost"] == 1
        assert any("`title`" in said and "leads" in said for said in small.warnings)
    assert kept(small) == {"l1", "l2"}
    small.crm.fields["leads"]["title"] = title
    small.run()
    assert small.warnings == []


def test_a_field_that_never_was_there_is_a_mistake_of_the_mapping(small):
    small.write("mapping.yaml", MAPPING.replace("country: country}", "country: cuontry}"))
    small.hot("l1")
    with pytest.raises(UsageError, match="no field `cuontry`"):
        small.run()


def test_a_field_of_ours_that_went_away_is_written_no_more_and_the_others_are(small):
    small.hot("l1")
    small.start()
    del small.crm.fields["leads"]["ll_fit"]
    small.pass_time(HOUR)
    small.event("l1", "download", asset="x")
    result = small.run()
    assert small.shown("l1")["ll_score"] == 100
    assert result.counts["apply"]["refused"] == 0


def test_without_its_key_or_time_an_object_is_not_read_and_the_others_are(small):
    small.hot("l1")
    small.start()
    small.pass_time(HOUR)
    small.hot("l2")
    del small.crm.fields["deals"]["changed_at"]
    with pytest.raises(UsageError, match="deals has no `changed_at` any more"):
        small.run()
    assert kept(small) == {"l1", "l2"}


def test_a_new_field_is_said_once_and_a_changed_type_keeps_aside_what_does_not_fit(small):
    small.put("companies", "odd", name="Odd", employees=5, industry="x")
    small.crm.fields["companies"]["employees"] = RemoteField("employees", FieldType.NUMBER)
    small.hot("l1")
    small.start()
    small.crm.fields["companies"]["employees"] = RemoteField("employees", FieldType.TEXT)
    small.crm.fields["companies"]["region"] = RemoteField("region", None)
    small.pass_time(HOUR)
    small.put("companies", "odd", employees="5-10")
    result = small.run()
    assert result.counts["pull"]["rejected"] == 1
    assert any("was number and is text" in said for said in small.warnings)
    assert any("1 new fields" in said for said in small.warnings)
    assert '"employees":5' in small.rows("SELECT doc FROM record WHERE id = 'odd'")[0][0]
    small.run()
    assert small.warnings == []


# --- deletes, merges, undeletes ------------------------------------------------------------------


def test_a_record_that_comes_back_is_alive_again(small):
    small.hot("l1")
    small.start()
    row = dict(small.crm.objects["leads"]["l1"])
    small.crm.delete("leads", "l1")
    small.pass_time(HOUR)
    small.run()
    assert kept(small) == set()
    small.pass_time(HOUR)
    small.put("leads", "l1", **{k: v for k, v in row.items() if k not in {"id", "changed_at"}})
    small.event("l1", "download", asset="x")
    small.run()
    assert kept(small) == {"l1"}
    assert small.shown("l1")["ll_score"] == 100


def test_a_chain_of_merges_ends_at_the_last_winner(small):
    small.lead("l1", title="Clerk")
    small.lead("l2", email="b@acme.example")
    small.hot("l3", email="c@acme.example")
    small.start()
    small.pass_time(HOUR)
    small.crm.delete("leads", "l3", merged_into="l2")
    small.crm.delete("leads", "l2", merged_into="l1")
    small.run()
    assert small.rows("SELECT count(*) FROM person") == [(1,)]
    assert small.rows("SELECT DISTINCT person FROM activity") == small.rows("SELECT id FROM person")


def test_a_deleted_activity_counts_no_more(small):
    small.hot("l1")
    small.start()
    assert small.shown("l1")["ll_score"] == 80
    small.pass_time(HOUR)
    small.crm.delete("events", "e1")
    small.run()
    assert small.shown("l1")["ll_score"] == 60


def test_an_optional_object_that_the_crm_lacks_is_left_out_and_read_once_it_is_there(small):
    more = """
  mail:
    is: activity
    optional: true
    source: mails
    key: id
    changed: changed_at
    person: lead
    type: {value: email_reply}
    at: at
"""
    small.write("mapping.yaml", MAPPING + more)
    small.lead("l1")
    small.run()
    assert small.rows("SELECT count(*) FROM activity") == [(0,)]
    small.put("mails", "m1", lead="l1", at=format_iso(small.now))
    small.pass_time(HOUR)
    small.run()
    assert small.rows("SELECT type FROM activity") == [("email_reply",)]


# --- reconcile -----------------------------------------------------------------------------------


def silently(world, source, ident, **values):
    """A change without a stamp, as formulas and imports make them."""
    world.crm.objects[source][ident].update(values)


def test_what_no_window_can_see_is_found_and_mended_at_night(small):
    for n in range(30):
        small.lead(f"l{n:02}")
    small.start()
    small.run()
    silently(small, "leads", "l03", title="Clerk")
    small.crm.objects["leads"].pop("l04")  # deleted without a word
    small.crm.objects["leads"]["late"] = {
        **small.crm.objects["leads"]["l05"],
        "id": "late",
        "email": "late@b.example",
        "changed_at": format_iso(small.now - 2 * DAY),
    }  # committed late, stamped long ago
    small.pass_time(HOUR)
    small.run()
    assert "late" not in kept(small)
    small.pass_time(DAY)
    result = small.run()
    assert result.counts["pull"]["drift"] == 3
    assert kept(small) == set(small.crm.objects["leads"])
    assert scores(small)["l03"] == 24
    assert scores(small)["late"] == 60
    assert small.rows(
        "SELECT checked, missing, differing, gone, held FROM drift WHERE object = 'lead'"
    ) == [(30, 1, 1, 1, 0)]
    assert small.rows("SELECT count(*) FROM sweep") == [(0,)]
    small.pass_time(DAY)
    assert small.run().counts["pull"]["drift"] == 0


def test_a_reconcile_goes_on_to_the_page_where_it_was_stopped(small, reading):
    for n in range(40):
        small.lead(f"l{n:02}")
    small.start()
    small.run()
    silently(small, "leads", "l01", title="Clerk")
    silently(small, "leads", "l39", title="Clerk")
    small.pass_time(DAY + HOUR)
    read = []

    def broken(adapter, whole, source, names, window, after):
        for page in whole(adapter, source, names, window, after):
            yield page
            if source == "leads" and window.since is None:
                read.extend(row["id"] for row in page.rows)
                if len(read) == 14:
                    read.append("-")
                    raise TryLaterError("the line went dead")

    reading(broken)
    with pytest.raises(TryLaterError):
        small.run()
    small.run()
    assert len(read) == 41
    assert small.rows("SELECT checked, differing FROM drift WHERE object = 'lead'") == [(40, 2)]


def test_too_many_missing_at_once_are_not_taken_for_deleted(small, reading):
    for n in range(60):
        small.lead(f"l{n:02}")
    small.start()
    hidden = {f"l{n:02}" for n in range(40)}

    def hide(adapter, whole, source, names, window, after):
        for page in whole(adapter, source, names, window, after):
            yield Page([r for r in page.rows if r["id"] not in hidden], page.position)

    reading(hide)
    small.pass_time(DAY + HOUR)
    result = small.run()
    assert len(kept(small)) == 60
    assert result.counts["pull"]["gone"] == 0
    assert any("40 of 60 lead records did not show up" in said for said in small.warnings)


def test_a_record_missed_by_the_walk_but_there_by_its_id_is_kept(small, reading):
    for n in range(20):
        small.lead(f"l{n:02}")
    small.start()

    def skip(adapter, whole, source, names, window, after):
        for page in whole(adapter, source, names, window, after):
            yield Page([r for r in page.rows if r["id"] != "l07"], page.position)

    reading(skip)
    small.pass_time(DAY + HOUR)
    small.run()
    assert "l07" in kept(small)


def test_a_merge_that_no_window_told_is_found_by_the_walk_with_its_winner(small, monkeypatch):
    for n in range(20):
        small.lead(f"l{n:02}")
    small.start()
    small.crm.objects["leads"].pop("l07")
    whole = MemoryAdapter.read_ids

    def redirected(adapter, source, names, ids):  # as a CRM that answers for who was merged away
        rows = whole(adapter, source, names, ["l03" if one == "l07" else one for one in ids])
        return [{**row, "losers": ["l07", "long ago"] * (row["id"] == "l03")} for row in rows]

    monkeypatch.setattr(MemoryAdapter, "read_ids", redirected)
    monkeypatch.setattr(MemoryAdapter, "losers", lambda _s, row: row["losers"], raising=False)
    small.pass_time(DAY + HOUR)
    assert small.run().counts["pull"]["drift"] == 1
    assert small.rows("SELECT id, merged_into FROM record WHERE gone") == [("l07", "l03")]
    assert small.rows(
        "SELECT count(*) FROM person WHERE id IN ('crm/lead/l03', 'crm/lead/l07')"
    ) == [(1,)]


def test_a_record_only_hidden_from_us_is_kept_as_it_was_and_said(small, monkeypatch):
    for n in range(20):
        small.lead(f"l{n:02}")
    small.start()
    for gone in ("l07", "l08"):
        small.crm.objects["leads"].pop(gone)
    told = {"l07"}
    monkeypatch.setattr(
        MemoryAdapter,
        "hidden",
        lambda _self, _source, ids: [one for one in ids if one in told],
        raising=False,
    )
    small.pass_time(DAY + HOUR)
    result = small.run()
    assert result.counts["pull"]["drift"] == 1
    assert "l07" in kept(small)
    assert "l08" not in kept(small)
    assert any("1 lead records are neither shown nor deleted" in said for said in small.warnings)


# --- poison --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["\x00", "\ud800", 2**70], ids=["nul", "half a letter", "huge"])
def test_a_row_the_store_cannot_take_is_kept_aside_and_its_page_is_stored(world, bad):
    for n in range(13):
        world.lead(f"l{n:02}", country="fr")
    world.put("leads", "l05", country=bad if isinstance(bad, str) else "fr")
    if not isinstance(bad, str):
        world.put("companies", "huge", name="Huge", employees=bad, industry="x")
    result = world.run()
    assert len(kept(world)) >= 12
    assert result.counts["pull"]["rejected"] <= 1
    if result.counts["pull"]["rejected"]:
        ((place, reason),) = world.rows("SELECT place, reason FROM quarantine")
        assert place in {"lead/l05", "company/huge"}
        assert reason
    assert world.run().counts["pull"]["newly rejected"] == 0


def test_a_converter_that_breaks_on_one_row_keeps_aside_that_row_alone(small):
    class Hostile(str):
        def strip(self, *_):
            raise ZeroDivisionError

    small.hot("l1")
    small.lead("l2", title=Hostile("x"))
    result = small.run()
    assert result.counts["pull"]["rejected"] == 1
    assert kept(small) == {"l1"}
    assert "ZeroDivisionError" in small.rows("SELECT reason FROM quarantine")[0][0]
