"""Plays the loop over the invented year, as an admin would on the first day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from connector.config.load import Loaded, load_settings
from connector.demo.company import Company, invent
from connector.demo.folder import write_folder
from connector.demo.shipped import shipped
from connector.domain.cycle import State
from connector.domain.moment import DAY, HOUR, Micros
from connector.store import cycles, plans
from connector.store.database import open_store
from connector.sync.explanation import explanation
from connector.sync.hand_off import release
from connector.sync.opening import open_loop
from connector.sync.run import Result, approve_and_apply
from connector.sync.run import run as run_loop

SETTINGS = """\
# yaml-language-server: $schema=leadloop.schema.json
version: 1
store: sqlite:///./state/leadloop.db
model: model.yaml
routing: routing.yaml
stage: route # observe, score, nurture, route: how far the loop may go
connections:
  - name: files
    kind: files
    mapping: mapping.yaml
    files: {folder: company, out: written}
    scope: {exclude: {own_domains: [acme.example]}}
"""


@dataclass
class Played:
    """What happened, step by step, for whoever tells the story."""

    folder: Path
    company: Company
    first: Result
    approved: Result
    released: tuple[int, int]
    second: Result
    third: Result
    top: dict[str, Any]


def play(folder: Path, *, seed: int, end: Micros, tell: Callable[[str], None]) -> Played:
    """Write the company's files and run the loop: first run, approval, release, and twice again."""
    if folder.exists():
        rmtree(folder)
    company = invent(seed, end)
    write_folder(company, folder / "company")
    for name, text in _files():
        (folder / name).write_text(text, encoding="utf-8")
    loaded = load_settings(folder / "leadloop.yaml")
    tell("first run")
    first = _run(loaded, end)
    tell("approval")
    approved = _approve(loaded, first, end)
    tell("release")
    released = _release(loaded, end + HOUR, 40)
    tell("second run")
    second = _run(loaded, end + HOUR)
    tell("third run")
    third = _run(loaded, end + HOUR)
    top = _top(loaded)
    return Played(folder, company, first, approved, released, second, third, top)


def _files() -> Iterator[tuple[str, str]]:
    yield "leadloop.yaml", SETTINGS
    yield "mapping.yaml", shipped("files.yaml")
    for name in ("model.yaml", "scenarios.yaml", "routing.yaml"):
        yield name, shipped(name)


def _loop(loaded: Loaded, now: Micros, command: str, *, candidate: bool = False) -> Any:
    return open_loop(
        loaded,
        now=now,
        clock=lambda: now,
        command=command,
        candidate=candidate,
        tell=lambda _step, _counts: None,
        warn=lambda _text: None,
    )


def _run(loaded: Loaded, now: Micros) -> Result:
    with _loop(loaded, now, "run") as loop:
        return run_loop(loop, lambda: now, send=True)


def _approve(loaded: Loaded, first: Result, now: Micros) -> Result:
    with _loop(loaded, now, "apply", candidate=True) as loop:
        with loop.store.read() as tx:
            row = plans.get_plan(tx, first.run)
        if row is None:
            raise LookupError(first.run)
        return approve_and_apply(loop, row, lambda: now, approved=True)


def _release(loaded: Loaded, now: Micros, per_day: int) -> tuple[int, int]:
    with _loop(loaded, now, "handoffs release") as loop:
        return release(loop, per_day)


def _top(loaded: Loaded) -> dict[str, Any]:
    store = open_store(loaded.store_url())
    try:
        with store.read() as tx:
            best = cycles.in_state(tx, State.HANDED_OFF, why="released from the backlog")[0]
        return explanation(store, best.person)
    finally:
        store.close()


def end_of_year(now: Micros) -> Micros:
    """Give the day's beginning: a demo played twice a day is the same demo."""
    return now // DAY * DAY
