"""What analysts get: views, CSV and Parquet say the same, and name nobody."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import duckdb
import pytest

from connector.store.agreed.views import VIEWS
from connector.store.database import open_store
from connector.sync.upkeep.exporting import export_views
from tests.past import fill
from tests.sync.world import World

DOCS = (Path(__file__).parents[2] / "docs" / "analysts.md").read_text(encoding="utf-8")


@pytest.fixture
def filled(tmp_path, store_url):
    world = World(tmp_path, store_url)
    store = open_store(world.loaded.store_url())
    fill(store, people=60)
    yield store
    store.close()


def test_files_and_views_hold_the_same_rows_in_both_forms(filled, tmp_path):
    counts = dict(export_views(filled, tmp_path / "c", "csv"))
    assert counts == {
        name.replace("parquet", "csv"): n
        for name, n in export_views(filled, tmp_path / "p", "parquet")
    }
    assert counts["people.csv"] == 60
    for view in VIEWS:
        with (tmp_path / "c" / f"{view.name}.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        held = duckdb.sql(f"SELECT * FROM '{tmp_path}/p/{view.name}.parquet'")
        assert rows[0] == held.columns == [name for name, _, _ in view.columns]
        assert len(rows) - 1 == len(held.fetchall()) == counts[f"{view.name}.csv"]
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == sorted(counts)


def test_parquet_has_types_and_moments_are_the_stores(filled, tmp_path):
    export_views(filled, tmp_path, "parquet")
    with filled.read() as tx:
        at = tx.exec_driver_sql("SELECT max(opened_at) FROM cycle").scalar()
    found = duckdb.sql(
        f"SELECT max(opened_at), bool_or(is_current) FROM '{tmp_path}/cycles.parquet'"
    )
    assert [str(kind) for kind in found.types] == ["TIMESTAMP", "BOOLEAN"]
    ((newest, current),) = found.fetchall()
    assert int((newest - newest.__class__(1970, 1, 1)).total_seconds()) == at // 1_000_000
    assert current is True


def test_no_name_and_no_address_leaves(filled, tmp_path):
    export_views(filled, tmp_path, "csv")
    text = "".join(path.read_text() for path in tmp_path.glob("*.csv"))
    assert "@" not in text
    with filled.read() as tx:
        import json

        docs = [json.loads(row[0]) for row in tx.exec_driver_sql("SELECT doc FROM person")]
    assert not any(doc["name"] in text for doc in docs if doc.get("name"))


def test_every_view_and_column_is_documented_and_nothing_else():
    told = {
        section.partition(",")[0]: re.findall(r"^\| (\w+) \| (?!meaning)", section, re.MULTILINE)
        for section in DOCS.split("\n## ")[1:-1]
    }
    assert told == {view.name: [name for name, _, _ in view.columns] for view in VIEWS}


def test_the_example_in_the_docs_runs(filled):
    query = re.search(r"```sql\n(.*?);\n```", DOCS, re.DOTALL)[1]
    with filled.read() as tx:
        assert tx.exec_driver_sql(query).fetchall()
