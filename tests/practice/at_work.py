"""The whole loop against a practice CRM over HTTP, with the mapping that ships: what people do
there, what the CRM shows and what truly changed, in the same words for every CRM."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from connector.config.load import Loaded, load_settings
from connector.demo.shipped import shipped
from connector.domain.moment import DAY, HOUR, MINUTE, Micros, format_iso, parse_iso
from connector.practice.clock import PracticeClock
from connector.practice.fault_script import Fault
from connector.practice.hubspot.rest import HubSpotPractice
from connector.practice.salesforce.rest import SalesforcePractice
from connector.practice.server import PracticeServer
from connector.store.database import open_store
from connector.store.outgoing.plans import get_plan
from connector.sync.opening import open_loop, open_sources
from connector.sync.run import Result, approve_and_apply
from connector.sync.run import run as run_loop
from connector.sync.upkeep.provision import install

START = parse_iso("2026-03-02T09:00:00Z")
CLIENT, SECRET, TOKEN = "client", "s3cret", "t0ken"

SETTINGS = """
version: 1
store: sqlite:///{folder}/state/leadloop.db
model: model.yaml
routing: routing.yaml
stage: route
connections:
  - name: crm
    kind: {kind}
    mapping: mapping.yaml
    address: {address}
    auth: {auth}
write: {{limits: {{records: 100%, owners: 100, clears: 100%}}}}
"""

MODEL = """
version: 1
name: practice
fit:
  full_marks: 12
  groups:
    - name: who
      rules: [{name: Boss, field: seniority, in: [vp, c_level], points: 12}]
behaviour:
  full_marks: 20
  groups:
    - name: did
      rules: [{name: Met, activity: meeting, points: 20, half_life: none}]
