"""A report counted by several processes is the report counted by one."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import insert

from connector.errors import LeadloopError
from connector.report import parts
from connector.report.figures import report_figures
from connector.store import schema
from tests.past import NOW


def _figures(store, loaded, monkeypatch, number):
    monkeypatch.setattr(parts, "_parts", lambda _: number)
    return report_figures(store, loaded, NOW, [])


@pytest.mark.parametrize("people", [0, 1, 150])
def test_three_processes_say_what_one_says(past, monkeypatch, people):
    store, loaded, _ = past(people)
    alone = _figures(store, loaded, monkeypatch, 1)
    assert alone["headline"]["people"] == people
    assert _figures(store, loaded, monkeypatch, 3) == alone


def test_who_is_written_while_processes_start_is_counted_by_all_or_none(quick_past, monkeypatch):
    store, loaded, _ = quick_past(40)
    looks = []
    look = parts._look

    def writing(tx):
        look(tx)
        looks.append(tx)
        if len(looks) < 3:  # behind the view of this process, before that of the others
            with store.write() as other:
                other.execute(insert(schema.person).values(
                    id=f"zz{len(looks)}", facts="{}", doc="{}", stale=False, pending=False,
                    first_run="r",
                ))  # fmt: skip

    monkeypatch.setattr(parts, "_look", writing)
    found = _figures(store, loaded, monkeypatch, 2)
    assert len(looks) == 3
    assert found["health"]["people"] == 42


def test_a_store_that_is_written_all_the_time_is_counted_alone(quick_past, monkeypatch):
    store, loaded, figures = quick_past(40)
    alone = figures()
    monkeypatch.setattr(type(store), "watching", _never_still)
    assert _figures(store, loaded, monkeypatch, 2) == alone


def test_a_process_that_dies_is_told_with_its_last_word(quick_past, monkeypatch, tmp_path):
    store, loaded, _ = quick_past(40)
    monkeypatch.setattr(parts.sys, "executable", _dying(tmp_path))
    with pytest.raises(LeadloopError, match="ended with 7: out of memory"):
        _figures(store, loaded, monkeypatch, 2)


@contextmanager
def _never_still(_):
    yield lambda: False


def _dying(folder):
    path = folder / "python"
    path.write_text("#!/bin/sh\necho out of memory >&2\nexit 7\n")
    path.chmod(0o755)
    return str(path)
