"""The practice CRMs as stand-ins: real servers on loopback, on a virtual clock."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.adapters import open_adapter
from connector.adapters.base import Use
from connector.config.settings import Connection
from connector.practice.clock import PracticeClock
from connector.practice.fault_script import Fault
from connector.practice.hubspot.rest import HubSpotPractice
from connector.practice.salesforce.ids import make_id
from connector.practice.salesforce.org import ADMIN
from connector.practice.salesforce.rest import SalesforcePractice
from connector.practice.server import PracticeServer
from tests.contract.fake import START, Fake

CLIENT, SECRET, TOKEN = "contract", "canary-secret-7f3a", "canary-token-7f3a"


class SalesforceFake(Fake):
    """Pages are as short as Salesforce may make them, whatever is asked for."""

    source, field, key = "Lead", "Title", "Id"
    missing = make_id("00Q", 99_999)
    new_field = "Leadloop_New__c"

    def __init__(self) -> None:
        self.now = START
        self.crm = SalesforcePractice(PracticeClock(lambda: self.now))
        self.crm.page = 7
        self.crm.steer("app", {"client": CLIENT, "secret": SECRET})
        self._ids: dict[int, str] = {}
        self._admin = self.crm.org.user(ADMIN)

    def connection(self, address: str, folder: Path) -> Connection:
        secret = folder / "secret"
        secret.write_text(SECRET)
        auth = {"client_id": CLIENT, "client_secret": {"file": str(secret)}}
        return Connection(name="sf", kind="salesforce", mapping="x", address=address, auth=auth)

    def uses(self) -> dict[str, Use]:
        return {self.source: Use(self.key, frozenset({self.field}))}

    def put(self, ident: int, **values: Any) -> str:
        set_ = {self.field: values["title"]}
        if ident in self._ids:
            self.crm.org.update(self._ids[ident], set_, self._admin)
        else:
            new = {**set_, "LastName": f"Person {ident}", "Company": "Mills"}
            self._ids[ident] = self.crm.org.create("Lead", new, self._admin)
        return self._ids[ident]

    def delete(self, ident: str) -> None:
        self.crm.org.delete(ident, self._admin)

    def lose_answers(self, count: int) -> None:
        writes = ("PATCH */sobjects*", "POST */composite*", "PUT */jobs/ingest/*")
        self.crm.faults.add([Fault(match=one, drop="after", times=count) for one in writes])

    def lock_out(self) -> None:
        self.crm.logins.apps.clear()
        self.crm.logins.expire()


class HubSpotFake(Fake):
    """Rate limits are off: they count by the machine's clock, which stands still for nobody."""

    source, field, key = "contacts", "jobtitle", "id"
    missing = "99999"
    new_field = "leadloop_new"

    def __init__(self) -> None:
        self.now = START
        self.crm = HubSpotPractice(PracticeClock(lambda: self.now), lambda: self.now)
        self.crm.steer("token", {"token": TOKEN})
        self.crm.steer("limits", {"burst": None, "search": None, "daily": None})
        self._ids: dict[int, str] = {}

    def connection(self, address: str, folder: Path) -> Connection:
        secret = folder / "secret"
        secret.write_text(TOKEN)
        auth = {"token": {"file": str(secret)}}
        return Connection(name="hs", kind="hubspot", mapping="x", address=address, auth=auth)

    def uses(self) -> dict[str, Use]:
        return {self.source: Use(self.key, frozenset({self.field}))}

    def put(self, ident: int, **values: Any) -> str:
        set_ = {self.field: values["title"]}
        if ident in self._ids:
            edit = {"type": "contacts", "id": self._ids[ident], "set": set_}
            self.crm.steer("edit", edit)
        else:
            new = {**set_, "email": f"person{ident}@mills.example"}
            self._ids[ident] = self.crm.portal.insert("contacts", new, "person").id
        return self._ids[ident]

    def delete(self, ident: str) -> None:
        self.crm.steer("archive", {"type": "contacts", "id": ident})

    def lose_answers(self, count: int) -> None:
        writes = ("POST */batch/update*", "POST */batch/upsert*", "PATCH */objects/*")
        self.crm.faults.add([Fault(match=one, drop="after", times=count) for one in writes])

    def lock_out(self) -> None:
        self.crm.logins.tokens.clear()


@contextmanager
def _served(fake: SalesforceFake | HubSpotFake, folder: Path) -> Any:
    with PracticeServer(fake.crm) as server:
        connection = fake.connection(server.address, folder)
        fake.adapter = open_adapter(connection, folder, fake.uses(), lambda: fake.now)
        yield fake


def salesforce_fake(folder: Path) -> Any:
    return _served(SalesforceFake(), folder)


def hubspot_fake(folder: Path) -> Any:
    return _served(HubSpotFake(), folder)
