"""What is to be counted anew of people: the types of which something changed, and no others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from connector.domain.moment import DAY, HOUR, SECOND
from connector.domain.record import Activity, Record
from connector.domain.tally import Tally, open_since
from connector.store.database import open_store
from connector.store.incoming.records import store_activities, store_page
from connector.store.persons import forgetting, people, retention, splitting
from connector.store.persons.news import note_changed, note_news, take_all_news
from connector.store.persons.suppressed import suppress
from connector.store.schema import activity, person, recount, tally
from connector.store.schema_sync import news
from connector.store.scored import tallies
from connector.sync.engagement import place_activities
from tests.unit.sync.beginning import begin

NOW = 20_000 * DAY + 9 * HOUR
OPEN = NOW - 9 * HOUR - DAY
"""When the days began that are open now."""
A, B, C, NEW = (f"crm/lead/{name}" for name in ("a", "b", "c", "new"))
COUNTED = {A, B, C}
"""Of NEW nothing is counted yet."""
CLICKS = [
    Activity(f"k{n}", "email_click", OPEN - DAY + n * SECOND, "lead/a", url=f"/{n}", message="m")
    for n in range(3)
]
"""Three links of one mail within seconds: a scanner's, which two are not."""


@pytest.fixture
def store(store_url):
    """People who visited, downloaded and clicked before open days, and are scored."""
    opened = open_store(store_url)
    with opened.write() as tx:
        names = ["a", "b", "c", "new"]
        page(tx, [Record(name, 1, {}, {}) for name in names])
        records = people.records_by_id(tx, "crm", "person", names).values()
        people.clean(tx, [one._replace(person=one.key) for one in records])
        rows = [{"id": r.key, "facts": "{}", "doc": "{}", "excluded": None} for r in records]
        people.save_people(tx, rows, "1")
        people.add_keys(tx, {("record", one.key): one.key for one in records})
    pull(
        opened,
        visit("a1", OPEN - 9 * DAY),
        visit("a2", OPEN - 1, kind="download"),
        visit("a3", OPEN + 1, kind="download"),
        visit("b1", OPEN - 9 * DAY, "b", kind="webinar"),
        visit("b2", OPEN - 8 * DAY, "b", kind="webinar"),
        visit("b3", OPEN + 1, "b", kind="form_submit"),
        *CLICKS[:2],
    )
    resolve(opened)
    with opened.write() as tx:
        tallies.save(tx, dict.fromkeys(sorted(COUNTED), Tally(None, None, "1")), "u", NOW)
        people.mark_all(tx, stale=False, pending=False)
    assert noted(opened) == set()
    yield opened
    opened.close()


def page(tx, leads):
    told = {"connection": "crm", "object": "lead", "kind": "person", "mapping_hash": "", "run": "1"}
    store_page(tx, records=leads, gone={}, **told)


def visit(ident, time, who="a", kind="page_view"):
    return Activity(ident, kind, time, f"lead/{who}")


def pull(store, *events, gone=(), connection="crm"):
    told = {"connection": connection, "object": "event"}
    with store.write() as tx:
        store_activities(tx, activities=events, gone=gone, **told)


def resolve(store, connections=1):
    with store.write() as tx:
        take_all_news(tx)
    loop = SimpleNamespace(store=store, sources=[1] * connections, tell=lambda *_: None)
    place_activities(loop)


def noted(store):
    with store.read() as tx:
        return {(who, kind) for who, kind in tx.execute(select(recount)).all()}


def counted(store):
    with store.read() as tx:
        return set(tx.execute(select(tally.c.person)).scalars())


def flagged(store):
    """Who is to be scored and planned again; nobody to be scored alone."""
    with store.read() as tx:
        flags = select(person.c.id, person.c.stale, person.c.pending)
        found = {row.id: (row.stale, row.pending) for row in tx.execute(flags).all()}
    assert set(found.values()) <= {(True, True), (False, False)}
    return {who for who, both in found.items() if both == (True, True)}


# --- more was done -------------------------------------------------------------------------------


def test_a_late_visit_has_its_type_counted_anew_and_leaves_what_was_counted(store):
    pull(store, visit("late", OPEN - 1), visit("in time", NOW, kind="download"))
    resolve(store)
    assert noted(store) == {(A, "page_view")}
    assert counted(store) == COUNTED
    assert flagged(store) == {A}


def test_more_of_open_days_has_nothing_counted_anew(store):
    pull(store, visit("first", OPEN), visit("last", NOW + DAY, "b"))
    resolve(store)
    assert noted(store) == set()
    assert flagged(store) == {A, B}


