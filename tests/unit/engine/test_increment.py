"""Scoring the few who changed gives exactly what scoring everybody from the whole history gives."""

from __future__ import annotations

from contextlib import contextmanager
from random import Random
from types import SimpleNamespace

import orjson
import pytest
from sqlalchemy import select

from benchmarks import increment
from connector.config.settings import Engine
from connector.engine import child
from connector.engine.program import compiled
from connector.scoring.choice import Models
from connector.scoring.model import Model
from connector.store.database import open_store
from connector.store.persons import people
from connector.store.running import runs
from connector.store.schema import activity, person, tally
from connector.store.scored import scores
from connector.store.scored.feed import activities_sql, feed, people_sql
from connector.sync import compiled as keeping
from connector.sync import score as score_step
from tests.sync.scoring import score_here
from tests.unit.engine.test_spark import DAY, MODELS, NOW, SHIPPED

COLUMNS = ("url", "asset", "campaign", "form", "channel", "visit")
TYPES = ("page_view", "download", "form_submit", "webinar", "email_click")


def event(luck, number, who):
    return {
        "connection": "c",
        "object": "o",
        "id": str(number),
        "person": who,
        "type": luck.choice(TYPES),
        "time": NOW - luck.randrange(200 * DAY),
        "url": luck.choice(["/pricing", "/product/x", "/careers", None]),
        "asset": luck.choice(["a", "b", None]),
        "form": luck.choice(["demo", None]),
        "visit": luck.choice([None, f"v{number % 40}"]),
        "machine": luck.random() < 0.1,
        "duplicate": luck.random() < 0.1,
    }


@pytest.fixture
def filled(tmp_path):
    store, luck = open_store(f"sqlite:///{tmp_path}/s.db"), Random(5)
    facts = [
        {"title": "ceo", "country": c, "account.employees": n * 9, "account.key": f"c/{n % 40}"}
        for n, c in enumerate(["fr", "de", "us"] * 40)
    ]
    rows = [
        {"id": f"c/lead/{n}", "facts": people.dumps(one), "doc": "{}", "excluded": None}
        for n, one in enumerate(facts)
    ]
    with store.write() as tx:
        people.save_people(tx, rows, "1")
        events = [event(luck, n, f"c/lead/{luck.randrange(115)}") for n in range(1500)]
        tx.execute(activity.insert(), events)
        people.mark_all(tx, stale=False)
    yield store, luck
    store.close()


@pytest.fixture
def score_in_process(monkeypatch):
    monkeypatch.setattr(score_step, "score_store", score_here)


def scored(store, now, *, only_stale, models=MODELS):
    queries = {
        "people": people_sql(
            store.dialect, models.person_fields(), only_stale=only_stale, accounts=True
        ),
        "activities": activities_sql(store.dialect, COLUMNS, only_stale=only_stale, accounts=True),
    }
    with score_step.score_store(models, now, url=store.url, queries=queries) as found:
        return {s.person: (s, points) for _, page in found.pages() for s, points, _ in page}


def test_scoring_who_changed_gives_what_scoring_everybody_gives(filled):
    store, luck = filled
    with store.write() as tx:  # new, late, deleted, re-flagged and moved activities, a new title
        tx.execute(activity.insert(), [event(luck, 9000 + n, f"c/lead/{n}") for n in range(3)])
        tx.execute(activity.delete().where(activity.c.person == "c/lead/4"))
        tx.execute(activity.update().where(activity.c.person == "c/lead/5").values(machine=True))
        tx.execute(
            activity.update()
            .where(activity.c.person == "c/lead/6", activity.c.type == "page_view")
            .values(person="c/lead/7")
        )
        tx.execute(person.update().where(person.c.id == "c/lead/8").values(facts="{}"))
        people.mark(tx, [f"c/lead/{n}" for n in range(9)], stale=True)
    some = scored(store, NOW + DAY, only_stale=True)
    everybody = scored(store, NOW + DAY, only_stale=False)
    with store.read() as tx:
        stale = set(tx.execute(select(person.c.id).where(person.c.stale)).scalars())
    assert stale < some.keys() < everybody.keys()  # those of their accounts come along
    assert len(some) < 40
    for who in some:
        (mine, points), (theirs, wanted) = some[who], everybody[who]
        for part in ("fit", "behaviour", "total"):
            assert getattr(mine, part) == pytest.approx(getattr(theirs, part), abs=1e-9)
        assert points == pytest.approx(wanted, abs=1e-9)
        assert mine.score == theirs.score


