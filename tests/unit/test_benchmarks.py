"""The benchmarks do their work and check it: a figure is worth nothing without its row count."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import sys
import time
import urllib.request
from contextlib import closing

import pytest

from benchmarks import activities, crm_rows, pull, routing, salesforce_calls, scoring, store, write
from benchmarks.clients import filled
from benchmarks.measuring import NotMeasured, measured, module, table
from benchmarks.rendered_jobs import Jobs, Results


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


def test_a_pull_by_a_query_job_is_counted_and_compared_as_one_by_pages_is():
    shown = pull.part("salesforce-bulk", 16_000, peers=False).splitlines()
    assert "16,000 in the store, checksum " in shown[0]
    assert [line.split("  ")[0] for line in shown[2:4]] == [
        "Leadloop, first pull",
        "floor: requests + csv",
    ]
    assert "not measured" not in "".join(shown)


def test_a_pull_too_small_for_a_query_job_is_no_measure_of_one():
    with pytest.raises(SystemExit, match="ours began no query job"):
        pull.part("salesforce-bulk", 15_999, peers=False)


def test_the_answers_of_a_job_hold_every_row_behind_its_first_once():
    jobs = Jobs(8)
    query = f"SELECT Id, Title, SystemModstamp FROM Lead WHERE Id > '{crm_rows.lead_id(1)}'"
    body = json.dumps({"operation": "queryAll", "query": query}).encode()
    made = jobs("POST", "/services/data/v62.0/jobs/query", body)
    assert isinstance(made, bytes)
    path = f"/services/data/v62.0/jobs/query/{json.loads(made)['id']}"
    state = "UploadComplete"
    until = time.monotonic() + 10
    while state != "JobComplete":
        assert time.monotonic() < until
        told = jobs("GET", path, b"")
        assert isinstance(told, bytes)
        state = json.loads(told)["state"]
    read, locator = [], ""
    while locator != "null":
        page = jobs("GET", f"{path}/results?maxRecords=4&locator={locator or 0}", b"")
        assert isinstance(page, Results)
        rows = list(csv.DictReader(io.StringIO(b"".join(page.parts).decode())))
        assert len(rows) == page.rows
        read += rows
        locator = page.locator
    wanted = [crm_rows.lead(n) for n in range(2, 8)]
    assert [one["Id"] for one in read] == [one["Id"] for one in wanted]
    assert [one["Title"] for one in read] == [one["Title"] or "" for one in wanted]
    assert read[0]["SystemModstamp"] == wanted[0]["SystemModstamp"].replace("+0000", "Z")


def test_the_calls_to_salesforce_are_counted_beside_the_fewest():
    shown = salesforce_calls.part(250, 250).splitlines()
    cells = {line[:14].strip(): line[14:].split() for line in shown[2:5]}
    assert cells["first load"][:3] == ["2,750", "9", "9"]
    assert cells["1% changed"][:3] == ["28", "5", "5"]
    assert cells["scores written"][:3] == ["250", "2", "2"]


def test_a_store_with_a_row_less_is_told(tmp_path):
    with pull.serving("salesforce", 5) as address:
        command = module("benchmarks.clients.our_pull", tmp_path, "salesforce", address)
        assert measured(command, {"BENCH_SECRET": "x"}).said == 5
    assert measured(module("benchmarks.clients.verified", tmp_path, "salesforce", 5)).said["rows"]
    with pytest.raises(NotMeasured, match="stored 5 of 6 rows"):
        measured(module("benchmarks.clients.verified", tmp_path, "salesforce", 6))


def test_a_store_filled_at_once_holds_the_rows_and_indexes_of_one_filled_through_the_store(
    tmp_path,
):
    data = activities.made(50, 600)
    held = []
    for how in ("", "quick"):
        path = tmp_path / f"{how}.db"
        assert filled.fill(str(data), str(path), how) == 600
        with closing(sqlite3.connect(path)) as file:
            held.append(
                [
                    sorted(file.execute(f"SELECT {of}").fetchall(), key=repr)
                    for of in ("* FROM person", "* FROM activity", "name, sql FROM sqlite_master")
                ]
            )
            used = file.execute("EXPLAIN QUERY PLAN SELECT 1 FROM activity WHERE person = 'p1'")
            assert "activity_person" in str(used.fetchall())
    assert held[0] == held[1]


def test_libraries_read_every_row_of_the_rendered_crm():
    for kind, library in pull.LIBRARIES.items():
        with pull.serving(kind, 2050) as address:
            if kind == "salesforce-bulk":  # the library asks what ours asked
                body = json.dumps({"query": "SELECT Id, Name FROM Lead"}).encode()
                jobs = f"{address}/services/data/v62.0/jobs/query"
                urllib.request.urlopen(urllib.request.Request(jobs, body)).close()
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


def test_the_memory_of_a_command_and_of_what_it_starts_is_told_together():
    hold = "import time; held = bytearray(50_000_000); time.sleep(1)"
    start = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {hold!r}])"
    run = measured([sys.executable, "-c", f"{start}; {hold}; p.wait()"], watch=True)
    assert 95 < run.together < 160


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
