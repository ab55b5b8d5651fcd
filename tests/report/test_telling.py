"""The table of passes says of each what histories say, read person by person."""

from __future__ import annotations

from contextlib import contextmanager
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from connector.domain.moment import DAY, HOUR
from connector.engine import passes, telling
from connector.engine.passes import open_passes
from connector.errors import LeadloopError
from connector.funnel.measure import COLUMNS
from connector.report import counting
from connector.report.counting import filling, one_view
from connector.report.figures import report_figures
from connector.store.database import open_store
from connector.store.passes.histories import BACKLOG, FOUND, Reading, Worth, histories
from connector.store.persons.people import dumps
from connector.store.schema import activity, cycle, disposition, move, offer, person, record
from tests.past import NOW, did
from tests.past import fill as past_of
from tests.unit.funnel.passes import row_of

READING = Reading("crm", "EUR", lambda at: at + DAY, watched=True, segment="segment",
                  open_between=lambda start, end: (end - start) // 3)  # fmt: skip


def test_the_table_says_what_histories_say(past):
    store, _, _ = past(120)
    with store.write() as tx:
        ids = _resting(tx)
        assert len(ids) > 15
        odd, again, busy, met, deal, silent, called = ids[:7]
        _doc(tx, odd, source=7, created=1.5, segment="")
        _doc(tx, ids[7], source="", segment="steel", created=NOW + DAY)
        _doc(tx, ids[10], source=0, segment=0)
        _doc(tx, ids[11], source=True, segment=["a", "b"])
        _doc(tx, ids[12], source={"x": 1.0}, segment=False)
        tx.execute(update(cycle).where(cycle.c.person == again).values(current=False))
        tx.execute(insert(cycle).values(person=again, number=2, state="nurture", why="w",
                                        since=NOW, opened_at=NOW - DAY, current=True))  # fmt: skip
        tx.execute(insert(move).values(seq=9_000_001, person=busy, number=1, before="nurture",
                                       after="sales_ready", why="w", by="rule", at=NOW,
                                       run="r"))  # fmt: skip
        tx.execute(update(move).where(move.c.person == met).values(why=FOUND))
        _doc(tx, deal, amount=12)
        tx.execute(update(activity).where(activity.c.person == silent).values(machine=True))
        ties = [did(called, f"tie{n}", NOW - DAY, campaign=name)
                for n, name in enumerate(("zoo", "air", "a\x1eb", "zoo", "a'b"))]  # fmt: skip
        tx.execute(insert(activity), [*ties, did(ids[8], "own", NOW, owner="anna"),
                                      did(ids[9], "twice", NOW, duplicate=True)])  # fmt: skip
        tx.execute(insert(person), [_nobody("p0"), _nobody("p1")])
        tx.execute(insert(activity), [did("p1", "p1.own", NOW, owner="ben")])
    worth = _alike(store, READING)
    assert worth.deals
    assert worth.worked["crm/ben"].own


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=25, deadline=None)
def test_whatever_happened_to_people_the_table_says_it(tmp_path_factory, seed, watched):
    luck, folder = Random(seed), tmp_path_factory.mktemp("told")
    store = open_store(f"sqlite:///{folder}/leadloop.db")
    try:
        ids = past_of(store, people=luck.choice([0, 1, 12]), seed=seed)
        with store.write() as tx:
            for ident in ids:
                _trouble(tx, luck, ident)
        _alike(store, READING._replace(watched=watched))
    finally:
        store.close()


def test_who_was_in_nurture_once_is_told_so_wherever_they_rest_now(past):
    store, _, _ = past(60)
    with store.write() as tx:
        back, still, out, again = ids = _resting(tx)[:4]
        tx.execute(insert(move), [
            {"person": who, "number": 1, "before": "inquiry", "after": after, "why": "w",
             "by": "rule", "at": NOW - n * DAY, "run": "r"}
            for who in ids for n, after in ((2, "nurture"), (1, "inquiry"))
        ])  # fmt: skip
        for who, state in ((back, "inquiry"), (still, "nurture"), (out, "disqualified")):
            tx.execute(update(cycle).where(cycle.c.person == who).values(state=state))
        tx.execute(update(cycle).where(cycle.c.person == again).values(current=False))
        tx.execute(insert(cycle).values(person=again, number=2, state="nurture", why="w",
                                        since=NOW, opened_at=NOW, current=True))  # fmt: skip
    _alike(store, READING)
    with one_view(store) as view:
        with filling(view, READING):
            pass
        nurtured = view.passes.ask("SELECT person, number FROM pass WHERE nurtured")
    assert {(who, 1) for who in ids} | {(again, 2)} <= set(nurtured)


def test_what_passes_were_told_from_is_gone_when_they_are_counted(quick_past, monkeypatch):
    store, loaded, _ = quick_past(3)
    left = []

    @contextmanager
    def opening():
        with open_passes() as passes:
            yield passes
            left.extend(passes.ask("SELECT table_name FROM duckdb_tables()"))

    monkeypatch.setattr(counting, "open_passes", opening)
    report_figures(store, loaded, NOW, [])
    assert left == [("pass",)]


def test_people_told_in_shares_are_told_alike(past, monkeypatch):
    store, _, _ = past(60)
    monkeypatch.setattr(telling, "_TOGETHER", 7)
    monkeypatch.setattr(telling, "_SAMPLED", 1)
    _alike(store, READING)
    monkeypatch.setattr(telling, "_SAMPLED", 10**9)  # nobody says where shares end
    _alike(store, READING)


