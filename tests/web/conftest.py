"""One browser for all pages, and the text of axe-core."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.web.browser import Browser, chromium


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if chromium() is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The text of axe-core, from the package registry and kept nowhere."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, so axe-core cannot be had")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        [
            "npm",
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--prefix",
            folder,
            "axe-core@4",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip(f"axe-core cannot be had from the registry: npm ended with {done.returncode}")
    return script.read_text(encoding="utf-8")
