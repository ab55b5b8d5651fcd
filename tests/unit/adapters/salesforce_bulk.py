"""Bulk API 2.0 of the scripted org: query jobs over its rows, and ingest jobs into them."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.unit.adapters.salesforce_org import Org, _columns, _holds

_WHOLE = re.compile(r"SELECT (?P<columns>.+?) FROM (?P<source>\w+)(?: WHERE (?P<where>.+))?")


_RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")


class Bulk:
    """Laid over an org. Rows of results come in reverse order, in answers of `part` rows."""

    def __init__(self, org: Org, part: int = 1000) -> None:
        self.org = org
        self.part = part
        self.jobs: dict[str, dict[str, Any]] = {}
        self.polls = 1
        """Questions that are answered InProgress before a job is done."""
        self.seen: list[str] = []
        self.settle: Any = lambda row: None
        """Of an ingested row: None when it is taken, an error, or `unprocessed`."""
        self._data = org._data
        org._data = self._answer  # type: ignore[method-assign]
        for method in ("PUT", "DELETE"):
            org.mock.add_callback(method, re.compile(r"https://.*"), callback=org._answer)

    def _answer(self, request: Any, path: str) -> Any:
        if not path.startswith("jobs/"):
            return self._data(request, path)
        kind, _, rest = path.removeprefix("jobs/").partition("/")
        ident, _, what = rest.partition("/")
        self.seen.append(f"{request.method} {kind} {what}".strip())
        if ident and ident not in self.jobs:
            return 404, {}, json.dumps([{"errorCode": "NOT_FOUND", "message": "no such job"}])
        if request.method == "POST":
            return self._begun(kind, json.loads(request.body))
        job = self.jobs[ident]
        if what == "results":
            return self._results(job, parse_qs(urlsplit(request.url).query))
        if what == "batches":
            job["data"] = request.body.decode()
            return 201, {}, ""
        if what in _RESULTS:
            return 200, {"Content-Type": "text/csv"}, _csv(job[what])
        if request.method == "PATCH":
            assert json.loads(request.body) == {"state": "UploadComplete"}
            if job["state"] != "Open":
                return 400, {}, json.dumps([{"errorCode": "INVALIDJOBSTATE", "message": ""}])
            self._ingest(job)
        elif job["state"] == "InProgress":
            job["polls"] -= 1
            if job["polls"] <= 0:
                job["state"] = job.get("ends", "JobComplete")
        return self._told(job)

    def _begun(self, kind: str, asked: dict[str, Any]) -> Any:
        job = {**asked, "id": f"750{len(self.jobs):015}", "polls": self.polls, "kind": kind}
        job["state"] = "InProgress" if kind == "query" else "Open"
        self.jobs[job["id"]] = job
        if kind == "query":
            job["rows"] = self._found(asked["query"], asked["operation"])
        return self._told(job)

    def _told(self, job: dict[str, Any]) -> Any:
        done, failed = (len(job[w]) - 1 if w in job else 0 for w in _RESULTS[:2])
        counts = {"numberRecordsProcessed": done + failed, "numberRecordsFailed": failed}
        return self.org._ok({"id": job["id"], "state": job["state"], **counts})

    def _found(self, soql: str, operation: str) -> list[list[str]]:
        select = _WHOLE.fullmatch(soql)
        assert select, soql
        assert "ORDER BY" not in soql
        rows = self.org.rows[select["source"]]
        rows = [row for row in rows if operation == "queryAll" or not row.get("IsDeleted")]
        for test in (select["where"] or "").split(" AND ") if select["where"] else []:
            rows = [row for row in rows if _holds(row, test)]
        columns = select["columns"].split(", ")
        lines = [[_cell(_columns(row, [c]), c) for c in columns] for row in reversed(rows)]
        return [columns, *lines]

    def _results(self, job: dict[str, Any], query: dict[str, list[str]]) -> Any:
        header, *lines = job["rows"]
        begin = int(query.get("locator", ["0"])[0])
        some = lines[begin : begin + self.part]
        following = str(begin + self.part) if begin + self.part < len(lines) else "null"
        headers = {
            "Content-Type": "text/csv",
            "Sforce-Locator": following,
            "Sforce-NumberOfRecords": str(len(some)),
        }
        return 200, headers, _csv([header, *some])

    def _ingest(self, job: dict[str, Any]) -> None:
        given = io.StringIO(job.get("data") or '"Id"\n', newline="")
        header, *lines = list(csv.reader(given))
        job["state"] = "InProgress"
        done, failed, left = (
            [["sf__Id", "sf__Created", *header]],
            [["sf__Id", "sf__Error", *header]],
            [header],
        )
        for line in reversed(lines):
            row = dict(zip(header, line, strict=True))
            said = self.settle(row)
            if said is None:
                done.append([row["Id"], "false", *line])
                self._set(job["object"], row)
            elif said == "unprocessed":
                left.append(line)
            elif said != "lost":
                failed.append([row["Id"], said, *line])
        job |= {"successfulResults": done, "failedResults": failed, "unprocessedrecords": left}

    def _set(self, source: str, given: dict[str, str]) -> None:
        for row in self.org.rows[source]:
            if row["Id"] == given["Id"]:
                new = {k: v for k, v in given.items() if v != "" and k != "Id"}
                row.update({k: None if v == "#N/A" else v for k, v in new.items()})


def _cell(row: dict[str, Any], column: str) -> str:
    value: Any = row
    for name in column.split("."):
        value = (value or {}).get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text.replace("+0000", "Z") if column.endswith(("Date", "Modstamp")) else text


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return out.getvalue()
