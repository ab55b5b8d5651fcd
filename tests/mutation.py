"""Mutates our own source, one small change at a time, and asks whether a test notices.

    python -m tests.mutation [--seconds 600] [--write docs/mutation.md]

Each mutant lives in a forked child: the module is replaced before the tests that import it run.
A mutant no test kills is a survivor; each is listed with its line.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.util
import io
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from tests.peers import PEERS

ROOT = Path(__file__).parents[1]
UNIT = ["tests/unit/test_diff.py", "tests/unit/test_wishes.py"]
PLAN = ["tests/unit/sync/test_plan.py", "tests/sync/test_planning.py"]
TARGETS: dict[str, list[str]] = {
    "connector.sync.diff": UNIT,
    "connector.sync.planning.quiet": UNIT,
    "connector.sync.planning.scope": UNIT,
    "connector.sync.planning.wishes": UNIT,
    "connector.sync.plan": PLAN,
    "connector.sync.planning.known": ["tests/unit/sync/test_known.py"],
    "connector.sync.planning.guard": ["tests/unit/sync/test_guard.py"],
}
"""Modules, and the tests that every mutant of theirs meets first."""
SLOW = [
    f"tests/sync/test_{test}"
    for test in (
        "writing.py::test_an_owner_who_left_while_the_plan_waited_gets_no_lead",
        "writing.py::test_people_outside_the_scope_for_writing_are_scored_and_not_written",
        "writing.py::test_a_field_whose_policy_is_ask_waits_for_an_answer_and_asks_once",
        "writing.py::test_a_field_an_automation_keeps_setting_back_is_left_alone_after_three_turns",
        "people.py::test_a_frozen_record_is_written_no_more_and_its_twin_is",
        "people.py::test_a_backfill_never_gives_an_inactive_owner_a_lead",
        "loop.py::test_the_stage_says_what_may_be_written",
        "loop.py::test_what_exceeds_a_limit_waits_and_the_rest_is_written",
        "loop.py::test_a_deleted_record_is_written_no_more",
        "loop.py::test_a_persons_change_of_the_owner_survives",
        "loop.py::test_a_nurture_flag_somebody_took_off_stays_off_for_thirty_days",
        "routing.py",
    )
]
"""Tests of the whole loop, for mutants that the first ones let live."""
LIMIT_S = 120.0
PATIENCE = 6
"""So many times as long as the unchanged module a mutant may take before it counts as endless."""
_MEMORY = Path("/dev/shm")
_COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_WORDS = {"write": "keep", "keep": "write", "planned": "approved"}


class Mutant(NamedTuple):
    """One changed line of one module."""

    line: int
    what: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every single change we know: comparisons, logic, numbers, truths, returned values."""
    whole = ast.parse(source)
    for number, node in enumerate(ast.walk(whole)):
        for what, change in _changes(node):
            tree = copy.deepcopy(whole)
            target = next(n for i, n in enumerate(ast.walk(tree)) if i == number)
            change(target)
            yield Mutant(getattr(node, "lineno", 0), what, ast.fix_missing_locations(tree))


def _changes(node: ast.AST):
    if isinstance(node, ast.Compare):
        for n, op in enumerate(node.ops):
            if type(op) in _COMPARE:
                other = _COMPARE[type(op)]
                yield (
                    f"{type(op).__name__} -> {other.__name__}",
                    lambda t, n=n, other=other: t.ops.__setitem__(n, other()),
                )
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} -> {other.__name__}", lambda t: setattr(t, "op", other())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield (
            "not x -> not not x",
            lambda t: setattr(t, "operand", ast.UnaryOp(ast.Not(), t.operand)),
        )
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield "- -> +", lambda t: setattr(t, "op", ast.Add())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", lambda t: setattr(t, "value", not t.value)
    elif isinstance(node, ast.Constant) and type(node.value) is int and node.value < 1000:
        yield f"{node.value} -> {node.value + 1}", lambda t: setattr(t, "value", t.value + 1)
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        yield "+= -> -=", lambda t: setattr(t, "op", ast.Sub())
    elif isinstance(node, ast.Continue):
        yield "continue -> pass", lambda t: t.__setattr__("__class__", ast.Pass)
    elif isinstance(node, ast.Attribute) and node.attr.lower() in _WORDS and node.attr.isupper():
        yield (
            f"{node.attr} -> {_WORDS[node.attr.lower()].upper()}",
            lambda t: setattr(t, "attr", _WORDS[t.attr.lower()].upper()),
        )


