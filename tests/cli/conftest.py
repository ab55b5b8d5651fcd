"""The command line as people call it, each time in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from typing import NamedTuple

import pytest

from connector.cli.failing import guarded
from connector.cli.main import leadloop as group


class Done(NamedTuple):
    """A command that ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def leadloop(tmp_path, monkeypatch):
    """Run the command line in this process, which spares a second of loading; gives how it ended."""

    def run(*words, expect=0, folder=tmp_path, **environ):
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with monkeypatch.context() as here:
            here.chdir(folder)
            for name, value in _environ(environ).items():
                here.setenv(name, value)
            for name in _ours():
                if name not in environ:
                    here.delenv(name)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = guarded(group, list(words))
        return _as_expected(Done(code, _read(out), _read(err)), expect)

    return run


@pytest.fixture
def process(tmp_path):
    """Run the command line as a process of its own; gives how it ended."""

    def run(*words, expect=0, folder=tmp_path, **environ):
        clean = {name: value for name, value in os.environ.items() if name not in _ours()}
        done = subprocess.run(
            [sys.executable, "-m", "connector", *words],
            cwd=folder,
            env={**clean, **_environ(environ)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return _as_expected(Done(done.returncode, done.stdout, done.stderr), expect)

    return run


@pytest.fixture
def answer(leadloop):
    """Run a command with `-o json` and give its envelope."""

    def ask(*words, **options):
        return json.loads(leadloop(*words, "-o", "json", **options).stdout)

    return ask


def _environ(given):
    return {"COLUMNS": "100", **given}


def _ours():
    return [name for name in os.environ if name.startswith(("LEADLOOP", "ODOO"))]


def _read(stream):
    stream.seek(0)
    return stream.read()


def _as_expected(done, code):
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-3000:]
    return done
