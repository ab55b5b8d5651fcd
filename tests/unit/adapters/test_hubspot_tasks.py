"""Tasks, notes and lists: made once, and in step with the nurture flag."""

from __future__ import annotations

import json

import pytest

from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.lists import Lists
from connector.adapters.hubspot.paths import Paths
from connector.adapters.hubspot.tasks import Note, Task, Tasks
from connector.domain.change import Result, Write
from tests.unit.adapters.hubspot_edge import TOKEN, URL, opened

DUE = 1_793_534_400_000_000
TASK = Task("h-17", "1", "Call <Ada>", "Asked for a demo & a price", DUE, owner="9")


@pytest.fixture
def calls(portal):
    return Calls(URL, lambda: TOKEN, Paths(portal.version))


def test_a_task_is_made_once_however_often_it_is_asked_for(portal, calls):
    portal.put("contacts", 1)
    first = Tasks(calls).ensure_task(TASK)
    assert Tasks(calls).ensure_task(TASK) == first
    (made,) = portal.records["tasks"].values()
    assert made["hs_timestamp"] == "2026-11-01T12:00:00Z"
    assert (made["hubspot_owner_id"], made["hs_task_subject"]) == ("9", "Call <Ada>")
    assert made["hs_task_body"].startswith("Asked for a demo &amp; a price")


def test_another_marker_is_another_task_even_where_one_begins_like_the_other(portal, calls):
    tasks = Tasks(calls)
    made = {tasks.ensure_task(TASK._replace(marker=m)) for m in ("h-17", "h-1", "h-170")}
    assert len(made) == len(portal.records["tasks"]) == 3


def test_a_creation_whose_answer_was_lost_is_found_and_not_made_again(portal, calls):
    portal.lost = 1
    made = Tasks(calls).ensure_task(TASK)
    assert [made] == [one["hs_object_id"] for one in portal.records["tasks"].values()]


def test_the_marker_is_found_behind_many_older_tasks(portal, calls):
    tasks = Tasks(calls)
    for n in range(120):
        ident = portal.put("tasks", 100 + n, hs_task_body="somebody's own")
        known = portal.ties.setdefault(("contacts", "tasks"), {}).setdefault("1", [])
        known.append({"toObjectId": ident, "associationTypes": []})
    first = tasks.ensure_task(TASK)
    assert tasks.ensure_task(TASK) == first


def test_a_note_is_made_once(portal, calls):
    note = Note("r-3", "1", "Scored 81", DUE)
    assert Tasks(calls).ensure_note(note) == Tasks(calls).ensure_note(note)
    assert len(portal.records["notes"]) == 1


# --- lists ---------------------------------------------------------------------------------------


def themed(portal, calls, *themes):
    lists = Lists(calls)
    for theme in themes:
        lists.create(f"Leadloop nurture: {theme}")
    return lists


def members(portal):
    return {one["name"].partition(": ")[2]: set(one["members"]) for one in portal.lists.values()}


def flag(portal, ident, **values):
    return opened(portal).write([Write("contacts", ident, values)])[0]


def test_who_is_nurtured_is_on_the_list_of_the_theme_and_on_no_other(portal, calls):
    themed(portal, calls, "price", "product", "general")
    portal.put("contacts", 1)
    flag(portal, "1", leadloop_nurture=True, leadloop_nurture_theme="price")
    assert members(portal) == {"price": {"1"}, "product": set(), "general": set()}
    assert flag(portal, "1", leadloop_nurture_theme="product").result is Result.APPLIED
    assert members(portal) == {"price": set(), "product": {"1"}, "general": set()}
    flag(portal, "1", leadloop_nurture=False)
    assert members(portal) == {"price": set(), "product": set(), "general": set()}


def test_scores_cost_no_call_about_lists(portal, calls):
    themed(portal, calls, "price")
    portal.put("contacts", 1)
    before = portal.calls["lists"]
    assert flag(portal, "1", leadloop_score=9).result is Result.APPLIED
    assert portal.calls["lists"] == before


def test_a_key_that_may_not_see_lists_still_writes_the_flag(portal, caplog):
    portal.put("contacts", 1)
    portal.forbidden = {"lists"}
    assert flag(portal, "1", leadloop_nurture=True).result is Result.APPLIED
    assert portal.records["contacts"][1]["leadloop_nurture"] == "true"
    assert [r.message for r in caplog.records if "lists are left alone" in r.message]


def test_a_list_of_that_name_is_kept(portal, calls):
    themed(portal, calls, "price", "price")
    assert len(portal.lists) == 1
    assert json.dumps(sorted(members(portal))) == '["price"]'
