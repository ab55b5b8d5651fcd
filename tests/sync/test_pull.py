"""Pull keeps pages of a CRM together, and loses none when the CRM breaks off."""

from __future__ import annotations

import pytest

from connector.adapters.base import Capabilities, Page
from connector.documents import parse
from connector.errors import TryLaterError
from connector.mapping.compile import compile_mapping
from connector.mapping.document import MappingDocument
from connector.store import checkpoints, leases
from connector.store.database import open_store
from connector.sync.context import Loop, Source
from connector.sync.pull import pull

MAPPING = """
version: 1
objects:
  lead:
    is: person
    key: Id
    changed: Stamp
    fields: {email: Email, staff: {from: Staff, as: int}}
"""


class Scripted:
    """A CRM whose pages are given beforehand; an exception among them is raised in its place."""

    capabilities = Capabilities(kind="scripted", batch_size=1)

    def __init__(self, *script):
        self.script = script

    def server_now(self):
        return 1_700_000_000_000_000

    def read(self, source, names, window, after):
        self.after = after
        for item in self.script:
            if isinstance(item, Exception):
                raise item
            yield item


def row(ident, **values):
    return {"Id": ident, "Email": f"{ident}@acme.example", "Staff": "1", **values}


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 's.db'}")
    yield store
    store.close()


@pytest.fixture
def bring(store):
    """Pull what the script says; gives the counts, and keeps how many commits there were."""
    lease = leases.acquire(store, "run", "r1")
    objects = compile_mapping(parse(MAPPING, MappingDocument, name="m.yaml"))

    def bring(*script):
        adapter = Scripted(*script)
        told = []
        source = Source("crm", 0, adapter, objects, True, "h")
        loop = Loop(
            None, store, (source,), None, None, None, 0, "r1", lease, lambda *_: told.append(1)
        )
        counts = pull(loop, source)
        bring.pages = len(told) - 1
        return counts

    yield bring
    lease.release(store)


def held(store, query):
    with store.read() as tx:
        return [tuple(row) for row in tx.exec_driver_sql(query)]


def test_small_pages_share_a_transaction_and_none_of_their_rows_is_lost(store, bring):
    pages = [Page([row(f"p{n}-{i}") for i in range(100)], f"at-{n}") for n in range(50)]
    counts = bring(*pages)
    assert counts["read"] == counts["new person"] == 5000
    assert held(store, "SELECT count(*) FROM record") == [(5000,)]
    assert bring.pages == 3  # 2,000, 2,000 and 1,000 rows


def test_what_came_before_the_crm_broke_off_is_kept_with_its_position(store, bring):
    with pytest.raises(TryLaterError):
        bring(Page([row("a")], "after-a"), Page([row("b")], "after-b"), TryLaterError("closed"))
    assert held(store, "SELECT id FROM record ORDER BY id") == [("a",), ("b",)]
    with store.read() as tx:
        known = checkpoints.load(tx, "crm", "lead")
    assert (known.position, known.window_until is not None) == ("after-b", True)


@pytest.mark.parametrize(("order", "gone"), [("row first", 1), ("deletion first", 0)])
def test_a_row_and_its_end_count_in_the_order_they_came(store, bring, order, gone):
    bring(Page([row("a")], "0"))
    alive, ended = Page([row("a")], "1"), Page([], "2", gone={"a": None})
    bring(*([alive, ended] if order == "row first" else [ended, alive]))
    assert held(store, "SELECT gone FROM record") == [(gone,)]


@pytest.mark.parametrize(("last", "kept"), [("x", 1), ("7", 0)])
def test_of_two_readings_of_a_row_the_newest_says_whether_it_is_kept_aside(
    store, bring, last, kept
):
    first = "7" if last == "x" else "x"
    bring(Page([row("a", Staff=first)], "1"), Page([row("a", Staff=last)], "2"))
    assert held(store, "SELECT count(*) FROM quarantine") == [(kept,)]


def test_places_stay_with_their_rows(store, bring):
    bring(
        Page([row("a")], "1"),
        Page([row("b", Staff="x"), row("c")], "2", places=["f.csv:2", "f.csv:3"]),
    )
    assert held(store, "SELECT place, id FROM quarantine") == [("f.csv:2", "b")]
