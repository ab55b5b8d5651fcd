"""A small company whose CRM lives in memory, its files in a folder, and a clock that we turn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from connector.adapters.memory import Remote, register
from connector.config.load import Loaded, load_settings
from connector.domain.moment import DAY, HOUR, Micros, format_iso, parse_iso
from connector.store.database import open_store
from connector.store.outgoing.plans import get_plan
from connector.sync.opening import open_loop
from connector.sync.run import Result, approve_and_apply
from connector.sync.run import run as run_loop

START = parse_iso("2026-03-02T09:00:00Z")

SETTINGS = """
version: 1
store: {store}
model: model.yaml
routing: routing.yaml
stage: {stage}
connections:
  - name: crm
    kind: memory
    mapping: mapping.yaml
    scope: {{exclude: {{own_domains: [us.example]}}}}
write: {{limits: {{records: 50%, owners: 100, clears: 50%}}}}
"""

MAPPING = """
version: 1
objects:
  user:
    is: owner
    source: users
    key: id
    changed: changed_at
    fields: {name: name, email: email, active: {from: active, as: bool}, type: type}
  company:
    is: account
    source: companies
    key: id
    changed: changed_at
    fields: {name: name, employees: {from: employees, as: int}, industry: industry}
  lead:
    is: person
    source: leads
    key: id
    changed: changed_at
    fields: {email: email, name: name, title: title, country: country}
    account: company
    owner: owner
    opted_out: opted_out
    status:
      from: status
      values: {new: null, working: accepted, good: qualified, bad: rejected, later: recycled}
      reason: reason
    write:
      score: {to: ll_score, owner: ours}
      fit: {to: ll_fit, owner: ours}
      behaviour: {to: ll_behaviour, owner: ours}
      grade: {to: ll_grade, owner: ours}
      reasons: {to: ll_reasons, owner: ours}
      state: {to: ll_state, owner: ours}
      cycle: {to: ll_cycle, owner: ours}
      verdict: {to: ll_verdict, owner: ours}
      model: {to: ll_model, owner: ours}
      run: {to: ll_run, owner: ours}
      owner: {to: owner, owner: theirs}
      nurture: {to: ll_nurture, owner: theirs_for 30d, clear: true}
      nurture_theme: {to: ll_theme, owner: theirs_for 30d, clear: true}
  deal:
    is: opportunity
    source: deals
    key: id
    changed: changed_at
    person: lead
    owner: owner
    fields: {amount: {from: amount, as: float}}
    status: {from: stage, values: {open: open, won: won, lost: lost}, reason: reason, at: closed_at}
  event:
    is: activity
    source: events
    key: id
    changed: changed_at
    person: lead
    type: kind
    at: at
    fields: {url: url, asset: asset, form: form, message: message}
"""

MODEL = """
version: 1
name: test
fit:
  full_marks: 20
  groups:
    - name: who
      rules:
        - {name: Boss, field: seniority, in: [vp, c_level], points: 12}
        - {name: Big, field: account.employees, range: [500, null], points: 8}
behaviour:
  full_marks: 20
  groups:
    - name: did
      rules:
        - {name: Pricing, activity: page_view, where: {url: {prefix: /pricing}}, points: 10, half_life: none}
        - {name: Guide, activity: download, points: 10}
disqualify: [{name: Rival, field: email_domain, equals: rival.example, reason: competitor}]
fast_track: [{name: Asked, activity: form_submit, where: {form: {equals: demo}}, within: 30d}]
"""

ROUTING = """
version: 1
precedence: [open_opportunity_owner, account_owner, last_owner]
pools:
  team:
    members:
      - {owner: anna@us.example, weight: 2}
      - {owner: ben@us.example, weight: 1}
