"""The invented year as an org would hold it: rows for the `load` verb of practice Salesforce.

A value `@Object:n` is the id of the n-th row of that object in the same load.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from connector.domain.moment import DAY, HOUR, MINUTE, SECOND, Micros, to_datetime
from connector.practice.company import words
from connector.practice.company.year import Act, Deal, Person, Year, invent

Row = dict[str, Any]
_HOME = ZoneInfo("Europe/Paris")
"""Where the company's people are, whose days are those of fields without time."""
Rows = dict[str, list[Row]]
_OPEN_STAGES = ("Prospecting", "Qualification", "Needs Analysis", "Value Proposition",
                "Proposal/Price Quote")  # fmt: skip
_STATUS = {
    "new": "Open - Not Contacted",
    "working": "Working - Contacted",
    "rejected": "Closed - Not Converted",
    "later": "Closed - Not Converted",
    "converted": "Closed - Converted",
}
_ORDER = ("User", "Group", "QueueSobject", "Account", "Campaign", "Contact", "Opportunity",
          "OpportunityContactRole", "Lead", "CampaignMember", "Task", "Event", "LeadHistory",
          "OpportunityHistory")  # fmt: skip


def salesforce_rows(seed: int, people: int, now: Micros) -> Rows:
    """Rows of practice Salesforce, for `load`, of the company's year that ends at `now`.

    `people` counts the people of both CRMs together; about half of them are here.
    """
    return _Org(invent(seed, people, now)).rows


