"""What is new of people is added to what was counted of them, and gives what all they did gives.

Everything goes the way a run takes: stored by a pull, placed and judged by resolve, scored.
"""

from __future__ import annotations

from types import SimpleNamespace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from connector.domain.moment import DAY, HOUR, MINUTE
from connector.domain.record import Activity
from connector.errors import TryLaterError
from connector.scoring.choice import Models
from connector.scoring.model import Model
from connector.store.database import open_store
from connector.store.incoming import activities
from connector.store.incoming.records import store_activities
from connector.store.persons import people, retention
from connector.store.persons.news import take_news
from connector.store.running import runs
from connector.store.schema import activity, person, tally
from connector.sync import score as score_step
from connector.sync.engagement import place_activities
from tests.sync.scoring import score_here
from tests.unit.engine.test_increment import agrees, scored, step
from tests.unit.engine.test_spark import MODELS, NOW, SHIPPED
from tests.unit.engine.test_tallies import model_of
from tests.unit.sync.beginning import begin

WHO = [f"crm/lead/{n}" for n in range(4)]
TYPES = ["page_view", "page_view", "download", "form_submit", "email_open", "email_click"]
LAW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(score_step, "score_store", score_here)
    opened = open_store(f"sqlite:///{tmp_path}/s.db")
    yield opened
    opened.close()


def pull(store, events, gone=(), connection="crm"):
    with store.write() as tx:
        store_activities(tx, connection=connection, object="event", activities=events, gone=gone)


def resolve(store, connections=1):
    """Place and judge what was pulled, as the middle of a run does."""
    loop = SimpleNamespace(store=store, sources=[1] * connections, tell=lambda *_: None)
    with store.write() as tx:
        take_news(tx, 1000)
    place_activities(loop)


def visit(ident, time, who=0, kind="page_view", **more):
    return Activity(ident, kind, time, person=f"lead/{who}", **{"url": "/pricing"} | more)


def due(store, now, models):
    """Who is scored at a moment: everybody once a day and after a change, else who has news."""
    with store.read() as tx:
        last = runs.last_full_score(tx)
        everybody = last is None or last.model != models.hash or now - last.now >= DAY
        who = select(person.c.id) if everybody else select(person.c.id).where(person.c.stale)
        return set(tx.execute(who).scalars())


done = st.builds(
    lambda ident, kind, ago, who, url, asset, message, agent: Activity(
        f"e{ident}", kind, -ago, f"lead/{who}", None, url, asset, message=message, agent=agent
    ),
    st.integers(0, 60),  # some ids come twice: the activity changed
    st.sampled_from(TYPES),
    st.one_of(
        st.integers(-DAY, 3 * DAY), st.integers(0, 60 * DAY), st.sampled_from([0, HOUR, DAY])
    ),
    st.integers(0, 3),
    st.sampled_from(["/pricing", "/product/x", "/careers", None]),
    st.sampled_from(["a", "b", None]),
    st.sampled_from(["m1", "m2", None]),
    st.sampled_from(["Mimecast scanner", None, None]),
)
rounds = st.lists(
    st.tuples(
        st.sampled_from([0, MINUTE, HOUR, 7 * HOUR, DAY, 2 * DAY, 9 * DAY]),
        st.lists(done, max_size=8),
        st.sets(st.integers(0, 60), max_size=1),
        st.sampled_from(["nothing", "nothing", "facts", "clear", "merge"]),
    ),
    min_size=2,
    max_size=5,
)


VIEW = {"activity": "page_view", "points": 1}
ALL_KINDS = Models.only(
    model_of(
        {"name": "quiet", "inactive": "7d", "points": -3},
        VIEW | {"name": "lately", "within": "3d"},
        VIEW | {"name": "days", "within": "9d", "per": "day", "times": 2},
        VIEW | {"name": "assets", "per": "asset", "activity": ["page_view", "download"]},
        VIEW | {"name": "twice", "per": "asset", "times": 2, "within": "20d"},
        VIEW | {"name": "firsts", "first": True, "times": 2},
        VIEW | {"name": "returns", "per": "return_visit"},
        VIEW | {"name": "then", "after": {"activity": "download", "within": "5d"}},
        VIEW
        | {"name": "then soon", "after": {"activity": "download", "within": "2d"}, "within": "9d"},
        fast=[{"name": "asked", "activity": "form_submit", "within": "4d"}],
    )
)


