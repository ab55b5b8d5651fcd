"""Small pages of a CRM are kept together, and none is lost when the CRM breaks off."""

from __future__ import annotations

import pytest

from connector.adapters.base import Page
from connector.documents import parse
from connector.errors import TryLaterError
from connector.mapping.compile import compile_mapping
from connector.mapping.document import MappingDocument
from connector.sync.reading.gathering import gathered
from connector.sync.reading.storing import convert_page

MAPPING = """
version: 1
objects:
  lead:
    is: person
    key: Id
    changed: Stamp
    fields: {email: Email, staff: {from: Staff, as: int}}
"""
LEAD = compile_mapping(parse(MAPPING, MappingDocument, name="m.yaml"))["lead"]


def row(ident, **values):
    return {"Id": ident, "Email": f"{ident}@acme.example", "Staff": "1", **values}


def test_small_pages_share_a_transaction_and_none_of_their_rows_is_lost():
    pages = [Page([row(f"p{n}-{i}") for i in range(100)], f"at-{n}") for n in range(50)]
    joined = list(gathered(pages))
    assert [len(page.rows) for page in joined] == [2000, 2000, 1000]
    assert [page.position for page in joined] == ["at-19", "at-39", "at-49"]
    assert [r for page in joined for r in page.rows] == [r for page in pages for r in page.rows]


def test_what_came_before_the_crm_broke_off_is_handed_on_with_its_position():
    def broken():
        yield Page([row("a")], "after-a")
        yield Page([row("b")], "after-b")
        raise TryLaterError("closed")

    pages = gathered(broken())
    first = next(pages)
    assert ([r["Id"] for r in first.rows], first.position) == (["a", "b"], "after-b")
    with pytest.raises(TryLaterError):
        next(pages)


def test_a_page_that_tells_of_an_end_stays_alone_and_in_its_place():
    alive, ended = Page([row("a")], "1"), Page([], "2", gone={"a": None})
    assert list(gathered([alive, ended])) == [alive, ended]
    assert list(gathered([ended, alive])) == [ended, alive]


@pytest.mark.parametrize(("first", "last", "good"), [("7", "x", []), ("x", "7", ["a"])])
def test_of_two_readings_of_a_row_the_newest_says_whether_it_is_good(first, last, good):
    two = [Page([row("a", Staff=first)], "1"), Page([row("a", Staff=last)], "2")]
    (page,) = gathered(two)
    _, _, rejected, read = convert_page(LEAD, page)
    assert [one.id for one in rejected] == ["a"]
    assert read == good


def test_places_stay_with_their_rows():
    pages = [
        Page([row("a")], "1"),
        Page([row("b", Staff="x")], "2", places=["leads.csv:7"]),
        Page([row("c", Staff="y")], "3", places=["leads.csv:8"]),
    ]
    (page,) = gathered(pages)
    _, _, rejected, _ = convert_page(LEAD, page)
    assert [one.place for one in rejected] == ["leads.csv:7", "leads.csv:8"]
