"""A CRM that answers with bytes rendered beforehand, so that the client alone is measured.

    python -m benchmarks.rendered salesforce 50000

prints its port and serves on loopback until its standard input is closed. It knows what full pulls
ask for and nothing else: pages of leads or contacts, their description, and the log-in. As
`salesforce` it is an org without the Bulk API, as `salesforce-bulk` one with its jobs.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.crm_rows import CONTACT, LEAD, contact, contact_id, lead
from benchmarks.rendered_jobs import Ingests, Jobs, Results

SALESFORCE_PAGE, HUBSPOT_PAGE = 2_000, 100
Parts = Sequence[bytes]
Route = Callable[[str, str, bytes], "Parts | Refusal | Results"]


class Refusal(NamedTuple):
    """An answer of another status than 200."""

    status: int
    body: bytes


class Salesforce:
    """Query pages by cursor, and by `Id > ... LIMIT 2000`, over the same bytes.

    Writes are counted and answered with success; the rows do not change by them.
    """

    def __init__(self, rows: int, address: str, jobs: Jobs | None = None) -> None:
        self.rows = rows
        self.jobs = jobs
        self.ingests = Ingests()
        self.written = self.calls = 0
        self.address = address
        self.pages = [
            ",".join(json.dumps(lead(n), separators=(",", ":")) for n in span).encode()
            for span in _spans(rows, SALESFORCE_PAGE)
        ]

    def __call__(self, method: str, target: str, body: bytes) -> Parts | Refusal | Results:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/calls":
            return [_json(self.calls)]
        if path == "/asked":
            return [_json(self.jobs.asked if self.jobs is not None else "")]
        self.calls += 1
        if path.endswith("/oauth2/token"):
            return [
                _json(
                    {
                        "access_token": "00D!bench",
                        "instance_url": self.address,
                        "token_type": "Bearer",
                        "id": f"{self.address}/id/00DAA00000000012AA/005AA0000000001YAA",
                    }
                )
            ]
        if path.endswith("/describe"):
            name = path.split("/")[-2]
            return [_json({"name": name, "fields": [_described(*one) for one in LEAD]})]
        if "/composite/sobjects" in path:
            wrote = json.loads(body)["records"]
            self.written += len(wrote)
            return [_json([{"id": one["id"], "success": True, "errors": []} for one in wrote])]
        if path.endswith("/sobjects"):
            return [_json({"sobjects": [{"name": "Lead", "queryable": True}]})]
        if path == "/written":
            return [_json(self.written + self.ingests.taken)]
        if "/jobs/" in path:
            return self._job(method, target, body)
        if "/updated/" in path:
            return [_json({"ids": [], "latestDateCovered": query["end"][0]})]
        if "/query" in path:
            return self._query(path, query.get("q", [""])[0])
        return [_json([])]

    def _job(self, method: str, target: str, body: bytes) -> Parts | Refusal | Results:
        """What is asked of a job, where there is the Bulk API for it."""
        if self.jobs is None:
            said = {"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "no Bulk API"}
            return Refusal(400, _json([said]))
        of = self.jobs if "/jobs/query" in target else self.ingests
        told = of(method, target, body)
        if told is None:
            return Refusal(404, _json([{"errorCode": "NOT_FOUND", "message": "no such job"}]))
        return [told] if isinstance(told, bytes) else told

    def _query(self, path: str, asked: str) -> Parts:
        if "COUNT()" in asked:
            after = re.search(r"Id > '(\w+)'", asked)
            left = self.rows - (_number(after[1]) + 1 if after is not None else 0)
            return [_json({"totalSize": left, "done": True, "records": []})]
        if "FROM User" in asked:
            return [_found([{"Id": re.findall(r"'(005\w+)'", asked)[0]}])]
        if "Id IN" in asked:
            return [_found([lead(_number(one)) for one in re.findall(r"'(00Q\w+)'", asked)])]
        if "SystemModstamp >=" in asked:  # nothing changed since
            return [_found([])]
        return self._page(path, asked)

    def _page(self, path: str, asked: str) -> Parts:
        cursor = re.search(r"/01gBENCH-(\d+)$", path)
        after = re.search(r"Id > '(\w+)'", asked)
        begin = (_number(after[1]) + 1) // SALESFORCE_PAGE if after is not None else 0
        if cursor is None and "LIMIT" in asked:
            page = begin
            rows = min(SALESFORCE_PAGE, self.rows - page * SALESFORCE_PAGE)
            head = f'{{"totalSize":{max(rows, 0)},"done":true,"records":['
        else:
            page = begin if cursor is None else int(cursor[1]) // SALESFORCE_PAGE
            upto = (page + 1) * SALESFORCE_PAGE
            done = upto >= self.rows
            following = f"/services/data/v62.0/query/01gBENCH-{upto}"
            more = "" if done else f'"nextRecordsUrl":"{following}",'
            total = self.rows - begin * SALESFORCE_PAGE
            head = f'{{"totalSize":{total},"done":{json.dumps(done)},{more}"records":['
        records = self.pages[page] if page < len(self.pages) else b""
        return [head.encode(), records, b"]}"]


class HubSpot:
    """The contact list by cursor, on both API versions; nothing is archived."""

    def __init__(self, rows: int, address: str) -> None:
        del address
        self.rows = rows
        self.pages = [
            ",".join(json.dumps(contact(n), separators=(",", ":")) for n in span).encode()
            for span in _spans(rows, HUBSPOT_PAGE)
        ]

    def __call__(self, method: str, target: str, body: bytes) -> Parts:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if "/properties/" in path:
            return [_json({"results": [_property(*one) for one in CONTACT]})]
        listed = "/objects/" in path and path.endswith("/contacts")
        if listed and query.get("archived") != ["true"]:
            return self._page(query.get("after", ["0"])[0])
        if path.endswith("/contacts/search"):
            return self._nth(json.loads(body))
        if "/account-info/" in path:
            return [_json({"portalId": 1, "accountType": "STANDARD", "timeZone": "UTC"})]
        return [_json({"results": [], "total": 0})]

    def _page(self, after: str) -> Parts:
        """A cursor is the id of the last record, as HubSpot's are."""
        page = (int(after) - int(contact_id(0)) + 1) // HUBSPOT_PAGE if after != "0" else 0
        more = b""
        if page + 1 < len(self.pages):
            last = contact_id((page + 1) * HUBSPOT_PAGE - 1).encode()
            more = b',"paging":{"next":{"after":"%s"}}' % last
        return [b'{"results":[', self.pages[page] if self.pages else b"", b"]", more, b"}"]

    def _nth(self, asked: Mapping[str, Any]) -> Parts:
        """Which record is so many behind an id: no more than that is ever searched for."""
        bounds = [int(one["value"]) for one in asked["filterGroups"][0]["filters"]]
        first = max(0, max(bounds, default=0) - int(contact_id(0)) + 1)
        place = first + int(asked["after"])
        found = [{"id": contact_id(place)}] if place < self.rows else []
        return [_json({"results": found, "total": self.rows - first})]


