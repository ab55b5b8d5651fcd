"""What is written, once, and what becomes of every row that cannot be."""

from __future__ import annotations

import orjson
import pytest

from connector.adapters.base import Use
from connector.adapters.door import Door, NotOursError
from connector.adapters.memory import MemoryAdapter, Remote
from connector.domain.change import Outcome, Result, Write
from connector.domain.moment import DAY
from connector.errors import LoginError, RemoteError, TryLaterError, UnknownOutcomeError
from connector.store.database import open_store
from tests.sync.world import MAPPING


@pytest.fixture
def broken(monkeypatch):
    """Put something between the loop and the memory CRM's `write`."""

    def put(instead):
        whole = MemoryAdapter.write
        monkeypatch.setattr(MemoryAdapter, "write", lambda self, batch: instead(self, batch, whole))

    return put


def approved(world):
    first = world.run()
    return world.apply(first.plan.id)


def states(world, *what):
    return world.rows(f"SELECT DISTINCT {', '.join(what) or 'state'} FROM outbox ORDER BY 1")


def within_store(world, do):
    store = open_store(world.loaded.store_url())
    try:
        with store.write() as tx:
            return do(tx)
    finally:
        store.close()


# --- the door ------------------------------------------------------------------------------------


def remote():
    crm = Remote(lambda: 5)
    crm.put("leads", "1", score=None, name="x")
    return crm


def test_a_field_the_mapping_does_not_own_never_goes_through_the_door():
    crm = remote()
    door = Door(MemoryAdapter(crm), {"leads": Use("id", frozenset({"score"}))})
    with pytest.raises(NotOursError, match="`name` of leads/1"):
        door.write([Write("leads", "1", {"score": 5, "name": "y"})])
    with pytest.raises(NotOursError):
        door.write([Write("other", "1", {"score": 5})])
    assert [e for e in crm.effects if e[4] in {5, "y"}] == []


def test_a_record_the_answer_does_not_mention_is_unknown_and_never_done():
    class Forgetful(MemoryAdapter):
        def write(self, batch):
            return super().write(batch)[1:]

    crm = remote()
    crm.put("leads", "2", score=None, name="x")
    door = Door(Forgetful(crm), {"leads": Use("id", frozenset({"score"}))})
    outcomes = door.write([Write("leads", "1", {"score": 5}), Write("leads", "2", {"score": 6})])
    assert [(o.id, o.result) for o in outcomes] == [("1", Result.UNKNOWN), ("2", Result.APPLIED)]


# --- outcomes ------------------------------------------------------------------------------------


def test_a_batch_that_breaks_the_adapter_is_halved_to_the_one_row_that_does(small, broken):
    for n in range(9):
        small.hot(f"l{n}")
    calls = []

    def poisoned(adapter, batch, whole):
        calls.append(len(batch))
        if any(one.id == "l4" for one in batch):
            raise ZeroDivisionError("l4@acme.example divides by zero")
        return whole(adapter, batch)

    broken(poisoned)
    assert approved(small).status == "partial"
    assert [small.shown(f"l{n}").get("ll_score") for n in range(9)] == [80] * 4 + [None] + [80] * 4
    rows = small.rows("SELECT record, code, message, hint FROM outbox WHERE state = 'dead'")
    assert [row[:2] for row in rows] == [("l4", "poison")]
    assert "ZeroDivisionError" in rows[0][2]
    assert "acme.example" not in rows[0][2]
    assert "runs retry" in rows[0][3]
    assert len(calls) <= 2 * 4 + 1  # 2 log2(9) + 1


def test_a_batch_refused_whole_costs_only_its_offender(small, broken):
    for n in range(8):
        small.hot(f"l{n}")

    def strict(adapter, batch, whole):
        if any(one.id == "l7" for one in batch):
            raise RemoteError("the batch was refused", vendor_code="INVALID_BATCH")
        return whole(adapter, batch)

    broken(strict)
    approved(small)
    assert small.rows("SELECT record, code FROM outbox WHERE state = 'dead'") == [
        ("l7", "INVALID_BATCH")
    ]
    assert small.rows("SELECT count(*) FROM outbox WHERE state = 'applied'") == [(7,)]


