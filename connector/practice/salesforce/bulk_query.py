"""Bulk API 2.0 query jobs: made, asked for, read page by page.

Source: Bulk API 2.0 Developer Guide, "Create a Query Job", "Get Results for a Query Job", "Use
Compression" and "SOQL Considerations". Records come in no order unless the query names one; the
last page's `Sforce-Locator` is the word `null`; a locator may be used again for as long as the job
is there; results want the version of the API that the job was made with.
"""

from __future__ import annotations

import gzip
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any
from zlib import compress, crc32, decompress

import orjson

from connector.practice.salesforce import csv_text
from connector.practice.salesforce.errors import ApiError
from connector.practice.salesforce.jobs import ENDED, Job, version_asked
from connector.practice.salesforce.select import Selection
from connector.practice.salesforce.soql import Query, parse
from connector.practice.wire import Request, Response, empty_response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org
    from connector.practice.salesforce.rest import SalesforcePractice

_BLOCK = 5_000
_COMPOUND = frozenset({"address", "location"})


class Packed:
    """Lines that are kept compressed, a few thousand together: jobs may have millions."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._blocks: list[bytes] = []
        self._count = 0
        each = iter(lines)
        while block := list(islice(each, _BLOCK)):
            self._blocks.append(compress(orjson.dumps(block), 1))
            self._count += len(block)

    def __len__(self) -> int:
        return self._count

    def part(self, start: int, end: int) -> list[str]:
        """The lines from a place on, up to another."""
        first, last = start // _BLOCK, -(-end // _BLOCK)
        lines = [one for b in self._blocks[first:last] for one in orjson.loads(decompress(b))]
        return lines[start - first * _BLOCK : end - first * _BLOCK]


@dataclass(kw_only=True)
class QueryJob(Job):
    """A query that is answered into lines of CSV."""

    query: Query
    chunked: bool
    header: tuple[str, ...] = ()
    lines: Packed = field(default_factory=lambda: Packed(()))

    def status(self) -> dict[str, Any]:
        """What asking for it answers."""
        return super().status() | {"jobType": "V2Query", "isPkChunkingSupported": self.chunked}

    def begin(self, org: Org) -> None:
        """Answer the query, as the org stands now."""
        if self.failure is not None:
            self.error = self.failure.message
            return
        selection = Selection(org, self.user, self.query, everything=self.operation == "queryAll")
        ids = selection.ids()
        if self.chunked:
            ids.sort(key=lambda id_: crc32(f"{self.id}{id_}".encode()))
        delimiter, ending = csv_text.DELIMITERS[self.delimiter], csv_text.ENDINGS[self.ending]
        columns = selection.columns
        self.header = tuple(".".join(one.names) for one in columns)
        kinds = [one.spec.type if one.spec else "string" for one in columns]
        reads = list(zip([one.read for one in columns], kinds, strict=True))
        table = org.tables[selection.object]
        self.lines = Packed(
            csv_text.line([csv_text.cell(of(row), kind) for of, kind in reads], delimiter, ending)
            for id_ in ids
            if (row := table.get(id_)) is not None
        )

    def finish(self, org: Org) -> None:
        """Nothing is left to do."""
        self.processed = len(self.lines)


def create(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """Take a query as a job."""
    given, jobs = request.json(), crm.jobs
    operation = given.get("operation")
    if operation not in {"query", "queryAll"}:
        raise ApiError(400, "INVALIDJOB", f"Unsupported operation: {operation}")
    parsed = parse(given.get("query") or "")
    selection = Selection(crm.org, user, parsed, everything=operation == "queryAll")
    jobs.serve(selection.object)
    _check(parsed, selection)
    if jobs.queries >= jobs.most_queries:
        raise ApiError(400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs limit exceeded")
    jobs.queries += 1
    common = jobs.common(crm.org, given, user, version_asked(request))
    job = QueryJob(operation=operation, object=selection.object, state="UploadComplete",
                   handed_in=crm.clock.now(), query=parsed,
                   chunked=not parsed.order and parsed.limit is None, **common)  # fmt: skip
    jobs.known[job.id] = job
    return json_response(200, job.info())


def _check(parsed: Query, selection: Selection) -> None:
    """Raises ApiError for what only REST can answer."""
    if parsed.children:
        raise ApiError(400, "API_ERROR", "Aggregate Relationships not supported in Bulk Query")
    if parsed.count is not None:
        raise ApiError(400, "API_ERROR", "Aggregate functions not supported in Bulk Query")
    if parsed.offset:
        raise ApiError(400, "API_ERROR", "OFFSET not supported in Bulk Query")
    if any(one.spec is not None and one.spec.type in _COMPOUND for one in selection.columns):
        raise ApiError(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")


def status(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """How a job stands; it goes on each time one asks."""
    job = crm.jobs.find(crm.org, id_, QueryJob)
    job.go_on(crm.org)
    return json_response(200, job.status())


def listing(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """All query jobs."""
    return json_response(200, crm.jobs.all(QueryJob))


def change(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """Abort a job."""
    job = crm.jobs.find(crm.org, id_, QueryJob)
    if request.json().get("state") != "Aborted":
        raise ApiError(400, "INVALIDJOBSTATE", "A query job can only be aborted")
    job.abort(crm.org)
    return json_response(200, job.info())


def delete(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """Forget a job and its results."""
    crm.jobs.delete(crm.jobs.find(crm.org, id_, QueryJob))
    return empty_response(204)


def results(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """A page of a job's results, compressed if the call takes that."""
    job = crm.jobs.find(crm.org, id_, QueryJob)
    if job.version != version_asked(request):
        raise ApiError(409, "API_VERSION_MISMATCH", f"The job was made with version {job.version}")
    if job.state != "JobComplete":
        why = "has ended otherwise" if job.state in ENDED else "is not complete yet"
        raise ApiError(400, "INVALIDJOBSTATE", f"Job {job.id} {why}: {job.state}")
    start = _place(request.argument("locator"), len(job.lines))
    asked = request.argument("maxRecords") or str(crm.jobs.page)
    if not asked.isdigit() or int(asked) < 1:
        raise ApiError(400, "INVALID_PARAMETER", f"maxRecords: not a whole number: {asked}")
    end = start + min(int(asked), crm.jobs.page)
    lines = job.lines.part(start, end)
    delimiter, ending = csv_text.DELIMITERS[job.delimiter], csv_text.ENDINGS[job.ending]
    headers = {
        "Content-Type": "text/csv",
        "Sforce-Locator": locator(end) if end < len(job.lines) else "null",
        "Sforce-NumberOfRecords": str(len(lines)),
    }
    body = csv_text.whole(job.header, lines, delimiter, ending)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(200, {**headers, "Content-Encoding": "gzip"}, gzip.compress(body, 1))
    return Response(200, headers, body)


def locator(place: int) -> str:
    """What names the page that begins at this record."""
    return b64encode(str(place).encode()).decode().rstrip("=")


def _place(given: str | None, count: int) -> int:
    if not given:
        return 0
    try:
        place = int(b64decode(given + "=" * (-len(given) % 4)))
    except (ValueError, Base64Error):
        place = -1
    if not 0 < place < count:
        raise ApiError(400, "INVALID_LOCATOR", f"Invalid locator: {given}")
    return place
