"""Reading much: query jobs of Bulk API 2.0, whose results come as CSV in no order.

A job's id is saved before the job is waited for, so that a run that dies finds it again; no job is
ever aborted by us. Results are laid down in a file without a name, whole or not at all, and read
row by row from there, so that memory holds one page whatever the size.

Source: Bulk API 2.0 Developer Guide, "Create a Query Job", "Get Results for a Query Job".
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

import orjson

from connector.adapters.base import Bookmark
from connector.adapters.salesforce.answers import judge
from connector.adapters.salesforce.calls import API
from connector.adapters.salesforce.session import Session
from connector.errors import (
    LoginError,
    QuotaError,
    RateLimitError,
    RemoteError,
    TryLaterError,
)
from connector.transport.http import Answer

RESULTS = 50_000
"""Most rows of one answer: what the documentation gives as its own default."""
POLLS = 24
"""Questions after a job in one run: about ten minutes of waiting, less than a lease lasts."""
_LONGEST = 10_000_000
_MARK = "bulk"
Line = Callable[[list[str]], dict[str, Any]]
"""Makes a row of a line."""


class Place(NamedTuple):
    """How far a job's results are stored: rows of the answer that begins at a locator.

    `base` is the id behind which the job's query began.
    """

    job: str
    locator: str
    rows: int
    base: str

    def text(self) -> str:
        """Spell it as a position."""
        return "|".join((_MARK, self.job, self.locator, str(self.rows), self.base))


def place_of(position: str) -> Place | None:
    """Read a position; None for one that is not of a job."""
    parts = position.split("|")
    if len(parts) != 5 or parts[0] != _MARK or not parts[3].isdigit():
        return None
    return Place(parts[1], parts[2], int(parts[3]), parts[4])


class JobLostError(Exception):
    """A job of ours failed or is not there any more: its query has to be asked again."""


class BulkQueries:
    """Query jobs of one org. A job is named `<version>/<id>`: no other version may read it."""

    def __init__(self, session: Session, bookmark: Bookmark, page: int) -> None:
        self._session = session
        self._bookmark = bookmark
        self._page = page

    def begin(self, source: str, soql: str, *, everything: bool) -> str | None:
        """Give the job of a query, the one begun earlier where it lives; None if Bulk refuses."""
        operation = "queryAll" if everything else "query"
        digest = hashlib.sha256(f"{operation} {soql}".encode()).hexdigest()[:24]
        known, _, job = (self._bookmark.load(f"query {source}") or "").partition(" ")
        if known == digest and job and self._lives(job):
            return job
        asked = {"operation": operation, "query": soql, "contentType": "CSV"}
        body = orjson.dumps({**asked, "columnDelimiter": "COMMA", "lineEnding": "LF"})
        try:
            # A job that was made without our hearing of it is never used; a second one is as good.
            answer = self._send("POST", f"v{API}/jobs/query", f"begin a query of {source}", body)
            job = f"v{API}/{_word(answer, 'id')}"
        except (RemoteError, LoginError, QuotaError):
            return None
        self._bookmark.save(f"query {source}", f"{digest} {job}")
        return job

    def wait(self, job: str) -> None:
        """Return when a job is done; the transport does the waiting, two seconds to thirty.

        Raises JobLostError when it failed, TryLaterError when it is not done yet.
        """
        waits = chain((2.0, 4.0, 8.0, 16.0), repeat(30.0))

        def done(answer: Answer) -> None:
            judge(answer, "see how a query goes")
            state = _word(answer, "state")
            if state in {"Failed", "Aborted"}:
                raise RemoteError(f"a query ended as {state}", vendor_code=state)
            if state != "JobComplete":
                raise RateLimitError(
                    "Salesforce still works on a large query; the next run goes on from there",
                    retry_after=next(waits),
                    hint="Run again later",
                )

        try:
            self._session.http.send("GET", _path(job), repeatable=True, judge=done, attempts=POLLS)
        except RemoteError as error:
            raise JobLostError(error.vendor_code) from None

    def pages(
        self, place: Place, read: Callable[[Sequence[str]], Line]
    ) -> Iterator[tuple[list[dict[str, Any]], Place]]:
        """Yield pages of rows after a place, each with the place behind it.

        Args:
            read: Given a header, gives the function that makes a row of a line.
        """
        while True:
            with tempfile.TemporaryFile(prefix="leadloop-") as file:
                total, following = self._results(place, file)
                yield from self._rows(file, place, total, read)
            if following is None:
                return
            place = place._replace(locator=following, rows=0)

    def _rows(
        self,
        file: BinaryIO,
        place: Place,
        total: int,
        read: Callable[[Sequence[str]], Line],
    ) -> Iterator[tuple[list[dict[str, Any]], Place]]:
        """Pages of one answer. The last is held back until the answer proves to be whole."""
        csv.field_size_limit(_LONGEST)
        file.seek(0)
        with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
            lines = csv.reader(text)
            header = next(lines, None)
            if header is None:
                raise _in_part()
            row_of = read(header)
            done = sum(1 for _ in islice(lines, place.rows))
            held: list[list[str]] = []
            while part := _lines(lines, self._page):
                if held:
                    done += len(held)
                    yield _sorted(row_of, held), place._replace(rows=done)
                held = part
            if done + len(held) != total or any(len(line) != len(header) for line in held):
                raise _in_part()
            if held:
                yield _sorted(row_of, held), place._replace(rows=total)

    def _results(self, place: Place, file: BinaryIO) -> tuple[int, str | None]:
        """Lay an answer down; gives how many rows it holds and where the next begins."""
        asked = f"maxRecords={RESULTS}"
        if place.locator:
            asked += f"&locator={quote(place.locator, safe='')}"
        try:
            answer = self._session.http.send(
                "GET",
                f"{_path(place.job)}/results?{asked}",
                repeatable=True,
                judge=lambda one: judge(one, "read the results of a query"),
                headers={"Accept": "text/csv"},
                into=file,
            )
        except RemoteError as error:
            raise JobLostError(error.vendor_code) from None
        said = answer.headers.get("Sforce-NumberOfRecords", "")
        if not said.isdigit():
            raise _in_part()
        following = answer.headers.get("Sforce-Locator", "")
        return int(said), following if following not in {"", "null", place.locator} else None

    def _lives(self, job: str) -> bool:
        try:
            answer = self._send("GET", job.replace("/", "/jobs/query/", 1), "look for a query")
        except RemoteError:
            return False
        return _word(answer, "state") not in {"Failed", "Aborted"}

    def _send(self, method: str, path: str, said: str, body: bytes | None = None) -> Answer:
        return self._session.http.send(
            method,
            f"/services/data/{path}",
            body,
            repeatable=True,
            judge=lambda answer: judge(answer, said),
        )


def _path(job: str) -> str:
    return f"/services/data/{job.replace('/', '/jobs/query/', 1)}"


def _word(answer: Answer, name: str) -> str:
    try:
        return str(orjson.loads(answer.body)[name])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise _in_part() from None


def _lines(lines: Iterator[list[str]], most: int) -> list[list[str]]:
    try:
        return list(islice(lines, most))
    except (csv.Error, UnicodeDecodeError):
        raise _in_part() from None


def _sorted(row_of: Line, lines: list[list[str]]) -> list[dict[str, Any]]:
    return sorted(map(row_of, lines), key=lambda row: str(row["Id"]))


def _in_part() -> TryLaterError:
    return TryLaterError(
        "the results of a query came in part only", hint="Run again later; what came is stored"
    )