def test_what_the_adapter_did_before_it_broke_is_read_back_and_not_done_twice(small, broken):
    for n in range(4):
        small.hot(f"l{n}")

    def half(adapter, batch, whole):
        if len(batch) > 1:
            whole(adapter, batch[:2])
            raise RuntimeError("half way")
        return whole(adapter, batch)

    broken(half)
    small.written()
    approved(small)
    written = [e for e in small.written() if e[1] == "ll_score"]
    assert sorted(written) == [(f"l{n}", "ll_score", None, 80) for n in range(4)]
    assert states(small) == [("applied",)]


def test_an_answer_lost_as_an_error_is_settled_by_reading_back(small, broken):
    small.hot("l1")

    def lost(adapter, batch, whole):
        whole(adapter, batch)
        raise UnknownOutcomeError("no answer came")

    broken(lost)
    small.written()
    approved(small)
    assert [e for e in small.written() if e[1] == "ll_score"] == [("l1", "ll_score", None, 80)]
    assert states(small) == [("applied",)]


@pytest.mark.parametrize("error", [TryLaterError("busy"), LoginError("refused")])
def test_a_request_that_did_nothing_counts_as_no_attempt(small, broken, error):
    small.hot("l1")
    first = small.run()
    tries = []

    def closed(adapter, batch, whole):
        tries.append(1)
        if len(tries) < 9:
            raise error
        return whole(adapter, batch)

    broken(closed)
    for _ in range(8):
        with pytest.raises(type(error)):
            small.apply(first.plan.id)
        assert small.rows("SELECT state, attempts FROM outbox") == [("approved", 0)]
    assert small.apply(first.plan.id).status == "ok"
    assert small.shown("l1")["ll_score"] == 80


def test_a_record_put_off_too_often_is_a_dead_letter(small, broken):
    small.hot("l1")
    broken(lambda adapter, batch, whole: [Outcome(w.id, Result.RETRY, "LOCKED") for w in batch])
    approved(small)
    for _ in range(6):
        small.run()
    assert states(small, "state", "code", "attempts") == [("dead", "LOCKED", 5)]


def test_locks_make_batches_smaller(small, broken):
    for n in range(60):
        small.hot(f"l{n}")
    sizes = []

    def locked(adapter, batch, whole):
        sizes.append(len(batch))
        if len(sizes) == 1:
            return [Outcome(w.id, Result.RETRY, "LOCKED") for w in batch]
        return whole(adapter, batch)

    broken(locked)
    first = small.run()
    small.apply(first.plan.id)
    small.run()
    assert sizes[0] == 50
    assert max(sizes[1:]) <= 50
    assert sizes[1] <= 25
    assert states(small) == [("applied",)]


def test_a_record_the_crm_calls_gone_is_not_written_again(small, broken):
    small.hot("l1")
    small.hot("l2")
    calls = []

    def gone(adapter, batch, whole):
        calls.extend(w.id for w in batch)
        return [
            Outcome(w.id, Result.GONE, "gone") if w.id == "l1" else whole(adapter, [w])[0]
            for w in batch
        ]

    broken(gone)
    approved(small)
    for _ in range(3):
        small.event("l1", "download", asset="x")
        small.run()
    assert calls.count("l1") == 1


def test_a_newer_wish_never_passes_one_that_is_on_its_way(small, broken):
    """A killed run leaves a row `sending`; the next one settles it before it plans anew."""
    small.hot("l1")
    first = small.run()

    def killed(adapter, batch, whole):
        whole(adapter, batch)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        whole = MemoryAdapter.write
        patch.setattr(MemoryAdapter, "write", lambda self, batch: killed(self, batch, whole))
        with pytest.raises(KeyboardInterrupt):
            small.apply(first.plan.id)
    assert states(small) == [("sending",)]
    small.event("l1", "download", asset="x")
    small.run()
    assert small.shown("l1")["ll_score"] == 100
    assert small.rows("SELECT state, count(*) FROM outbox GROUP BY 1") == [("applied", 2)]


# --- policies, conflicts, questions --------------------------------------------------------------


