"""The invented year as a portal would hold it: rows for the `load` verb of practice HubSpot.

Ties, events and owners name records by their place in the same load.
"""

from __future__ import annotations

from random import Random
from typing import Any

from connector.domain.moment import DAY, HOUR, SECOND, Micros, to_datetime
from connector.practice.company import words
from connector.practice.company.year import Act, Deal, Person, Year, invent

Row = dict[str, Any]
Rows = dict[str, Any]
_SITE = f"https://www.{words.OWN_DOMAIN}"
_LIFECYCLE = {"new": "lead", "working": "salesqualifiedlead", "rejected": "salesqualifiedlead",
              "later": "marketingqualifiedlead", "converted": "opportunity"}  # fmt: skip
_STATUS = {"new": "NEW", "working": "IN_PROGRESS", "rejected": "UNQUALIFIED",
           "later": "BAD_TIMING", "converted": "OPEN_DEAL"}  # fmt: skip
_WORKING = ("IN_PROGRESS", "ATTEMPTED_TO_CONTACT", "CONNECTED", "OPEN")
_STEPS = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled",
          "decisionmakerboughtin", "contractsent")  # fmt: skip
_MAIL_TYPES = {"email_sent": "SENT", "email_open": "OPEN", "machine_open": "OPEN",
               "email_click": "CLICK", "email_bounce": "BOUNCE"}  # fmt: skip
_SOURCES = {"Web": "ORGANIC_SEARCH", "Purchased List": "OFFLINE", "Webinar": "EMAIL_MARKETING",
            "Partner Referral": "REFERRALS"}  # fmt: skip


def hubspot_rows(seed: int, people: int, now: Micros) -> Rows:
    """Rows of practice HubSpot, for `load`, of the company's year that ends at `now`.

    `people` counts the people of both CRMs together; about two thirds of them are here.
    """
    return _Portal(invent(seed, people, now)).rows


def owner_id(place: int) -> str:
    """The owner id of words.OWNERS[place]; a user id is another number."""
    return str(41_629_700 + 13 * place)


