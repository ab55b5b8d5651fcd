"""Batches under way at once: each row gets its own outcome, whatever becomes of the others."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import pytest

from connector.adapters.memory import MemoryAdapter
from connector.domain.change import Outcome, Result
from connector.errors import LoginError, StoppedError, UnknownOutcomeError

PATIENCE_S = 20.0


@pytest.fixture
def busy(small, monkeypatch):
    """Nine hot leads behind a CRM that takes three batches of two at once, and who is in it."""
    takes = replace(MemoryAdapter.capabilities, batch_size=2, at_once=3)
    monkeypatch.setattr(MemoryAdapter, "capabilities", takes)
    small.put("leads", "_", id="_")
    small.crm.objects["leads"].clear()
    for n in range(9):
        small.hot(f"l{n}")
    small.first = small.run().plan.id
    small.inside: list[frozenset[str]] = []
    small.most = 0
    lock = threading.Lock()
    here: set[frozenset[str]] = set()
    whole = MemoryAdapter.write

    def through(instead):
        def write(self, batch):
            names = frozenset(name for one in batch for name in one.values)
            ids = frozenset(one.id for one in batch)
            with lock:
                here.add(ids)
                small.inside.append(names)
                small.most = max(small.most, len(here))
            try:
                return instead(self, batch, whole)
            finally:
                with lock:
                    here.discard(ids)

        monkeypatch.setattr(MemoryAdapter, "write", write)

    small.through = through
    return small


def scored(world):
    return [n for n in range(9) if world.shown(f"l{n}").get("ll_score") is not None]


def states(world, grp="score"):
    return world.rows(
        f"SELECT state, count(*) FROM outbox WHERE grp = '{grp}' GROUP BY state ORDER BY state"
    )


def test_three_batches_wait_for_their_answers_at_once_and_each_row_gets_its_own(busy):
    gate = threading.Barrier(3)
    turns = iter(range(100))

    def together(adapter, batch, whole):
        if next(turns) < 3:
            gate.wait(PATIENCE_S)  # breaks where one waits for the answer of another
        if any(one.id == "l1" for one in batch):
            raise UnknownOutcomeError("no answer", hint="look")
        outcomes = whole(adapter, batch)
        refused = {"result": Result.REFUSED, "code": "no"}
        return [one._replace(**refused) if one.id == "l5" else one for one in outcomes]

    busy.through(together)
    assert busy.apply(busy.first).status == "partial"
    assert busy.most == 3
    assert busy.rows("SELECT record, code FROM outbox WHERE state = 'dead'") == [("l5", "no")]
    assert busy.rows("SELECT DISTINCT record FROM outbox WHERE code = 'not_applied'") == [
        ("l0",),
        ("l1",),
    ], "what got no answer was read back, and waits for the next run"
    busy.through(lambda adapter, batch, whole: whole(adapter, batch))
    busy.run()
    assert {0, 1} <= set(scored(busy))


def test_another_group_of_fields_waits_until_all_of_the_one_before_are_in(busy):
    busy.apply(busy.first)
    busy.crm.effects.clear()
    for n in range(9, 15):
        busy.hot(f"l{n}")
    busy.inside.clear()
    gate = threading.Barrier(2)
    turns = iter(range(100))

    def slowly(adapter, batch, whole):
        if next(turns) < 2:
            gate.wait(PATIENCE_S)
        return whole(adapter, batch)

    busy.through(slowly)
    busy.run()
    kinds = [next(n for n in ("ll_score", "owner", "") if not n or n in one) for one in busy.inside]
    assert {"ll_score", "owner"} <= set(kinds)
    assert busy.most > 1
    assert kinds == sorted(kinds, key=kinds.index), "no group begins before the last one is over"
    written = [(e[1], e[2]) for e in busy.crm.effects if e[0] == "leads"]
    assert len(set(written)) == len(written)
    assert {ident for ident, name in written if name == "owner"} == {f"l{n}" for n in range(9, 15)}


@pytest.mark.parametrize("error", [LoginError("out", hint="in"), StoppedError("stop", hint="on")])
def test_an_error_that_ends_it_loses_no_outcome_of_the_batches_beside_it(busy, error):
    gate = threading.Barrier(3)
    turns = iter(range(100))

    def one_falls(adapter, batch, whole):
        turn = next(turns)
        if turn < 3:
            gate.wait(PATIENCE_S)
        if turn == 1 or turn > 2:
            raise error
        return whole(adapter, batch)

    busy.through(one_falls)
    with pytest.raises(type(error)):
        busy.apply(busy.first)
    applied = dict(states(busy))["applied"]
    assert applied == len(scored(busy)) == 4, "both batches beside it were noted"
    busy.through(lambda adapter, batch, whole: whole(adapter, batch))
    busy.pass_time()
    busy.run()
    assert len(scored(busy)) == 9
    effects = [e for e in busy.crm.effects if e[2] == "ll_score"]
    assert len(effects) == 9, "each score was written once"


def test_outcomes_of_batches_that_were_mixed_up_are_believed_of_nobody(busy):
    gate = threading.Barrier(3)
    told: dict[int, list] = {}
    turns = iter(range(100))

    def swapped(adapter, batch, whole):
        turn = next(turns)
        if turn > 2:
            return whole(adapter, batch)
        told[turn] = (
            whole(adapter, batch) if turn else [Outcome(b.id, Result.REFUSED) for b in batch]
        )
        gate.wait(PATIENCE_S)
        return told[(turn + 1) % 3]  # the answer to another

    busy.through(swapped)
    busy.apply(busy.first)
    busy.pass_time()
    busy.run()
    assert len(scored(busy)) == 9
    effects = [e for e in busy.crm.effects if e[2] == "ll_score"]
    assert len(effects) == 9, "each score was written once"
    assert busy.rows("SELECT count(*) FROM outbox WHERE state = 'dead'") == [(0,)]


def test_a_record_is_not_gone_because_one_answer_was_anothers(busy, monkeypatch):
    lost = iter([True])

    def unheard(adapter, batch, whole):
        outcomes = whole(adapter, batch)
        if next(lost, False):
            raise UnknownOutcomeError("no answer", hint="look")
        return outcomes

    whole_read = MemoryAdapter.read_ids
    mixed = iter([True])

    def read_ids(self, source, names, ids):
        others = [i for i in self.remote.objects["leads"] if i not in ids][: len(ids)]
        return whole_read(self, source, names, others if next(mixed, False) else ids)

    busy.through(unheard)
    with monkeypatch.context() as here:
        here.setattr("connector.sync.apply.leave_out_moved", lambda *_: Counter())
        here.setattr(MemoryAdapter, "read_ids", read_ids)
        busy.apply(busy.first)
    assert next(mixed, "read") == "read", "an answer was mixed up"
    assert busy.rows("SELECT count(*) FROM record WHERE gone") == [(0,)]
    assert busy.rows("SELECT count(*) FROM outbox WHERE code = 'gone'") == [(0,)]
    assert len(scored(busy)) == 9