def serve(listener: socket.socket, route: Route) -> None:
    """Answer each connection in a thread of its own, until the process ends."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_talk, args=(connection, route), daemon=True).start()


def _talk(connection: socket.socket, route: Route) -> None:
    held = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in held:
                more = connection.recv(1 << 16)
                if not more:
                    return
                held += more
            head, _, held = held.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            wanted = int(length[1]) if length else 0
            while len(held) < wanted:
                held += connection.recv(1 << 16)
            body, held = held[:wanted], held[wanted:]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            parts = route(method, unquote(target) if "%" not in target else target, body)
            status, told = 200, _JSON
            if isinstance(parts, Refusal):
                status, parts = parts.status, [parts.body]
            elif isinstance(parts, Results):
                told = _CSV % (parts.rows, parts.locator.encode())
                parts = [b"".join(parts.parts)]
            size = sum(map(len, parts))
            connection.sendall(
                b"HTTP/1.1 %d -\r\n%s%sDate: %s\r\nContent-Length: %d\r\n\r\n"
                % (status, told, _UNLIMITED, formatdate(usegmt=True).encode(), size)
            )
            for part in parts:
                connection.sendall(part)


_JSON = b"Content-Type: application/json;charset=utf-8\r\n"
_CSV = b"Content-Type: text/csv\r\nSforce-NumberOfRecords: %d\r\nSforce-Locator: %s\r\n"
_UNLIMITED = (
    b"X-HubSpot-RateLimit-Max: 1000000\r\nX-HubSpot-RateLimit-Remaining: 999999\r\n"
    b"X-HubSpot-RateLimit-Interval-Milliseconds: 10000\r\n"
)
"""What is measured is CPU, not how long we wait for our turn."""


def _spans(rows: int, page: int) -> list[range]:
    return [range(start, min(rows, start + page)) for start in range(0, rows, page)]


def _found(rows: Sequence[object]) -> bytes:
    return _json({"totalSize": len(rows), "done": True, "records": rows})


def _number(ident: str) -> int:
    return int(ident[5:15])


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _described(name: str, kind: str) -> dict[str, object]:
    return {
        "name": name,
        "type": kind,
        "label": name,
        "nillable": True,
        "updateable": True,
        "createable": True,
        "length": 255,
        "precision": 18,
        "scale": 2,
        "digits": 0,
        "picklistValues": [],
        "referenceTo": ["User"] if kind == "reference" else [],
        "relationshipName": None,
        "restrictedPicklist": False,
        "calculated": False,
        "externalId": False,
        "custom": name.endswith("__c"),
        "filterable": True,
    }


def _property(name: str, kind: str, control: str) -> dict[str, object]:
    return {
        "name": name,
        "label": name,
        "type": kind,
        "fieldType": control,
        "description": "",
        "groupName": "contactinformation",
        "options": [],
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": False,
        "hidden": False,
        "formField": False,
        "displayOrder": -1,
        "archived": False,
    }


def main(kind: str, rows: int) -> None:
    """Render, say the port, and serve."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    port = listener.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    made: dict[str, Callable[[], Route]] = {
        "salesforce": lambda: Salesforce(rows, address),
        "salesforce-bulk": lambda: Salesforce(rows, address, Jobs(rows)),
        "hubspot": lambda: HubSpot(rows, address),
    }
    threading.Thread(target=serve, args=(listener, made[kind]()), daemon=True).start()
    print(port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