disqualify: [{name: Rival, field: email_domain, equals: rival.example, reason: competitor}]
"""

ROUTING = """
version: 1
precedence: [open_opportunity_owner, account_owner, last_owner]
pools: {team: {members: [{owner: anna@us.example}, {owner: ben@us.example}]}}
fallback: {pool: team}
"""


SUBJECTS = ("Subject", "hs_task_subject")
"""What a task is about, in either CRM."""


@dataclass
class AtWork:
    """One practice CRM in which people are at work, and our loop over it."""

    kind: ClassVar[str]
    secret: ClassVar[str]
    owner_field: ClassVar[str]
    title_field: ClassVar[str]
    email_field: ClassVar[str]

    folder: Path
    now: Micros = START
    skew: Micros = 0
    """How far our machine's clock is ahead of the CRM's."""
    ids: dict[str, str] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.us = ""
        self.owners: dict[str, str] = {}
        self.crm = self.make()
        server = self.stack.enter_context(PracticeServer(self.crm))
        (self.folder / "secret").write_text(self.secret)
        self.write("model.yaml", MODEL)
        self.write("routing.yaml", ROUTING)
        self.write("mapping.yaml", shipped(f"{self.kind}.yaml"))
        settings = SETTINGS.format(
            folder=self.folder, kind=self.kind, address=server.address, auth=self.auth
        )
        self.write("leadloop.yaml", settings)
        with ExitStack() as stack:
            for source in open_sources(self.loaded, lambda: self.now, stack):
                install(source)
        self.seen = len(self.crm.oracle.effects)

    @property
    def auth(self) -> str:
        raise NotImplementedError

    def make(self) -> Any:
        raise NotImplementedError

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def close(self) -> None:
        self.stack.close()

    def fail(self, match: str, **how: Any) -> None:
        self.crm.faults.add([Fault(match=match, **how)])

    def pass_time(self, span: Micros = DAY) -> None:
        self.now += span

    @property
    def loaded(self) -> Loaded:
        return load_settings(self.folder / "leadloop.yaml", environ={})

    def open(self, command: str = "run", *, candidate: bool = False) -> Any:
        self.warnings: list[str] = []
        return open_loop(
            self.loaded,
            now=self.now + self.skew,
            clock=lambda: self.now + self.skew,
            command=command,
            candidate=candidate,
            tell=lambda _step, _counts: None,
            warn=self.warnings.append,
        )

    def run(self) -> Result:
        self.now += MINUTE  # a run begins once the CRM's index knows what happened before it
        with self.open() as loop:
            return run_loop(loop, lambda: self.now + self.skew, send=True)

    def apply(self, plan: str) -> Result:
        with self.open("apply", candidate=True) as loop:
            with loop.store.read() as tx:
                row = get_plan(tx, plan)
            assert row is not None
            return approve_and_apply(loop, row, lambda: self.now + self.skew, approved=True)

    def go(self) -> Result:
        """Run, as an admin would who approves what waits."""
        result = self.run()
        if result.status == "needs_approval":
            assert result.plan is not None
            self.apply(result.plan.id)
        return result

    def written(self) -> list[tuple[str, str, Any, Any]]:
        """Effective changes of people by us since the last look: (name, field, before, after).

        Tasks are told apart from people: each has the name `task`, and the text of its subject.
        """
        effects = self.crm.oracle.effects[self.seen :]
        self.seen = len(self.crm.oracle.effects)
        names = {id_: name for name, id_ in self.ids.items()}
        return [
            (names.get(e.id, "task"), e.field, e.before, e.after)
            for e in effects
            if e.by == self.us and (e.id in names or e.field in SUBJECTS)
        ]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the store."""
        store = open_store(self.loaded.store_url())
        try:
            with store.read() as tx:
                return [tuple(row) for row in tx.exec_driver_sql(sql)]
        finally:
            store.close()

    # --- in each CRM's own words -----------------------------------------------------------------

    def person(self, name: str, title: str = "VP Sales", **more: Any) -> str:
        raise NotImplementedError

    def edit(self, name: str, **values: Any) -> None:
        raise NotImplementedError

    def meets(self, name: str) -> None:
        """Sales met the person an hour ago."""
        raise NotImplementedError

    def says(self, name: str, verdict: str | None) -> None:
        """Sales says what came of the lead: accepted, rejected or recycled."""
        raise NotImplementedError

    def gives(self, name: str, owner: str) -> None:
        """Somebody gives the lead to anna or ben."""
        raise NotImplementedError

    def mirrored(self, name: str, ours: str) -> Any:
        """What the CRM shows in one of our fields, by our word for it."""
        raise NotImplementedError

    def shown(self, name: str) -> dict[str, Any]:
        """Everything the CRM shows of a person that a run of ours may have written."""
        raise NotImplementedError

    def owner(self, name: str) -> str | None:
        """Who has the person: anna, ben or nobody of ours."""
        held = self.shown(name).get(self.owner_field)
        return next((who for who, id_ in self.owners.items() if id_ == held), None)

    def hot(self, name: str, **more: Any) -> None:
        """A person well above the threshold, whose points do not age."""
        self.person(name, **more)
        self.meets(name)