@pytest.mark.parametrize(
    "models",
    [MODELS, Models.only(SHIPPED), ALL_KINDS],
    ids=["several", "shipped", "of all kinds"],
)
@LAW
@given(rounds=rounds)
def test_run_by_run_scores_are_what_all_that_was_done_gives(store, models, rounds):
    begin(store, WHO)
    now, merged = NOW, False
    for age, events, gone, what in rounds:
        now += age
        pull(
            store,
            [one._replace(time=now + one.time) for one in events],
            [f"e{n}" for n in gone],
        )
        with store.write() as tx:
            if what == "facts":
                row = {"id": WHO[1], "facts": f'{{"account.employees": {now % 999}}}', "doc": "{}"}
                people.save_people(tx, [row | {"excluded": None}], "2")
            elif what == "clear":
                retention.clear_activities(tx, now - 20 * DAY)
            elif what == "merge" and not merged:
                merged = True
                people.merge(tx, {WHO[3]: WHO[2]}, "2")
                people.mark(tx, [WHO[2]], stale=True)
        resolve(store)
        waiting = due(store, now, models)
        published = step(store, now, models, noted=True)
        whole = scored(store, now, only_stale=False, models=models)
        assert waiting <= whole.keys()
        for who in waiting:
            for part in ("fit", "behaviour", "total"):
                wanted = pytest.approx(getattr(whole[who][0], part), abs=1e-9)
                assert getattr(published[who], part) == wanted
            assert published[who].score == whole[who][0].score


def test_who_did_nothing_and_takes_in_somebody_who_did_is_quiet_since_then(store):
    begin(store, WHO)
    pull(store, [visit("v", NOW - 30 * DAY, who=1)])
    resolve(store)
    step(store, NOW, ALL_KINDS)
    with store.write() as tx:
        people.merge(tx, {WHO[1]: WHO[0]}, "2")
        people.mark(tx, [WHO[0]], stale=True)
    agrees(step(store, NOW + 1, ALL_KINDS), store, NOW + 1, models=ALL_KINDS)
    assert of(store)["newest"] == NOW - 30 * DAY


def of(store, who=0):
    with store.read() as tx:
        return tx.execute(select(tally).where(tally.c.person == WHO[who])).one()._asdict()


@pytest.fixture
def counted(store):
    """Somebody who came to the pricing page half a year long, and is known by sums alone."""
    begin(store, WHO)
    models = Models.only(SHIPPED)
    pull(store, [visit(f"o{n}", NOW - n * DAY) for n in range(2, 60)])
    pull(store, [visit("d", NOW - 40 * DAY, kind="download", asset="a")])
    resolve(store)
    step(store, NOW, models)
    with store.write() as tx:  # unseen by the loop: whoever reads it again scores less
        tx.execute(activity.delete().where(activity.c.time < NOW - 2 * DAY))
    return store, models


def behaviour(counted, later):
    store, models = counted
    return step(store, NOW + later, models)[WHO[0]].behaviour


@pytest.mark.parametrize("later", [MINUTE, DAY, 3 * DAY])
def test_who_did_more_is_scored_without_reading_again_what_was_counted(counted, later):
    store, _ = counted
    before = of(store)
    pull(store, [visit("n", NOW + later - HOUR)])
    resolve(store)
    assert behaviour(counted, later) > 0
    after = of(store)
    assert after["as_of"] == NOW + later
    assert most(after) > 0.9 * most(before) - 1 > 4


def most(held):
    """The largest of the sums: of visits."""
    return max(float(one or 0) for one in held["sums"].split(";"))


def test_who_is_known_better_is_scored_without_reading_what_they_did(counted):
    store, _ = counted
    with store.write() as tx:
        facts = {"id": WHO[0], "facts": '{"account.employees": 600}', "doc": "{}"}
        people.save_people(tx, [facts | {"excluded": None}], "2")
        tx.execute(activity.delete())
    assert behaviour(counted, 1) > 0


@pytest.mark.parametrize(
    "news",
    [[visit("late", NOW - 9 * DAY)], [visit("o2", NOW)]],
    ids=["of a closed day", "changed"],
)
def test_what_is_not_just_more_has_rules_that_read_such_counted_anew_and_no_others(counted, news):
    store, _ = counted
    before = most(of(store))
    pull(store, news)
    resolve(store)
    behaviour(counted, 1)
    assert most(of(store)) < before / 4  # most of it was deleted unseen
    assert downloads(store) == [NOW - 40 * DAY]  # so was this, and nobody looked


