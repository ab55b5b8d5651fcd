"""Who rests is told by one row of the database as by all tables side by side."""

from __future__ import annotations

from sqlalchemy import insert, update

from connector.domain.moment import DAY
from connector.store.histories import FOUND, Reading, Worth, histories
from connector.store.people import dumps
from connector.store.resting import passes
from connector.store.schema import activity, cycle, move, person, record
from tests.past import NOW, did


def test_one_row_a_person_tells_what_all_tables_side_by_side_tell(past, monkeypatch):
    store, _, _ = past(120)
    with store.write() as tx:
        ids = _resting(tx)
        assert len(ids) > 15
        odd, again, busy, met, deal, silent, called = ids[:7]
        _doc(tx, odd, source=7, created=1.5, segment="")
        _doc(tx, ids[7], source="", segment="steel", created=NOW + DAY)
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
                for n, name in enumerate(("zoo", "air", "a\x1eb", "zoo"))]  # fmt: skip
        tx.execute(insert(activity), [*ties, did(ids[8], "own", NOW, owner="anna"),
                                      did(ids[9], "twice", NOW, duplicate=True)])  # fmt: skip
        tx.execute(insert(person), [_nobody("p0"), _nobody("p1")])
        tx.execute(insert(activity), [did("p1", "p1.own", NOW, owner="ben")])
    reading = Reading("crm", "EUR", lambda at: at + DAY, watched=True, segment="segment")
    with store.read() as tx:
        slow, quick = Worth(), Worth()
        wanted = sorted(told.history for told in histories(tx, reading, slow))
        monkeypatch.setattr("connector.store.resting._TOGETHER", 7)
        found = sorted(passes(tx, reading, quick))
    assert found == wanted
    assert vars(quick) == vars(slow)
    assert quick.worked["crm/ben"].own


def test_most_people_are_told_without_reading_tables_side_by_side(quick_past, monkeypatch):
    store, _, _ = quick_past(60)
    asked = []

    def reading_side_by_side(tx, reading, worth, span):
        asked.extend(span.ids)
        return histories(tx, reading, worth, span)

    monkeypatch.setattr("connector.store.resting.histories", reading_side_by_side)
    with store.read() as tx:
        rest = set(_resting(tx))
        reading = Reading("crm", "EUR", lambda at: at, watched=True)
        assert len(list(passes(tx, reading, Worth()))) == 60
    assert rest
    assert rest.isdisjoint(asked)


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
