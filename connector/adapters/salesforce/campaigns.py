"""Nurture as campaign membership: one campaign for each theme, whose members follow our flag.

A campaign of ours is known by its name. Whoever leaves is kept with a status that says so, for a
member that is deleted takes along that the person responded. A status that a campaign does not know
becomes its default without a word, so a campaign that lacks ours is left alone.

Source: Object Reference, "Campaign", "CampaignMember", "CampaignMemberStatus" (2026-11).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from connector.adapters.base import PartStep, Row
from connector.adapters.salesforce.answers import refusal
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.reading import Reading
from connector.adapters.salesforce.soql import quoted
from connector.errors import LoginError, RemoteError, UnknownOutcomeError, UsageError

log = logging.getLogger("leadloop.salesforce")
FLAG, THEME = "Leadloop_Nurture__c", "Leadloop_Nurture_Theme__c"
"""The fields that say who is nurtured, and with what."""
CAMPAIGNS = "campaigns"
LEFT = {False: "Removed", True: "Removed (responded)"}
"""The status of who is nurtured no more, by whether they had responded."""
WHO = {"Lead": "LeadId", "Contact": "ContactId"}
"""By object, the field of a member that names the person."""
_NAME = 80
_CHUNK = 200
_HEADERS = {"Sforce-Call-Options": "client=leadloop"}
_NOT_THERE = "no active campaign of yours has this name: make it, or mend `lists:`"
_MARKETING = "Make our user a Marketing User, with the right to read campaigns"


def name_of(theme: str) -> str:
    """Name the campaign of a theme that has none of the company's own."""
    return f"Leadloop nurture: {theme}"[:_NAME]


class Campaign(NamedTuple):
    """A campaign and its members' statuses: label, and whether it means a response."""

    id: str
    statuses: Mapping[str, bool]

    @property
    def is_ours(self) -> bool:
        """Whether its members can leave."""
        return all(self.statuses.get(label) is answered for answered, label in LEFT.items())

    def entered(self, *, responded: bool) -> str | None:
        """The status of a member who is back; None where the campaign knows none."""
        fitting = [
            label
            for label, answered in self.statuses.items()
            if answered is responded and label not in LEFT.values()
        ]
        return fitting[0] if fitting else None


