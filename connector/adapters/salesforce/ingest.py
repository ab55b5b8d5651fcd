"""Writing much: one update job of Bulk API 2.0, each record settled by its id.

The job's id is saved before anything is sent to it. Whatever is not heard of a job in time is left
unknown; before its records are read or written again the job is waited for, so that nothing is sent
twice. No job is ever aborted by us: it may be half applied.

Assignment rules run over a job only where it names one, and ours name none. Owners never travel
here: their own call carries a header that makes sure.

Source: Bulk API 2.0 Developer Guide, "Create a Job", "Upload Job Data", "Get Job Results".
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat
from typing import Any

import orjson

from connector.adapters.base import Bookmark
from connector.adapters.salesforce.answers import judge
from connector.adapters.salesforce.bulk import POLLS
from connector.adapters.salesforce.calls import API
from connector.adapters.salesforce.outcomes import outcome, spelled_error
from connector.adapters.salesforce.session import Session
from connector.domain.change import Outcome, Result
from connector.errors import (
    LoginError,
    QuotaError,
    RateLimitError,
    RemoteError,
    StoppedError,
    TryLaterError,
    UnknownOutcomeError,
)
from connector.transport.http import Answer

NULL = "#N/A"
"""How a cell says that a field is to be emptied; an empty cell leaves it as it is."""
MOST_BYTES = 90_000_000
OFF = "FUNCTIONALITY_NOT_ENABLED"
"""What an org without the Bulk API says: no later turn need try again."""
_ENDS = frozenset({"JobComplete", "Failed", "Aborted"})

Values = dict[str, Any]


class Ingest:
    """Update jobs of one org; one at a time for each object."""

    def __init__(self, session: Session, bookmark: Bookmark) -> None:
        self._session = session
        self._bookmark = bookmark
        self._looked: set[str] = set()
        self._off = False

    def update(self, source: str, records: Sequence[Values]) -> list[Outcome] | None:
        """Update records, each with its `id`; None where Bulk does not take them at all."""
        if self._off:
            return None
        body = _csv(records)
        if body is None or len(body) > MOST_BYTES:
            return None
        asked = {"object": source, "operation": "update", "contentType": "CSV"}
        made = orjson.dumps({**asked, "lineEnding": "LF", "columnDelimiter": "COMMA"})
        try:
            # A job that was made without our hearing of it stays empty: a second one is as good.
            job = (
                f"v{API}/jobs/ingest/{_word(self._send('POST', f'v{API}/jobs/ingest', made), 'id')}"
            )
            self._bookmark.save(_name(source), job)
            self._upload(job, body)
        except (RemoteError, LoginError, QuotaError) as error:
            self._bookmark.drop(_name(source))
            self._off = isinstance(error, RemoteError) and error.vendor_code == OFF
            return None
        self._looked.discard(source)
        try:
            self._close(job)
            job_says = self._wait(job)
            told = None if _took_all(job_says, records) else self._harvest(job)
        except StoppedError:
            raise  # the next run waits for the job before it reads what became of it
        except (TryLaterError, LoginError, RemoteError):
            return [Outcome(str(one["id"]), Result.UNKNOWN, "no_answer") for one in records]
        self._over(source)
        if told is None:
            return [Outcome(str(one["id"]), Result.APPLIED) for one in records]
        unheard = Outcome("", Result.UNKNOWN, "no_answer")
        return [told.get(str(one["id"]), unheard)._replace(id=str(one["id"])) for one in records]

    def settle(self, source: str) -> None:
        """Wait for a job of an object that nobody has heard the end of, if there is one.

        Raises TryLaterError when it is not done yet.
        """
        if source in self._looked:
            return
        job = self._bookmark.load(_name(source))
        if job is not None:
            try:
                self._close(job)
                self._wait(job)
            except RemoteError:
                pass  # gone by now: what it did is read like anything else
        self._over(source, known=job is not None)

    def _over(self, source: str, *, known: bool = True) -> None:
        if known:
            self._bookmark.drop(_name(source))
        self._looked.add(source)

    # --- the life of a job -----------------------------------------------------------------------

    def _upload(self, job: str, body: bytes) -> None:
        # Without an answer either it has them or it ends with none; then they are read back.
        with suppress(UnknownOutcomeError):
            self._session.http.send(
                "PUT",
                f"/services/data/{job}/batches",
                body,
                kind="text/csv; charset=UTF-8",
                repeatable=False,
                judge=lambda answer: judge(answer, "hand in the records of a job"),
            )

    def _close(self, job: str) -> None:
        """Say that all is handed in. A job that is past that refuses to hear it again."""
        try:
            self._send("PATCH", job, orjson.dumps({"state": "UploadComplete"}))
        except RemoteError as error:
            if error.vendor_code in {"404", "NOT_FOUND"}:
                raise

    def _wait(self, job: str) -> Values:
        """Give what the job says of itself once it has ended."""
        waits = chain((1.0, 2.0, 4.0, 8.0, 16.0), repeat(30.0))

        def ended(answer: Answer) -> None:
            judge(answer, "see how a job goes")
            if _word(answer, "state") not in _ENDS:
                raise RateLimitError(
                    "Salesforce still works on what was handed in; its end is waited for",
                    retry_after=next(waits),
                    hint="Run again later: nothing is sent twice",
                )

        answer = self._session.http.send(
            "GET", f"/services/data/{job}", repeatable=True, judge=ended, attempts=POLLS
        )
        told: Values = orjson.loads(answer.body)
        return told

    def _harvest(self, job: str) -> dict[str, Outcome]:
        """What became of each record, by id. A failed job may have done some of them."""
        told: dict[str, Outcome] = {}
        for row in self._results(job, "successfulResults"):
            told[row["sf__Id"]] = Outcome(row["sf__Id"], Result.APPLIED)
        for row in self._results(job, "failedResults"):
            ident = row.get("sf__Id") or row.get("Id") or ""
            told[ident] = outcome(ident, [spelled_error(row.get("sf__Error") or "")])
        for row in self._results(job, "unprocessedrecords"):
            told[row["Id"]] = Outcome(row["Id"], Result.RETRY, "unprocessed")
        return told

    def _results(self, job: str, what: str) -> Iterator[dict[str, str]]:
        with tempfile.TemporaryFile(prefix="leadloop-") as file:
            self._session.http.send(
                "GET",
                f"/services/data/{job}/{what}",
                repeatable=True,
                judge=lambda answer: judge(answer, "read what became of a job"),
                headers={"Accept": "text/csv"},
                into=file,
            )
            file.seek(0)
            with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
                try:
                    yield from csv.DictReader(text)
                except (csv.Error, UnicodeDecodeError):
                    raise TryLaterError(
                        "the results of a job came in part only", hint="They are read back"
                    ) from None

    def _send(self, method: str, path: str, body: bytes) -> Answer:
        return self._session.http.send(
            method,
            f"/services/data/{path}",
            body,
            repeatable=True,
            judge=lambda answer: judge(answer, "hand records in as a job"),
        )


def _took_all(job: Values, records: Sequence[Values]) -> bool:
    """Whether a job says itself that each record was taken: then no list is needed."""
    counts = (job.get("numberRecordsProcessed"), job.get("numberRecordsFailed"))
    return job["state"] == "JobComplete" and counts == (len(records), 0)


def _name(source: str) -> str:
    return f"ingest {source}"


def _word(answer: Answer, name: str) -> str:
    try:
        return str(orjson.loads(answer.body)[name])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise TryLaterError("a job was answered in part only", hint="Run again later") from None


def _csv(records: Sequence[Values]) -> bytes | None:
    """Spell records; None where a text is the very word that would empty its field."""
    names = list(dict.fromkeys(name for one in records for name in one if name != "id"))
    out = io.BytesIO()
    text = io.TextIOWrapper(out, "utf-8", newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["Id", *names])
    for one in records:
        if NULL in one.values():
            return None
        writer.writerow([one["id"], *[_cell(one[n]) if n in one else "" for n in names]])
    text.flush()
    return out.getvalue()


def _cell(value: Any) -> str:
    if value.__class__ is str:
        return value or NULL
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
