"""What the practice company's marketing does meanwhile, and what people do in answer, over HTTP.

New people come in through HubSpot, whose own sync makes them leads in Salesforce; people known to
both read pages, ask for papers and now and then for a demo. Page views and forms are visitors'
doing, which no client may write, so they go in behind the curtain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from connector.demo.servers import HubSpot, Salesforce
from connector.domain.moment import MINUTE, SECOND, Micros
from connector.practice.company import words

_OPEN = "SELECT Id, Email FROM Lead WHERE IsConverted = false AND Email != null"
_SITE = f"https://www.{words.OWN_DOMAIN}"


class Contact(NamedTuple):
    """Somebody both systems know."""

    id: str
    email: str


@dataclass
class Marketing:
    """A marketing team; `came` counts the new people it has brought."""

    portal: HubSpot
    org: Salesforce
    luck: Random
    shunned: frozenset[str] = frozenset()
    """Titles that the org's own rules take no leads of."""
    came: int = 0
    _known: list[Contact] = field(default_factory=list)
    _forms: dict[str, str] = field(default_factory=dict)
    _events: int = 0

    def look_around(self) -> None:
        """Find out who is in both systems, and which forms there are."""
        leads = {str(row["Email"]).lower() for row in self.org.query(_OPEN)}
        for row in self.portal.contacts():
            email = str(row["properties"].get("email") or "").lower()
            if email in leads:
                self._known.append(Contact(row["id"], email))
        self._forms = {form["name"]: form["id"] for form in self.portal.forms()}

    def work(self, since: Micros, now: Micros, *, new: int, warm: int, fair: bool = False) -> None:
        """Bring `new` people in and warm up as many of those known, between two moments.

        Whoever comes from a fair looks around on the site as well.
        """
        came = self._bring(new)
        audience = self.luck.sample(self._known, min(warm, len(self._known)))
        audience += came if fair else []
        events: list[dict[str, Any]] = []
        sent: dict[str, list[dict[str, Any]]] = {}
        for one in audience:
            at = since + int((now - since) * self.luck.uniform(0.05, 0.9))
            self._visit(one, at, now, events)
            self._ask(one, at + 3 * MINUTE, sent)
        self.portal.steer("load", {"events": events, "submissions": sent})

    def _bring(self, count: int) -> list[Contact]:
        people = [self._person() for _ in range(count)]
        if not people:
            return []
        made = self.portal.create("contacts", [one[0] for one in people])
        self.org.save("Lead", [one[1] for one in people], create=True)
        came = [
            Contact(ident, contact["email"])
            for ident, (contact, _) in zip(made, people, strict=True)
        ]
        self._known += came
        return came

    def _person(self) -> tuple[dict[str, str], dict[str, Any]]:
        self.came += 1
        luck = self.luck
        first, last = luck.choice(words.FIRST), luck.choice(words.LAST)
        titles = [one for one in words.TITLES if one[0] not in self.shunned]
        title = luck.choices([t[0] for t in titles], [t[2] for t in titles])[0]
        industry = luck.choice(words.INDUSTRIES[:6])[0]
        company = f"{luck.choice(words.COMPANY_FRONT)} {luck.choice(words.COMPANY_BACK)}"
        email = f"new.{self.came}@{company.lower().replace(' ', '-')}-n{self.came}.example"
        country = luck.choices([c[0] for c in words.COUNTRIES[:9]])[0]
        contact = {
            "firstname": first,
            "lastname": last,
            "email": email,
            "jobtitle": title,
            "company": company,
            "country": country,
        }
        lead = {
            "FirstName": first,
            "LastName": last,
            "Email": email,
            "Title": title,
            "Company": company,
            "Country": country,
            "Industry": industry,
            "NumberOfEmployees": int(10 ** luck.uniform(1.5, 4)),
            "LeadSource": "Web",
            "OwnerId": self.org.queue(words.QUEUES[0]),
        }
        return contact, lead

    def _visit(self, one: Contact, at: Micros, now: Micros, events: list[dict[str, Any]]) -> None:
        luck = self.luck
        for _ in range(luck.randint(1, 4)):
            page = "/pricing" if luck.random() < 0.4 else luck.choice(words.PAGES)[0]
            self._events += 1
            events.append(
                {
                    "id": f"w-{self._events:08}",
                    "eventType": "e_visited_page",
                    "objectId": one.id,
                    "at": at // 1000,
                    "properties": {
                        "hs_url": _SITE + page,
                        "hs_url_path": page,
                        "hs_session_id": f"w-{at}",
                    },
                }
            )
            at = min(at + luck.randint(20, 200) * SECOND, now - SECOND)

    def _ask(self, one: Contact, at: Micros, sent: dict[str, list[dict[str, Any]]]) -> None:
        chance = self.luck.random()
        if chance > 0.45:
            return
        name = self.luck.choice(words.HAND_RAISES if chance < 0.08 else words.ASSETS)
        self._events += 1
        sent.setdefault(self._forms[name], []).append(
            {
                "conversionId": f"w-{self._events:08}",
                "submittedAt": at // 1000,
                "pageUrl": f"{_SITE}/{name.replace(' ', '-')}",
                "values": [{"name": "email", "value": one.email, "objectTypeId": "0-1"}],
            }
        )
