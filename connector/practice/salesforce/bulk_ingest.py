"""Bulk API 2.0 ingest jobs: made, filled once, handed in, worked off, their results told.

Source: Bulk API 2.0 Developer Guide, "Create a Job", "Upload Job Data", "Get Job Successful Record
Results", "Get Job Failed Record Results", "Get Job Unprocessed Record Results". A job is worked off
in two halves, so one that is aborted between them is half done. Rows fail one by one, and a job in
which every row failed is complete all the same. Results come in no order.
Unconfirmed: without `assignmentRuleId` no assignment rule runs, whatever headers say.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

from connector.practice.salesforce import csv_text
from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.ids import canonical
from connector.practice.salesforce.jobs import ENDED, Job, version_asked
from connector.practice.salesforce.rules import Wishes
from connector.practice.wire import Request, Response, empty_response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.fields import FieldSpec
    from connector.practice.salesforce.org import Org
    from connector.practice.salesforce.rest import SalesforcePractice

_MOST_BYTES = 100 * 1024 * 1024
_LONGEST_CELL = 32_000
_BATCH = 10_000
_OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})


@dataclass(kw_only=True)
class IngestJob(Job):
    """Rows to be saved, and what became of them."""

    key: str | None = None
    assigns: bool = False
    data: str | None = None
    header: list[str] = field(default_factory=list)
    columns: list[FieldSpec | None] = field(default_factory=list)
    """The fields of the header; None for the one that holds ids."""
    rows: list[list[str]] = field(default_factory=list)
    saved: list[tuple[str, bool, list[str]]] = field(default_factory=list)
    refused: list[tuple[str, str, list[str]]] = field(default_factory=list)

    def info(self) -> dict[str, Any]:
        """What creating it answers."""
        url = f"services/data/v{self.version}/jobs/ingest/{self.id}/batches"
        known = super().info() | {"contentUrl": url}
        return known | ({"externalIdFieldName": self.key} if self.key else {})

    def status(self) -> dict[str, Any]:
        """What asking for it answers."""
        return super().status() | {
            "jobType": "V2Ingest",
            "numberRecordsFailed": self.failed,
            "apexProcessingTime": 0,
            "apiActiveProcessingTime": 10 * self.processed,
        }

    def begin(self, org: Org) -> None:
        """Read what was sent and save the first half of it."""
        try:
            self._read(org)
        except (ValueError, csv.Error) as error:
            self.error = str(error)
            return
        self._save(org, len(self.rows) // 2)

    def finish(self, org: Org) -> None:
        """Save the rest, unless the job is to go wrong."""
        if self.error:
            return
        self._save(org, len(self.rows))
        if self.failure is not None:
            self.error = self.failure.message

    def unprocessed(self) -> list[list[str]]:
        """Rows that were never tried."""
        return self.rows[self.processed :]

    def _read(self, org: Org) -> None:
        text = (self.data or "").removeprefix("\ufeff")
        ending = csv_text.ending_of(text)
        if ending not in {None, self.ending}:
            raise ValueError("ClientInputError : LineEnding is invalid on user data. Current "
                             f"LineEnding setting is {self.ending}")  # fmt: skip
        lines = csv_text.read(text, csv_text.DELIMITERS[self.delimiter])
        self.header = next(lines, [])
        spec = org.schema[self.object]
        for name in self.header:
            one = None if name.lower() == "id" else spec.find(name)
            if name.lower() != "id" and (one is None or not org.sees(self.user, spec, one)):
                raise ValueError(f"InvalidBatch : Field name not found : {name}")
            self.columns.append(one)
        for cells in lines:
            if len(cells) != len(self.header):
                raise ValueError("InvalidBatch : The number of columns differs from the header's")
            if any(len(cell) > _LONGEST_CELL for cell in cells):
                raise ValueError(f"InvalidBatch : A field is longer than {_LONGEST_CELL}")
            self.rows.append(cells)

    def _save(self, org: Org, until: int) -> None:
        if self.failure is not None:
            until = min(until, self.failure.after)
        for cells in self.rows[self.processed : until]:
            id_, values = self._values(cells)
            try:
                id_, made = self._save_one(org, id_, values)
                self.saved.append((id_, made, cells))
            except SaveError as error:
                self.failed += 1
                self.refused.append((id_ or "", _told(error), cells))
        self.processed = max(self.processed, until)

    def _values(self, cells: list[str]) -> tuple[str | None, dict[str, Any]]:
        id_, values = None, {}
        for one, given in zip(self.columns, cells, strict=True):
            if one is None:
                id_ = given or None
            elif given:
                values[one.name] = csv_text.value(given, one.type)
        return id_, values

    def _save_one(self, org: Org, id_: str | None, values: dict[str, Any]) -> tuple[str, bool]:
        """Save a row; gives its id and whether it is new. Raises SaveError."""
        wishes = Wishes(auto_assign=self.assigns)
        if self.operation == "upsert" and self.key and self.key != "Id":
            found = org.with_external(self.object, self.key, str(values.get(self.key) or ""))
            if len(found) > 1:
                raise SaveError("DUPLICATE_EXTERNAL_ID", f"{self.key}: more than one record found")
            id_ = found[0] if found else None
        elif self.operation == "insert" and id_ is not None:
            raise SaveError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert "
                            "call", ["Id"])  # fmt: skip
        elif self.operation not in {"insert", "upsert"} and id_ is None:
            raise SaveError("MISSING_ARGUMENT", f"Id not specified in an {self.operation} call")
        if self.operation in {"delete", "hardDelete"}:
            org.delete(id_, self.user, hard=self.operation == "hardDelete")
            return str(canonical(id_)), False
        if id_ is not None and canonical(id_) in org.rules.unshared:
            raise SaveError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access "
                            "rights on cross-reference id")  # fmt: skip
        if id_ is None:
            return org.create(self.object, values, self.user, wishes), True
        org.update(id_, values, self.user, wishes)
        return str(canonical(id_)), False


def _told(error: SaveError) -> str:
    """A refusal as a cell: its code, its words, its fields."""
    fields = f"{','.join(error.fields)} " if error.fields else ""
    return f"{error.code}:{error.message}:{fields}--"


# --- resources ------------------------------------------------------------------------------------


def create(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """Open a job."""
    given, jobs, org = request.json(), crm.jobs, crm.org
    operation, key = given.get("operation"), given.get("externalIdFieldName")
    if operation not in _OPERATIONS:
        raise ApiError(400, "INVALIDJOB", f"Unsupported operation: {operation}")
    spec = org.spec(str(given.get("object")))
    if spec is None or not spec.create:
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : Unable to find object: "
                       f"{given.get('object')}")  # fmt: skip
    jobs.serve(spec.name)
    field_ = spec.find(str(key)) if key else None
    if operation == "upsert" and (field_ is None or not field_.looked_up):
        raise ApiError(400, "INVALIDJOB", "External ID field is missing or is none")
    common = jobs.common(org, given, user, version_asked(request))
    job = IngestJob(operation=operation, object=spec.name, state="Open",
                    key=field_.name if field_ else None,
                    assigns=bool(given.get("assignmentRuleId")), **common)  # fmt: skip
    jobs.known[job.id] = job
    return json_response(200, job.info())


def upload(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """Fill a job, once."""
    job, jobs = crm.jobs.find(crm.org, id_, IngestJob), crm.jobs
    if job.state != "Open":
        raise ApiError(400, "INVALIDJOBSTATE", f"Job {job.id} takes no data: {job.state}")
    if job.data is not None:
        raise ApiError(400, "INVALIDBATCH", "InvalidBatch : Job already has content uploaded")
    if len(request.body) > _MOST_BYTES:
        raise ApiError(400, "INVALIDBATCH", "InvalidBatch : Content exceeds the maximum size")
    try:
        job.data = request.body.decode()
    except UnicodeDecodeError:
        raise ApiError(400, "INVALIDBATCH", "InvalidBatch : Content is not UTF-8") from None
    batches = 1 + job.data.count("\n") // _BATCH
    if jobs.batches + batches > jobs.most_batches:
        raise ApiError(400, "LIMIT_EXCEEDED", "ApiBatchItems Limit exceeded.")
    jobs.batches += batches
    return empty_response(201)


def change(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """Hand a job in, or abort it."""
    job, wanted = crm.jobs.find(crm.org, id_, IngestJob), request.json().get("state")
    if wanted == "Aborted":
        job.abort(crm.org)
    elif wanted == "UploadComplete" and job.state == "Open":
        job.state, job.handed_in = "UploadComplete", crm.clock.now()
    else:
        raise ApiError(400, "INVALIDJOBSTATE", f"Job {job.id} is {job.state} and cannot become "
                       f"{wanted}")  # fmt: skip
    return json_response(200, job.info())


def status(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """How a job stands; it goes on each time one asks."""
    job = crm.jobs.find(crm.org, id_, IngestJob)
    job.go_on(crm.org)
    return json_response(200, job.status())


def listing(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """All ingest jobs."""
    return json_response(200, crm.jobs.all(IngestJob))


def delete(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """Forget a job and its results."""
    crm.jobs.delete(crm.jobs.find(crm.org, id_, IngestJob))
    return empty_response(204)


def results(crm: SalesforcePractice, request: Request, user: str, id_: str, which: str) -> Response:
    """What became of the rows: a CSV; nothing at all (204) as long as the job has not ended."""
    job = crm.jobs.find(crm.org, id_, IngestJob)
    if job.state not in ENDED:
        return empty_response(204)
    header, rows = job.header, job.unprocessed()
    if which == "successfulResults":
        header = ["sf__Id", "sf__Created", *job.header]
        rows = [[made, "true" if new else "false", *cells] for made, new, cells in job.saved]
    elif which == "failedResults":
        header = ["sf__Id", "sf__Error", *job.header]
        rows = [[had, why, *cells] for had, why, cells in job.refused]
    delimiter, ending = csv_text.DELIMITERS[job.delimiter], csv_text.ENDINGS[job.ending]
    lines = [csv_text.line(cells, delimiter, ending) for cells in rows]
    lines.sort(key=lambda one: crc32(f"{job.id}{one}".encode()))
    body = csv_text.whole(header, lines, delimiter, ending)
    return Response(200, {"Content-Type": "text/csv"}, body)