def test_what_already_stands_there_is_a_noop_and_is_not_sent(small):
    small.lead("old", title="Clerk")
    small.start()
    small.hot("l1")
    result = small.run(send=False)
    assert result.counts["plan"]["owner"] == 1
    small.put("leads", "l1", owner="anna")  # somebody was faster, and of the same mind
    small.written()
    small.apply(result.plan.id)
    assert small.rows("SELECT state FROM outbox WHERE grp = 'owner'") == [("noop",)]
    assert [e for e in small.written() if e[1] == "owner"] == []
    assert [v for _, name, v in small.last_written() if name == "owner"] == ["anna"]


def test_a_shared_field_somebody_changed_while_the_plan_waited_is_a_conflict(small):
    for n in range(30):
        small.lead(f"old{n}", title="Clerk")
    small.start()
    small.hot("l1")
    result = small.run(send=False)
    small.put("leads", "l1", owner="ben")
    small.written()
    small.apply(result.plan.id)
    assert small.shown("l1")["owner"] == "ben"
    assert small.rows("SELECT state, code FROM outbox WHERE grp = 'owner'") == [
        ("conflict", "moved")
    ]


def asking(world):
    world.write("mapping.yaml", MAPPING.replace("owner: theirs_for 30d, clear: true", "owner: ask"))
    world.lead("l1", title="Clerk")
    world.start()
    assert world.shown("l1")["ll_nurture"] is True
    world.pass_time()
    world.put("leads", "l1", ll_nurture=False)
    world.run()


def test_a_field_whose_policy_is_ask_waits_for_an_answer_and_asks_once(small):
    asking(small)
    for _ in range(3):
        small.pass_time()
        small.run()
    assert small.rows("SELECT state, code, field FROM outbox WHERE state = 'conflict'") == [
        ("conflict", "ask", "ll_nurture")
    ]
    assert small.shown("l1")["ll_nurture"] is False
    counted = [
        orjson.loads(c).get("plan", {}).get("asked")
        for (c,) in small.rows("SELECT counts FROM run")
    ]
    assert [n for n in counted if n is not None] == [1]


@pytest.mark.parametrize(("word", "shown"), [("ours", True), ("theirs", False)])
def test_the_answer_is_what_the_next_runs_do(small, word, shown):
    from connector.store.outgoing import questions

    asking(small)
    (number,) = small.rows("SELECT id FROM outbox WHERE state = 'conflict'")[0]
    within_store(small, lambda tx: questions.answer(tx, number, word))
    for _ in range(2):
        small.pass_time()
        small.run()
    assert small.shown("l1")["ll_nurture"] is shown
    assert within_store(small, questions.opened) == []


def test_a_field_an_automation_keeps_setting_back_is_left_alone_after_three_turns(small):
    small.hot("l1")
    small.hot("l2")
    small.start()
    small.written()
    stops, said = 0, []
    for _ in range(8):
        small.pass_time()
        small.put("leads", "l1", ll_score=1)
        stops += small.run().counts["plan"]["flapping"]
        said += small.warnings
    ours = [e for e in small.written() if e[:2] == ("l1", "ll_score") and e[3] == 80]
    assert len(ours) == 3
    assert small.shown("l1")["ll_score"] == 1
    assert stops == 1
    assert any("`ll_score` of lead/l1" in one for one in said)
    assert small.shown("l1")["ll_fit"] == 100, "its other fields are"
    small.put("leads", "l2", ll_score=1)
    small.run()
    assert small.shown("l2")["ll_score"] == 80


def test_our_own_write_coming_back_is_no_news(small):
    small.hot("l1")
    small.start()
    scored = small.rows("SELECT scored_at FROM score")
    result = small.run()
    assert result.counts["pull"]["unchanged"] >= 1
    assert result.counts["pull"]["changed"] == 0
    assert result.counts["plan"] == {}
    assert small.rows("SELECT scored_at FROM score") == scored


# --- dead letters --------------------------------------------------------------------------------


