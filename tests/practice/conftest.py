"""Practice servers on loopback, and a plain HTTP client that is logged in to each."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from connector.adapters.hubspot.adapter import HubSpotAdapter
from connector.domain.moment import SECOND, parse_iso
from connector.practice.clock import PracticeClock
from connector.practice.fault_script import Fault
from connector.practice.hubspot.rest import HubSpotPractice
from connector.practice.salesforce.org import ADMIN
from connector.practice.salesforce.rest import SalesforcePractice
from connector.practice.server import PracticeServer
from tests.practice.at_work import AT_WORK
from tests.sync.scoring import score_here

NOW = parse_iso("2026-11-24T12:00:00Z")
CLIENT, SECRET, TOKEN = "client", "s3cret", "t0ken"


class Served:
    """One practice CRM that is being served, on a clock the test holds."""

    def __init__(self, crm: Any, server: PracticeServer, time: dict[str, int]) -> None:
        self.crm, self.url, self._time = crm, server.address, time
        self.http = requests.Session()

    def tick(self, seconds: float = 1) -> int:
        self._time["now"] += int(seconds * SECOND)
        return self._time["now"]

    @property
    def now(self) -> int:
        return self._time["now"]

    def fail(self, match: str, **how: Any) -> None:
        self.crm.faults.add([Fault(match=match, **how)])

    def effects(self) -> list[tuple[str, str, str, Any, Any]]:
        """What truly changed, without when and by whom."""
        return [(e.object, e.id, e.field, e.before, e.after) for e in self.crm.oracle.effects]

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.http.request(method, self.url + path, json=body, timeout=10, **more)

    def json(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self.call(method, path, body, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


class ServedSalesforce(Served):
    data = "/services/data/v62.0"

    def login(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        answer = self.http.post(f"{self.url}/services/oauth2/token", data=form, timeout=10).json()
        self.http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    @property
    def admin(self) -> str:
        return self.crm.org.user(ADMIN)

    def load(self, **rows: Any) -> dict[str, list[str]]:
        return self.crm.steer("load", rows)

    def leads(self, count: int, **values: Any) -> list[str]:
        rows = [
            {"LastName": f"L{n}", "Company": "Mills", "Title": "Boss", **values}
            for n in range(count)
        ]
        return self.load(Lead=rows)["Lead"]

    def query(self, soql: str, verb: str = "query") -> list[dict[str, Any]]:
        answer = self.json("GET", f"{self.data}/{verb}", params={"q": soql})
        records = answer["records"]
        while not answer["done"]:
            answer = self.json("GET", answer["nextRecordsUrl"])
            records += answer["records"]
        return records

    def write(self, *records: dict[str, Any], headers: Any = None) -> Any:
        body = {
            "allOrNone": False,
            "records": [{"attributes": {"type": "Lead"}, **one} for one in records],
        }
        return self.json("PATCH", f"{self.data}/composite/sobjects", body, headers=headers)


class ServedHubSpot(Served):
    objects = "/crm/objects/2026-09"

    def load(self, **rows: Any) -> dict[str, list[str]]:
        return self.crm.steer("load", rows)

    def contacts(self, count: int, at: int | None = None, **values: Any) -> list[str]:
        rows = [
            {"at": at or self.now, "properties": {"email": f"c{n}@mills.example", **values}}
            for n in range(count)
        ]
        return self.load(contacts=rows)["contacts"]

    def search(self, body: Any, kind: str = "contacts") -> Any:
        return self.json("POST", f"{self.objects}/{kind}/search", body)


def patient(crm: Any, monkeypatch: Any) -> list[float]:
    """Nobody sleeps before trying again; the CRM's clock moves instead, and the waits are kept."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        crm.tick(seconds)

    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=wait))
    return waited


def heard(crm: Any, monkeypatch: Any) -> list[tuple[str, Any]]:
    """What the CRM is asked from now on, as `METHOD path`, with the request; what meets a fault
    too.
    """
    seen: list[tuple[str, Any]] = []
    due = crm.faults.due

    def noted(request: Any) -> Any:
        seen.append((f"{request.method} {request.path}", request))
        return due(request)

    monkeypatch.setattr(crm.faults, "due", noted)
    return seen


@pytest.fixture(autouse=True)
def deploys_are_soon_done(monkeypatch):
    """An org here says at the second question that a deploy is done, however soon that comes."""
    monkeypatch.setattr("connector.adapters.salesforce.deploying._FIRST_POLL_S", 0.001)


@pytest.fixture
def salesforce():
    time = {"now": NOW}
    crm = SalesforcePractice(PracticeClock(lambda: time["now"]))
    crm.steer("app", {"client": CLIENT, "secret": SECRET})
    with PracticeServer(crm) as server:
        served = ServedSalesforce(crm, server, time)
        served.login()
        yield served
        served.http.close()


@pytest.fixture
def hubspot():
    time = {"now": NOW}
    crm = HubSpotPractice(PracticeClock(lambda: time["now"]), lambda: time["now"])
    crm.steer("token", {"token": TOKEN})
    crm.steer("limits", {"burst": None, "search": None})
    with PracticeServer(crm) as server:
        served = ServedHubSpot(crm, server, time)
        served.http.headers["Authorization"] = f"Bearer {TOKEN}"
        yield served
        served.http.close()


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Opens CRMs of a kind, each empty, with our whole loop over it."""
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    unpaced = replace(HubSpotAdapter.capabilities, paces=())  # the portals here set no limit
    monkeypatch.setattr(HubSpotAdapter, "capabilities", unpaced)
    made = []

    def new(kind):
        folder = tmp_path / f"work{len(made)}"
        folder.mkdir()
        made.append(AT_WORK[kind](folder))
        return made[-1]

    yield new
    for one in made:
        one.close()
