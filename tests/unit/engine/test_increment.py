"""Scoring the few who changed: from their whole history, so exactly what scoring everybody gives."""

from __future__ import annotations

from random import Random

import pytest
from sqlalchemy import select

from benchmarks import increment
from connector.engine.run import score_store
from connector.store import people
from connector.store.database import open_store
from connector.store.feed import activities_sql, people_sql
from connector.store.schema import activity, person
from tests.unit.engine.test_spark import DAY, MODELS, NOW

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


def scored(store, now, *, only_stale):
    queries = {
        "people": people_sql(
            store.dialect, MODELS.person_fields(), only_stale=only_stale, accounts=True
        ),
        "activities": activities_sql(store.dialect, COLUMNS, only_stale=only_stale, accounts=True),
    }
    with score_store(MODELS, now, url=store.url, **queries) as found:
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


def test_the_measured_increment_scores_who_was_touched_and_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = increment.part(300, 3000).splitlines()
    counted = {line.split("  ")[0]: line.split()[-2:] for line in shown[2:]}
    assert counted["everybody, a day later"][0] == "300"
    assert counted["one in 100 changed"] == ["3", "3"]
    assert counted["nobody changed"] == ["0", "0"]
