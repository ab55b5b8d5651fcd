"""The same over practice HubSpot and Salesforce: who is nurtured is on a list, or in a campaign."""

from __future__ import annotations

import copy
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from connector.adapters.hubspot.adapter import HubSpotAdapter
from connector.domain.moment import DAY, MINUTE
from connector.sync.opening import open_sources
from connector.sync.upkeep.provision import furnisher, order_of, plan_install, themes_of
from tests.crash.ground import Ground, InFiles, nameless
from tests.crash.scenes import Act
from tests.practice.at_work import AtWork

GROUPS = {"hubspot": ["lists"], "salesforce": ["fields", "campaigns"]}
PORTAL = {"hubspot": "portal", "salesforce": "org"}
"""Where a practice CRM holds its state."""


@dataclass
class PracticeCrm:
    """A practice CRM, served by the parent."""

    work: AtWork

    def enter(self) -> None:
        HubSpotAdapter.capabilities = replace(HubSpotAdapter.capabilities, paces=())

    def keep(self) -> Any:
        state = getattr(self.work.crm, PORTAL[self.work.kind])
        clock = state.clock
        return copy.deepcopy(state, {id(clock): clock})

    def put_back(self, kept: Any) -> None:
        clock = kept.clock
        setattr(self.work.crm, PORTAL[self.work.kind], copy.deepcopy(kept, {id(clock): clock}))

    def log(self) -> dict[str, Any]:
        ours = [
            (e.object, e.id, e.field, e.before, e.after)
            for e in self.work.crm.oracle.effects[self.work.seen :]
            if not e.field.removesuffix("__c").casefold().endswith("_run")
        ]
        return {"effects": sorted(ours, key=repr), "members": members(self.work)}


def members(work: AtWork) -> list[tuple[str, str]]:
    """Who is on which list or in which campaign, by name, with the status there."""
    names = {ident: name for name, ident in work.ids.items()}
    if work.kind == "hubspot":
        portal = work.crm.portal
        return sorted(
            (portal.lists[one]["name"], names[ident])
            for one, some in portal.members.items()
            for ident in some
        )
    rows = work.crm.org.tables["CampaignMember"].values()
    return sorted((row["Status"], names[row["LeadId"]]) for row in rows)


def book(work: AtWork) -> dict[str, Any]:
    """What the store says that no kill may change."""
    rows = work.rows
    return {
        "cycles": nameless(rows("SELECT person, number, state, owner FROM cycle")),
        "moves": nameless(rows('SELECT person, "before", "after", why FROM move ORDER BY seq')),
        "hand-offs": nameless(rows("SELECT person, number, turn, owner, step, task FROM handoff")),
        "waiting": rows(
            "SELECT record, grp, state FROM outbox WHERE state IN "
            "('planned', 'approved', 'sending', 'retry', 'unknown', 'dead') ORDER BY 1, 2"
        ),
    }


def furnished(work: AtWork) -> Ground:
    """Set up lists or campaigns, and a company at work beside them."""
    with ExitStack() as stack:
        (source,) = open_sources(work.loaded, lambda: work.now, stack)
        themes = themes_of(source, work.loaded.settings.nurture)
        maker = furnisher(source.adapter)
        order = order_of(source, plan_install(source), themes)
        maker.furnish(order, GROUPS[work.kind], source.adapter.check().login)
    work.person("clerk", title="Clerk")
    work.go()
    work.seen = len(work.crm.oracle.effects)
    return Ground(work, PracticeCrm(work), InFiles(work.folder), {"run": type(work).run}, book)


def _come(work: AtWork) -> None:
    work.now += DAY
    work.person("one", title="Clerk")
    work.person("two", title="Clerk")
    work.hot("hot")
    work.now += 5 * MINUTE


def _go(work: AtWork) -> None:
    """One is ready for sales and leaves; somebody takes another, or the flag off."""
    work.now += DAY
    work.edit("one", **{work.title_field: "VP Sales"})
    work.meets("one")
    if work.kind == "hubspot":
        work.edit("two", leadloop_nurture="false")
    else:
        work.gives("two", "ben")
    work.now += 5 * MINUTE


def _on(outcome: dict[str, Any], name: str) -> bool:
    return any(who == name and "Removed" not in where for where, who in outcome["members"])


ACTS = (
    Act("nurtured", _come, "run", lambda o: _on(o, "one") and _on(o, "two"), later=True),
    Act("with sales", _go, "run", lambda o: _on(o, "clerk") and not _on(o, "one"), later=True),
)
