"""The engine on Spark: what an export holds, and the same scores as here."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import duckdb
import orjson
import pytest

from connector.engine.cluster import export_store, score_export
from connector.engine.run import score_store
from connector.scoring import choice
from connector.scoring.choice import Choice, Models
from connector.scoring.model import Model, load_model
from connector.store.database import open_store
from connector.store.persons import people
from connector.store.schema import activity, person
from connector.store.scored.feed import activities_sql, people_sql
from connector.sync.score import EXPORTED

ROOT = Path(__file__).parents[3]
NOW = 1_780_000_000_000_000
DAY = 86_400_000_000
SHIPPED = load_model(ROOT / "mappings" / "model.yaml")


def odd():
    """A model of the words the shipped one does not use, with names Spark would trip over."""
    groups = [
        {"name": "first", "activity": "download", "points": 5, "first": True},
        {"name": "back `again`", "activity": "page_view", "points": 3, "per": "return_visit"},
        {"name": "col.leagues", "activity": "page_view", "points": 1, "max": 9, "by": "colleagues"},
        {
            "name": "after",
            "activity": "page_view",
            "points": 2,
            "after": {"activity": "download", "within": "9d"},
        },
        {"name": "two a day", "activity": "page_view", "points": 1, "per": "day", "times": 2},
        {
            "name": "pattern",
            "activity": "page_view",
            "points": 1,
            "where": {"url": {"regex": r"pri\\w+\\b"}},
        },
    ]
    return Model.model_validate(
        {
            "version": 1,
            "name": "odd",
            "fit": {
                "full_marks": 9,
                "groups": [
                    {
                        "name": "g",
                        "rules": [
                            {
                                "name": "a.b",
                                "field": "account.employees",
                                "range": [50, None],
                                "points": 9,
                            }
                        ],
                    }
                ],
            },
            "behaviour": {"full_marks": 40, "groups": [{"name": "h", "rules": groups}]},
            "fast_track": [{"name": "demo v1.0", "activity": "form_submit"}],
            "thresholds": [{"name": "s", "when": {"country": {"in": ["fr"]}}, "threshold": 10}],
        }
    )


MODELS = Models([Choice(odd(), choice.tests_of({"country": ["fr", "de"]})), Choice(SHIPPED, {})])


@pytest.fixture
def filled(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    types = ["page_view", "download", "form_submit", "webinar"]
    with store.write() as tx:
        people.save_people(
            tx,
            [
                {
                    "id": f"c/lead/{n}",
                    "facts": people.dumps(
                        {
                            "title": ["ceo", "größe", "it manager"][n % 3],
                            "country": ["fr", "de", "us"][n % 3],
                            "account.employees": n * 10,
                            "account.key": f"c/{n % 7}",
                        }
                    ),
                    "doc": "{}",
                    "excluded": None,
                }
                for n in range(60)
            ],
            "run",
        )
        tx.execute(
            activity.insert(),
            [
                {
                    "connection": "c",
                    "object": "o",
                    "id": str(n),
                    "person": f"c/lead/{n % 53}",
                    "type": types[n % 4],
                    "time": NOW - n * DAY // 5,
                    "url": ["/pricing", "/x", None][n % 3],
                    "asset": ["a", None][n % 2],
                    "visit": [None, f"v{n}"][n % 2],
                    "machine": n % 11 == 0,
                    "duplicate": False,
                }
                for n in range(900)
            ],
        )
    yield store
    store.close()


def queries(store, columns):
    return {
        "people": people_sql(store.dialect, MODELS.person_fields(), only_stale=False),
        "activities": activities_sql(store.dialect, columns, only_stale=False),
    }


def export(store, folder, run):
    asked = queries(store, EXPORTED)
    export_store(MODELS, folder, run, url=store.url, memory="1GB", **asked)


def here(store):
    with score_store(MODELS, NOW, url=store.url, queries=queries(store, EXPORTED)) as scored:
        return {s.person: (s, points) for _, page in scored.pages() for s, points, _ in page}


def written(folder, table, run):
    files = f"{folder}/{table}/run={run}/bucket=*/*.parquet"
    if not list(Path(folder).glob(f"{table}/run={run}/bucket=*/*.parquet")):
        return []
    return duckdb.sql(f"SELECT * EXCLUDE (bucket, run) FROM read_parquet('{files}')").fetchall()


def test_an_export_writes_everybody_once_and_then_only_who_changed_or_is_gone(filled, tmp_path):
    folder = tmp_path / "export"
    export(filled, folder, "1")
    assert len(written(folder, "people", "1")) == 60
    assert len(written(folder, "activities", "1")) == 900
    export(filled, folder, "2")
    assert written(folder, "people", "2") == []
    with filled.write() as tx:
        tx.execute(
            person.update()
            .where(person.c.id == "c/lead/3")
            .values(facts=orjson.dumps({"title": "x"}).decode())
        )
        tx.execute(activity.update().where(activity.c.id == "5").values(machine=True))
        tx.execute(person.delete().where(person.c.id == "c/lead/59"))
    export(filled, folder, "3")
    rows = {row[0]: row[-1] for row in written(folder, "people", "3")}
    assert rows == {"c/lead/3": False, "c/lead/5": False, "c/lead/59": True}


def same(left, right):
    assert left.keys() == right.keys()
    for name, (score, points) in left.items():
        other, theirs = right[name]
        assert score._replace(fit=0, behaviour=0, total=0) == other._replace(
            fit=0, behaviour=0, total=0
        )
        for part in ("fit", "behaviour", "total"):
            assert getattr(score, part) == pytest.approx(getattr(other, part), abs=1e-9)
        assert points == pytest.approx(theirs, abs=1e-9)


def on_spark(folder, master):
    with score_export(MODELS, NOW, folder, master) as scored:
        return {s.person: (s, points) for _, page in scored.pages() for s, points, _ in page}


def needs_spark():
    pytest.importorskip("pyspark", reason="Spark is not installed: pip install leadloop[spark]")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed")


@pytest.mark.spark
@pytest.mark.timeout(1200)
def test_spark_says_what_duckdb_says_after_two_exports(filled, tmp_path):
    needs_spark()
    folder = tmp_path / "export"
    export(filled, folder, "1")
    with filled.write() as tx:
        tx.execute(activity.update().where(activity.c.id == "5").values(machine=True))
        tx.execute(person.delete().where(person.c.id == "c/lead/59"))
    export(filled, folder, "2")
    same(on_spark(folder, "local[2]"), here(filled))


@pytest.mark.spark
@pytest.mark.timeout(1200)
def test_a_standalone_master_with_two_workers_says_the_same(filled, tmp_path):
    needs_spark()
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    work = str(tmp_path / "work")

    def start(*words):
        command = [str(home / "bin" / "spark-class"), *words]
        with (tmp_path / f"{words[0].rpartition('.')[2]}.log").open("a") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    port = 17_000 + os.getpid() % 1000
    master = f"spark://127.0.0.1:{port}"
    running = [
        start(
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--webui-port",
            "0",
        )
    ]
    try:
        running += [
            start(
                "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1",
                "--memory", "1500m", "--work-dir", work, "--webui-port", "0", master,
            )
            for _ in range(2)
        ]  # fmt: skip
        deadline = time.monotonic() + 90
        log = tmp_path / "Master.log"
        while log.read_text().count("Registering worker") < 2:
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.5)
        export(filled, tmp_path / "export", "1")
        same(on_spark(tmp_path / "export", master), here(filled))
        assert log.read_text().count("Launching executor") >= 2
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(timeout=30)
