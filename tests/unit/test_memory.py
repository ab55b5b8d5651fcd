"""Cycles are looked for among rows, and neither among what is loaded nor at the end."""

from __future__ import annotations

import subprocess
import sys

LOAD = """
import gc
from connector.cli.memory import leave_alone_what_is_loaded, prepare_for_pages
{prepare}

def tell(phase, info):
    if phase == "start":
        print(len(gc.get_objects()), flush=True)

gc.callbacks.append(tell)
import connector.sync.run, connector.engine.few
{work}
"""
ROWS = """
leave_alone_what_is_loaded()
for _ in range(150_000):
    row = []
    row.append(row)
print("ended", flush=True)
"""
FEW = 10_000


def looks(prepare, work=""):
    """Give how many things were looked at each time."""
    script = LOAD.format(prepare=prepare, work=work)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    ).stdout.splitlines()


def test_nothing_is_looked_at_while_our_libraries_load_and_next_to_nothing_at_the_end():
    (last,) = looks("prepare_for_pages()")
    assert int(last) < FEW
    assert max(int(one) for one in looks("pass")) > 5 * FEW  # what Python does by itself


def test_cycles_that_work_leaves_behind_are_looked_for_and_what_is_loaded_is_left_alone():
    first, ended, last = looks("prepare_for_pages()", ROWS)
    assert 100_000 <= int(first) < 100_000 + FEW
    assert ended == "ended"
    assert int(last) < FEW
