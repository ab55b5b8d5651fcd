"""A headless Chromium, spoken to through a pipe in its own protocol (Chrome DevTools Protocol)."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from contextlib import suppress

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium():
    """Give the path of a browser on this machine; None without one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def _above(end):
    """Move a pipe's end out of the way of 3 and 4, which the browser listens and answers on."""
    moved = fcntl.fcntl(end, fcntl.F_DUPFD, 10)
    os.close(end)
    return moved


class Browser:
    """One page in one browser; `events` are all that it told so far."""

    def __init__(self, profile):
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        to_read, to_write = (_above(end) for end in (to_read, to_write))

        def take_the_pipe():
            os.dup2(to_read, 3)
            os.dup2(to_write, 4)

        self._process = subprocess.Popen(
            [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={profile}", "--remote-debugging-pipe"],
            preexec_fn=take_the_pipe,  # noqa: PLW1509  there are no threads here
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self._rest, self._number, self.events, self._session = b"", 0, [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for part in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{part}.enable")

    def ask(self, method, **parameters):
        """Send a command and give its result."""
        self._number += 1
        said = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            said["sessionId"] = self._session
        os.write(self._write, json.dumps(said).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                return heard["result"]
            self.events.append(heard)

    def _hear(self):
        while b"\0" not in self._rest:
            more = os.read(self._read, 1 << 16)
            assert more, "the browser ended"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def open(self, url):
        """Load a page wholly; forgets what was told before."""
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while not self.told("Page.loadEventFired"):
            self.events.append(self._hear())

    def told(self, method):
        """Give what the browser told under this name."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def value(self, expression):
        """Evaluate an expression, awaiting it, and give its value."""
        found = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def look(self, *, width, dark=False):
        """Set the width of the window and the colours people prefer."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def close(self):
        """End the browser."""
        with suppress(OSError, AssertionError):
            self._session = None
            self.ask("Browser.close")
        self._process.wait(30)
        os.close(self._read)
        os.close(self._write)
