"""What the scoring process loads: it is started for every scoring, so each library counts."""

from __future__ import annotations

import subprocess
import sys

_HEAVY = (
    "pydantic",
    "narwhals",
    "ruamel",
    "sqlalchemy",
    "connector.scoring",
    "connector.documents",
)


def test_a_scoring_process_that_waits_has_loaded_no_room_that_reads_models():
    told = f"import sys, connector.engine.child; print([n for n in {_HEAVY!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", told], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
