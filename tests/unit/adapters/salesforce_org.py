"""A scripted Salesforce org at the HTTP edge: it answers our queries from rows, and keeps requests.

It knows only the SOQL that one adapter sends; what it cannot read fails the test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses

from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.grants import ClientCredentials

HOST = "https://acme.my.salesforce.com"
DATA = f"{HOST}/services/data/v62.0"
ORG, USER = "00Dxx0000001gEREAY", "005xx000001SvVzAAK"
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SECRET = "canary-secret-77"

_SELECT = re.compile(
    r"SELECT (?P<columns>.+?) FROM (?P<source>\w+)(?: WHERE (?P<where>.+))? ORDER BY Id"
    r"(?: LIMIT (?P<limit>\d+))?"
)
_TEST = re.compile(r"(?P<field>\w+) (?P<op>=|<=|>=|<|>|IN) (?P<value>\(.*\)|'.*'|\S+)")


def field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """One field as describe gives it."""
    base = {
        "name": name, "type": kind, "label": name, "length": 255 if kind == "string" else 0,
        "updateable": True, "nillable": True, "restrictedPicklist": False, "picklistValues": [],
        "referenceTo": [], "relationshipName": None, "precision": 0, "scale": 0, "digits": 0,
        "calculated": False,
    }  # fmt: skip
    return base | more


SYSTEM = [
    field("Id", "id", updateable=False, length=18),
    field("IsDeleted", "boolean", updateable=False),
    field("SystemModstamp", "datetime", updateable=False),
]
OWNER = field(
    "OwnerId", "reference", length=18, referenceTo=["Group", "User"], relationshipName="Owner"
)
PICK = [
    {"value": "A", "active": True},
    {"value": "B", "active": True},
    {"value": "Old", "active": False},
]
OBJECTS: dict[str, list[dict[str, Any]]] = {
    "Lead": [
        *SYSTEM,
        OWNER,
        field("MasterRecordId", "reference", updateable=False, referenceTo=["Lead"]),
        field("Title", length=20),
        field("Email", "email", length=80),
        field("IsConverted", "boolean", updateable=False),
        field("Score__c", "double", precision=5, scale=2),
        field("Count__c", "int", digits=4),
        field("Flag__c", "boolean"),
        field("Grade__c", "picklist", length=255, restrictedPicklist=True, picklistValues=PICK),
        field("Open__c", "picklist", length=255, picklistValues=PICK),
        field("Formula__c", "double", precision=5, scale=2, updateable=False, calculated=True),
        field("AccountId", "reference", referenceTo=["Account"], relationshipName="Account"),
    ],
    "Account": [*SYSTEM, field("Name"), OWNER],
    "Task": [*SYSTEM, field("IsArchived", "boolean")],
    "User": [field("Id", "id"), field("IsActive", "boolean"), field("Email", "email")],
    "Group": [field("Id", "id"), field("Email", "email")],
    "QueueSobject": [field("Id", "id"), field("QueueId", "reference"), field("SobjectType")],
    "Opportunity": [*SYSTEM, field("StageName")],
    "OpportunityContactRole": [
        *SYSTEM,
        field("OpportunityId", "reference"),
        field("ContactId", "reference"),
        field("IsPrimary", "boolean"),
    ],
    "PermissionSet": [field("Id", "id"), field("Name")],
}


def ident(prefix: str, number: int) -> str:
    check = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[
        sum(1 << place for place, letter in enumerate(prefix) if letter.isupper())
    ]
    return f"{prefix}{number:012}{check}AA"


class Org:
    """Rows by object, and whatever a test wants answered differently."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in OBJECTS}
        self.objects = {name: list(fields) for name, fields in OBJECTS.items()}
        self.asked: list[tuple[str, str]] = []
        """(query or queryAll, SOQL) in order."""
        self.logins = 0
        self.limit = "api-usage=10/15000"
        self.faults: list[tuple[str, Callable[[], Any]]] = []
        """(part of `METHOD url`, answer): each is used once, in order of matching."""
        self.expired: set[str] = set()
        self.instance = HOST
        self.results: Callable[[list[dict[str, Any]]], Any] | None = None
        self.now = NOW
        self.covered: datetime | None = None
        self.deleted: list[str] = []
        self.deploys: list[bytes] = []
        self.deploy_results: list[dict[str, Any]] = []
        self.posted: list[tuple[str, Any]] = []
        self.mock = mock
        any_url = re.compile(r"https://.*")
        for method in ("GET", "POST", "PATCH"):
            mock.add_callback(method, any_url, callback=self._answer)

    def adapter(self, *, page: int = 2000, uses: Any = None, reserve: float = 0.2, clock=None):
        grant = ClientCredentials(lambda: "client", lambda: SECRET)
        clock = clock or (lambda: 0)
        return SalesforceAdapter(HOST, grant, uses or {}, clock, reserve=reserve, page=page)

    def fail(self, match: str, status: int, body: Any, times: int = 1, **headers: str) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.faults += [(match, lambda: (status, headers, text))] * times

    def lose(self, match: str) -> None:
        def lost() -> Any:
            raise responses.ConnectionError("reset by peer")

        self.faults.append((match, lost))

    def sent(self, method: str = "PATCH") -> list[Any]:
        return [call.request for call in self.mock.calls if call.request.method == method]

    def lead(self, number: int, stamp: str = "2026-05-01T11:00:00", **values: Any) -> str:
        row = {
            "Id": ident("00Q", number), "IsDeleted": False, "SystemModstamp": f"{stamp}.000+0000",
            "MasterRecordId": None, "Title": f"title {number}", "OwnerId": USER,
        }  # fmt: skip
        self.rows["Lead"].append(row | values)
        return row["Id"]

    # --- answering -------------------------------------------------------------------------------

    def _answer(self, request: Any) -> Any:
        line = f"{request.method} {request.url}"
        for place, (match, answer) in enumerate(self.faults):
            if match in line:
                del self.faults[place]
                status, headers, text = answer()
                kind = "text/html" if text.startswith("<") else "application/json"
                return (
                    status,
                    {"Content-Type": kind, "Sforce-Limit-Info": self.limit, **headers},
                    text,
                )
        path = urlsplit(request.url).path
        if path == "/services/oauth2/token":
            return self._token(request)
        if path == "/services/data":
            return self._ok([{"version": "62.0"}])
        token = request.headers.get("Authorization", "")
        if token in self.expired or not token.startswith("Bearer token-"):
            gone = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
            return 401, {"Content-Type": "application/json"}, json.dumps(gone)
        return self._data(request, path.removeprefix("/services/data/v62.0/"))

    def _token(self, request: Any) -> Any:
        self.logins += 1
        form = parse_qs(request.body if isinstance(request.body, str) else request.body.decode())
        assert form["client_secret"] == [SECRET]
        return self._ok(
            {
                "access_token": f"token-{self.logins}",
                "instance_url": self.instance,
                "id": f"https://login.salesforce.com/id/{ORG}/{USER}",
            }
        )

    def _ok(self, body: Any) -> Any:
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "Date": format_datetime(self.now, usegmt=True),
            "Sforce-Limit-Info": self.limit,
        }
        return 200, headers, json.dumps(body)

    def _data(self, request: Any, path: str) -> Any:
        if path in {"query", "queryAll"}:
            return self._query(path, parse_qs(urlsplit(request.url).query)["q"][0])
        if path.endswith(("/updated/", "/deleted/")):
            return self._log(path, parse_qs(urlsplit(request.url).query))
        if path == "sobjects":
            return self._ok({"sobjects": [{"name": n, "queryable": True} for n in self.objects]})
        if path.startswith("sobjects/") and path.endswith("/describe"):
            return self._describe(path.split("/")[1])
        if path == "composite/sobjects":
            return self._save(json.loads(request.body)["records"])
        if path == "metadata/deployRequest":
            self.deploys.append(request.body)
            return self._ok({"id": f"0Af{len(self.deploys)}"})
        if path.startswith("metadata/deployRequest/"):
            return self._ok({"deployResult": self.deploy_results.pop(0)})
        self.posted.append((path, json.loads(request.body)))
        return self._ok({"id": "x", "success": True})

    def _log(self, path: str, span: dict[str, list[str]]) -> Any:
        """What was updated or deleted in a span; and from when on nothing is under way."""
        self.asked.append((path.split("/")[2], f"{path.split('/')[1]} {span['start'][0]}"))
        covered = (self.covered or self.now).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        told = {"latestDateCovered": covered}
        if path.endswith("/updated/"):
            return self._ok({"ids": [], **told})
        deleted = [{"id": one, "deletedDate": covered} for one in self.deleted]
        return self._ok({"deletedRecords": deleted, "earliestDateAvailable": covered, **told})

    def _describe(self, name: str) -> Any:
        for known, fields in self.objects.items():
            if known.casefold() == name.casefold():
                replicated = known in {"Lead", "Account", "Task", "Opportunity", "Contact"}
                told = {"name": known, "replicateable": replicated, "fields": fields}
                return self._ok(told)
        missing = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
        return 404, {"Content-Type": "application/json"}, json.dumps(missing)

    def _query(self, verb: str, soql: str) -> Any:
        self.asked.append((verb, soql))
        if soql.startswith("SELECT COUNT() FROM"):
            return self._count(verb, soql)
        select = _SELECT.fullmatch(soql)
        assert select, soql
        rows = [
            r for r in self.rows[select["source"]] if verb == "queryAll" or not r.get("IsDeleted")
        ]
        for test in (select["where"] or "").split(" AND ") if select["where"] else []:
            rows = [row for row in rows if _holds(row, test)]
        total = min(len(rows), int(select["limit"] or len(rows)))
        rows = sorted(rows, key=lambda row: row["Id"])[: min(total, 2000)]
        columns = select["columns"].split(", ")
        given = [{"attributes": {"type": select["source"]}, **_columns(r, columns)} for r in rows]
        return self._ok({"totalSize": total, "done": len(given) == total, "records": given})

    def _count(self, verb: str, soql: str) -> Any:
        source, _, where = soql.removeprefix("SELECT COUNT() FROM ").partition(" WHERE ")
        rows = [r for r in self.rows[source] if verb == "queryAll" or not r.get("IsDeleted")]
        for test in where.split(" AND ") if where else []:
            rows = [row for row in rows if _holds(row, test)]
        return self._ok({"totalSize": len(rows), "done": True, "records": []})

    def _save(self, records: list[dict[str, Any]]) -> Any:
        if self.results is not None:
            return self._ok(self.results(records))
        for record in records:
            for row in self.rows[record["attributes"]["type"]]:
                if row["Id"] == record["id"]:
                    row.update({k: v for k, v in record.items() if k not in {"attributes", "id"}})
        return self._ok([{"id": r["id"], "success": True, "errors": []} for r in records])


def _columns(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for column in columns:
        first, _, rest = column.partition(".")
        if rest:
            given.setdefault(first, row.get(first))
        else:
            given[column] = row.get(column)
    return given


def _holds(row: dict[str, Any], test: str) -> bool:
    found = _TEST.fullmatch(test)
    assert found, test
    value, op = found["value"], found["op"]
    held = row.get(found["field"])
    if op == "IN":
        return held in re.findall(r"'([^']*)'", value)
    right: Any = value.strip("'")
    if right.endswith("Z"):
        right = right.replace("Z", ".000+0000")
    if right in {"true", "false"}:
        right = right == "true"
    if op == "=":
        return bool(held == right)
    return {"<": held < right, "<=": held <= right, ">": held > right, ">=": held >= right}[op]
