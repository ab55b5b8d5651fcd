"""Files become tables: what is translated, what is left where it lies, what is shared."""

from __future__ import annotations

from pathlib import Path

import duckdb
import narwhals as nw
import pytest

from connector.engine.duck import open_duck, query_of
from connector.engine.tables import read_files
from connector.scoring.compile import score_frame
from connector.scoring.model import load_model

SHIPPED = load_model(Path(__file__).parents[3] / "mappings" / "model.yaml")
NOW = 1_780_000_000_000_000


def written(folder, name, query):
    path = folder / f"{name}.parquet"
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT PARQUET)")
    return str(path)


def read(folder, people, activities):
    duck = open_duck(folder)
    source = {
        "people": written(folder, "people", people),
        "activities": written(folder, "activities", activities),
    }
    read_files(duck, source, SHIPPED)
    return duck


VISITS = "SELECT 'p' || i AS person, 'a' || i AS id, 'page_view' AS type, {t} AS time, {u} AS url"
PLAIN = VISITS.format(t="1779999999000000 + i", u="'/pricing'") + " FROM range(9) t(i)"


def kinds(duck):
    rows = duck.execute("SELECT table_name, table_type FROM information_schema.tables").fetchall()
    return {name: kind for name, kind in rows if name in {"people", "activities"}}


def test_parquet_that_needs_no_translating_is_read_where_it_lies(tmp_path):
    people = "SELECT 'p' || i AS person, '' AS title, 51.5 + i AS \"account.employees\" FROM range(9) t(i)"
    duck = read(tmp_path, people, PLAIN)
    assert kinds(duck) == {"people": "VIEW", "activities": "VIEW"}
    assert duck.execute("SELECT title FROM people").fetchall() == [(None,)] * 9
    assert duck.execute('SELECT min("account.employees") FROM people').fetchone() == (51.5,)


@pytest.mark.parametrize("odd", ["'/Pricing'", "' /pricing'", "'/ｐricing'"])
def test_a_value_that_differs_once_normalised_is_translated(tmp_path, odd):
    visits = VISITS.format(
        t="1779999999000000 + i", u=f"CASE i WHEN 3 THEN {odd} ELSE '/pricing' END"
    )
    duck = read(tmp_path, "SELECT 'p1' AS person", visits + " FROM range(9) t(i)")
    assert kinds(duck)["activities"] == "BASE TABLE"
    assert duck.execute("SELECT DISTINCT url FROM activities").fetchall() == [("/pricing",)]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("'NaN'::DOUBLE", None), ("'inf'::DOUBLE", None), ("0.1::FLOAT", 0.1), ("7::TINYINT", 7.0)],
)
def test_a_number_is_a_number_whatever_its_column(tmp_path, given, wanted):
    duck = read(tmp_path, f"SELECT 'p1' AS person, {given} AS \"account.employees\"", PLAIN)
    assert duck.execute('SELECT "account.employees" FROM people').fetchone() == (wanted,)


def test_all_groupings_share_one_scan_of_the_activities(tmp_path):
    duck = read(tmp_path, "SELECT 'p' || i AS person FROM range(9) t(i)", PLAIN)
    tables = ("people", "activities")
    people, done = (nw.from_native(duck.sql(f"SELECT * FROM {name}")) for name in tables)
    scored = score_frame(people, done, SHIPPED, NOW).to_native()

    def scans(query):
        return duck.execute(f"EXPLAIN {query}").fetchall()[0][1].count("READ_PARQUET")

    assert scans(query_of(scored)) == 2  # one of the people, one of the activities
    assert scans(scored.sql_query()) > 2
