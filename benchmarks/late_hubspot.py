"""A HubSpot that does no work of its own: so many contacts, each answer late, and the real limits.

Used by `benchmarks.pacing`, where what a practice portal works on a call would blur what is
measured. Calls are counted as they arrive; a path of associations answers that nothing is tied.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from bisect import bisect_left, bisect_right
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BURST, BURST_S, SEARCHES, SEARCH_S = 190, 10.0, 5, 1.0
PROPERTIES = ("email", "firstname", "lastname", "jobtitle", "city", "country", "lifecyclestage")
WRITTEN = ("leadloop_score", "leadloop_grade")
STAMP = "2026-11-01T10:00:00.123Z"


class Portal:
    """Its contacts as they are sent, and when it was last asked."""

    def __init__(self, people: int, latency: float) -> None:
        self.latency = latency
        self.ids = [1000 + n * 7 for n in range(people)]
        self.sent = {ident: _record(ident) for ident in self.ids}
        self.lock = threading.Lock()
        self.calls: deque[float] = deque()
        self.searches: deque[float] = deque()

    def arrived(self, path: str) -> tuple[bool, dict[str, str]]:
        """Whether a call keeps to the limits, and the rate headers of its answer."""
        with self.lock:
            now = time.monotonic()
            if path.endswith("/search"):
                return _taken(self.searches, SEARCHES, SEARCH_S, now), {}
            good = "/associations/" in path or _taken(self.calls, BURST, BURST_S, now)
            left = BURST - len(self.calls)
        return good, {
            "X-HubSpot-RateLimit-Max": str(BURST),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        }

    def answer(self, path: str, query: dict[str, list[str]], body: Any) -> bytes:
        """Do what a call asks."""
        if path.endswith("/details"):
            return b'{"portalId": 1, "accountType": "STANDARD"}'
        if "/properties/" in path:
            named = [_definition(name) for name in (*PROPERTIES, *WRITTEN, "lastmodifieddate")]
            return json.dumps({"results": named}).encode()
        if "/associations/" in path or query.get("archived") == ["true"]:
            return b'{"results": []}'
        if path.endswith("/batch/update"):
            shown = [{**one, "updatedAt": STAMP} for one in body["inputs"]]
            return json.dumps({"status": "COMPLETE", "results": shown}).encode()
        if path.endswith("/batch/read"):
            return self._page([int(one["id"]) for one in body["inputs"]])
        if path.endswith("/search"):
            return self._search(body)
        start = bisect_right(self.ids, int(query.get("after", ["0"])[0]))
        limit = int(query["limit"][0])
        found = self.ids[start : start + limit]
        more = str(found[-1]) if start + limit < len(self.ids) else None
        return self._page(found, more)

    def _search(self, body: Any) -> bytes:
        low, high = 0, len(self.ids)
        for one in body["filterGroups"][0]["filters"]:
            if one["propertyName"] == "hs_object_id":
                cut = bisect_left if one["operator"] == "GTE" else bisect_right
                low = max(low, cut(self.ids, int(one["value"])))
        start = low + int(body["after"])
        found = self.ids[start : start + body["limit"]]
        more = "x" if start + len(found) < high else None
        return self._page(found, more, high - low)

    def _page(self, ids: list[int], more: str | None = None, total: int = 0) -> bytes:
        results = b",".join(self.sent[one] for one in ids)
        paging = b', "paging": {"next": {"after": "%s"}}' % more.encode() if more else b""
        return b'{"total": %d, "results": [%s]%s}' % (total, results, paging)


def _taken(calls: deque[float], most: int, span: float, now: float) -> bool:
    while calls and calls[0] <= now - span:
        calls.popleft()
    if len(calls) >= most:
        return False
    calls.append(now)
    return True


def _record(ident: int) -> bytes:
    values = {name: f"{name} {ident}" for name in PROPERTIES}
    values |= {"hs_object_id": str(ident), "lastmodifieddate": STAMP}
    shown = {"id": str(ident), "properties": values, "createdAt": STAMP, "updatedAt": STAMP}
    return json.dumps({**shown, "archived": False}).encode()


def _definition(name: str) -> dict[str, Any]:
    kind = "datetime" if name == "lastmodifieddate" else "string"
    return {"name": name, "label": name, "type": kind, "fieldType": "text", "groupName": "g"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    portal: Portal

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        good, headers = self.portal.arrived(parts.path)
        until = time.monotonic() + self.portal.latency
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if good:
            body = self.portal.answer(
                parts.path, parse_qs(parts.query), json.loads(sent) if sent else None
            )
        else:
            policy = "SECONDLY" if parts.path.endswith("/search") else "TEN_SECONDLY_ROLLING"
            body = json.dumps({"status": "error", "policyName": policy}).encode()
        time.sleep(max(0.0, until - time.monotonic()))
        self.send_response(200 if good else 429)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Say nothing."""

    do_GET = do_POST = _serve  # noqa: N815  the library's names


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def main() -> None:
    """Serve so many contacts at a port of its own, said on the first line."""
    _Handler.portal = Portal(int(sys.argv[1]), float(sys.argv[2]))
    server = _Server(("127.0.0.1", 0), _Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