def test_refused_rows_are_sent_again_only_when_somebody_says_so(small):
    from connector.sync.writing.retry import retry

    small.hot("l1")
    small.crm.refuse = lambda _write: "Industry is required"
    approved(small)
    small.crm.refuse = lambda _write: None
    small.pass_time()
    small.run()
    assert small.shown("l1").get("ll_score") is None
    within_store(small, lambda tx: retry(tx, small.now, plan_id=None, code="other"))
    small.run()
    assert small.shown("l1").get("ll_score") is None
    assert within_store(small, lambda tx: retry(tx, small.now, plan_id=None, code="rule")) == 1
    small.run()
    assert small.shown("l1")["ll_score"] == 80
    assert small.rows("SELECT count(*) FROM outbox WHERE state = 'dead'") == [(0,)]


# --- who is out ----------------------------------------------------------------------------------


def test_what_waits_about_somebody_who_became_a_customer_is_never_sent(small):
    small.write(
        "mapping.yaml",
        MAPPING.replace(
            "country: country}", "country: country, customer: {from: customer, as: bool}}"
        ),
    )
    small.put("leads", "_", customer=None)
    del small.crm.objects["leads"]["_"]
    small.hot("l1")
    small.hot("l2")
    small.run()
    small.put("leads", "l1", customer=True)
    second = small.run()
    small.apply(second.plan.id)
    assert small.shown("l1").get("ll_score") is None
    assert small.shown("l2")["ll_score"] == 80
    assert small.rows("SELECT DISTINCT state FROM outbox WHERE record = 'l1'") == [("cancelled",)]


def test_what_waits_to_be_written_to_a_deleted_record_is_cancelled_with_the_pull(small):
    small.hot("l1", email="one@acme.example")
    small.hot("l2", email="one@acme.example")
    small.run()
    small.crm.delete("leads", "l1")
    small.run(send=False)
    assert ("cancelled", "gone") in states(small, "state", "code")
    assert small.rows(
        "SELECT count(*) FROM outbox WHERE record = 'l1' AND state IN ('planned', 'approved')"
    ) == [(0,)]


def test_people_outside_the_scope_for_writing_are_scored_and_not_written(small):
    from tests.sync import world as worlds

    settings = worlds.SETTINGS.replace(
        "scope: {{exclude", "scope: {{write: {{country: [fr]}}, exclude"
    )
    small.write("leadloop.yaml", settings.format(store=small.store_url, stage="route"))
    small.hot("l1", country="fr")
    small.hot("l2", country="de")
    first = small.run()
    small.apply(first.plan.id)
    assert small.shown("l1")["ll_score"] == 80
    assert small.shown("l2").get("ll_score") is None
    assert small.rows("SELECT score FROM score") == [(80,), (80,)]


def test_an_owner_who_left_while_the_plan_waited_gets_no_lead(small):
    small.lead("old", title="Clerk")
    small.start()
    small.hot("l1")
    small.run(send=False)
    small.put("users", "anna", active=False)
    small.put("users", "ben", active=False)
    small.run()
    assert small.shown("l1").get("owner") is None


def test_an_undone_run_stays_undone_until_there_is_something_new_to_say(small):
    from connector.sync.writing.undo import undo

    small.hot("l1")
    first = small.run()
    done = small.apply(first.plan.id)
    with small.open("runs undo", candidate=True) as loop:
        back = undo(loop, done.run)
    small.run()  # a run in between leaves the undo alone
    small.apply(back.id)
    assert small.shown("l1")["ll_score"] is None
    for _ in range(2):
        small.pass_time()
        small.run()
    assert small.shown("l1")["ll_score"] is None
    small.event("l1", "download", asset="x")
    small.run()
    assert small.shown("l1")["ll_score"] == 100


def test_an_undo_passes_nothing_without_approval(small):
    from connector.errors import ApprovalError
    from connector.sync.writing.undo import undo

    small.hot("l1")
    first = small.run()
    done = small.apply(first.plan.id)
    with small.open("runs undo", candidate=True) as loop:
        back = undo(loop, done.run)
    small.pass_time(DAY)
    small.run()
    assert small.shown("l1")["ll_score"] == 80
    with pytest.raises(ApprovalError):
        small.apply(back.id, approved=False)