class _Org:
    """Rows as they are gathered, and where each person and account has come to stand."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.rows: Rows = {name: [] for name in _ORDER}
        self._accounts: dict[int, str] = {}
        self._who: dict[int, str] = {}
        self._contacts: dict[int, str] = {}
        self._leads: dict[int, str] = {}
        self._texts: dict[Micros, str] = {}
        self._staff()
        for one in year.people:
            if one.sales:
                self._person(one)
        self._twins()
        for act in year.acts:
            if act.person in self._who:
                self._act(act)
        self._future()
        self._bulk_stamp()

    # --- who there is ---------------------------------------------------------------------------

    def _staff(self) -> None:
        begin = self._stamps(self.year.now - 400 * DAY)
        for place, name in enumerate(words.OWNERS):
            self.rows["User"].append(
                {
                    "Username": f"{name}@{words.OWN_DOMAIN}",
                    "Email": f"{name}@{words.OWN_DOMAIN}",
                    "FirstName": name.title(),
                    "LastName": "Sales",
                    "IsActive": place < words.ACTIVE_OWNERS,
                    **begin,
                }
            )
        for name in words.QUEUES:
            queue = self._add("Group", {"Name": name, "DeveloperName": name, "Type": "Queue",
                                        "Email": f"{name.lower()}@{words.OWN_DOMAIN}",
                                        **begin})  # fmt: skip
            self._add("QueueSobject", {"QueueId": queue, "SobjectType": "Lead", **begin})
        for name, kind, _ in words.CAMPAIGNS:
            self._add("Campaign", {"Name": name, "Type": kind, "Status": "In Progress",
                                   "IsActive": True, "OwnerId": "@User:0", **begin})  # fmt: skip

    def _account(self, one: Person) -> str | None:
        if one.account is None:
            return None
        known = self._accounts.get(one.account)
        if known is None:
            account = self.year.accounts[one.account]
            known = self._accounts[one.account] = self._add(
                "Account",
                {
                    "Name": account.name,
                    "Website": f"https://www.{account.domain}",
                    "NumberOfEmployees": account.employees,
                    "Industry": words.INDUSTRIES[account.industry][0] or None,
                    "BillingCountry": account.country or None,
                    "Type": "Customer - Direct" if account.customer else "Prospect",
                    "OwnerId": f"@User:{one.account % words.ACTIVE_OWNERS}",
                    **self._stamps(max(self.year.now - 380 * DAY, one.created - DAY)),
                },
            )
        return known

    def _person(self, one: Person) -> None:
        """A contact, a lead, or a converted lead with its contact."""
        if one.contact or (one.status == "converted" and one.account is not None):
            account = self._account(one)
            created = one.created if one.contact else one.status_at
            values = self._named(one) | {
                "AccountId": account,
                "MailingCountry": one.country or None,
                "OwnerId": self._owner(one, f"@User:{one.number % words.ACTIVE_OWNERS}"),
                **self._stamps(created, max(created, one.status_at)),
            }
            contact = self._add("Contact", values)
            self._contacts[one.number] = self._who[one.number] = contact
            deal = self._deal(one.deal, contact, account) if one.deal else None
            if one.contact:
                return
            self._lead(one, {"IsConverted": True, "ConvertedContactId": contact,
                             "ConvertedAccountId": account, "ConvertedOpportunityId": deal,
                             "ConvertedDate": self._day(one.status_at)})  # fmt: skip
            return
        self._who[one.number] = self._lead(one, {})

    def _lead(self, one: Person, more: Row) -> str:
        account = self.year.accounts[one.account] if one.account is not None else None
        status = one.status if more or one.status != "converted" else "working"
        lead = self._add(
            "Lead",
            self._named(one) | more | {
                "Company": one.company or "[not provided]",
                "Country": one.country or None,
                "Industry": words.INDUSTRIES[account.industry][0] or None if account else None,
                "NumberOfEmployees": account.employees if account else None,
                "Website": f"www.{account.domain}" if account else None,
                "Status": _STATUS[status],
                "Unqualified_Reason__c": one.reason or None,
                "OwnerId": self._owner(one, f"@Group:{one.number % len(words.QUEUES)}"),
                "IsUnreadByOwner": status == "new",
                **self._stamps(one.created, max(one.created, one.status_at)),
            },
        )  # fmt: skip
        self._leads[one.number] = lead
        self._lead_history(one, lead, status)
        return lead

    def _lead_history(self, one: Person, lead: str, status: str) -> None:
        steps = [("working", one.given)] if status != "new" else []
        if status not in {"new", "working"}:
            steps.append((status, one.status_at))
        before, author = _STATUS["new"], self._owner(one, "")
        for step, at in steps:
            self._add("LeadHistory", {"LeadId": lead, "Field": "Status", "OldValue": before,
                                      "NewValue": _STATUS[step], "CreatedDate": self._text(at),
                                      **({"CreatedById": author} if author else {})})  # fmt: skip
            before = _STATUS[step]

    def _named(self, one: Person) -> Row:
        return {
            "FirstName": one.first,
            "LastName": one.last,
            "Email": one.email or None,
            "Title": one.title or None,
            "HasOptedOutOfEmail": one.opted_out,
            "LeadSource": one.source or None,
            "Description": f"Met through {one.source}." if one.source else None,
        }

    def _twins(self) -> None:
        """Some people stand in the list twice, as they do everywhere."""
        leads = self.rows["Lead"]
        for place in range(0, len(leads), max(1, len(leads) // 25)):
            row = leads[place]
            if row["Email"] and not row.get("IsConverted"):
                again = {"Email": row["Email"].upper(), "Title": None, "Status": _STATUS["new"]}
                self._add("Lead", row | again | {"Unqualified_Reason__c": None})

    # --- deals ----------------------------------------------------------------------------------

    def _deal(self, deal: Deal, contact: str, account: str | None) -> str:
        closed = deal.stage != "open"
        last = min(deal.closed, self.year.now) if closed else deal.created + 5 * DAY
        stage = {"won": "Closed Won", "lost": "Closed Lost"}.get(
            deal.stage, _OPEN_STAGES[deal.step]
        )
        name = self.year.people[deal.person].company or "Private"
        values = {
            "Name": f"{name[:100]} - planner",
            "AccountId": account,
            "ContactId": contact,
            "StageName": stage,
            "Amount": float(deal.amount),
            "CloseDate": self._day(deal.closed),
            "Loss_Reason__c": deal.reason or None,
            "OwnerId": f"@User:{deal.owner}",
            **self._stamps(deal.created, min(last, self.year.now)),
        }
        made = self._add("Opportunity", values)
        self._add("OpportunityContactRole", {"OpportunityId": made, "ContactId": contact,
                                             "IsPrimary": True, "Role": "Decision Maker",
                                             **self._stamps(deal.created)})  # fmt: skip
        path = [*_OPEN_STAGES[: deal.step + 1], *([stage] if closed else [])]
        for place, step in enumerate(path):
            at = deal.created + (last - deal.created) * place // max(1, len(path) - 1)
            self._add("OpportunityHistory", {"OpportunityId": made, "StageName": step,
                                             "Amount": float(deal.amount),
                                             "CloseDate": values["CloseDate"],
                                             "CreatedDate": self._text(at)})  # fmt: skip
        return made

    # --- what happened --------------------------------------------------------------------------

    def _act(self, act: Act) -> None:
        match act.type:
            case "invited" | "responded":
                self._member(act)
            case "call" | "email" | "task":
                self._task(act)
            case "meeting":
                self._meeting(act)

    def _member(self, act: Act) -> None:
        responded = act.type == "responded"
        self._add(
            "CampaignMember",
            {
                "CampaignId": f"@Campaign:{act.what}",
                "LeadId": self._leads.get(act.person),
                "ContactId": self._contacts.get(act.person),
                "Status": "Responded" if responded else "Sent",
                "FirstRespondedDate": self._day(act.at) if responded else None,
                **self._stamps(act.at),
            },
        )

    def _task(self, act: Act) -> None:
        done = act.at < self.year.now
        owner = self.year.people[act.person].owner or 0
        made = min(act.at, self.year.now)
        self._add(
            "Task",
            {
                "WhoId": self._who[act.person],
                "Subject": {"call": "Call", "email": "Email: our planner"}.get(
                    act.type, "Follow up"
                ),
                "TaskSubtype": act.type.title(),
                "Status": "Completed" if done else "Not Started",
                "ActivityDate": self._day(act.at),
                "CompletedDateTime": self._text(act.at) if done else None,
                "OwnerId": f"@User:{owner}",
                **self._stamps(made),
            },
        )

    def _meeting(self, act: Act) -> None:
        owner = self.year.people[act.person].owner or 0
        at = act.at // (30 * MINUTE) * 30 * MINUTE
        self._add(
            "Event",
            {
                "WhoId": self._who[act.person],
                "Subject": "Meeting",
                "ActivityDateTime": self._text(at),
                "DurationInMinutes": 30,
                "OwnerId": f"@User:{owner}",
                **self._stamps(max(self.year.people[act.person].given, min(at, self.year.now)
                                   - 2 * DAY)),
            },
        )  # fmt: skip

    def _future(self) -> None:
        """Dates nobody can have meant: a meeting and a task in a far year."""
        now, whole = self.year.now, self._stamps(self.year.now - HOUR)
        for who in list(self._who.values())[:2]:
            self._add("Event", {"WhoId": who, "Subject": "Far away", "OwnerId": "@User:0",
                                "ActivityDateTime": self._text(now + 3650 * DAY),
                                "DurationInMinutes": 60, **whole})  # fmt: skip
            self._add("Task", {"WhoId": who, "Subject": "Call", "TaskSubtype": "Call",
                               "Status": "Completed", "OwnerId": "@User:0",
                               "ActivityDate": self._day(now + 40 * DAY), **whole})  # fmt: skip

    def _bulk_stamp(self) -> None:
        """A picklist value was renamed: the system touched a tenth of the leads in one moment."""
        stamp = self._text(self.year.now - 3 * HOUR)
        for row in self.rows["Lead"][::10]:
            row["SystemModstamp"] = stamp

    # --- spelling -------------------------------------------------------------------------------

    def _add(self, name: str, values: Row) -> str:
        rows = self.rows[name]
        rows.append(values)
        return f"@{name}:{len(rows) - 1}"

    def _owner(self, one: Person, other: str) -> str:
        return f"@User:{one.owner}" if one.owner is not None else other

    def _stamps(self, created: Micros, changed: Micros | None = None) -> Row:
        first = self._text(created)
        last = first if changed is None else self._text(changed)
        return {"CreatedDate": first, "LastModifiedDate": last, "SystemModstamp": last}

    def _text(self, at: Micros) -> str:
        at = at // SECOND * SECOND
        text = self._texts.get(at)
        if text is None:
            text = to_datetime(at).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
            self._texts[at] = text
        return text

    def _day(self, at: Micros) -> str:
        return to_datetime(at).astimezone(_HOME).date().isoformat()