def step(store, now, models=MODELS, engine=None, *, noted=False):
    """Take the step of a run; gives the published scores. Everybody is due until one is noted."""
    loop = SimpleNamespace(
        store=store,
        settings=SimpleNamespace(engine=engine or Engine()),
        models=models,
        now=now,
        run=runs.new_id(now),
        tell=lambda *_: None,
    )
    with store.write() as tx:
        runs.start(tx, loop.run, "run", now=now, started=now)
    counts, everybody = score_step.score(loop)
    said = {**counts, "scored_all": everybody and noted}
    with store.write() as tx:
        runs.finish(tx, loop.run, status="ok", ended=now, counts=said, model=models.hash)
        ids = list(tx.execute(select(person.c.id)).scalars())
        return {who: one.score for who, one in scores.published(tx, ids).items()}


def agrees(published, store, now, models=MODELS):
    """Hold what was published against everybody's whole history."""
    whole = scored(store, now, only_stale=False, models=models)
    assert published.keys() == whole.keys()
    for who, (wanted, _) in whole.items():
        for part in ("fit", "behaviour", "total"):
            assert getattr(published[who], part) == pytest.approx(getattr(wanted, part), abs=1e-9)
        assert published[who].score == wanted.score


def change(tx, luck):
    """New, late, deleted, re-flagged, moved and merged activities, as the loop marks them."""
    tx.execute(activity.insert(), [event(luck, 9000 + n, f"c/lead/{n}") for n in range(3)])
    tx.execute(activity.delete().where(activity.c.person == "c/lead/4"))
    tx.execute(activity.update().where(activity.c.person == "c/lead/5").values(machine=True))
    tx.execute(
        activity.update()
        .where(activity.c.person == "c/lead/6", activity.c.type == "page_view")
        .values(person="c/lead/7")
    )
    people.merge(tx, {"c/lead/9": "c/lead/10"}, "2")
    touched = [f"c/lead/{n}" for n in (*range(8), 10)]
    people.mark(tx, touched, stale=True)
    people.forget_counted(tx, touched)


def test_only_whom_news_or_a_window_touched_is_counted_anew(filled, score_in_process):
    store, luck = filled
    agrees(step(store, NOW), store, NOW)
    with store.write() as tx:
        change(tx, luck)
        before = dict(tx.execute(select(tally.c.person, tally.c.as_of)).all())
    assert len(before) == 110  # of ten anything may have changed
    assert set(before.values()) == {NOW}
    later = NOW + DAY + 1
    agrees(step(store, later), store, later)
    with store.read() as tx:
        held = dict(tx.execute(select(tally.c.person, tally.c.as_of)).all())
        ended = set(tx.execute(select(tally.c.person).where(tally.c.until <= later)).scalars())
    assert not ended
    assert "c/lead/9" not in held
    assert {f"c/lead/{n}" for n in (*range(8), 10)} < {w for w, at in held.items() if at == later}
    assert 60 < sum(at == NOW for at in held.values()) < 111  # the others were not read again


def test_no_activity_is_read_of_people_whose_sums_hold(filled, score_in_process):
    store, _ = filled
    models = Models.only(SHIPPED)
    first = step(store, NOW, models)
    wanted = scored(store, NOW + DAY, only_stale=False, models=models)
    with store.write() as tx:
        holds = select(tally.c.person).where(tally.c.until.is_(None) | (tally.c.until > NOW + DAY))
        who = set(tx.execute(holds).scalars())
        tx.execute(activity.delete())  # unseen by the loop: nobody is marked
    found = step(store, NOW + DAY, models)
    assert len(who) > 60
    for one in who:
        assert found[one].behaviour == pytest.approx(wanted[one][0].behaviour, abs=1e-9)
    assert sum(first[one].behaviour > 0 for one in who) > 20


def test_sums_are_kept_and_read_on_both_databases(store_url):
    store, models = open_store(store_url), Models.only(SHIPPED)
    webinar = event(Random(1), 1, "c/lead/a") | {
        "type": "webinar",
        "time": NOW - DAY,
        "machine": False,
        "duplicate": False,
    }
    with store.write() as tx:
        rows = [
            {"id": f"c/lead/{n}", "facts": "{}", "doc": "{}", "excluded": None} for n in ("a", "b")
        ]
        people.save_people(tx, rows, "1")
        tx.execute(activity.insert(), [webinar])
    step(store, NOW, models)
    with store.write() as tx:
        tx.execute(activity.delete())  # unseen by the loop: nobody is marked
    found = step(store, NOW + DAY, models)
    store.close()
    assert found["c/lead/a"].behaviour == pytest.approx(20 * 2 ** (-2 / 90), abs=1e-9)
    assert found["c/lead/b"].behaviour == 0


