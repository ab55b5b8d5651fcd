"""What every adapter promises. A new one is tested by adding its stand-in; nothing here changes."""

from __future__ import annotations

from itertools import islice

import pytest

from connector.adapters import KINDS
from connector.adapters.base import FieldStep, Window, Witness
from connector.domain.change import Result, Write
from connector.domain.moment import HOUR, SECOND
from connector.domain.outward import FieldType
from connector.errors import LeadloopError, TryLaterError, UsageError
from tests.contract.fakes import FAKES


@pytest.fixture(params=sorted(KINDS))
def crm(request, tmp_path):
    with FAKES[request.param](tmp_path) as fake:
        yield fake
        fake.adapter.close()


def read(crm, *, since=None, until=None, after=None):
    """All rows of a window; paging that never ends fails here and does not hang."""
    window = Window(since, until if until is not None else crm.now + HOUR)
    names = [crm.key, crm.field]
    pages = list(islice(crm.adapter.read(crm.source, names, window, after), 1000))
    assert len(pages) < 1000, "the pages never end"
    return pages


def rows(crm, pages):
    return {row[crm.key]: row for page in pages for row in page.rows}


def fill(crm, count):
    ids = [crm.put(n, title=f"title {n}") for n in range(count)]
    crm.tick()
    return ids


def test_every_kind_has_a_stand_in():
    assert set(FAKES) == set(KINDS)


def test_check_says_who_we_are_and_where(crm):
    there = crm.adapter.check()
    assert there.organisation
    assert there.product


def test_a_crm_that_refuses_us_is_an_error_with_a_next_step(crm):
    crm.lock_out()
    with pytest.raises(LeadloopError) as caught:
        crm.adapter.check()
    assert caught.value.hint
    assert "canary" not in str(caught.value) + repr(crm.adapter)


def test_a_full_read_gives_what_is_there(crm):
    ids = fill(crm, 23)
    found = rows(crm, read(crm))
    assert set(found) == set(ids)
    assert found[ids[5]][crm.field] == "title 5"


def test_reading_twice_gives_the_same(crm):
    fill(crm, 23)
    assert rows(crm, read(crm)) == rows(crm, read(crm))


def test_a_thousand_rows_of_one_moment_all_come(crm):
    ids = fill(crm, 1000)
    assert set(rows(crm, read(crm))) == set(ids)


def test_a_position_resumes_after_its_page(crm):
    ids = fill(crm, 4500 if not crm.adapter.capabilities.windows else 40)
    pages = crm.adapter.read(crm.source, [crm.key], Window(None, crm.now + HOUR), None)
    first = next(iter(pages))
    rest = rows(crm, read(crm, after=first.position))
    assert set(rest) | {row[crm.key] for row in first.rows} == set(ids)
    assert not set(rest) & {row[crm.key] for row in first.rows}


def test_a_window_holds_what_changed_inside_it_and_nothing_else(crm):
    if not crm.adapter.capabilities.windows:
        pytest.skip("reads whole objects: there is no window to hold")
    old = fill(crm, 5)
    crm.tick(10 * SECOND)
    low = crm.now // SECOND * SECOND
    inside = [crm.put(n, title="new") for n in range(100, 105)]
    crm.tick(10 * SECOND)
    high = crm.now // SECOND * SECOND
    late = crm.put(200, title="late")
    crm.tick()
    found = set(rows(crm, read(crm, since=low, until=high)))
    assert found == set(inside)
    assert late not in found
    assert not found & set(old)


def test_an_unchanged_object_costs_one_empty_page(crm):
    if crm.adapter.capabilities.windows:
        pytest.skip("reads windows: the next one is empty anyway")
    fill(crm, 10)
    last = read(crm)[-1].position
    (page,) = read(crm, after=last)
    assert not page.rows


def test_an_unknown_field_is_refused_by_name(crm):
    fill(crm, 3)
    with pytest.raises(UsageError, match="no_such_field"):
        list(crm.adapter.read(crm.source, ["no_such_field"], Window(None, crm.now + HOUR), None))


def test_an_unknown_object_is_refused(crm):
    with pytest.raises(LeadloopError) as caught:
        list(crm.adapter.read("no_such_object", ["id"], Window(None, crm.now + HOUR), None))
    assert not isinstance(caught.value, TryLaterError), "the CRM did answer"


