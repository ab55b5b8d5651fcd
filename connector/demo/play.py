"""Plays the loop over the practice company: an admin's first day, then weeks of everyday life."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from shutil import rmtree
from typing import Any

import orjson

from connector.config.load import Loaded, load_settings
from connector.decisions.cycle import NO_RECORD
from connector.demo.marketing import Marketing
from connector.demo.sales import Sales
from connector.demo.servers import HubSpot, Salesforce, Starting
from connector.demo.tally import Tally, tally
from connector.demo.workspace import write_workspace
from connector.domain.cycle import State
from connector.domain.moment import DAY, HOUR, Micros
from connector.report.figures import report_figures
from connector.report.page import report_page
from connector.store.database import open_store
from connector.store.outgoing import plans
from connector.store.passes import cycles
from connector.sync.handing_off.hand_off import release
from connector.sync.opening import open_loop, open_sources
from connector.sync.run import Result, approve_and_apply
from connector.sync.run import run as run_loop
from connector.sync.studies.explanation import explanation
from connector.sync.upkeep.provision import install

WEEKS = 2
FAIR, TIMES = 1, 10
"""The week of the trade fair, and how many times the usual new people it brings."""
ON_LEAVE = ("Anna", "Ben")
"""Two of the same pool, who are away when its leads come in."""
RULE = {
    "object": "Lead",
    "field": "Title",
    "equals": "Assistant",
    "message": "A lead with this title needs a second contact.",
}
"""A rule the org's own admins set up once, and that our writes meet."""
_MIDWEEK, _REST = 3 * DAY, 4 * DAY
"""Sales sits down to its leads in the middle of a week, and again after the run at its end."""
_NEW = 25
"""New people of a usual week."""


@dataclass
class Week:
    """What one practice week brought: new people, hand-offs, and what sales said."""

    number: int
    came: int
    handed_off: int
    said: Counter[str]