rules: [{name: France, when: {country: fr}, to: {owner: carla@us.example}}]
fallback: {pool: team}
"""

OWN_FIELDS = [
    "ll_score",
    "ll_fit",
    "ll_behaviour",
    "ll_grade",
    "ll_reasons",
    "ll_state",
    "ll_cycle",
    "ll_verdict",
    "ll_model",
    "ll_run",
    "ll_nurture",
    "ll_theme",
]


@dataclass
class World:
    """Everything a test turns: the clock, the CRM, and the loop over it."""

    folder: Path
    store_url: str
    now: Micros = START

    def __post_init__(self) -> None:
        self.crm = Remote(lambda: self.now, page=7)
        register("crm", self.crm)
        self.write("mapping.yaml", MAPPING)
        self.write("model.yaml", MODEL)
        self.write("routing.yaml", ROUTING)
        self.stage("route")
        for name, active in (("anna", True), ("ben", True), ("carla", True), ("dan", False)):
            self.put(
                "users", name, name=name, email=f"{name}@us.example", active=active, type="user"
            )
        self.put("companies", "big", name="Big", employees=900, industry="Software")
        for source, names in {
            "leads": "email name title country company owner opted_out status reason",
            "deals": "lead owner amount stage reason closed_at",
            "events": "lead kind at url asset form message",
        }.items():
            self.put(source, "_", **dict.fromkeys(names.split()))
            self.crm.objects[source].clear()
        from connector.adapters.base import RemoteField

        for name in OWN_FIELDS:
            self.crm.fields["leads"][name] = RemoteField(name, None)
        self.crm.effects.clear()
        self.events = 0

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def stage(self, stage: str) -> None:
        self.write("leadloop.yaml", SETTINGS.format(store=self.store_url, stage=stage))

    def put(self, source: str, ident: str, **values: Any) -> None:
        self.crm.put(source, ident, **values)

    def lead(self, ident: str, **values: Any) -> None:
        given = {"email": f"{ident}@acme.example", "title": "VP Operations", "company": "big"}
        self.put("leads", ident, **{**given, "status": "new", **values})

    def event(
        self, lead: str, kind: str = "page_view", *, ago: Micros = HOUR, **values: Any
    ) -> None:
        self.events += 1
        at = format_iso(self.now - ago)
        self.put("events", f"e{self.events}", lead=lead, kind=kind, at=at, **values)

    def hot(self, ident: str, **values: Any) -> None:
        """A lead well above the threshold, whose points do not age."""
        self.lead(ident, **values)
        self.event(ident, url="/pricing")

    def pass_time(self, span: Micros = DAY) -> None:
        self.now += span

    @property
    def loaded(self) -> Loaded:
        return load_settings(self.folder / "leadloop.yaml", environ={})

    def open(self, command: str = "run", *, candidate: bool = False):
        self.warnings: list[str] = []
        return open_loop(
            self.loaded,
            now=self.now,
            clock=lambda: self.now,
            command=command,
            candidate=candidate,
            tell=lambda _step, _counts: None,
            warn=self.warnings.append,
        )

    def run(self, *, send: bool = True) -> Result:
        self.now += 1_000_000  # a run begins after what happened before it
        with self.open() as loop:
            return run_loop(loop, lambda: self.now, send=send)

    def plan(self) -> Result:
        self.now += 1_000_000
        with self.open("plan", candidate=True) as loop:
            return run_loop(loop, lambda: self.now, send=False)

    def apply(self, plan: str, *, approved: bool = True) -> Result:
        with self.open("apply", candidate=True) as loop:
            with loop.store.read() as tx:
                row = get_plan(tx, plan)
            assert row is not None
            return approve_and_apply(loop, row, lambda: self.now, approved=approved)

    def start(self) -> None:
        """First run, approved: from here on the loop runs unattended."""
        first = self.run()
        assert first.plan is not None
        if first.plan.state == "needs_approval":
            self.apply(first.plan.id)
        self.crm.effects.clear()

    def shown(self, ident: str) -> dict[str, Any]:
        """What the CRM shows of a lead."""
        return self.crm.objects["leads"][ident]

    def written(self) -> list[tuple[str, str, Any, Any]]:
        """Effective changes of leads since the last look: (id, field, before, after)."""
        effects = [e[1:] for e in self.crm.effects if e[0] == "leads"]
        self.crm.effects.clear()
        return effects

    def last_written(self) -> list[tuple[str, str, Any]]:
        """What we last wrote and had confirmed: record, field, value."""
        rows = self.rows("SELECT record, fields FROM last_written ORDER BY record")
        return [
            (record, name, value)
            for record, fields in rows
            for name, (value, _) in sorted(orjson.loads(fields).items())
        ]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the store."""
        store = open_store(self.loaded.store_url())
        try:
            with store.read() as tx:
                return [tuple(row) for row in tx.exec_driver_sql(sql)]
        finally:
            store.close()
