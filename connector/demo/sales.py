"""What the practice company's sales people do with their leads, over HTTP like anybody's browser.

They see what reps see in the CRM: whose lead it is, its score and state. Each week they take up new
hand-offs, say no with a reason, put some off, let some lie, and carry the good ones to a deal. The
better a lead's score, the better its chances; luck does the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from connector.demo.servers import Salesforce
from connector.domain.moment import DAY, Micros, to_datetime

REJECTED = ("no_budget", "no_authority", "not_icp_size", "competitor", "no_contact")
PUT_OFF = ("bad_timing", "no_budget", "project_stalled")
LOST = ("Competitor", "No budget", "No decision", "Project stalled")
_NEW = (
    "SELECT Id, Company, OwnerId, Leadloop_Score__c FROM Lead"
    " WHERE Leadloop_State__c = 'handed_off' AND IsConverted = false AND IsDeleted = false"
)

_ACTIVE = "SELECT Id, FirstName FROM User WHERE IsActive = true"


@dataclass
class Sales:
    """A sales team at its desk; `said` counts what it has said so far."""

    org: Salesforce
    luck: Random
    said: Counter[str] = field(default_factory=Counter)
    _seen: set[str] = field(default_factory=set)
    _working: dict[str, dict[str, Any]] = field(default_factory=dict)
    _deals: dict[str, float] = field(default_factory=dict)
    _here: dict[str, str] = field(default_factory=dict)
    _back: dict[str, Micros] = field(default_factory=dict)

    def arrive(self) -> None:
        """Find out who still works here: what others own lies where it lies."""
        self._here = {row["Id"]: row["FirstName"] for row in self.org.query(_ACTIVE)}

    def leave(self, names: Sequence[str], until: Micros) -> None:
        """Let some go on leave; their CRM says so, and their leads lie meanwhile."""
        away = [ident for ident, name in self._here.items() if name in names]
        self._back |= dict.fromkeys(away, until)
        back = to_datetime(until).isoformat()
        self.org.save("User", [{"Id": ident, "Away_Until__c": back} for ident in away])

    def work(self, now: Micros) -> None:
        """One round over everything that lies on the desks."""
        self._close_deals(now)
        self._go_on(now)
        self._take_up(now)

    def _take_up(self, now: Micros) -> None:
        changes, calls = [], []
        for lead in self.org.query(_NEW):
            if lead["Id"] in self._seen or not self._at_work(lead["OwnerId"], now):
                continue
            self._seen.add(lead["Id"])
            chance = _chance(lead)
            word = self.luck.choices(
                ("accepted", "rejected", "recycled", "silent"),
                (0.35 + 0.45 * chance, 0.25 - 0.15 * chance, 0.10, 0.16),
            )[0]
            self.said[word] += 1
            if word == "silent":
                continue
            calls.append(_call(lead, now))
            changes.append(self._verdict(lead, word))
            if word == "accepted":
                self._working[lead["Id"]] = lead
        self.org.save("Task", calls, create=True)
        self.org.save("Lead", changes)

    def _at_work(self, owner: str, now: Micros) -> bool:
        return owner in self._here and now >= self._back.get(owner, 0)

    def _verdict(self, lead: dict[str, Any], word: str) -> dict[str, Any]:
        status = {
            "accepted": "Working - Contacted",
            "rejected": "Closed - Not Converted",
            "recycled": "Nurturing",
        }[word]
        change = {"Id": lead["Id"], "Status": status}
        if word != "accepted":
            change["Unqualified_Reason__c"] = self.luck.choice(
                REJECTED if word == "rejected" else PUT_OFF
            )
        return change

    def _go_on(self, now: Micros) -> None:
        """What became of last round's accepted leads: a deal, a no, or more patience."""
        changes = []
        for ident, lead in list(self._working.items()):
            chance = _chance(lead)
            word = self.luck.choices(
                ("qualified", "rejected", "recycled", "wait"),
                (0.15 + 0.5 * chance, 0.12, 0.08, 0.3),
            )[0]
            if word == "wait":
                continue
            del self._working[ident]
            self.said[word] += 1
            if word == "qualified":
                self._qualify(lead, chance, now)
            else:
                changes.append(self._verdict(lead, word))
        self.org.save("Lead", changes)

    def _qualify(self, lead: dict[str, Any], chance: float, now: Micros) -> None:
        made = self.org.steer(
            "convert",
            {"leadId": lead["Id"], "opportunityName": f"{lead['Company']} {len(self._deals) + 1}"},
        )
        deal = made["opportunityId"]
        self._deals[deal] = chance
        amount = round(self.luck.lognormvariate(9.6, 0.6), -2)
        close = to_datetime(now + 45 * DAY).date().isoformat()
        self.org.save("Opportunity", [{"Id": deal, "Amount": amount, "CloseDate": close}])

    def _close_deals(self, now: Micros) -> None:
        today = to_datetime(now).date().isoformat()
        changes = []
        for deal, chance in list(self._deals.items()):
            word = self.luck.choices(("won", "lost", "wait"), (0.2 + 0.4 * chance, 0.2, 0.3))[0]
            if word == "wait":
                continue
            del self._deals[deal]
            self.said[word] += 1
            stage = {"Id": deal, "StageName": f"Closed {word.title()}", "CloseDate": today}
            if word == "lost":
                stage["Loss_Reason__c"] = self.luck.choice(LOST)
            changes.append(stage)
        self.org.save("Opportunity", changes)


def _chance(lead: dict[str, Any]) -> float:
    return float(lead["Leadloop_Score__c"] or 0) / 100


def _call(lead: dict[str, Any], now: Micros) -> dict[str, Any]:
    return {
        "WhoId": lead["Id"],
        "OwnerId": lead["OwnerId"],
        "Subject": "Call",
        "TaskSubtype": "Call",
        "Status": "Completed",
        "ActivityDate": to_datetime(now).date().isoformat(),
    }
