"""Everything install makes, in groups: fields and permission sets first, then what people see.

Fields must succeed; each other group is checked and made for itself, for an org may refuse a report
and still take the rest, and says why. No layout and no page is touched. Campaigns are records, made
last and never removed, for they hold who got what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.adapters.base import Order, PartStep
from connector.adapters.salesforce.campaigns import CAMPAIGNS, Campaigns
from connector.adapters.salesforce.deploying import Deploys, changes, failures, told
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.installing import Installing
from connector.adapters.salesforce.metadata.fields import CORE
from connector.adapters.salesforce.metadata.panel import PANEL, panel_parts
from connector.adapters.salesforce.metadata.parts import (
    Part,
    package,
    removal,
    source_files,
)
from connector.adapters.salesforce.metadata.reports import REPORTS, report_parts
from connector.adapters.salesforce.metadata.views import ACTIONS, VIEWS, list_views, quick_actions

GROUPS = (CORE, VIEWS, ACTIONS, REPORTS, PANEL, CAMPAIGNS)


class Furnishing:
    """Makes and removes our parts by the deploys of one org."""

    def __init__(
        self, deploys: Deploys, installing: Installing, objects: Objects, campaigns: Campaigns
    ) -> None:
        self._campaigns = campaigns
        self._deploys = deploys
        self._installing = installing
        self._objects = objects

    def plan(self, order: Order) -> list[PartStep]:
        """Name what would be made beside fields; whether it is there already, a deploy tells."""
        return [
            PartStep(part.group, part.kind, part.name, "create", _SEEN.get(part.group, ""))
            for part in self._parts(order)
            if part.kind != "CustomField"
        ] + [*self._left_out(order), *self._campaigns.plan(order.themes)]

    def furnish(self, order: Order, groups: Sequence[str], user: str) -> list[PartStep]:
        """Make the groups, fields before all others, and give our user its permission set."""
        parts = self._parts(order)
        steps: list[PartStep] = []
        for group in GROUPS:
            some = [part for part in parts if part.group == group]
            if group not in groups or not some:
                continue
            if group == CORE:
                result = self._deploys.deploy(package(some))
            else:
                result = self._deploys.run(package(some), check_only=True)
                if not failures(result):
                    result = self._deploys.run(package(some), check_only=False)
            steps += _steps(some, result)
        self._objects.forget()
        self._installing.assign(user)
        if CAMPAIGNS in groups:
            steps += self._campaigns.create(order.themes)
        return steps + self._left_out(order)

    def exported(self, order: Order) -> Mapping[str, bytes]:
        """Give all parts in source format, fields that are there included."""
        return source_files(self._parts(order, whole=True))

    def remove(self, order: Order, *, fields: bool, check_only: bool) -> list[PartStep]:
        """Take parts out, what people see before what it shows; fields only if asked."""
        parts = self._parts(order, whole=True)
        gone = [(p.kind, p.name) for p in reversed(parts) if p.kind != "CustomField"]
        sets = [(kind, name) for kind, name in gone if kind == "PermissionSet"]
        seen = [(kind, name) for kind, name in gone if kind != "PermissionSet"]
        steps = self._removed(seen, check_only=check_only)
        if not any(step.action == "fail" for step in steps):
            steps += self._sets_removed(sets, check_only=check_only)
        if fields and not any(step.action == "fail" for step in steps):
            mine = [(p.kind, p.name) for p in parts if p.kind == "CustomField"]
            steps += self._removed(mine, check_only=check_only)
        return steps

    def _sets_removed(self, sets: Sequence[tuple[str, str]], *, check_only: bool) -> list[PartStep]:
        """Permission sets go last and are taken back first: an assigned one cannot be removed."""
        names = [name for _, name in sets]
        if not check_only:
            self._installing.unassign(names)
            return self._removed(sets, check_only=False)
        held = len(self._installing.assigned(names))
        note = f"{held} assignments of the three are taken back first" if held else ""
        return [PartStep("", kind, name, "remove", note) for kind, name in sets]

    def _removed(self, members: Sequence[tuple[str, str]], *, check_only: bool) -> list[PartStep]:
        result = self._deploys.run(removal(members), check_only=True)
        why = failures(result)
        if not why and not check_only:
            why = failures(self._deploys.run(removal(members), check_only=False))
        named = dict(line.partition(": ")[::2] for line in why)
        return [
            PartStep("", kind, name, "fail" if why else "remove", named.get(name, ""))
            for kind, name in members
        ] + [
            PartStep("", "", name, "fail", said)
            for name, said in named.items()
            if name not in {member for _, member in members}
        ]

    # --- what there is to make -------------------------------------------------------------------

    def _parts(self, order: Order, *, whole: bool = False) -> list[Part]:
        names = {self._objects.of(source).name: ours for source, ours in order.names.items()}
        steps = order.steps if whole else [s for s in order.steps if s.action == "create"]
        kept = [s for s in order.steps if s.action == "keep" and s.name.endswith("__c")]
        parts = self._installing.parts(steps, kept=kept, whole=whole)
        for source, ours in names.items():
            parts += list_views(source, _visible(ours))
        for source, (field, means) in self._statuses(order).items():
            parts += quick_actions(source, field, means, names.get(source, {}).get("reason"))
        parts += report_parts(_visible(names.get("Lead", {})))
        return parts + panel_parts(names)

    def _statuses(self, order: Order) -> dict[str, tuple[str, Mapping[str, Sequence[str]]]]:
        """The mapping's statuses as far as the org has them, by object."""
        found: dict[str, tuple[str, Mapping[str, Sequence[str]]]] = {}
        for source, (field, means) in order.statuses.items():
            described = self._objects.of(source)
            spec = described.fields.get(field.casefold())
            if spec is None or spec["type"] != "picklist":
                continue
            there = {str(one["value"]) for one in spec["picklistValues"] if one.get("active")}
            known = {
                word: kept
                for word, values in means.items()
                if (kept := [value for value in values if value in there])
            }
            found[described.name] = (str(spec["name"]), known)
        return found

    def _left_out(self, order: Order) -> list[PartStep]:
        """Quick actions for which the org has no status that the mapping understands."""
        left = []
        for source, (field, means) in self._statuses(order).items():
            for label, word in (
                ("accept", "accepted"),
                ("not ready", "recycled"),
                ("reject", "rejected"),
            ):
                if word not in means:
                    note = f"no {field} of this org means `{word}` in the mapping: add one"
                    left.append(
                        PartStep(ACTIONS, "QuickAction", f"{source}: {label}", "leave", note)
                    )
        return left


_SEEN = {
    ACTIONS: "put it on the page yourself: Setup > Object Manager > Page Layouts",
    PANEL: "shows nowhere until placed: Lightning App Builder; never seen in a live org",
    REPORTS: "never seen in a live org",
}


def _visible(names: Mapping[str, str]) -> dict[str, str]:
    """Our fields that lists and reports can show: no long texts, no owner, nothing of runs."""
    hidden = {"reasons", "owner", "run", "model"}
    return {word: name for word, name in names.items() if word not in hidden}


def _steps(parts: Sequence[Part], result: Mapping[str, object]) -> list[PartStep]:
    why = failures(result)
    done = changes(result)
    return [
        PartStep(
            part.group,
            part.kind,
            part.name,
            "fail" if why else done.get(part.name, "create"),
            told(why) if why else _SEEN.get(part.group, ""),
        )
        for part in parts
    ]