@dataclass
class Story:
    """Everything that happened, for whoever tells it."""

    folder: Path
    installed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By connection: fields made, and fields made the second time."""
    first: Result | None = None
    opened: dict[str, Counter[str]] = field(default_factory=dict)
    """By stage: what applying its approved plan came to."""
    backlog: tuple[int, int] = (0, 0)
    weeks: list[Week] = field(default_factory=list)
    decided: Counter[str] = field(default_factory=Counter)
    """What the loop decided in all its runs."""
    tally: Tally | None = None
    unknown_to_sales: int = 0
    """Ready people of whom sales has no record."""
    idle: int = 0
    """Changes the last run wrote although nothing had moved."""
    figures: dict[str, Any] = field(default_factory=dict)
    top: dict[str, Any] = field(default_factory=dict)


def play(
    folder: Path, crms: Starting, *, seed: int, start: Micros, tell: Callable[[str], None]
) -> Story:
    """Live with two practice CRMs for WEEKS weeks from `start`."""
    if folder.exists():
        rmtree(folder)
    tell("filling a practice Salesforce org and a practice HubSpot portal")
    org, portal = crms.ready()
    stage = _Stage(folder, org, portal, Random(seed), start)  # noqa: S311  a play, not a secret
    stage.set_up(tell)
    stage.first_day(tell)
    stage.everyday(tell)
    stage.look_back(tell)
    return stage.story


class _Stage:
    """One play: the clock, both CRMs, and the workspace an admin would have."""

    def __init__(
        self, folder: Path, org: Salesforce, portal: HubSpot, luck: Random, now: Micros
    ) -> None:
        self.story = Story(folder)
        self.org, self.portal, self.now = org, portal, now
        self.sales = Sales(org, luck)
        self.marketing = Marketing(portal, org, luck, frozenset({RULE["equals"]}))
        self._loaded = self._open("observe")

    # --- the first day ----------------------------------------------------------------------------

    def set_up(self, tell: Callable[[str], None]) -> None:
        """Install our fields in both, twice: the second time makes nothing."""
        tell("installing fields in both")
        self.org.steer("rules", {"validation": [RULE]})
        with ExitStack() as stack:
            for source in open_sources(self._loaded, lambda: self.now, stack):
                made, again = (
                    sum(step.action == "create" for step in install(source)) for _ in range(2)
                )
                self.story.installed[source.name] = (made, again)

    def first_day(self, tell: Callable[[str], None]) -> None:
        """Look without writing, then open the stages one by one, each plan looked at first."""
        tell("first run: reading a year of both systems")
        self.story.first = self._run()
        for stage in ("score", "nurture", "route"):
            tell(f"stage {stage}: plan, approval")
            self._loaded = self._open(stage)
            self.story.opened[stage] = self._run_and_approve()
        tell("releasing the backlog")
        with self._loop("handoffs release") as loop:
            self.story.backlog = release(loop, 25)

    # --- everyday life ----------------------------------------------------------------------------

    def everyday(self, tell: Callable[[str], None]) -> None:
        """Weeks in which marketing and sales work, and the loop runs as scheduled."""
        self.marketing.look_around()
        self.sales.arrive()
        for number in range(1, WEEKS + 1):
            tell(f"practice week {number} of {WEEKS}")
            came, said = self.marketing.came, Counter(self.sales.said)
            since = self.now
            self._pass_time(_MIDWEEK)
            if number == FAIR:
                self.sales.leave(ON_LEAVE, self.now + 10 * DAY)
                self.marketing.work(since, self.now, new=_NEW * (TIMES - 1), warm=0, fair=True)
            self.sales.work(self.now)
            self._pass_time(_REST)
            self.marketing.work(since, self.now, new=_NEW, warm=140)
            result = self._run()
            handed_off = sum(
                result.counts.get(step, Counter())["handed_off"] for step in ("decide", "apply")
            )
            self.sales.work(self.now)
            heard = self.sales.said - said
            self.story.weeks.append(Week(number, self.marketing.came - came, handed_off, heard))

    def look_back(self, tell: Callable[[str], None]) -> None:
        """A last run that takes in what sales said, one more that has nothing to do; the report."""
        tell("last runs, and the report")
        self._pass_time(HOUR)
        self._run()
        self.story.idle = self._run().counts["apply"]["applied"]
        store = open_store(self._loaded.store_url())
        try:
            figures = report_figures(store, self._loaded, self.now, [])
            self.story.tally = tally(store, self._loaded, self.now)
            with store.read() as tx:
                best = [
                    *cycles.in_state(tx, State.HANDED_OFF),
                    *cycles.in_state(tx, State.ACCEPTED),
                ]
                self.story.unknown_to_sales = len(cycles.in_state(tx, State.HELD, NO_RECORD))
            if best:
                self.story.top = explanation(store, best[0].person)
        finally:
            store.close()
        self.story.figures = figures
        folder = self.story.folder
        (folder / "report.html").write_text(report_page(figures), encoding="utf-8")
        (folder / "report.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
        for name, crm in (("salesforce", self.org), ("hubspot", self.portal)):
            lines = [orjson.dumps(effect) + b"\n" for effect in crm.oracle()]
            (folder / f"changes-in-{name}.jsonl").write_bytes(b"".join(lines))

    # --- the loop ---------------------------------------------------------------------------------

    def _open(self, stage: str) -> Loaded:
        write_workspace(self.story.folder, stage, self.org, self.portal)
        return load_settings(self.story.folder / "leadloop.yaml")

    def _pass_time(self, span: Micros) -> None:
        self.now += span
        self.org.set_clock(self.now)
        self.portal.set_clock(self.now)

    def _loop(self, command: str, *, candidate: bool = False) -> Any:
        return open_loop(
            self._loaded,
            now=self.now,
            clock=lambda: self.now,
            command=command,
            candidate=candidate,
            tell=lambda _step, _counts: None,
            warn=lambda _text: None,
        )

    def _run(self) -> Result:
        with self._loop("run") as loop:
            result = run_loop(loop, lambda: self.now, send=True)
        self.story.decided += result.counts["decide"]
        return result

    def _run_and_approve(self) -> Counter[str]:
        self._pass_time(HOUR)
        result = self._run()
        counts = Counter(result.counts.get("apply", Counter()))
        if result.plan is None or result.plan.state != "needs_approval":
            return counts
        with self._loop("apply", candidate=True) as loop:
            with loop.store.read() as tx:
                row = plans.get_plan(tx, result.run)
            if row is not None:
                applied = approve_and_apply(loop, row, lambda: self.now, approved=True)
                counts += applied.counts["apply"]
        return counts