def notices(module: str, mutant: Mutant, tests: list[str], limit: float = LIMIT_S) -> bool:
    """Whether a test fails with the mutant in place of the module, or never ends."""
    child = os.fork()
    if child == 0:
        _in_child(module, mutant, tests)
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _in_child(module: str, mutant: Mutant, tests: list[str]) -> None:
    import pytest

    code = 1
    try:
        spec = importlib.util.find_spec(module)
        made = importlib.util.module_from_spec(spec)
        sys.modules[module] = made
        exec(compile(mutant.tree, spec.origin, "exec"), made.__dict__)
        parent, _, name = module.rpartition(".")
        setattr(importlib.import_module(parent), name, made)
        from tests.sync.scoring import NoScorer, score_here

        scoring = importlib.import_module("connector.sync.score")
        scoring.score_store, scoring.Scorer = score_here, NoScorer
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            words = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
            words += ["-k", "not postgresql", *tests]
            place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
            with tempfile.TemporaryDirectory(prefix="ll-mutant-", dir=place) as folder:
                code = int(pytest.main([*words, f"--basetemp={folder}/t"]))
    finally:
        os._exit(code)


def peers(only: str) -> int:
    """Put other movers' bugs into our source, one at a time, and say whether the test noticed; gives
    how many no test did."""
    survived = 0
    for peer in PEERS:
        numbers = " ".join(f"c{n:02}" for n in peer.numbers) or "-"
        if only and only not in f"{numbers} {peer.what}":
            continue
        source = source_of(peer.module)
        if source.count(peer.ours) != 1:
            raise SystemExit(f"{peer.module}: the line of `{peer.what}` is not there once")
        tree = ast.parse(source.replace(peer.ours, peer.theirs))
        noticed = notices(peer.module, Mutant(0, peer.what, tree), [peer.test])
        survived += not noticed
        test = peer.test.rpartition("::test_")[2] or peer.test
        print(f"| {numbers} | {peer.what} | {'' if noticed else 'SURVIVED '}{test} |", flush=True)
    return survived


def source_of(module: str) -> str:
    """The text of a module of ours."""
    path = ROOT / (module.replace(".", "/") + ".py")
    return path.read_text(encoding="utf-8")


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--seconds", type=float, default=1e9)
    asked.add_argument("--only", default="")
    asked.add_argument("--write", type=Path)
    asked.add_argument("--peers", action="store_true", help="only the bugs other movers had")
    given = asked.parse_args()
    os.chdir(ROOT)
    for name in ("duckdb", "sqlalchemy", "pydantic", "requests"):
        importlib.import_module(name)  # once; ours only in the child, so that all see the mutant
    if given.peers:
        sys.exit(peers(given.only) > 0)
    end = time.monotonic() + given.seconds
    lines = ["| module | mutants | tried | killed | survived |", "|---|---|---|---|---|"]
    survivors = []
    for module, tests in TARGETS.items():
        if given.only and given.only not in module:
            continue
        path = ROOT / (module.replace(".", "/") + ".py")
        every = list(mutants(path.read_text(encoding="utf-8")))
        tried, killed = 0, 0
        unchanged = Mutant(0, "nothing", ast.parse(path.read_text(encoding="utf-8")))
        limits = []
        for some in (tests, SLOW):
            began = time.monotonic()
            if notices(module, unchanged, some, 20 * LIMIT_S):
                raise SystemExit(f"{module}: the tests fail without any change")
            limits.append(max(LIMIT_S, PATIENCE * (time.monotonic() - began)))
        for mutant in every:
            if time.monotonic() > end:
                break
            tried += 1
            if notices(module, mutant, tests, limits[0]) or (
                tests != UNIT and notices(module, mutant, SLOW, limits[1])
            ):
                killed += 1
            else:
                survivors.append(f"- `{path.relative_to(ROOT)}:{mutant.line}` {mutant.what}")
                print(survivors[-1], flush=True)
        name = module.removeprefix("connector.")
        lines.append(f"| {name} | {len(every)} | {tried} | {killed} | {tried - killed} |")
        print(lines[-1], flush=True)
    report = "\n".join([*lines, "", "Survivors:", "", *(survivors or ["- none"])])
    print(report)
    if given.write:
        given.write.write_text(HEAD + report + "\n", encoding="utf-8")


HEAD = """# Mutants of the planning rules

`python -m tests.mutation --write docs/mutation.md` changes one operator, number or truth at a time
and runs the focused tests. What no test noticed is listed, to be looked at by a person.

"""

if __name__ == "__main__":
    main()
