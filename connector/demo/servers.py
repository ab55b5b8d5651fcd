"""The practice CRMs as processes of their own, and a person's hands on them.

Nothing here is an adapter: it is what people and vendors do to a CRM from the outside.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson
import requests

from connector.domain.moment import Micros

VERSION = "v62.0"
DATED = "2026-09"
SALES_APP = ("sales-browser", "practice-only")
MARKETING_TOKEN = "practice-only-marketing"  # noqa: S105  no secret: the portal is invented


class Practice:
    """One practice CRM that runs, reached over HTTP."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.address: str = told["address"]
        self.auth: dict[str, str] = told["auth"]
        self._http = requests.Session()
        self._http.trust_env = False

    def steer(self, verb: str, given: Any = None) -> Any:
        """Do behind the curtain what no client could."""
        return self._answer("POST", f"/__practice__/{verb}", given if given is not None else {})

    def set_clock(self, now: Micros) -> None:
        """Let it be `now` there."""
        self.steer("clock", {"at": now})

    def oracle(self) -> list[dict[str, Any]]:
        """Everything that truly changed since the first row was loaded."""
        found: list[dict[str, Any]] = self._answer("GET", "/__practice__/oracle", None)
        return found

    def _answer(self, method: str, path: str, body: Any, **headers: str) -> Any:
        data = None if body is None else orjson.dumps(body)
        named = {"Content-Type": "application/json", **headers}
        answer = self._http.request(
            method, self.address + path, data=data, headers=named, timeout=60
        )
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return orjson.loads(answer.content) if answer.content else None


class Salesforce(Practice):
    """The practice org, as sales people use it: queries, changes, conversion."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(told)
        self._token: str | None = None
        self._queues: dict[str, str] = {}

    def query(self, text: str) -> list[dict[str, Any]]:
        """All rows of a query."""
        path = f"/services/data/{VERSION}/query?{requests.compat.urlencode({'q': text})}"
        rows: list[dict[str, Any]] = []
        while path:
            page = self._answer("GET", path, None, **self._bearer())
            rows += page["records"]
            path = page.get("nextRecordsUrl", "")
        return rows

    def save(self, kind: str, rows: Sequence[Mapping[str, Any]], *, create: bool = False) -> None:
        """Change or create rows, 200 at a time. Raises RuntimeError when one is refused."""
        path = f"/services/data/{VERSION}/composite/sobjects"
        for start in range(0, len(rows), 200):
            records = [{"attributes": {"type": kind}, **row} for row in rows[start : start + 200]]
            body = {"allOrNone": False, "records": records}
            method = "POST" if create else "PATCH"
            bearer = {**self._bearer(), "Sforce-Auto-Assign": "FALSE"}
            for outcome in self._answer(method, path, body, **bearer):
                if not outcome["success"]:
                    raise RuntimeError(f"{kind}: {outcome['errors']}")

    def queue(self, name: str) -> str:
        """The id of a queue."""
        if not self._queues:
            rows = self.query("SELECT Id, Name FROM Group WHERE Type = 'Queue'")
            self._queues = {row["Name"]: row["Id"] for row in rows}
        return self._queues[name]

    def _bearer(self) -> dict[str, str]:
        if self._token is None:
            client, secret = SALES_APP
            self.steer("app", {"client": client, "secret": secret})
            form = {
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": secret,
            }
            address = f"{self.address}/services/oauth2/token"
            answer = self._http.post(address, data=form, timeout=60)
            self._token = str(answer.json()["access_token"])
        return {"Authorization": f"Bearer {self._token}"}


class HubSpot(Practice):
    """The practice portal, as marketing's own tools use it."""

    def contacts(self) -> Iterator[dict[str, Any]]:
        """Every contact with its address."""
        after = ""
        while True:
            path = f"/crm/objects/{DATED}/contacts?limit=100&properties=email{after}"
            page = self._answer("GET", path, None, **self._bearer())
            yield from page["results"]
            if "paging" not in page:
                return
            after = f"&after={page['paging']['next']['after']}"

    def forms(self) -> list[dict[str, Any]]:
        """Every form."""
        found: list[dict[str, Any]] = self._answer(
            "GET", "/marketing/v3/forms", None, **self._bearer()
        )["results"]
        return found

    def create(self, kind: str, rows: Sequence[Mapping[str, str]]) -> list[str]:
        """Create records, 100 at a time; gives their ids."""
        ids: list[str] = []
        for start in range(0, len(rows), 100):
            inputs = [{"properties": row} for row in rows[start : start + 100]]
            path = f"/crm/objects/{DATED}/{kind}/batch/create"
            made = self._answer("POST", path, {"inputs": inputs}, **self._bearer())
            ids += [one["id"] for one in made["results"]]
        return ids

    def _bearer(self) -> dict[str, str]:
        if not self._let_in:
            self.steer("token", {"token": MARKETING_TOKEN, "by": "marketing"})
            self._let_in = True
        return {"Authorization": f"Bearer {MARKETING_TOKEN}"}

    _let_in = False


class Starting(NamedTuple):
    """A practice org and a practice portal of one company that fill themselves meanwhile."""

    org: subprocess.Popen[bytes]
    portal: subprocess.Popen[bytes]

    def ready(self) -> tuple[Salesforce, HubSpot]:
        """Wait until both serve, and give them."""
        return Salesforce(_told(self.org)), HubSpot(_told(self.portal))


@contextmanager
def practice(seed: int, now: Micros) -> Iterator[Starting]:
    """Run a practice org and a practice portal of the same company until the block ends."""
    with _process("salesforce", seed, now) as org, _process("hubspot", seed, now) as portal:
        yield Starting(org, portal)


@contextmanager
def _process(kind: str, seed: int, now: Micros) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "connector.demo.serving", kind, str(seed), str(now)]
    with subprocess.Popen(  # noqa: S603  our own module
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(timeout=10)


def _told(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The line a practice CRM prints once it serves."""
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        raise RuntimeError("the practice CRM did not start")
    told: dict[str, Any] = orjson.loads(line)
    return told
