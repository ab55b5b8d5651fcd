"""Jobs of Bulk API 2.0 over the rendered leads: queries made, asked for, read by locator; updates
that are counted and take every record.

A job's lines are spelled while it says that it is in progress, so that nothing is spelled while its
results are read; a second job of the same columns is over at once. Results stand in the order of
the ids; a real org promises none, and a page is sorted by whoever wants it so.
"""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from benchmarks.crm_rows import lead

PAGE = 50_000
_SELECT = re.compile(r"SELECT (.+) FROM Lead(?: |$)")


class Results(NamedTuple):
    """An answer in CSV: how many rows it holds, and what names the next one."""

    parts: Sequence[bytes]
    rows: int
    locator: str


class Job(NamedTuple):
    """A query: its columns, and how many leads stand before its first."""

    asked: str
    columns: tuple[str, ...]
    start: int


class Jobs:
    """All jobs of one rendered org of so many leads."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._known: dict[str, Job] = {}
        self._lines: dict[tuple[str, ...], list[bytes]] = {}
        self._begun: dict[tuple[str, ...], threading.Event] = {}

    @property
    def asked(self) -> str:
        """The query of the first job, for others to ask the same."""
        return next((one.asked for one in self._known.values()), "")

    def __call__(self, method: str, target: str, body: bytes) -> bytes | Results | None:
        """Answer what is asked of a job; None where there is no such job."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        name = path.partition("/jobs/query")[2].strip("/").partition("/")[0]
        if method == "POST" and not name:
            return self._made(json.loads(body)["query"])
        job = self._known.get(name)
        if job is None:
            return None
        if not path.endswith("/results"):
            done = self._begun[job.columns].is_set()
            return _status(name, "JobComplete" if done else "InProgress")
        first = job.start + int(query.get("locator", ["0"])[0])
        most = min(PAGE, int(query.get("maxRecords", [str(PAGE)])[0]))
        lines = self._lines[job.columns][first : first + most]
        end = first + len(lines)
        locator = str(end - job.start) if end < self._rows else "null"
        return Results([_line(job.columns), *lines], len(lines), locator)

    def _made(self, asked: str) -> bytes:
        chosen = _SELECT.match(asked)
        if chosen is None:
            raise ValueError(f"no query of leads: {asked[:200]}")
        after = re.search(r"Id > '00QAA(\d{10})", asked)
        columns = tuple(chosen[1].split(", "))
        name = f"750AA{len(self._known):010d}AAA"
        self._known[name] = Job(asked, columns, int(after[1]) + 1 if after else 0)
        if columns not in self._begun:
            self._begun[columns] = threading.Event()
            threading.Thread(target=self._spell, args=(columns,), daemon=True).start()
        return _status(name, "UploadComplete")

    def _spell(self, columns: tuple[str, ...]) -> None:
        lines = []
        for n in range(self._rows):
            row = lead(n)
            lines.append(_line([_cell(row[name]) for name in columns]))
        self._lines[columns] = lines
        self._begun[columns].set()


class Ingests:
    """Update jobs of one org, each done as soon as it is asked after. `taken` counts records."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self.taken = 0

    def __call__(self, method: str, target: str, body: bytes) -> bytes | None:
        """Answer what is asked of a job; None where there is no such job."""
        name, _, more = target.partition("/jobs/ingest")[2].strip("/").partition("/")
        if not name:
            self._rows.append(0)
            return _status(f"{len(self._rows) - 1}", "Open")
        if not name.isdigit() or int(name) >= len(self._rows):
            return None
        job = int(name)
        if more == "batches":
            self._rows[job] = sum(1 for _ in csv.reader(io.StringIO(body.decode(), newline=""))) - 1
            self.taken += self._rows[job]
            return b""
        counts = {"numberRecordsProcessed": self._rows[job], "numberRecordsFailed": 0}
        return json.dumps({"id": name, "state": "JobComplete", **counts}).encode()


def _status(name: str, state: str) -> bytes:
    return json.dumps({"id": name, "object": "Lead", "state": state, "apiVersion": 62.0}).encode()


def _line(cells: Sequence[str]) -> bytes:
    return ",".join('"' + one.replace('"', '""') + '"' for one in cells).encode() + b"\n"


def _cell(value: Any) -> str:
    """A value as results spell it: moments end in Z, and nothing is an empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace(".000+0000", ".000Z")
