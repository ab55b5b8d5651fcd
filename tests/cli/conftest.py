"""The command line as people call it: another process, another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def leadloop(tmp_path):
    """Run the command line in a folder of its own; gives the finished process."""

    def run(*words, expect=0, folder=tmp_path, **environ):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("LEADLOOP", "ODOO"))}
        done = subprocess.run(
            [sys.executable, "-m", "connector", *words],
            cwd=folder,
            env={**clean, "COLUMNS": "100", **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-3000:]
        return done

    return run


@pytest.fixture
def answer(leadloop):
    """Run a command with `-o json` and give its envelope."""

    def ask(*words, **options):
        return json.loads(leadloop(*words, "-o", "json", **options).stdout)

    return ask