class Campaigns:
    """The nurture campaigns of one org; `names` are the company's own, by theme."""

    def __init__(
        self, calls: Calls, reading: Reading, names: Mapping[str, str] | None = None
    ) -> None:
        self._calls = calls
        self._reading = reading
        self._names = names or {}
        self._known: dict[str, Campaign] | None = None

    @property
    def are_there(self) -> bool:
        """Whether the org has such campaigns, and lets us see them."""
        return bool(self._ours())

    def follow(self, source: str, wanted: Mapping[str, str | None]) -> None:
        """Make each person a member of the campaign of their theme and of no other; None is of
        none. Said absolutely, so that it may be said twice. Members that cannot be read are left
        alone, and stop no score."""
        ours, who = self._ours(), WHO[source]
        try:
            members = self._members(ours, who, list(wanted))
        except (UsageError, LoginError, RemoteError) as error:
            log.warning("campaign members were not read: %s. %s", error, _MARKETING)
            return
        added: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for person, theme in wanted.items():
            for name, campaign in ours.items():
                member = members.get((campaign.id, person))
                wants = theme is not None and name == self._name_of(theme)
                if member is None:
                    added += [{"CampaignId": campaign.id, who: person}] if wants else []
                elif (status := _status(campaign, member, wants=wants)) is not None:
                    changed.append({"id": member["Id"], "Status": status})
        self._tell(self._save("POST", "CampaignMember", added))
        self._tell(self._save("PATCH", "CampaignMember", changed))

    def _name_of(self, theme: str) -> str:
        return self._names.get(theme) or name_of(theme)

    def _members(
        self, ours: Mapping[str, Campaign], who: str, people: Sequence[str]
    ) -> dict[tuple[str, str], Row]:
        one_of = f"CampaignId IN {quoted(sorted(one.id for one in ours.values()))}"
        names = ["Id", "CampaignId", who, "Status", "HasResponded"]
        rows = self._reading.matching("CampaignMember", names, who, people, one_of)
        return {(str(row["CampaignId"]), str(row[who])): row for row in rows}

    def _ours(self) -> Mapping[str, Campaign]:
        if self._known is None:
            found = {name: one for name, one in self._found().items() if one.is_ours}
            self._known = found
        return self._known

    def _found(self) -> dict[str, Campaign]:
        """The org's campaigns of nurture by name; none where it has no campaigns for our user."""
        try:
            called = f"Name LIKE {quoted(name_of('%'))}"
            if own := sorted(set(self._names.values())):
                called = f"({called} OR Name IN {quoted(own)})"
            rows = self._reading.where("Campaign", ["Id", "Name"], called, "IsActive = true")
            ids = [str(row["Id"]) for row in rows]
            names = ["Id", "CampaignId", "Label", "HasResponded"]
            statuses = (
                self._reading.matching("CampaignMemberStatus", names, "CampaignId", ids)
                if ids
                else []
            )
        except (UsageError, LoginError, RemoteError) as error:
            log.warning("Salesforce's campaigns are left alone: %s", error)
            return {}
        return {
            str(row["Name"]): Campaign(
                str(row["Id"]),
                {
                    str(one["Label"]): bool(one["HasResponded"])
                    for one in statuses
                    if one["CampaignId"] == row["Id"]
                },
            )
            for row in rows
        }

    # --- install ---------------------------------------------------------------------------------

    def plan(self, themes: Sequence[str]) -> list[PartStep]:
        """Say of each theme's campaign whether it would be made, changed or is there."""
        if not themes:
            return []
        found = self._found()
        return [self._step(name, found.get(name)) for name in self._all_names(themes)]

    def create(self, themes: Sequence[str]) -> list[PartStep]:
        """Make the campaigns that are missing, and the statuses they lack; new ones are filled."""
        found = self._found() if themes else {}
        steps = [self._made(name, found.get(name)) for name in self._all_names(themes)]
        if any(step.action in {"create", "change"} for step in steps):
            self._catch_up()
        return steps

    def _all_names(self, themes: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self._name_of(theme) for theme in themes))

    def _step(self, name: str, there: Campaign | None) -> PartStep:
        if there is None and name in self._names.values():
            return PartStep(CAMPAIGNS, "Campaign", name, "leave", _NOT_THERE)
        return _step(name, there)

    def _catch_up(self) -> None:
        """Make members of those who were flagged before their campaign was made."""
        self._known = None
        if not self.are_there:
            return
        for source in WHO:
            try:
                rows = self._reading.where(source, ["Id", THEME], f"{FLAG} = true")
            except UsageError:
                continue  # this object has no such field
            self.follow(source, {str(row["Id"]): row[THEME] or None for row in rows})

    def _made(self, name: str, there: Campaign | None) -> PartStep:
        step = self._step(name, there)
        if step.action == "leave":
            return step
        try:
            if there is None:
                values = {"Name": name, "IsActive": True}
                (ident,) = self._save_all("Campaign", [values])
                there = Campaign(ident, {})
            missing = [
                {"CampaignId": there.id, "Label": label, "HasResponded": answered}
                for answered, label in LEFT.items()
                if label not in there.statuses
            ]
            self._save_all("CampaignMemberStatus", missing)
        except (UsageError, LoginError, RemoteError, UnknownOutcomeError) as error:
            return step._replace(action="fail", note=f"{error}; {_MARKETING}")
        return step

    def _save_all(self, source: str, records: Sequence[dict[str, Any]]) -> list[str]:
        """Create records; gives their ids. Raises RemoteError where one is refused."""
        ids = []
        for told in self._save("POST", source, records):
            if told.get("success") is not True:
                why = refusal((told.get("errors") or [{}])[0])
                raise RemoteError(f"{source} was refused: {why.code}", vendor_code=why.code)
            ids.append(str(told["id"]))
        return ids

    # --- sending ---------------------------------------------------------------------------------

    def _save(
        self, method: str, source: str, records: Sequence[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        for start in range(0, len(records), _CHUNK):
            some = records[start : start + _CHUNK]
            body = {
                "allOrNone": False,
                "records": [{"attributes": {"type": source}, **one} for one in some],
            }
            answer = self._calls.write(
                method,
                "composite/sobjects",
                orjson.dumps(body),
                f"write to {source}",
                headers=_HEADERS,
            )
            yield from orjson.loads(answer)

    def _tell(self, outcomes: Iterator[dict[str, Any]]) -> None:
        """Send, and log what was refused by code: a member that is missing stops no score."""
        refused: Counter[str] = Counter()
        try:
            for told in outcomes:
                if told.get("success") is not True:
                    refused[refusal((told.get("errors") or [{}])[0]).code] += 1
        except (LoginError, RemoteError) as error:
            log.warning("campaign members were not written: %s. %s", error, _MARKETING)
        del refused["DUPLICATE_VALUE"]  # somebody else made it a member meanwhile
        if refused:
            codes = ", ".join(f"{n} {code}" for code, n in sorted(refused.items()))
            log.warning("campaign members were refused: %s. %s", codes, _MARKETING)


def _status(campaign: Campaign, member: Row, *, wants: bool) -> str | None:
    """The status a member needs; None where the one there is fine."""
    responded = bool(member["HasResponded"])
    has_left = member["Status"] in LEFT.values()
    if wants and has_left:
        return campaign.entered(responded=responded)
    return LEFT[responded] if not wants and not has_left else None


def _step(name: str, there: Campaign | None) -> PartStep:
    if there is None:
        return PartStep(CAMPAIGNS, "Campaign", name, "create")
    if not there.is_ours:
        return PartStep(CAMPAIGNS, "Campaign", name, "change", "statuses of who left are added")
    return PartStep(CAMPAIGNS, "Campaign", name, "keep")
