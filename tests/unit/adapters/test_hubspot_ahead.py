"""Reading ahead: several stretches of a list, several pages of a search, and no row lost."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections import deque

import pytest

from connector.adapters.base import Window
from connector.adapters.hubspot.ahead import in_order
from connector.adapters.hubspot.chain import Listed, cursor_behind
from connector.adapters.hubspot.listing import Listing
from connector.adapters.hubspot.searching import Question, Search
from connector.domain.moment import parse_iso
from connector.errors import TryLaterError
from tests.unit.adapters.hubspot_edge import error, opened

ALL = Window(None, parse_iso("2026-11-01T00:00:00Z"))
CHANGES = Window(parse_iso("2026-10-31T00:00:00Z"), parse_iso("2026-11-01T00:00:00Z"))
INSIDE = "2026-10-31T10:30:00Z"
LAST = lambda ids, place: str(ids[place - 1])
NEXT = lambda ids, place: str(ids[place])
BETWEEN = lambda ids, place: str(ids[place - 1] + 1)
IDS = [n * 7 for n in range(1, 4_501)]


def filled(portal, ids=IDS, modified=INSIDE):
    for n in ids:
        portal.put("contacts", n, modified=modified)


def ids_of(pages):
    return [int(row["id"]) for page in pages for row in page.rows]


def test_answers_come_in_the_order_of_the_questions_and_few_are_asked_ahead():
    asked, running, most = [], 0, 0
    lock = threading.Lock()

    def ask(n):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002 * (n % 3))
        with lock:
            running -= 1
        return n

    def questions():
        for n in range(40):
            asked.append(n)
            yield n

    answers = in_order(ask, questions(), 4)
    assert next(answers) == 0
    assert len(asked) <= 5
    assert list(answers) == list(range(1, 40))
    assert 1 < most <= 4


def test_what_came_before_an_error_is_handed_on_and_nothing_is_asked_after_it():
    asked = []

    def ask(n):
        asked.append(n)
        if n == 3:
            raise TryLaterError("down", hint="later")
        return n

    found = []
    with pytest.raises(TryLaterError):
        for one in in_order(ask, iter(range(100)), 2):
            found.append(one)  # noqa: PERF402  it is cut short
    assert found == [0, 1, 2]
    assert len(asked) < 8


@pytest.mark.parametrize("cursor", [LAST, NEXT, BETWEEN], ids=["last", "next", "between"])
def test_a_long_list_is_read_in_stretches_where_its_cursors_are_ids(portal, cursor):
    portal.list_cursor = cursor
    filled(portal)
    pages = list(opened(portal).read("contacts", ["id"], ALL, None))
    assert ids_of(pages) == IDS
    assert [p.position for p in pages][-1] == f"list:{IDS[-1]}:{len(IDS)}"
    assert portal.calls["contacts list"] <= 45 + 1 + 4
    assert portal.calls["contacts search"] == 1, "it leapt, to a second stretch"
    assert max(len(page.rows) for page in pages) <= 1000


def test_what_was_handed_out_of_a_stretch_is_let_go_of():
    late = {"id": "9"}
    parts = deque([[{"id": "1"}, {"id": "3"}], [{"id": "4"}, late]])
    run = Listed(parts, 5, [late], None, 1, 4, ordered=True)
    seen = [([one["id"] for one in some], len(run.parts)) for some in run.rows()]
    assert seen == [(["1", "3"], 1), (["4"], 0)]


RECORD = b'{"id":"1","properties":{"firstname":%s},"associations":{"deals":%s}}'
NONE, MORE = b'{"results":[]}', b'{"results":[],"paging":{"next":{"after":"of a deal"}}}'


@pytest.mark.parametrize("name", [b"null", rb'"\"paging\""', rb'",\"paging"', b'",paging"'])
@pytest.mark.parametrize("tied", [NONE, MORE], ids=["no deals", "more deals"])
@pytest.mark.parametrize(
    ("behind", "cursor"),
    [
        (b"", None),
        (b',"paging":null', None),
        (b',"paging":{}', None),
        (b',"paging":{"next":{"after":"7","link":"x"}}', "7"),
        (b',"paging":{"next":{"after":"7"}},"total":9', "7"),
        (b' , "paging" : { "next" : { "after" : 7 } } \n', "7"),
    ],
)
def test_the_cursor_of_a_list_is_told_from_all_that_looks_like_one(name, tied, behind, cursor):
    assert cursor_behind(b'{"results":[' + RECORD % (name, tied) + b"]" + behind + b"}") == cursor


def test_the_cursor_may_stand_before_the_records():
    page = b'{"paging":{"next":{"after":"7"}},"results":[' + RECORD % (b"null", MORE) + b"]}"
    assert cursor_behind(page) == "7"


def test_a_list_that_is_no_json_is_asked_for_again_later():
    with pytest.raises(TryLaterError, match="not JSON"):
        cursor_behind(b'<html>,"paging":{"next":')


class Ranked:
    """A search over so many records, which tells the id of each tenth by its place."""

    def __init__(self, many):
        self.many, self.asked = many, 0
        self.lock = threading.Lock()

    def first(self, _source, filters, after=0):
        with self.lock:
            self.asked += 1
        assert after < 10_000
        place = int(filters[0]["value"]) // 10 + after
        left = self.many - int(filters[0]["value"]) // 10
        return left, (place + 1) * 10 if place < self.many else None


@pytest.mark.parametrize(
    ("many", "stretches"), [(100, 1), (3_300, 2), (20_000, 10), (50_000, 24), (500_000, 201)]
)
def test_stretches_fill_whole_turns_and_cost_a_search_each(many, stretches):
    search = Ranked(many)
    found = list(Listing(None, search, page=1000, leaps=True)._stretches("contacts", 0))
    assert len(found) == stretches
    assert search.asked in {stretches - 1, 1}
    assert [one.above for one in found[1:]] == [one.up_to for one in found[:-1]]
    sizes = [(one.up_to - one.above) // 10 for one in found[:-1]]
    assert all(2000 <= size <= 2500 for size in sizes)
    assert many - sum(sizes) <= 2500, "the last one is no longer than the others"


@pytest.mark.parametrize("leaps", [True, False])
def test_cursors_that_are_no_ids_are_followed_one_by_one(portal, leaps):
    if not leaps:
        portal.list_cursor = LAST
    filled(portal)
    pages = list(opened(portal, leaps=leaps).read("contacts", ["id"], ALL, None))
    assert ids_of(pages) == IDS
    assert portal.calls["contacts search"] == 0
    assert portal.leapt == []


def test_stretches_that_do_not_meet_are_read_by_the_lists_own_cursors(portal):
    """Cursors that look like ids at first, and are something else later: nothing is lost by it."""
    portal.list_cursor = lambda ids, place: str(ids[place - 1]) if place < 1500 else f"p{place}"
    portal.list_from = lambda ids, after: bisect_left(ids, int(after)) + 100
    filled(portal)
    pages = list(opened(portal).read("contacts", ["id"], ALL, None))
    assert portal.leapt, "it tried"
    assert ids_of(pages) == IDS


def test_records_that_come_and_go_meanwhile_cost_no_other_its_place(portal):
    portal.list_cursor = LAST
    filled(portal)
    reader = opened(portal).read("contacts", ["id"], ALL, None)
    found = ids_of([next(reader)])
    gone = {one for one in IDS if one % 10 == 0}
    for one in gone:
        portal.archive("contacts", one)
    new = {one + 1 for one in IDS if one % 9 == 0}
    for one in new:
        portal.put("contacts", one)
    found += ids_of(reader)
    assert len(found) == len(set(found))
    assert set(IDS) - gone <= set(found)


@pytest.mark.parametrize("wide", [False, True])
def test_a_list_out_of_order_far_behind_says_so_and_is_still_whole(portal, wide):
    portal.list_cursor = LAST
    portal.list_order = lambda ids: (some := sorted(ids))[:2000] + some[:1999:-1]
    filled(portal)
    names = ["id", *(f"wide_property_number_{n:03}" for n in range(200 if wide else 0))]
    portal.list_cursor = lambda ids, place: str(ids[place - 1])
    pages = [p for p in opened(portal).read("contacts", names, ALL, None) if p.rows]
    assert set(ids_of(pages)) == set(IDS)
    assert pages[-1].position == "id:0"


class Leaving:
    """A search whose rows leave it, twenty at a time, from its eighth answer on."""

    def __init__(self):
        self.paths = {"objects": "/o"}
        self.ids = list(IDS)
        self.asked = 0
        self.lock = threading.Lock()

    def post(self, _path, body):
        with self.lock:
            self.asked += 1
            (bound,) = body["filterGroups"][0]["filters"]
            cut = bisect_left if bound["operator"] == "GTE" else bisect_right
            place = cut(self.ids, int(bound["value"]))
            if self.asked >= 8:
                del self.ids[place + 300 : place + 320]
            start = place + int(body["after"])
            found = self.ids[start : start + body["limit"]]
            more = (
                {"paging": {"next": {"after": "x"}}}
                if start + body["limit"] < len(self.ids)
                else {}
            )
            results = [{"id": str(one)} for one in found]
            return {"total": len(self.ids) - place, "results": results, **more}


def test_rows_that_leave_a_search_cost_no_other_its_place():
    """Each row that leaves moves all later ones: pages asked ahead then begin too far behind."""
    calls = Leaving()
    walked = Search(calls).walk(Question("contacts", (), ("id",), list), 0)
    found = [int(one["id"]) for some in walked for one in some.records]
    assert len(set(IDS) - set(calls.ids)) > 100
    assert set(calls.ids) <= set(found)
    assert found == sorted(set(found))


def test_a_refusal_in_a_search_comes_after_the_pages_before_it(portal):
    filled(portal)
    portal.queue += [None] * 6 + [(400, {}, error(400, "no")[1])] * 1
    found = []
    with pytest.raises(Exception, match="refused"):
        for page in opened(portal, page=200).read("contacts", ["id"], CHANGES, None):
            found += ids_of([page])
    assert found == IDS[: len(found)]
