"""Hostile files: every readable row comes, every other is kept aside with its place and reason."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.adapters.base import Use, Window
from connector.adapters.files.adapter import FilesAdapter
from connector.domain.change import Write
from connector.errors import UsageError

WINDOW = Window(None, 1)


def adapter(folder, **writes):
    return FilesAdapter(folder, folder / "out", {"t": Use("id", frozenset(writes))}, lambda: 1)


def read(folder, text, name="t.csv", names=("id",)):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    pages = list(islice(adapter(folder).read("t", names, WINDOW, None), 100))
    rows = [row for page in pages for row in page.rows]
    places = [place for page in pages for place in page.places or ()]
    rejected = [(r.place, r.reason) for page in pages for r in page.rejected]
    return rows, places, rejected


def test_a_broken_row_is_kept_aside_with_its_line_and_its_neighbours_come(tmp_path):
    rows, places, rejected = read(tmp_path, "id,a\n1,x\n2\n3,y\n")
    assert [row["id"] for row in rows] == ["1", "3"]
    assert places == ["t.csv:2", "t.csv:4"]
    assert rejected == [("t.csv:3", "has 1 values for 2 columns")]


def test_quoted_line_ends_belong_to_the_row_and_lines_are_counted_on(tmp_path):
    rows, places, _ = read(tmp_path, 'id,a\n1,"two\nlines"\n2,x\n')
    assert rows[0]["a"] == "two\nlines"
    assert places == ["t.csv:2", "t.csv:4"]


def test_a_quote_never_closed_costs_its_own_line_only(tmp_path):
    rows, _, rejected = read(tmp_path, 'id,a\n1,"open\n2,x\n3,y\n')
    assert [row["id"] for row in rows] == ["2", "3"]
    assert rejected == [("t.csv:2", "has a quote that is never closed")]


def test_a_field_of_two_megabytes_is_kept_aside_and_the_rest_goes_on(tmp_path):
    text = "id,a\n1,x\n2," + "y" * 2_000_000 + "\n3,z\n"
    rows, _, rejected = read(tmp_path, text)
    assert [row["id"] for row in rows] == ["1", "3"]
    assert rejected == [("t.csv:3", "is longer than 1,000,000 bytes")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2,a\x00b", "holds a NUL byte"),
        (b"2,\xff\xfe", "is not UTF-8 (byte 2 of the row)"),
        (b'2,"x"y', "has a quote in the wrong place"),
        (b"2,a,b,c", "has 4 values for 2 columns"),
    ],
)
def test_each_kind_of_broken_row_has_its_reason(tmp_path, line, reason):
    rows, _, rejected = read(tmp_path, b"id,a\n1,x\n" + line + b"\n3,y\n")
    assert [row["id"] for row in rows] == ["1", "3"]
    assert rejected == [("t.csv:3", reason)]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("id,id", "names id twice"),
        ("id,", "empty name"),
        (",".join(f"c{n}" for n in range(3000)), "more than 2,000 columns"),
        ("", "empty name or no column"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_with_its_line(tmp_path, header, words):
    (tmp_path / "t.csv").write_text(header + "\n1,2\n")
    with pytest.raises(UsageError, match=words):
        adapter(tmp_path).describe("t")


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_are_fine(tmp_path):
    rows, _, rejected = read(tmp_path, b"\xef\xbb\xbfid,a\r\n1,x\r\n\r\n\r\n2,y\r\n")
    assert [row["id"] for row in rows] == ["1", "2"]
    assert not rejected


def test_a_broken_line_of_jsonl_is_kept_aside(tmp_path):
    text = '{"id": 1}\nnot json\n[1]\n\n{"id": 2, "n": 1.5}\n'
    rows, places, rejected = read(tmp_path, text, name="t.jsonl")
    assert rows == [{"id": 1}, {"id": 2, "n": 1.5}]
    assert places == ["t.jsonl:1", "t.jsonl:5"]
    assert rejected == [("t.jsonl:2", "is not JSON"), ("t.jsonl:3", "is not a JSON object")]


def test_parquet_is_read_with_its_types(tmp_path):
    import duckdb

    duckdb.sql("SELECT 1 AS id, 2.5 AS n, true AS b").write_parquet(str(tmp_path / "t.parquet"))
    pages = list(adapter(tmp_path).read("t", ["id"], WINDOW, None))
    assert pages[0].rows == [{"id": 1, "n": 2.5, "b": True}]


def test_a_file_that_is_no_parquet_is_said_to_be_none(tmp_path):
    (tmp_path / "t.parquet").write_text("hello")
    with pytest.raises(UsageError, match=r"t\.parquet is not a Parquet file"):
        list(adapter(tmp_path).read("t", ["id"], WINDOW, None))


def test_a_file_that_changed_meanwhile_is_read_from_its_beginning(tmp_path):
    read(tmp_path, "id,a\n1,x\n")
    one = adapter(tmp_path)
    position = list(one.read("t", ["id"], WINDOW, None))[-1].position
    (tmp_path / "t.csv").write_text("id,a\n1,x\n2,y\n")
    rows = [row for page in one.read("t", ["id"], WINDOW, position) for row in page.rows]
    assert [row["id"] for row in rows] == ["1", "2"]


def test_what_a_person_edited_beside_the_data_meanwhile_is_kept(tmp_path):
    (tmp_path / "t.csv").write_text("id,a\n1,x\n2,y\n")
    one = adapter(tmp_path, score=1)
    one.write([Write("t", "1", {"score": 70})])
    beside = tmp_path / "out" / "t.csv"
    beside.write_text(beside.read_text().replace("70", "99") + "2,55\n")
    one.write([Write("t", "2", {"score": 60})])
    rows = one.read_ids("t", ["id", "score"], ["1", "2"])
    assert {row["id"]: row["score"] for row in rows} == {"1": "99", "2": "60"}


def test_a_source_has_the_columns_of_its_file_and_those_that_were_written(tmp_path):
    (tmp_path / "t.csv").write_text("id,title\n1,x\n")
    ours = adapter(tmp_path)
    assert list(ours.describe("t")) == ["id", "title"]
    ours.write([Write("t", "1", {"score": 5})])
    assert list(ours.describe("t")) == ["id", "title", "score"]
    beside = tmp_path / "out" / "t.csv"
    beside.write_bytes(b"id,score\n\xff,5\n")
    with pytest.raises(UsageError, match=r"t\.csv cannot be read back"):
        ours.describe("t")


def test_the_data_itself_is_never_touched(tmp_path):
    (tmp_path / "t.csv").write_text("id,a\n1,x\n")
    before = (tmp_path / "t.csv").read_bytes()
    adapter(tmp_path, a=1).write([Write("t", "1", {"a": "=evil()"})])
    assert (tmp_path / "t.csv").read_bytes() == before
    assert "'=evil()" in (tmp_path / "out" / "t.csv").read_text()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 99),
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
        ),
        max_size=8,
    )
)
def test_every_row_a_csv_writer_writes_is_read_back(tmp_path_factory, pairs):
    import csv

    folder = tmp_path_factory.mktemp("csv")
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "a"])
        writer.writerows(pairs)
    pages = list(adapter(folder).read("t", ["id"], WINDOW, None))
    rows = [(row["id"], row["a"] or "") for page in pages for row in page.rows]
    assert rows == [(str(i), text) for i, text in pairs]
