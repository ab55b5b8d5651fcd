"""Bugs that other movers had, as one changed line of our source each, and the test that must notice.

`python -m tests.mutation --peers` puts them in, one at a time. The numbers are those of the public
complaints that tests/sync/test_complaints.py names.
"""

from __future__ import annotations

from typing import NamedTuple

_SYNC = "tests/sync/test_complaints.py::test_"
_HTTP = "tests/practice/test_complaints.py::test_"


class Peer(NamedTuple):
    """One bug: the complaints it stands for, where it goes, our line, theirs, who must notice."""

    numbers: tuple[int, ...]
    what: str
    module: str
    ours: str
    theirs: str
    test: str


PEERS = (
    Peer(
        (1,),
        "no overlap below the last window",
        "connector.sync.pull",
        "return Window(since - _reach(source, since, now), max(until, since)), None",
        "return Window(since, max(until, since)), None",
        f"{_SYNC}c01_rows_stamped_just_before_the_cursor_are_read",
    ),
    Peer(
        (2, 14),
        "what no window told is never looked for",
        "connector.sync.reading.reconcile",
        "if not is_open and now - done_at < source.reconcile_every:",
        "if not is_open:",
        f"{_SYNC}c02_c14_rows_missing_without_an_error_are_found_and_counted",
    ),
    Peer(
        (3, 7),
        "a page begins after the stamp of the last row, not after the row",
        "connector.adapters.memory",
        "some = rows[start : start + self.remote.page]\n",
        "some = rows[start : start + self.remote.page]\n"
        "            last = rows[start - 1][CHANGED] if start else ''\n"
        "            some = [row for row in some if row[CHANGED] > last] or rows[-1:]\n",
        f"{_SYNC}c03_c07_c09_rows_that_share_one_stamp_are_all_read_and_paging_ends",
    ),
    Peer(
        (4,),
        "only new records are read",
        "connector.store.incoming.records",
        "if before.hash != row.hash or before.gone:",
        "if before.gone:",
        f"{_SYNC}c04_a_record_changed_again_and_again_is_read_each_time",
    ),
    Peer(
        (5,),
        "a hidden horizon of two years",
        "connector.sync.pull",
        "window, after = Window(None, now - source.adapter.capabilities.lag), None",
        "window, after = Window(now - 730 * DAY, now - source.adapter.capabilities.lag), None",
        f"{_SYNC}c05_no_hidden_horizon_old_records_are_read_too",
    ),
    Peer(
        (6,),
        "a row read twice is stored twice",
        "connector.store.incoming.records",
        "known = _known(tx, connection, object, [*latest, *gone])",
        "known: dict[str, _Known] = {}",
        f"{_SYNC}c06_a_page_read_twice_makes_no_second_record_person_or_point",
    ),
    Peer(
        (8, 9, 10),
        "the filter by id is lost on the second page",
        "connector.adapters.hubspot.searching",
        "waiting.append(pool.submit(self._page, question, _from(last), skipped))",
        "waiting.append(pool.submit(self._page, question, (), skipped))",
        "tests/unit/adapters/test_hubspot_reading.py::"
        "test_c08_c10_25_001_changed_records_come_once_each_though_search_ends_at_10_000",
    ),
    Peer(
        (11,),
        "what the index shows late is not looked for",
        "connector.sync.pull",
        "return max(capabilities.overlap, capabilities.late) if paused else capabilities.overlap",
        "return 0 if paused else 0",
        f"{_HTTP}c11_what_the_search_index_shows_late_is_read_all_the_same",
    ),
    Peer(
        (12,),
        "the cursor runs ahead of the window",
        "connector.sync.pull",
        "_save(loop, source, one, INCREMENT, done_until=end)",
        "_save(loop, source, one, INCREMENT, done_until=end + DAY)",
        f"{_SYNC}c12_a_row_newer_than_the_window_neither_breaks_nor_moves_it",
    ),
    Peer(
        (13, 15),
        "deleted and merged records stay as ghosts",
        "connector.store.incoming.records",
        "    if lost:\n        bury(tx, connection",
        "    if not lost:\n        bury(tx, connection",
        f"{_SYNC}c13_c15_deleted_and_merged_records_leave_no_ghosts",
    ),
    Peer(
        (16,),
        "every run reads everything",
        "connector.sync.pull",
        "return Window(since - _reach(source, since, now), max(until, since)), None",
        "return Window(None, max(until, since)), None",
        f"{_SYNC}c16_a_run_with_nothing_new_reads_no_row",
    ),
    Peer(
        (17,),
        "records come without their associations",
        "connector.adapters.hubspot.associations",
        "return {ident: _in_order(tied) for ident, tied in found.items()}",
        "return {}",
        f"{_HTTP}c17_associations_come_with_increments_too",
    ),
    Peer(
        (18,),
        "formulas of accounts are never read anew",
        "connector.sync.pull",
        "    reconcile(loop, source, one, filled.done_until or 0, known, now, counts)\n",
        "    if one.kind is Kind.PERSON:\n"
        "        reconcile(loop, source, one, filled.done_until or 0, known, now, counts)\n",
        f"{_SYNC}c18_a_formula_that_changes_without_a_stamp_is_seen_by_the_next_night",
    ),
    Peer(
        (19,),
        "a field mapped anew waits until each record changes",
        "connector.sync.pull",
        "same = filled is not None and filled.mapping == one.hash",
        "same = filled is not None",
        f"{_SYNC}c19_a_new_field_can_be_mapped_at_once",
    ),
    Peer(
        (20,),
        "a field that went away is asked for all the same",
        "connector.sync.context",
        "return [name for name in one.names if name not in lost]",
        "return list(one.names)",
        f"{_SYNC}c20_a_deleted_field_does_not_kill_the_sync",
    ),
    Peer(
        (21, 22, 28),
        "an error keeps the pages before it from being remembered",
        "connector.sync.pull",
        "_stored: PageCounts) -> None:\n    checkpoints.save(tx, point)",
        "_stored: PageCounts) -> None:\n    return None",
        f"{_SYNC}c21_c22_c28_a_day_without_calls_left_ends_with_its_state_saved_and_goes_on",
    ),
    Peer(
        (23,),
        "a log-in answered 429 is not tried again",
        "connector.transport.http",
        "_LATER = frozenset({429, 503})",
        "_LATER = frozenset({503})",
        f"{_HTTP}c23_a_log_in_that_is_answered_too_many_is_tried_again_as_told",
    ),
    Peer(
        (24,),
        "a refused log-in is tried at every tick",
        "connector.sync.troubles",
        "if how.until is None or how.until <= self.clock():",
        "if how is not None:",
        f"{_SYNC}c24_a_refused_log_in_is_not_hammered",
    ),
    Peer(
        (25,),
        "all pages are held before one is stored",
        "connector.sync.reading.gathering",
        "if size >= ROWS or page.gone:",
        "if page.gone:",
        "tests/sync/test_reading.py::test_c25_memory_holds_one_transaction_whatever_the_size",
    ),
    Peer(
        (26,),
        "a query that timed out counts as no rows",
        "connector.sync.pull",
        "    except (UsageError, RemoteError) as error:\n        faults.append(error)\n        return False",
        "    except LeadloopError:\n        return True",
        f"{_SYNC}c26_an_error_is_never_zero_rows",
    ),
    Peer(
        (27,),
        "an answer that drips is waited for for ever",
        "connector.transport.http",
        "if time.monotonic() > until:",
        "if until < 0:",
        "tests/unit/transport/test_transport.py::test_c27_an_answer_that_drips_for_ever_is_given_up",
    ),
    Peer(
        (29,),
        "milliseconds as text are taken for seconds",
        "connector.mapping.converters",
        "return milliseconds * 1000",
        "return milliseconds * 1_000_000",
        "tests/unit/mapping/test_mapping.py::"
        "test_c29_however_a_crm_spells_a_moment_it_is_the_same_moment",
    ),
    Peer(
        (30,),
        "a locked row has failed for good",
        "connector.sync.writing.sending",
        'Result.RETRY: "retry"',
        'Result.RETRY: "dead"',
        f"{_SYNC}c30_locked_rows_are_tried_again_in_smaller_batches_and_none_is_lost",
    ),
    Peer(
        (31,),
        "one bad row rejects its whole batch",
        "connector.sync.writing.sending",
        "    if len(rows) == 1:\n",
        "    if rows:\n",
        f"{_SYNC}c31_one_bad_row_rejects_itself_and_not_its_batch",
    ),
    Peer(
        (32,),
        "a null in a job of Bulk is an empty cell, which changes nothing",
        "connector.adapters.salesforce.ingest",
        "        return NULL\n",
        '        return ""\n',
        "tests/unit/adapters/test_salesforce_ingest.py::"
        "test_a_null_empties_its_field_and_what_is_not_named_stays",
    ),
    Peer(
        (33,),
        "what may have been made is made again without looking",
        "connector.sync.handing_off.tasks",
        "        if task.marker in there:",
        '        if task.marker in there and one.task != "sending":',
        "tests/sync/test_handoffs.py::"
        "test_c33_a_task_whose_answer_was_lost_is_looked_for_and_not_made_again",
    ),
    Peer(
        (33,),
        "a create that may have happened is sent again",
        "connector.transport.http",
        "isinstance(error, UnknownOutcomeError | QuotaError | StoppedError)",
        "isinstance(error, QuotaError | StoppedError)",
        "tests/unit/transport/test_budget.py",
    ),
    Peer(
        (34,),
        "one failing object ends the reading of all",
        "connector.sync.pull",
        "        faults.append(error)\n        return False",
        "        raise",
        f"{_SYNC}c34_one_failing_object_keeps_the_state_of_the_others",
    ),
    Peer(
        (34,),
        "the window is closed before its rows are read",
        "connector.sync.pull",
        "    _read(loop, source, one, INCREMENT, window, after, done, counts)\n    end = window.until\n",
        "    end = window.until\n    _save(loop, source, one, INCREMENT, done_until=end)\n"
        "    _read(loop, source, one, INCREMENT, window, after, end, counts)\n",
        f"{_SYNC}c34_one_failing_object_keeps_the_state_of_the_others",
    ),
    Peer(
        (35,),
        "the state is saved before the rows it speaks of",
        "connector.sync.pull",
        "        store_page(loop, source, one, page, partial(_keep, point), counts)\n",
        "        with loop.store.write() as tx:\n            checkpoints.save(tx, point)\n"
        "        store_page(loop, source, one, page, partial(_keep, point), counts)\n",
        f"{_SYNC}c35_no_checkpoint_is_ahead_of_its_rows",
    ),
    Peer(
        (),
        "a batch with one success is a success",
        "connector.sync.writing.sending",
        "        if outcome.result is Result.APPLIED:\n            done",
        "        if row:\n            done",
        f"{_SYNC}multiwoven_a_failed_row_is_not_forgotten_because_its_value_was_noted",
    ),
    Peer(
        (),
        "a value counts as written when it is sent",
        "connector.store.outgoing.outbox",
        "    write_journal(tx, ids, now, run)\n",
        "    write_journal(tx, ids, now, run)\n"
        "    confirm(tx, [_sent(row) for row in rows], now, run)\n",
        f"{_SYNC}multiwoven_a_failed_row_is_not_forgotten_because_its_value_was_noted",
    ),
    Peer(
        (),
        "what did not show up is deleted without asking",
        "connector.sync.reading.reconcile",
        "missing = [ident for ident in ids if ident not in there]",
        "missing = list(ids)",
        "tests/sync/test_reading.py::test_a_record_missed_by_the_walk_but_there_by_its_id_is_kept",
    ),
)
"""Every complaint has at least one."""