def test_more_of_an_asset_is_added_to_what_is_kept_of_others(counted):
    store, _ = counted
    pull(store, [visit("b", NOW, kind="download", asset="b")])
    resolve(store)
    behaviour(counted, 3 * DAY)
    assert downloads(store) == [NOW - 40 * DAY, NOW]
    pull(store, [visit("a", NOW + 4 * DAY, kind="download", asset="a")])
    resolve(store)
    behaviour(counted, 8 * DAY)
    assert downloads(store) == [NOW, NOW + 4 * DAY]


def downloads(store):
    """When somebody downloaded what is still looked at: the newest of each asset."""
    return sorted(entry["t"] for entry in orjson.loads(of(store)["entries"] or "[]"))


def test_what_a_pull_changes_while_a_run_places_is_not_counted_twice(store):
    begin(store, WHO)
    models = Models.only(SHIPPED)
    pull(store, [visit("v", NOW - 5 * DAY)])
    resolve(store)
    step(store, NOW, models)
    pull(store, [visit("v", NOW)])  # after the run took the news that there were
    place_activities(SimpleNamespace(store=store, sources=[1], tell=lambda *_: None))
    agrees(step(store, NOW + 1, models), store, NOW + 1, models)


@pytest.fixture
def server(postgresql_url):
    opened = open_store(postgresql_url)
    pull(opened, [visit("a", NOW)])
    yield opened
    opened.close()


def test_an_activity_is_not_changed_while_it_is_placed(server):
    with server.write() as placing:
        assert len(activities.unplaced(placing, ("", "", ""), 9)) == 1
        with pytest.raises(TryLaterError, match="LockNotAvailable"), server.write() as pulling:
            pulling.execute(text("SET LOCAL lock_timeout = '100ms'"))
            change(pulling)


def test_an_activity_is_not_placed_while_it_is_changed(server):
    with server.write() as pulling:
        change(pulling)
        with server.write() as placing:
            assert activities.unplaced(placing, ("", "", ""), 9) == []
    with server.write() as placing:
        assert [one.time for one in activities.unplaced(placing, ("", "", ""), 9)] == [NOW - DAY]


def change(tx):
    later = visit("a", NOW - DAY)
    store_activities(tx, connection="crm", object="event", activities=[later])


def test_what_was_counted_of_a_closed_day_counts_no_more_once_it_is_a_machines_and_again_after(
    store,
):
    begin(store, WHO)
    document = SHIPPED.model_dump(mode="json", by_alias=True, exclude_none=True)
    opened = {"name": "Opened", "activity": "email_open", "points": 1}
    document["behaviour"]["groups"][0]["rules"].append(opened)
    models = Models.only(Model.model_validate_json(orjson.dumps(document)))

    def more(now, *events):
        pull(store, events)
        resolve(store)
        return step(store, now, models)[WHO[0]].behaviour

    mails = [visit(f"m{n}", NOW - n * DAY, kind="email_open", message=f"m{n}") for n in range(10)]
    assert more(NOW, *mails[3:]) > 0  # seven opens are a reader's
    assert more(NOW + 1, mails[0]) == 0  # eight, and never anything else, are a proxy's
    alone = step(store, NOW + 1, models)[WHO[0]].behaviour
    acted = more(NOW + 2, visit("v", NOW, url="/careers/none", kind="email_reply"))
    assert acted > alone
    agrees(step(store, NOW + 3, models), store, NOW + 3, models)


def test_an_activity_that_turns_out_to_be_a_machines_is_taken_out_of_what_was_counted(store):
    begin(store, WHO)
    models = Models.only(SHIPPED)
    clicks = [
        visit(f"c{n}", NOW - HOUR + n, kind="email_click", url=f"/{n}", message="m")
        for n in range(2)
    ]
    pull(store, clicks)
    resolve(store)
    assert step(store, NOW, models)[WHO[0]].behaviour > 0
    pull(store, [visit("c2", NOW - HOUR + 2, kind="email_click", url="/2", message="m")])
    resolve(store)
    assert step(store, NOW + 1, models)[WHO[0]].behaviour == 0