def test_the_first_of_many_of_a_type_says_whether_it_is_late(store):
    pull(store, visit("x", NOW), visit("y", OPEN - DAY), visit("z", OPEN))
    resolve(store)
    assert noted(store) == {(A, "page_view")}


def test_what_is_late_of_whom_nothing_is_counted_is_not_noted(store):
    pull(store, visit("late", OPEN - 1, "new"))
    resolve(store)
    assert noted(store) == set()
    assert flagged(store) == {NEW}


def test_what_is_noted_twice_is_noted_once(store):
    for ident in ("one", "two"):
        pull(store, visit(ident, OPEN - 1))
        resolve(store)
    with store.write() as tx:
        people.recount(tx, [(A, "page_view"), (A, "download"), (A, "download")])
    assert noted(store) == {(A, "page_view"), (A, "download")}


# --- it is not what it was -----------------------------------------------------------------------


def test_a_deleted_activity_has_its_type_counted_anew_once_the_news_is_taken(store):
    pull(store, gone=["a1", "b3", "never seen"])
    assert noted(store) == set()
    assert flagged(store) == set()
    resolve(store)
    assert noted(store) == {(A, "page_view"), (B, "form_submit")}
    assert counted(store) == COUNTED
    assert flagged(store) == {A, B}
    with store.read() as tx:
        assert tx.execute(select(news)).all() == []


def test_an_activity_that_changed_has_the_type_it_had_counted_anew(store):
    pull(store, visit("a1", NOW, kind="download"))
    resolve(store)
    assert noted(store) == {(A, "page_view")}
    assert counted(store) == COUNTED
    assert flagged(store) == {A}


def test_an_activity_that_changed_has_its_new_type_counted_anew_too_where_it_is_late(store):
    pull(store, visit("a1", OPEN - 9 * DAY, kind="webinar"))
    resolve(store)
    assert noted(store) == {(A, "page_view"), (A, "webinar")}


def test_an_activity_that_turns_out_to_be_somebody_elses_is_counted_anew_of_both(store):
    pull(store, visit("a1", OPEN - 9 * DAY, "b", kind="form_submit"))
    resolve(store)
    assert noted(store) == {(A, "page_view"), (B, "form_submit")}
    assert flagged(store) == {A, B}


def test_an_activity_that_changed_before_anybody_counted_it_has_nothing_counted_anew(store):
    pull(store, visit("nobody's", OPEN - 1, "who"))
    resolve(store)
    pull(store, visit("nobody's", OPEN - 2, "who"))
    resolve(store)
    assert noted(store) == set()


def test_what_turns_out_to_be_a_machines_has_its_type_counted_anew(store):
    pull(store, visit("v", NOW), CLICKS[2])
    resolve(store)
    assert noted(store) == {(A, "email_click")}
    assert counted(store) == COUNTED
    with store.read() as tx:
        machines = select(activity.c.id).where(activity.c.machine)
        assert set(tx.execute(machines).scalars()) == {"k0", "k1", "k2"}


def test_what_is_a_machines_from_the_first_has_nothing_counted_anew_on_open_days(store):
    pull(store, *(one._replace(id=f"n{one.id}", time=one.time + 2 * DAY) for one in CLICKS))
    resolve(store)
    assert noted(store) == set()
    assert flagged(store) == {A}


def test_a_flag_that_changes_on_an_open_day_has_its_type_counted_anew(store):
    mail = [one._replace(id=f"n{n}", time=NOW + n) for n, one in enumerate(CLICKS)]
    mail = [one._replace(message="n") for one in mail]
    pull(store, *mail[:2])
    resolve(store)
    assert noted(store) == set()
    pull(store, mail[2])
    resolve(store)
    assert noted(store) == {(A, "email_click")}


def test_what_is_a_machines_by_other_words_than_before_has_nothing_counted_anew(store):
    mails = [visit(f"m{n}", OPEN - n * DAY, "new", kind="email_open") for n in range(8)]
    pull(store, *(one._replace(message=one.id) for one in mails))
    resolve(store)
    with store.write() as tx:
        tallies.save(tx, {NEW: Tally(None, None, "")}, "u", NOW)
    pull(store, visit("m9", NOW, "new", kind="email_open")._replace(message="m9"))
    resolve(store)
    assert noted(store) == set()
    with store.read() as tx:
        said = set(tx.execute(select(activity.c.evidence).where(activity.c.machine)).scalars())
    assert said == {"9 opens and never anything else"}


# --- beside the middle ---------------------------------------------------------------------------


