"""What users of other movers complained of, one test each, named after what went wrong.

Numbers are those of facts about public issues: airbyte, singer, estuary, supaglue and others. What
only one adapter or a CRM over HTTP can show is tested there, under the same kind of name.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest

from connector.adapters.base import Capabilities, Page
from connector.adapters.memory import MemoryAdapter
from connector.domain.change import Outcome, Result
from connector.domain.moment import DAY, HOUR, MINUTE, format_iso
from connector.errors import LoginError, QuotaError, TryLaterError
from tests.mutation import ROOT, source_of
from tests.peers import PEERS
from tests.sync.world import MAPPING


def kept(world):
    return {r[0] for r in world.rows("SELECT id FROM record WHERE object = 'lead' AND NOT gone")}


@pytest.fixture
def overlap(monkeypatch):
    facts = Capabilities(
        kind="memory", batch_size=50, id_batch=50, overlap=10 * MINUTE, provisions=True
    )
    monkeypatch.setattr(MemoryAdapter, "capabilities", facts)


@pytest.fixture
def crm(monkeypatch):
    """Put something between the loop and a method of the memory CRM."""

    def put(name, instead):
        whole = getattr(MemoryAdapter, name)
        monkeypatch.setattr(MemoryAdapter, name, lambda self, *asked: instead(self, whole, *asked))

    return put


def stamped(world, ident, ago, **values):
    """A row whose stamp is older than its commit."""
    world.lead(ident, **values)
    world.crm.objects["leads"][ident]["changed_at"] = format_iso(world.now - ago)


def test_c01_rows_stamped_just_before_the_cursor_are_read(small, overlap):
    small.lead("l1")
    small.start()
    small.pass_time(HOUR)
    small.run()
    stamped(small, "late", 9 * MINUTE)
    small.run()
    assert "late" in kept(small)


def test_c02_c14_rows_missing_without_an_error_are_found_and_counted(small):
    for n in range(30):
        small.lead(f"l{n}")
    small.start()
    small.pass_time(HOUR)
    for n in range(3):
        stamped(small, f"lost{n}", 9 * DAY)
    small.run()
    small.pass_time(DAY)
    result = small.run()
    assert result.counts["pull"]["drift"] == 3
    assert kept(small) == set(small.crm.objects["leads"])


@pytest.mark.parametrize("page", [1, 3, 7, 20])
def test_c03_c07_c09_rows_that_share_one_stamp_are_all_read_and_paging_ends(small, page):
    small.crm.page = page
    small.lead("l0")
    small.start()
    small.pass_time(HOUR)
    for n in range(20):
        small.lead(f"t{n:02}")  # one instant
    small.run()
    assert len(kept(small)) == 21


def test_c04_a_record_changed_again_and_again_is_read_each_time(small):
    small.lead("l1", title="Clerk")
    small.start()
    for title in ("CEO", "Clerk", "CEO"):
        small.pass_time(HOUR)
        small.lead("l1", title=title)
        small.run()
        assert f'"title":"{title}"' in small.rows("SELECT doc FROM record WHERE id = 'l1'")[0][0]


def test_c05_no_hidden_horizon_old_records_are_read_too(small):
    stamped(small, "old", 4000 * DAY)
    small.run()
    assert "old" in kept(small)


def test_c06_a_page_read_twice_makes_no_second_record_person_or_point(small, overlap):
    small.hot("l1")
    small.start()
    before = small.rows("SELECT count(*) FROM person") + small.rows("SELECT score FROM score")
    for _ in range(3):
        small.pass_time(MINUTE)
        small.run()
    now = small.rows("SELECT count(*) FROM person") + small.rows("SELECT score FROM score")
    assert now == before
    assert small.rows("SELECT count(*) FROM quarantine") == [(0,)]


def test_c12_a_row_newer_than_the_window_neither_breaks_nor_moves_it(small, crm):
    small.lead("l1")
    small.start()
    small.pass_time(HOUR)

    def eager(adapter, whole, source, names, window, after):
        for page in whole(adapter, source, names, window, after):
            rows = page.rows
            if source == "leads":
                rows = [dict(r, changed_at=format_iso(window.until + DAY)) for r in rows]
            yield Page(rows, page.position, gone=page.gone)

    crm("read", eager)
    small.lead("l2")
    small.run()
    done = small.rows(
        "SELECT done_until FROM checkpoint WHERE object = 'lead' AND kind = 'increment'"
    )
    assert done == [(small.now,)]
    small.pass_time(HOUR)
    small.lead("l3")
    small.run()
    assert kept(small) == {"l1", "l2", "l3"}


def test_c13_c15_deleted_and_merged_records_leave_no_ghosts(small):
    small.hot("l1")
    small.hot("l2", email="other@b.example")
    small.hot("l3", email="third@b.example")
    small.start()
    small.pass_time(HOUR)
    small.crm.delete("leads", "l2", merged_into="l1")
    small.crm.delete("leads", "l3")
    small.run()
    assert kept(small) == {"l1"}
    assert small.rows("SELECT count(*) FROM person WHERE excluded IS NULL") == [(1,)]


def test_c16_a_run_with_nothing_new_reads_no_row(small):
    for n in range(30):
        small.lead(f"l{n}")
    small.start()
    small.run()
    small.pass_time(HOUR)
    assert small.run().counts["pull"]["read"] == 0


def test_c18_a_formula_that_changes_without_a_stamp_is_seen_by_the_next_night(small):
    small.put("companies", "f", name="F", employees=5, industry="x")
    small.lead("l1", company="f")
    small.start()
    small.crm.objects["companies"]["f"]["employees"] = 900
    small.pass_time(DAY + HOUR)
    small.run()
    assert small.shown("l1")["ll_score"] == 60


def test_c19_a_new_field_can_be_mapped_at_once(small):
    small.hot("l1", region="north")
    small.start()
    small.run()  # what we wrote comes back; from here on nothing changes
    small.pass_time(MINUTE)
    small.write("mapping.yaml", MAPPING.replace("country: country}", "country: region}"))
    small.run()
    assert '"country":"north"' in small.rows("SELECT doc FROM record WHERE id = 'l1'")[0][0]


def test_c20_a_deleted_field_does_not_kill_the_sync(small):
    small.hot("l1")
    small.start()
    del small.crm.fields["leads"]["country"]
    small.pass_time(HOUR)
    small.lead("l2")
    small.run()
    assert kept(small) == {"l1", "l2"}


def test_c21_c22_c28_a_day_without_calls_left_ends_with_its_state_saved_and_goes_on(small, crm):
    for n in range(40):
        small.lead(f"l{n:02}")
    left = [3]

    def few(adapter, whole, source, names, window, after):
        for page in whole(adapter, source, names, window, after):
            if source == "leads":
                left[0] -= 1
                if left[0] < 0:
                    raise QuotaError("the day's calls are used up")
            yield page

    crm("read", few)
    reads = 0
    while len(kept(small) if reads else ()) < 40:
        left[0] = 3
        with suppress(QuotaError):
            small.run()
        reads += 1
        assert reads < 6, "it does not get on"
        assert len(kept(small)) >= min(40, 14 * reads), "a page was lost"
    statuses = small.rows("SELECT DISTINCT status, error FROM run WHERE error IS NOT NULL")
    assert statuses == [("incomplete", "quota")]


def test_c24_a_refused_log_in_is_not_hammered(small, crm):
    small.hot("l1")
    small.start()
    asked = []

    def refused(adapter, whole):
        asked.append(small.now)
        raise LoginError("the token was revoked")

    crm("check", refused)
    for _ in range(38):  # every minute
        small.pass_time(MINUTE)
        with pytest.raises(LoginError):
            small.run()
    assert len(asked) <= 5


def test_c26_an_error_is_never_zero_rows(small, crm):
    for n in range(10):
        small.lead(f"l{n}")
    small.start()

    def timeout(adapter, whole, source, names, window, after):
        raise TryLaterError("QUERY_TIMEOUT")
        yield

    crm("read", timeout)
    small.pass_time(DAY + HOUR)
    with pytest.raises(TryLaterError):
        small.run()
    assert len(kept(small)) == 10


def test_c30_locked_rows_are_tried_again_in_smaller_batches_and_none_is_lost(small, crm):
    for n in range(30):
        small.hot(f"l{n}")
    sizes = []

    def locked(adapter, whole, batch):
        sizes.append(len(batch))
        if len(batch) > 10:
            return [Outcome(w.id, Result.RETRY, "UNABLE_TO_LOCK_ROW") for w in batch]
        return whole(adapter, batch)

    crm("write", locked)
    first = small.run()
    small.apply(first.plan.id)
    for _ in range(3):
        small.run()
    assert {row["ll_score"] for row in small.crm.objects["leads"].values()} == {80}


def test_c31_one_bad_row_rejects_itself_and_not_its_batch(small, crm):
    from connector.errors import RemoteError

    for n in range(16):
        small.hot(f"l{n}")

    def strict(adapter, whole, batch):
        if any(w.id == "l3" for w in batch):
            raise RemoteError("the batch was refused", vendor_code="VALIDATION_ERROR")
        return whole(adapter, batch)

    crm("write", strict)
    first = small.run()
    small.apply(first.plan.id)
    assert small.rows("SELECT record FROM outbox WHERE state = 'dead'") == [("l3",)]
    assert small.rows("SELECT count(*) FROM outbox WHERE state = 'applied'") == [(15,)]


def test_c33_what_may_have_been_written_is_read_and_not_written_again(small):
    small.hot("l1")
    first = small.run()
    small.crm.lose_answers = 1
    small.written()
    small.apply(first.plan.id)
    assert [e for e in small.written() if e[1] == "ll_score"] == [("l1", "ll_score", None, 80)]


def test_c34_one_failing_object_keeps_the_state_of_the_others(small, crm):
    from connector.errors import RemoteError

    small.hot("l1")
    small.start()

    def broken(adapter, whole, source, names, window, after):
        if source == "companies":
            raise RemoteError("companies cannot be read")
        return whole(adapter, source, names, window, after)

    crm("read", broken)
    small.pass_time(HOUR)
    small.lead("l2")
    with pytest.raises(RemoteError):
        small.run()
    done = dict(small.rows("SELECT object, done_until FROM checkpoint WHERE kind = 'increment'"))
    assert done["lead"] == done["event"] == small.now
    assert done.get("company", 0) < small.now


def test_c35_no_checkpoint_is_ahead_of_its_rows(small, monkeypatch):
    from connector.store.incoming import records

    for n in range(20):
        small.lead(f"l{n:02}")
    whole, pages = records.store_page, []

    def dies(tx, **given):
        done = whole(tx, **given)
        if given["object"] == "lead":
            pages.append(1)
            if len(pages) == 2:
                raise KeyboardInterrupt
        return done

    monkeypatch.setattr(records, "store_page", dies)
    with pytest.raises(KeyboardInterrupt):
        small.run()
    ((position,),) = small.rows(
        "SELECT position FROM checkpoint WHERE object = 'lead' AND kind = 'backfill'"
    )
    assert max(kept(small)) == position == "l06"
    monkeypatch.undo()


def test_multiwoven_a_failed_row_is_not_forgotten_because_its_value_was_noted(small):
    """The value counts as written only once the CRM confirmed it."""
    small.hot("l1")
    small.crm.refuse = lambda _write: "no"
    first = small.run()
    small.apply(first.plan.id)
    assert small.rows("SELECT count(*) FROM last_written") == [(0,)]


def test_multiwoven_a_batch_with_one_success_is_not_called_a_success(small):
    small.hot("l1")
    small.hot("l2")
    small.crm.refuse = lambda w: "no" if w.id == "l1" else None
    first = small.run()
    assert small.apply(first.plan.id).status == "partial"


def test_each_complaint_has_a_bug_that_its_test_must_notice():
    """`python -m tests.mutation --peers` puts them in; here: each is still where it says."""
    assert {n for peer in PEERS for n in peer.numbers} == set(range(1, 36))
    for peer in PEERS:
        assert source_of(peer.module).count(peer.ours) == 1, peer.what
        file, _, name = peer.test.partition("::")
        text = (ROOT / file).read_text("utf-8")
        assert f"def {name}(" in text if name else text, peer.test


def test_each_of_the_35_complaints_has_a_test_that_bears_its_number():
    found = set()
    for path in Path(__file__).parents[1].rglob("test_*.py"):
        for numbers in re.findall(
            r"^def test_((?:c\d\d_)+)", path.read_text("utf-8"), re.MULTILINE
        ):
            found |= {int(n) for n in re.findall(r"\d\d", numbers)}
    assert found == set(range(1, 36))