def test_who_is_written_while_the_view_is_taken_is_counted_by_all_or_none(quick_past, monkeypatch):
    store, loaded, _ = quick_past(40)
    looks = []

    def opening():
        with open_passes() as passes:
            look = passes.look

            def writing(url):
                looks.append(url)
                if len(looks) < 3:  # behind one view, before the other
                    _come(store, f"zz{len(looks)}")
                look(url)

            passes.look = writing
            yield passes

    monkeypatch.setattr(counting, "open_passes", contextmanager(opening))
    found = report_figures(store, loaded, NOW, [])
    assert len(looks) == 3
    assert found["health"]["people"] == found["headline"]["people"] == 42


def _come(store, who):
    with store.write() as tx:
        tx.execute(insert(person).values(**_nobody(who)))
        tx.execute(insert(cycle).values(person=who, number=1, state="inquiry", why="w", since=NOW,
                                        opened_at=NOW, current=True))  # fmt: skip


def test_a_process_that_dies_is_told_with_its_last_word(quick_past, monkeypatch, tmp_path):
    store, loaded, _ = quick_past(3)
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\necho out of memory >&2\nexit 7\n")
    path.chmod(0o755)
    monkeypatch.setattr(passes.sys, "executable", str(path))
    with pytest.raises(LeadloopError, match="ended with 7: out of memory"):
        report_figures(store, loaded, NOW, [])


def _alike(store, reading):
    """Hold the table against histories; gives what these counted on the way."""
    with one_view(store) as view:
        slow = Worth()
        wanted = [row_of(told.history) for told in histories(view.tx, reading, slow)]
        with filling(view, reading) as quick:
            pass
        names = ", ".join(COLUMNS)
        found = view.passes.ask(f"SELECT {names} FROM pass")
    assert _plain(dict(zip(COLUMNS, row, strict=True)) for row in found) == _plain(wanted)
    assert vars(quick) == vars(slow)
    return slow


def _plain(rows):
    """Rows by person and number; nothing is an empty list, and what hangs on no hand-off is none."""
    plain = {}
    for row in rows:
        values = {name: value if value != [] else None for name, value in row.items()}
        if values["sales"]:
            values["sales"] = sorted(values["sales"], key=str)
        plain[row["person"], row["number"]] = values
    return plain


def _trouble(tx, luck, who):
    """More passes, states, verdicts, deals, offers and activities, as chance has it."""
    at = NOW - luck.randrange(300) * DAY
    for number in range(2, luck.choice([2, 2, 3, 4])):
        tx.execute(update(cycle).where(cycle.c.person == who).values(
            current=False, verdict_at=luck.choice([None, at - DAY, at + DAY])))  # fmt: skip
        handed = luck.choice([None, at])
        tx.execute(insert(cycle).values(
            person=who, number=number, state=luck.choice(["inquiry", "accepted", "won", "held"]),
            why="w", since=at, opened_at=at, current=True, handed_off_at=handed,
            owner=luck.choice([None, "crm/anna"]), verdict=luck.choice([None, "won"]),
            theme=luck.choice([None, "cost"]),
        ))  # fmt: skip
        at += luck.randrange(40) * DAY
    for _ in range(luck.choice([0, 1, 4])):
        number = luck.choice([1, 1, 2, 3])
        tx.execute(insert(move).values(
            person=who, number=number, before=None, by="rule", at=at, run="r",
            after=luck.choice(["inquiry", "sales_ready", "held", "won", "accepted", "qualified"]),
            why=luck.choice(["w", "w", FOUND, BACKLOG]),
        ))  # fmt: skip
        tx.execute(insert(disposition).values(
            id=f"{who}.{luck.random()}", person=who, number=number, at=at - luck.randrange(9) * DAY,
            verdict=luck.choice(["accepted", "qualified", "won", "lost"]), source=who, run="r",
        ))  # fmt: skip
        tx.execute(insert(activity), [
            did(who, f"{who}.{luck.random()}", at + luck.randrange(99) * HOUR,
                campaign=luck.choice([None, "a", "b"]), owner=luck.choice([None, None, "anna"]),
                machine=luck.random() < 0.2, duplicate=luck.random() < 0.2),
        ])  # fmt: skip
        doc = {"status": luck.choice(["won", "lost", None]), "amount": luck.choice([None, 5, 7.5]),
               "currency": luck.choice([None, "EUR", "USD"]), "created": luck.choice([None, at]),
               "closed": luck.choice([None, at + DAY]),
               "products": luck.choice([None, "desk", ["lamp", "desk"]])}  # fmt: skip
        tx.execute(insert(record).values(
            connection="crm", object="deal", id=f"{who}.{luck.random()}", kind="opportunity",
            doc=dumps(doc), hash="h", remote="{}", gone=luck.random() < 0.1, first_run="r",
            dirty=False, subject=who.rsplit("/", 1)[1],
        ))  # fmt: skip
        tx.execute(insert(offer).values(_offer(luck, who, number, at)))
    if luck.random() < 0.1:
        tx.execute(delete(person).where(person.c.id == who))


def _offer(luck, who, number, at):
    return {
        "person": who, "number": number, "partner": f"crm/{luck.randrange(10**9)}", "code": "c",
        "offered_at": at, "due_at": at, "answered_at": at + luck.randrange(10**9),
        "delivered": "", "state": luck.choice(["accepted", "declined"]),
    }  # fmt: skip


def _resting(tx):
    """People whose only state was an inquiry."""
    rows = tx.execute(cycle.select().where(cycle.c.state == "inquiry").order_by(cycle.c.person))
    return [row.person for row in rows]


def _doc(tx, who, **values):
    for table, column in ((person, person.c.id), (record, record.c.person)):
        tx.execute(update(table).where(column == who).values(doc=dumps({"created": NOW, **values})))


def _nobody(ident):
    return {"id": ident, "facts": "{}", "doc": "{}", "stale": False, "pending": False,
            "first_run": "r"}  # fmt: skip