def test_news_of_what_changed_and_news_of_facts_are_told_apart(store):
    with store.write() as tx:
        note_changed(tx, [(A, "download"), (A, "page_view"), (A, "download"), (NEW, "download")])
        note_news(tx, [B], stale=True)
        note_news(tx, [C])
    with store.write() as tx:
        assert len(tx.execute(select(news)).all()) == 5
        take_all_news(tx)
    assert noted(store) == {(A, "download"), (A, "page_view")}
    with store.read() as tx:
        stale = set(tx.execute(select(person.c.id).where(person.c.stale)).scalars())
        pending = set(tx.execute(select(person.c.id).where(person.c.pending)).scalars())
    assert stale == {A, B, NEW}
    assert pending == {A, B, C, NEW}
    assert counted(store) == COUNTED


def test_facts_that_change_have_nothing_counted_anew(store):
    with store.write() as tx:
        row = {"id": A, "facts": '{"title":"CEO"}', "doc": "{}", "excluded": None}
        people.save_people(tx, [row], "2")
        page(tx, [Record("b", 2, {"account": "x"}, {})])
        people.mark_colleagues(tx, ["crm/x"])
        splitting.read_again(tx, [C])
        stale = set(tx.execute(select(person.c.id).where(person.c.stale)).scalars())
    assert stale == {A, B, C}
    assert noted(store) == set()
    assert counted(store) == COUNTED


# --- people come together, are taken apart and go ------------------------------------------------


def test_a_merge_has_the_types_that_came_along_counted_anew_and_none_other(store):
    with store.write() as tx:
        people.recount(tx, [(A, "download"), (B, "webinar"), (C, "webinar")])
        people.merge(tx, {B: A}, "2")
    assert noted(store) == {
        (A, "download"),  # it waited
        (A, "webinar"),
        (A, "form_submit"),
        (C, "webinar"),
    }
    assert counted(store) == {A, C}


def test_who_is_merged_into_somebody_merged_has_the_types_counted_anew_of_who_is_left(store):
    with store.write() as tx:
        people.merge(tx, {A: B, B: C}, "2")
    kinds = {"page_view", "download", "email_click", "webinar", "form_submit"}
    assert noted(store) == {(C, kind) for kind in kinds}
    assert counted(store) == {C}


def test_a_merge_into_whom_nothing_is_counted_of_has_nothing_noted(store):
    with store.write() as tx:
        people.merge(tx, {A: NEW}, "2")
    assert noted(store) == set()
    assert counted(store) == {B, C}


def test_what_is_cleared_as_old_has_its_types_counted_anew(store):
    with store.write() as tx:
        assert retention.clear_activities(tx, OPEN - 8 * DAY) == 2
    assert noted(store) == {(A, "page_view"), (B, "webinar")}
    assert counted(store) == COUNTED
    assert flagged(store) == {A, B}


def test_what_was_kept_of_people_who_are_out_goes_with_what_is_cleared(store):
    """Nobody scores them, so that what they looked at would stay for good."""
    with store.write() as tx:
        tx.execute(person.update().where(person.c.id == A).values(excluded="customer"))
        retention.clear_activities(tx, OPEN - 8 * DAY)
    assert noted(store) == {(B, "webinar")}
    assert counted(store) == {B, C}


def test_of_who_is_taken_apart_nothing_stays_counted_or_noted(store):
    with store.write() as tx:
        people.merge(tx, {B: A}, "2")
        tallies.save(tx, {B: Tally(None, None, "1")}, "u", NOW)  # as if it had been somebody since
        people.recount(tx, [(A, "download"), (B, "webinar"), (C, "webinar")])
        record = people.records_by_id(tx, "crm", "person", ["b"])["b"]
        splitting.part(tx, A, [record], [("record", B)], B)
    assert noted(store) == {(C, "webinar")}
    assert counted(store) == {C}
    resolve(store)
    assert noted(store) == {(C, "webinar")}


def test_of_who_is_forgotten_nothing_stays_counted_or_noted_and_others_hear_by_news(store):
    with store.write() as tx:
        tx.execute(activity.update().where(activity.c.id == "b1").values(subject="lead/a"))
        people.recount(tx, [(A, "download"), (C, "webinar")])
        key = ("crm", "lead", "a")
        pseudonym, _ = forgetting.erase(tx, [A], [key], "a@x.example", NOW)
        suppress(tx, ["a@x.example"], [key], pseudonym, NOW)
    assert noted(store) == {(C, "webinar")}
    assert counted(store) == {B, C}
    resolve(store)
    assert noted(store) == {(C, "webinar"), (B, "webinar")}
    assert flagged(store) == {B}