@dataclass
class SalesforceAtWork(AtWork):
    kind = "salesforce"
    secret = SECRET
    owner_field, title_field, email_field = "OwnerId", "Title", "Email"

    @property
    def auth(self) -> str:
        return f"{{client_id: {CLIENT}, client_secret: {{file: {self.folder}/secret}}}}"

    def make(self) -> SalesforcePractice:
        crm = SalesforcePractice(PracticeClock(lambda: self.now))
        names = ("anna", "ben")
        users = [
            {"Username": f"{who}@us.example", "Email": f"{who}@us.example", "LastName": who}
            | {"IsActive": True}
            for who in names
        ]
        queue = {"Name": "Inbound", "DeveloperName": "Inbound", "Type": "Queue"}
        serves = {"QueueId": "@Group:0", "SobjectType": "Lead"}
        made = crm.steer("load", {"User": users, "Group": [queue], "QueueSobject": [serves]})
        self.owners = dict(zip(names, made["User"], strict=True))
        self.queue = made["Group"][0]
        self.us = crm.steer("app", {"client": CLIENT, "secret": SECRET})["user"]
        return crm

    def person(self, name: str, title: str = "VP Sales", **more: Any) -> str:
        """A lead as a web form makes it: it lies in a queue."""
        given = {"LastName": name, "Company": "Mills", "Title": title, "Email": f"{name}@a.example"}
        given["OwnerId"] = self.queue
        who = self.owners["anna"]
        self.ids[name] = self.crm.org.create("Lead", {**given, **more}, who)
        return self.ids[name]

    def edit(self, name: str, **values: Any) -> None:
        self.crm.steer("edit", {"id": self.ids[name], "set": values, "user": self.owners["anna"]})

    def meets(self, name: str) -> None:
        at = format_iso(self.now - HOUR).replace("Z", ".000+0000")
        row = {"WhoId": self.ids[name], "StartDateTime": at, "Subject": "met", "IsChild": False}
        self.crm.steer("load", {"Event": [row]})

    def says(self, name: str, verdict: str | None) -> None:
        word = {
            "accepted": "Working - Contacted",
            "rejected": "Closed - Not Converted",
            None: "Open - Not Contacted",
        }[verdict]
        self.edit(name, Status=word)

    def gives(self, name: str, owner: str) -> None:
        self.edit(name, OwnerId=self.owners[owner])

    def mirrored(self, name: str, ours: str) -> Any:
        return self.crm.org.find(self.ids[name])[f"Leadloop_{ours.title()}__c"]

    def shown(self, name: str) -> dict[str, Any]:
        row = self.crm.org.find(self.ids[name])
        return {k: v for k, v in row.items() if k.startswith("Leadloop_") or k == "OwnerId"}


@dataclass
class HubSpotAtWork(AtWork):
    kind = "hubspot"
    secret = TOKEN
    owner_field, title_field, email_field = "hubspot_owner_id", "jobtitle", "email"

    @property
    def auth(self) -> str:
        return f"{{token: {{file: {self.folder}/secret}}}}"

    def make(self) -> HubSpotPractice:
        crm = HubSpotPractice(PracticeClock(lambda: self.now), lambda: self.now)
        self.us = "leadloop"
        crm.steer("token", {"token": TOKEN, "by": self.us})
        crm.steer("limits", {"burst": None, "search": None, "daily": 1_000_000})
        self.owners = {"anna": "71", "ben": "72"}
        moment = format_iso(self.now)
        owners = [
            {
                "id": id_,
                "email": f"{who}@us.example",
                "firstName": who,
                "lastName": "Us",
                "type": "PERSON",
                "userId": int(id_) + 900,
                "createdAt": moment,
                "updatedAt": moment,
                "archived": False,
                "teams": [],
            }
            for who, id_ in self.owners.items()
        ]
        crm.steer("load", {"owners": owners})
        return crm

    def person(self, name: str, title: str = "VP Sales", **more: Any) -> str:
        given = {"email": f"{name}@a.example", "jobtitle": title, "lastname": name}
        self.ids[name] = self.crm.portal.insert("contacts", {**given, **more}, "person").id
        return self.ids[name]

    def edit(self, name: str, **values: Any) -> None:
        self.crm.steer("edit", {"type": "contacts", "id": self.ids[name], "set": values})

    def meets(self, name: str) -> None:
        met = {"hs_timestamp": format_iso(self.now - HOUR), "hs_meeting_outcome": "COMPLETED"}
        self.crm.steer(
            "load",
            {
                "meetings": [{"at": self.now, "properties": met}],
                "ties": [["meetings", 0, "contacts", self.ids[name]]],
            },
        )

    def says(self, name: str, verdict: str | None) -> None:
        word = {"accepted": "IN_PROGRESS", "rejected": "UNQUALIFIED", None: "NEW"}[verdict]
        self.edit(name, hs_lead_status=word)

    def gives(self, name: str, owner: str) -> None:
        self.edit(name, hubspot_owner_id=self.owners[owner])

    def mirrored(self, name: str, ours: str) -> Any:
        return self.shown(name).get(f"leadloop_{ours}")

    def shown(self, name: str) -> dict[str, Any]:
        record = self.crm.portal.find("contacts", self.ids[name])
        return {
            k: v
            for k, v in record.values.items()
            if k.startswith("leadloop_") or k == "hubspot_owner_id"
        }


AT_WORK = {"salesforce": SalesforceAtWork, "hubspot": HubSpotAtWork}