def test_rows_by_id_leave_out_what_is_gone(crm):
    ids = fill(crm, 5)
    found = crm.adapter.read_ids(crm.source, [crm.key, crm.field], [ids[1], crm.missing, ids[3]])
    assert {row[crm.key] for row in found} == {ids[1], ids[3]}


def test_a_deleted_record_is_not_taken_for_one_only_hidden_from_us(crm):
    if not isinstance(crm.adapter, Witness):
        pytest.skip("its CRM does not tell deleted from hidden")
    ids = fill(crm, 3)
    crm.delete(ids[1])
    crm.tick(90 * SECOND)
    assert crm.adapter.hidden(crm.source, [ids[1]]) == []


def test_what_is_written_is_read_back(crm):
    ids = fill(crm, 5)
    outcomes = crm.adapter.write([Write(crm.source, ids[2], {crm.field: "Boss"})])
    assert outcomes[0].result is Result.APPLIED
    (row,) = crm.adapter.read_ids(crm.source, [crm.key, crm.field], [ids[2]])
    assert row[crm.field] == "Boss"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "@cmd",
        "-5 apples",
        "'quoted",
        "zürich 🦊",
        'a "b", c',
        '"',
        "#N/A",
        "null",
        "NULL",
        "\\N",
        "None",
        "a\\nb",
        "false",
        "0",
    ],
)
def test_c32_text_comes_back_as_it_was_written(crm, text):
    ids = fill(crm, 2)
    crm.adapter.write([Write(crm.source, ids[0], {crm.field: text})])
    (row,) = crm.adapter.read_ids(crm.source, [crm.key, crm.field], [ids[0]])
    assert row[crm.field] == text


def test_c32_a_null_empties_its_field_and_stops_no_other_write(crm):
    ids = fill(crm, 3)
    batch = [
        Write(crm.source, ids[0], {crm.field: None}),
        Write(crm.source, ids[1], {crm.field: "B"}),
    ]
    assert {o.result for o in crm.adapter.write(batch)} == {Result.APPLIED}
    found = crm.adapter.read_ids(crm.source, [crm.key, crm.field], ids)
    shown = {row[crm.key]: row[crm.field] or None for row in found}
    assert shown[ids[0]] is None
    assert shown[ids[1]] == "B"
    assert shown[ids[2]] is not None


def test_outcomes_come_in_order_and_one_failure_stops_no_other(crm):
    ids = fill(crm, 5)
    batch = [
        Write(crm.source, ids[0], {crm.field: "A"}),
        Write(crm.source, crm.missing, {crm.field: "B"}),
        Write(crm.source, ids[2], {crm.field: "C"}),
    ]
    outcomes = crm.adapter.write(batch)
    assert [o.id for o in outcomes] == [w.id for w in batch]
    assert [o.result for o in outcomes] == [Result.APPLIED, Result.GONE, Result.APPLIED]


def test_a_batch_too_large_is_refused_before_anything_is_sent(crm):
    ids = fill(crm, 1)
    size = crm.adapter.capabilities.batch_size + 1
    with pytest.raises(ValueError, match="batch|limit"):
        crm.adapter.write([Write(crm.source, ids[0], {crm.field: "x"})] * size)


def test_an_answer_lost_on_the_way_is_unknown_and_reading_back_settles_it(crm):
    if not crm.lossy:
        pytest.skip("writes in this process: no answer can get lost")
    ids = fill(crm, 3)
    crm.lose_answers(1)
    (outcome,) = crm.adapter.write([Write(crm.source, ids[0], {crm.field: "Boss"})])
    assert outcome.result is Result.UNKNOWN
    (row,) = crm.adapter.read_ids(crm.source, [crm.key, crm.field], [ids[0]])
    assert row[crm.field] == "Boss"


def test_fields_are_made_once(crm):
    fill(crm, 1)
    step = FieldStep(crm.source, crm.new_field, FieldType.NUMBER, "New", 0, "create")
    planned = crm.adapter.plan_fields([step])
    crm.adapter.create_fields(planned)
    again = crm.adapter.plan_fields([step])
    assert [one.action for one in again] == ["keep"]


def test_the_crms_clock_is_near_the_time_it_stamps(crm):
    assert abs(crm.adapter.server_now() - crm.now) <= SECOND
