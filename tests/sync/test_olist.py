"""A real funnel of 8,000 leads, by a mapping file alone; the data stays where it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = (ROOT / ".." / "shared" / "datasets" / "olist").resolve()


def test_the_olist_funnel_is_read_scored_and_measured(tmp_path):
    if not DATA.is_dir():
        pytest.skip("the Olist files are not on this machine (../shared/datasets/olist)")
    folder = tmp_path / "olist"
    shutil.copytree(ROOT / "examples" / "olist", folder)
    before = {path: path.stat().st_mtime_ns for path in DATA.iterdir()}

    def leadloop(*words):
        done = subprocess.run(
            [sys.executable, "-m", "connector", *words, "-o", "json"],
            cwd=folder,
            env={**os.environ, "OLIST": str(DATA)},
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout)

    run = leadloop("run", "--now", "2018-12-01T00:00:00Z")
    counts = run["data"]["counts"]
    assert counts["pull"]["new person"] == 8000
    assert counts["collect"] == {"won": 842}
    assert counts["score"]["scored"] == 8000
    stages = {row["stage"]: row["cycles"] for row in leadloop("report")["data"]["stages"]}
    assert (stages["inquiry"], stages["won"]) == (8000, 842)
    assert {path: path.stat().st_mtime_ns for path in DATA.iterdir()} == before