class _Portal:
    """Rows as they are gathered."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self._luck = Random(len(year.acts))  # noqa: S311  an invention
        self._companies: dict[int, int] = {}
        self._contacts: dict[int, int] = {}
        self._views: dict[int, int] = {}
        self._forms: dict[str, str] = {}
        self._texts: dict[Micros, str] = {}
        self.rows: Rows = {
            "companies": [], "contacts": [], "deals": [], "ties": [], "owners": [], "events": [],
            "mails": [], "forms": [], "submissions": {},
        }  # fmt: skip
        self._staff()
        self._make_forms()
        for one in year.people:
            if one.marketing:
                self._person(one)
        self._twins()
        for act in year.acts:
            if act.person in self._contacts:
                self._act(act)
        for number, count in self._views.items():
            row = self.rows["contacts"][self._contacts[number]]
            row["properties"]["hs_analytics_num_page_views"] = str(count)
        self._future()

    # --- who there is ---------------------------------------------------------------------------

    def _staff(self) -> None:
        born = "2020-01-01T09:00:00Z"
        for place, name in enumerate(words.OWNERS):
            gone = place >= words.ACTIVE_OWNERS
            user = 9_586_500 + 7 * place
            self.rows["owners"].append(
                {
                    "id": owner_id(place),
                    "email": f"{name}@{words.OWN_DOMAIN}",
                    "type": "PERSON",
                    "firstName": name.title(),
                    "lastName": "Sales",
                    "userId": None if gone else user,
                    "userIdIncludingInactive": user,
                    "createdAt": born,
                    "updatedAt": born,
                    "archived": gone,
                }
            )
        for place, name in enumerate(words.QUEUES):
            self.rows["owners"].append(
                {
                    "id": owner_id(len(words.OWNERS) + place),
                    "email": f"{name.lower()}@{words.OWN_DOMAIN}",
                    "type": "QUEUE",
                    "firstName": name,
                    "lastName": "",
                    "userId": None,
                    "userIdIncludingInactive": None,
                    "createdAt": born,
                    "updatedAt": born,
                    "archived": False,
                }
            )

    def _company(self, one: Person) -> int | None:
        if one.account is None:
            return None
        known = self._companies.get(one.account)
        if known is None:
            account = self.year.accounts[one.account]
            known = self._companies[one.account] = len(self.rows["companies"])
            values = {
                "name": account.name,
                "domain": account.domain,
                "website": f"https://www.{account.domain}",
                "country": account.country,
                "industry": words.INDUSTRIES[account.industry][3],
                "numberofemployees": "" if account.employees is None else str(account.employees),
                "lifecyclestage": "customer" if account.customer else "lead",
                "hubspot_owner_id": owner_id(one.account % words.ACTIVE_OWNERS),
            }
            at = max(self.year.now - 380 * DAY, one.created - DAY)
            self.rows["companies"].append({"at": at, "properties": values})
        return known

    def _person(self, one: Person) -> None:
        place = self._contacts[one.number] = len(self.rows["contacts"])
        values = {
            "firstname": one.first,
            "lastname": one.last,
            "email": one.email.lower(),
            "jobtitle": self._title(one),
            "company": one.company,
            "country": one.country,
            "lifecyclestage": _LIFECYCLE[one.status],
            "hs_lead_status": self._status(one),
            "unqualified_reason": one.reason,
            "hs_email_optout": "true" if one.opted_out else "false",
            "hs_analytics_source": _SOURCES.get(one.source, "DIRECT_TRAFFIC"),
            "lead_source_detail": one.source,
            "hubspot_owner_id": "" if one.owner is None else owner_id(one.owner),
        }
        if one.deal is not None and one.deal.stage == "won":
            values["lifecyclestage"] = "customer"
        row: Row = {"at": one.created, "properties": values}
        if one.status_at:
            row["changed"] = one.status_at
        self.rows["contacts"].append(row)
        company = self._company(one)
        if company is not None:
            self.rows["ties"].append(["contacts", place, "companies", company])
        if one.deal is not None and not one.sales:
            self._deal(one.deal, place, company)

    def _status(self, one: Person) -> str:
        return _WORKING[one.number % 4] if one.status == "working" else _STATUS[one.status]

    def _title(self, one: Person) -> str:
        """People of both systems often have their title spelt otherwise here."""
        if not one.sales or self._luck.random() < 0.5:
            return one.title
        for ours, other in words.OTHER_SPELLINGS:
            if ours in one.title:
                return one.title.replace(ours, other)
        return one.title.lower()

    def _twins(self) -> None:
        """Some people are here twice, under another address or none."""
        contacts = self.rows["contacts"]
        for number, row in enumerate(contacts[:: max(1, len(contacts) // 25)]):
            local, at, domain = row["properties"]["email"].partition("@")
            other = f"{local}+news{at}{domain}" if number % 2 and at else ""
            again = {"email": other, "jobtitle": "", "hubspot_owner_id": "", "hs_lead_status": ""}
            contacts.append({"at": row["at"], "properties": row["properties"] | again})

    def _deal(self, deal: Deal, contact: int, company: int | None) -> None:
        place = len(self.rows["deals"])
        stage = {"won": "closedwon", "lost": "closedlost"}.get(deal.stage, _STEPS[deal.step])
        changed = deal.closed if deal.stage != "open" else deal.created + 5 * DAY
        values = {
            "dealname": f"{self.year.people[deal.person].company or 'Private'} - planner",
            "amount": str(deal.amount),
            "closedate": self._iso(deal.closed),
            "dealstage": stage,
            "pipeline": "default",
            "closed_lost_reason": deal.reason,
            "hubspot_owner_id": owner_id(deal.owner),
        }
        row = {"at": deal.created, "changed": min(changed, self.year.now), "properties": values}
        self.rows["deals"].append(row)
        self.rows["ties"].append(["deals", place, "contacts", contact])
        if company is not None:
            self.rows["ties"].append(["deals", place, "companies", company])

    # --- what happened --------------------------------------------------------------------------

    def _make_forms(self) -> None:
        for place, name in enumerate((*words.HAND_RAISES, "newsletter", *words.ASSETS)):
            guid = f"78c2891f-ebdd-44c0-bd94-{place + 1:012x}"
            self._forms[name] = guid
            self.rows["submissions"][guid] = []
            self.rows["forms"].append(
                {
                    "id": guid,
                    "name": name,
                    "formType": "hubspot",
                    "createdAt": "2020-01-01T09:00:00.000Z",
                    "updatedAt": "2020-01-01T09:00:00.000Z",
                    "archived": False,
                    "fieldGroups": [],
                }
            )

    def _act(self, act: Act) -> None:
        if act.type == "page_view":
            self._view(act)
        elif act.type in _MAIL_TYPES:
            self._mail(act)
        elif act.type in {"download", "form_submit"}:
            self._submission(act)

    def _view(self, act: Act) -> None:
        self._views[act.person] = self._views.get(act.person, 0) + 1
        events = self.rows["events"]
        events.append(
            {
                "id": f"e-{len(events):08}",
                "eventType": "e_visited_page",
                "objectId": self._contacts[act.person],
                "at": act.at // 1000,
                "properties": {
                    "hs_url": _SITE + act.what,
                    "hs_url_path": act.what,
                    "hs_url_domain": f"www.{words.OWN_DOMAIN}",
                    "hs_session_id": f"s-{act.group}",
                    "hs_title": act.what.strip("/").title() or "Home",
                },
            }
        )

    def _mail(self, act: Act) -> None:
        mails = self.rows["mails"]
        event: Row = {
            "id": f"m-{len(mails):08}",
            "created": act.at // 1000,
            "type": _MAIL_TYPES[act.type],
            "recipient": self.year.people[act.person].email.lower(),
            "appId": 113,
            "appName": "Batch",
            "emailCampaignId": 21_000_000 + words.MAILINGS.index(act.what),
            "emailCampaignGroupId": 31_000_000 + words.MAILINGS.index(act.what),
            "subject": act.what,
            "sentBy": {"id": f"sent-{act.group}", "created": act.at // 1000},
        }
        if act.type == "machine_open":
            event["filteredEvent"] = True
        if act.type == "email_click":
            event["url"] = f"{_SITE}/product/planner"
        mails.append(event)

    def _submission(self, act: Act, at: Micros | None = None) -> None:
        one = self.year.people[act.person]
        page = f"/{act.what.replace(' ', '-')}"
        sent = self.rows["submissions"][self._forms[act.what]]
        sent.append(
            {
                "conversionId": f"c-{one.number}-{len(sent)}",
                "submittedAt": (at or act.at) // 1000,
                "pageUrl": _SITE + page,
                "values": [
                    {"name": "email", "value": one.email, "objectTypeId": "0-1"},
                    {"name": "lastname", "value": one.last, "objectTypeId": "0-1"},
                ],
            }
        )

    def _future(self) -> None:
        """A visitor's clock ran ahead: a page view and a form from tomorrow and from a far year."""
        number = next(iter(self._contacts), None)
        if number is None:
            return
        for ahead in (20 * HOUR, 3650 * DAY):
            at = self.year.now + ahead
            self._view(Act(at, number, "page_view", "/pricing", 0))
            self._submission(Act(at, number, "form_submit", "newsletter", 0))

    # --- spelling -------------------------------------------------------------------------------

    def _iso(self, at: Micros) -> str:
        return to_datetime(at // SECOND * SECOND).isoformat().replace("+00:00", "Z")