def test_colleagues_of_who_is_forgotten_hear_by_news_and_have_nothing_counted_anew(store):
    with store.write() as tx:
        facts = '{"account.key":"crm/x"}'
        rows = [{"id": A, "facts": facts, "doc": "{}", "excluded": None}]
        people.save_people(tx, rows, "2")
        page(tx, [Record("b", 2, {"account": "x"}, {})])
        forgetting.erase(tx, [A], [("crm", "lead", "a")], "a@x.example", NOW)
    assert flagged(store) == set()
    resolve(store)
    assert flagged(store) == {B}
    assert noted(store) == set()


# --- whatever happens ----------------------------------------------------------------------------

WHO = [A, B, C]
LAW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
done = st.builds(
    lambda ident, kind, ago, who, url, asset, message, agent: Activity(
        f"e{ident}", kind, -ago, f"lead/{who}", None, url, asset, message=message, agent=agent
    ),
    st.integers(0, 30),  # many ids come twice: the activity changed
    st.sampled_from(["page_view", "download", "email_sent", "email_open", "email_click"]),
    st.one_of(st.integers(-DAY, 3 * DAY), st.integers(0, 9).map(lambda n: 3 * DAY + n * SECOND)),
    st.sampled_from("abc"),
    st.sampled_from(["/1", "/2", "/3"]),
    st.sampled_from(["x", None]),
    st.sampled_from(["m1", "m2", None]),
    st.sampled_from(["Mimecast scanner", None, None, None]),
)
rounds = st.lists(
    st.tuples(
        st.sampled_from([SECOND, 7 * HOUR, DAY, 3 * DAY]),
        st.sampled_from(["crm", "crm", "other"]),
        st.lists(done, max_size=10),
        st.sets(st.integers(0, 30), max_size=2),
        st.sampled_from(["nothing", "nothing", "clear", "merge"]),
    ),
    min_size=2,
    max_size=6,
)


@LAW
@given(rounds=rounds)
def test_what_changed_of_counted_days_is_noted_by_type_and_what_did_not_is_not(
    rounds_store, rounds
):
    store, now, merged, then = rounds_store, NOW, {}, {}
    begin(store, WHO, ("crm", "other"))
    for later, connection, events, gone, what in rounds:
        now += later
        pull(
            store,
            *(one._replace(time=now + one.time) for one in events),
            gone=[f"e{n}" for n in gone],
            connection=connection,
        )
        if what == "clear":
            with store.write() as tx:
                take_all_news(tx)
                retention.clear_activities(tx, now - 4 * DAY)
        elif what == "merge" and not merged:
            merged = {B: A}
            with store.write() as tx:
                take_all_news(tx)
                people.merge(tx, merged, "2")
                people.mark(tx, [A], stale=True, pending=True)
        resolve(store, connections=2)
        held = done_by(store)
        wanted, came_along = set(), set()
        for who in WHO if not merged else [A, C]:
            as_of, before = then.get(who, (None, {}))
            if as_of is not None:
                changed = differences(before, held[who])
                since = open_since(as_of)
                wanted |= {(who, k) for known, k, time in changed if known or time < since}
                if what == "merge" and who == A:  # those of open days too
                    came_along |= {(who, kind) for _, kind, _ in changed}
        assert wanted <= noted(store) <= wanted | came_along
        assert {who for who, _ in noted(store)} <= flagged(store)
        for who in count(store, now):
            then[who] = (now, held[who])


def differences(before, now):
    """What differs between two readings: whether it was there, its type and its moment."""
    gone = {row for key, row in before.items() if now.get(key) != row}
    came = {row for key, row in now.items() if before.get(key) != row}
    return [(True, kind, time) for kind, time, *_ in gone] + [
        (False, kind, time) for kind, time, *_ in came
    ]


def done_by(store):
    """What each person did that may count, by key."""
    found = {who: {} for who in WHO}
    with store.read() as tx:
        for one in tx.execute(select(activity).where(activity.c.person.is_not(None))).all():
            row = (one.type, one.time, one.url, one.asset, one.message, one.agent)
            key = (one.connection, one.object, one.id)
            found[one.person][key] = (*row, one.machine, one.duplicate)
    return found


def count(store, now):
    """Stands in for scoring: whoever waits is counted, and nothing waits any more."""
    with store.write() as tx:
        who = set(tx.execute(select(person.c.id).where(person.c.stale)).scalars())
        tallies.save(tx, dict.fromkeys(sorted(who), Tally(None, None, "")), "u", now)
        people.mark_all(tx, stale=False, pending=False)
        tx.execute(recount.delete())
    return who


@pytest.fixture
def rounds_store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/s.db")
    yield opened
    opened.close()
