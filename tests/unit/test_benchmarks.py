"""The benchmarks do their work and check it: a figure is worth nothing without its row count."""

from __future__ import annotations

import json
import urllib.request

import pytest

from benchmarks import crm_rows, pull, routing, scoring, store, write
from benchmarks.measuring import NotMeasured, measured, module, table


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize(("kind", "rows"), [("salesforce", 2001), ("hubspot", 101)])
def test_a_pull_is_counted_and_its_values_are_compared_with_what_was_rendered(kind, rows):
    shown = pull.part(kind, rows, peers=False).splitlines()
    assert f"{rows:,} in the store, checksum " in shown[0]
    assert [line.split("  ")[0] for line in shown[2:4]] == [
        "Leadloop, first pull",
        "floor: requests + orjson",
    ]
    assert "not measured" not in "".join(shown)


def test_a_store_with_a_row_less_is_told(tmp_path):
    with pull.serving("salesforce", 5) as address:
        command = module("benchmarks.clients.our_pull", tmp_path, "salesforce", address)
        assert measured(command, {"BENCH_SECRET": "x"}).said == 5
    assert measured(module("benchmarks.clients.verified", tmp_path, "salesforce", 5)).said["rows"]
    with pytest.raises(NotMeasured, match="stored 5 of 6 rows"):
        measured(module("benchmarks.clients.verified", tmp_path, "salesforce", 6))


def test_libraries_read_every_row_of_the_rendered_crm():
    for kind, library in pull.LIBRARIES.items():
        with pull.serving(kind, 2050) as address:
            command = module("benchmarks.clients.others_pull", library, address)
            assert measured(command).said == 2050


def test_rows_have_the_size_they_are_said_to_have():
    assert 900 < len(json.dumps(crm_rows.lead(7))) < 1600
    assert 700 < len(json.dumps(crm_rows.contact(7))) < 1500


def test_a_cursor_goes_on_after_its_page_whatever_query_is_repeated_with_it():
    with pull.serving("salesforce", 2002) as address:
        path = f"{address}/services/data/v62.0/query/01gBENCH-2000?q=SELECT"
        with urllib.request.urlopen(path) as answer:
            page = json.load(answer)
    assert [row["Id"] for row in page["records"]] == [
        crm_rows.lead_id(2000),
        crm_rows.lead_id(2001),
    ]
    assert "nextRecordsUrl" not in page


def test_scores_are_the_same_by_hand_and_by_the_loop(monkeypatch):
    monkeypatch.setattr(scoring, "LOOPED", 50)
    monkeypatch.setattr(scoring, "free_memory", lambda: 0)
    shown = scoring.part(500, 10_000)
    assert "not measured: it needs about" in shown  # pandas is an environment of its own
    assert shown.count("not measured") == 1
    last = [line.split("  ")[-1].strip().split(" to ")[0] for line in shown.splitlines()]
    assert "500" in last
    assert "50" in last


def test_every_score_is_written_once_and_journaled():
    shown = write.part(300)
    assert shown.startswith("write-back: 300 leads; 300 rows written once, ")


def test_a_table_is_aligned_and_has_room_for_remarks():
    rows = [["one", "1.0", "2,000"], ["another", "not measured: gone"]]
    assert table("t", ("", "a", "b"), rows).splitlines() == [
        "t",
        "           a      b",
        "one      1.0  2,000",
        "another  not measured: gone",
    ]


def test_routing_is_measured_at_three_sizes_and_everybody_gets_an_owner_by_weight():
    lines = routing.part(2_000).splitlines()
    assert lines[0] == "Routing by 200 rules to 500 owners in 50 pools"
    assert [line.split()[0] for line in lines[-3:]] == ["200", "1,000", "2,000"]


def test_a_killed_pull_goes_on_where_it_was_and_reads_nothing_twice():
    cells = store.recovery(6001).splitlines()[2].split()
    assert cells[0] == "Salesforce"
    assert cells[-1] == "0"