def test_a_model_with_other_points_scores_everybody_from_the_sums(filled, score_in_process):
    store, _ = filled
    step(store, NOW, Models.only(SHIPPED))
    document = SHIPPED.model_dump(mode="json", by_alias=True, exclude_none=True)
    for rule in document["behaviour"]["groups"][0]["rules"]:
        rule["points"] += 3
    document["threshold"] = 30
    new = Models.only(Model.model_validate_json(orjson.dumps(document)))
    agrees(step(store, NOW + 1, new), store, NOW + 1, new)
    with store.read() as tx:
        assert set(tx.execute(select(tally.c.as_of)).scalars()) == {NOW}


def test_scores_of_few_come_as_lines_and_are_the_very_ones_that_parquet_holds(
    filled, score_in_process, monkeypatch
):
    store, _ = filled
    both = []
    for few in (child.FEW, 0):
        monkeypatch.setattr(child, "FEW", few)
        queries = {
            "people": people_sql(store.dialect, MODELS.person_fields(), only_stale=False),
            "activities": activities_sql(store.dialect, COLUMNS, only_stale=False),
        }
        with score_step.score_store(MODELS, NOW, url=store.url, queries=queries) as found:
            lines = {one.suffix == ".jsonl" for one in found.path.parent.iterdir()}
            both.append((lines, [one for _, page in found.pages(size=50) for one in page]))
    assert [lines for lines, _ in both] == [{True}, {False}]
    assert both[0][1] == both[1][1]
    assert len(both[0][1]) == 120
    assert any(one.tally.sums for one in both[0][1])


def test_what_was_compiled_is_kept_until_model_or_compiler_is_another(
    filled, score_in_process, monkeypatch
):
    store, luck = filled
    made = []
    monkeypatch.setattr(
        keeping, "compiled_now", lambda models: made.append(models.hash) or compiled(models)
    )
    step(store, NOW)
    with store.write() as tx:
        change(tx, luck)
    agrees(step(store, NOW + 1), store, NOW + 1)
    assert made == [MODELS.hash]
    other = Models.only(SHIPPED)
    agrees(step(store, NOW + 2, models=other), store, NOW + 2, models=other)
    assert made == [MODELS.hash, other.hash]
    monkeypatch.setattr(keeping, "compiler", lambda: "another")
    step(store, NOW + 2 + DAY, models=other)
    assert made == [MODELS.hash, other.hash, other.hash]


def test_the_few_who_wait_to_be_scored_and_what_is_new_of_them_are_found_by_their_index(filled):
    store, _ = filled
    kept = score_step.kept(MODELS, NOW)
    assert kept.read_with
    with store.read() as tx:
        asked = feed(tx, kept, MODELS.person_fields(), COLUMNS, only_stale=True)
        steps = [
            row[-1]
            for query in asked
            for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
        ]
    assert not [step for step in steps if step.startswith(("SCAN p", "SCAN t", "SCAN a"))
                and "USING INDEX person_stale" not in step
                and "USING COVERING INDEX person_stale" not in step]  # fmt: skip
    assert [step for step in steps if "person_stale" in step]
    assert [s for s in steps if s.startswith("SEARCH a") and "person=? AND time>?" in s]


def test_a_person_scored_on_a_cluster_after_news_loses_the_sums_of_before(
    filled, score_in_process, monkeypatch
):
    store, luck = filled
    step(store, NOW)
    with store.write() as tx:
        change(tx, luck)

    @contextmanager
    def elsewhere(models, now, folder, master):
        with score_step.score_store(
            models,
            now,
            url=store.url,
            queries={
                "people": people_sql(store.dialect, models.person_fields(), only_stale=False),
                "activities": activities_sql(store.dialect, COLUMNS, only_stale=False),
            },
        ) as found:
            yield _WithoutTallies(found)

    monkeypatch.setattr(score_step, "score_export", elsewhere)
    monkeypatch.setattr(score_step, "export_store", lambda *_, **__: None)
    cluster = Engine(kind="spark", master="local[2]", folder="unused")
    step(store, NOW + 2 * DAY, engine=cluster)
    with store.read() as tx:
        held = set(tx.execute(select(tally.c.person)).scalars())
    assert not held & {f"c/lead/{n}" for n in range(8)}
    assert len(held) > 100
    at = NOW + 3 * DAY + 1
    agrees(step(store, at), store, at)


class _WithoutTallies:
    def __init__(self, found):
        self._found = found

    def pages(self):
        for model, page in self._found.pages():
            yield model, [one._replace(tally=None) for one in page]


def test_the_measured_increment_scores_who_was_touched_and_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = increment.part(300, 3000).splitlines()
    counted = {line.split("  ")[0]: line.split()[-2:] for line in shown[2:]}
    assert counted["everybody, a day later"][0] == "300"
    assert counted["one in 100 changed"] == ["3", "3"]
    assert counted["nobody changed"] == ["0", "0"]
