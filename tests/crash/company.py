"""Invents a company's year: people, accounts, owners, engagement, deals and what sales said.

Everything follows from a seed and the moment the year ends. How well a person fits and how much a
person wants to buy are drawn first; activities and outcomes follow from them with luck on top, so
that a sensible model has something to find and none can be perfect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from connector.domain.moment import DAY, HOUR, MINUTE, SECOND, Micros, format_iso

PEOPLE = 2_400
ACCOUNTS = 420
_FIRST = [
    "Ada",
    "Ben",
    "Chloé",
    "Dmitri",
    "Elif",
    "Farid",
    "Grace",
    "Hugo",
    "Inès",
    "Jonas",
    "Kofi",
    "Lena",
    "Mateo",
    "Nora",
    "Omar",
    "Priya",
]
_LAST = [
    "Adler",
    "Brun",
    "Costa",
    "Diaz",
    "Evans",
    "Fischer",
    "Garcia",
    "Haas",
    "Ito",
    "Jansen",
    "Kaya",
    "Lopez",
    "Moreau",
    "Nair",
    "Ortiz",
]
_INDUSTRIES = (
    "Software",
    "Manufacturing",
    "Logistics",
    "Retail",
    "Finance",
    "Education",
    "Farming",
)
_COUNTRIES = ("de", "fr", "gb", "us", "nl", "es")
_TITLES = (
    ("CEO", 1.0), ("VP Operations", 0.95), ("COO", 0.95), ("Director of IT", 0.8),
    ("Head of Logistics", 0.8), ("Leiter Einkauf", 0.7), ("Operations Manager", 0.6),
    ("IT Manager", 0.55), ("Purchasing Manager", 0.55), ("Software Engineer", 0.3),
    ("Marketing Specialist", 0.25), ("Accountant", 0.2), ("Assistant", 0.1), ("Student", 0.0),
)  # fmt: skip
_ASSETS = ("roi-guide", "planning-book", "security-paper", "case-study")
_CAMPAIGNS = ("spring-fair", "webinar-series", "search-ads", "newsletter", "partner-mail")
_REASONS = ("no_budget", "bad_timing", "no_authority", "no_contact", "not_icp_size")
_OWNERS = (
    "anna",
    "ben",
    "carla",
    "dan",
    "eva",
    "finn",
    "gina",
    "hans",
    "ivy",
    "jack",
    "old1",
    "old2",
)


@dataclass
class Company:
    """The year as rows, by file."""

    people: list[dict[str, Any]] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    owners: list[dict[str, Any]] = field(default_factory=list)
    opportunities: list[dict[str, Any]] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)


def invent(seed: int, end: Micros) -> Company:
    """Make the year that ends at `end`; the same seed and end give the same year."""
    luck = Random(seed)
    company = Company()
    _owners(company)
    sizes = _accounts(company, luck)
    for number in range(PEOPLE):
        _person(company, luck, number, sizes, end)
    _twins(company, luck)
    company.activities.sort(key=lambda row: (row["time"], row["id"]))
    return company


def _owners(company: Company) -> None:
    for name in _OWNERS:
        company.owners.append(
            {
                "id": name,
                "name": name.title(),
                "email": f"{name}@acme.example",
                "active": "false" if name.startswith("old") else "true",
                "type": "user",
            }
        )
    company.owners.append(
        {"id": "inbound", "name": "Inbound", "email": "", "active": "true", "type": "queue"}
    )


def _accounts(company: Company, luck: Random) -> list[float]:
    """Make the accounts; gives how well each fits, 0 to 1."""
    fits = []
    for number in range(ACCOUNTS):
        employees = int(10 ** luck.uniform(0.7, 4.2))
        industry = luck.choice(_INDUSTRIES)
        size = 1.0 if 501 <= employees <= 5000 else 0.6 if 51 <= employees <= 500 else 0.2
        fits.append(0.7 * size + 0.3 * (industry in _INDUSTRIES[:5]))
        company.accounts.append(
            {
                "id": f"a{number:04}",
                "name": f"Company {number}",
                "domain": f"company{number}.example",
                "employees": employees if luck.random() < 0.9 else "",
                "industry": industry,
                "country": luck.choice(_COUNTRIES),
                "customer": "true" if luck.random() < 0.04 else "false",
            }
        )
    return fits


def _person(company: Company, luck: Random, number: int, sizes: list[float], end: Micros) -> None:
    account = luck.randrange(ACCOUNTS)
    title, rank = luck.choices(_TITLES, weights=[1, 3, 1, 3, 3, 3, 6, 6, 5, 12, 8, 8, 8, 6])[0]
    private = luck.random() < 0.12
    created = end - int(luck.uniform(1, 364) * DAY)
    want = luck.betavariate(1.2, 4)
    first, last = luck.choice(_FIRST), luck.choice(_LAST)
    domain = "gmail.com" if private else f"company{account}.example"
    if luck.random() < 0.01:
        domain = luck.choice(["rival.example", "acme.example"])
    row = {
        "id": f"p{number:05}",
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{number}@{domain}".lower().replace("é", "e").replace("è", "e"),
        "title": title if luck.random() < 0.92 else "",
        "account": "" if private else f"a{account:04}",
        "country": company.accounts[account]["country"],
        "source": luck.choice(_CAMPAIGNS),
        "created": format_iso(created // SECOND * SECOND),
        "opted_out": "true" if luck.random() < 0.06 else "false",
        "status": "New",
        "reason": "",
        "status_at": "",
        "owner": "",
    }
    company.people.append(row)
    _engagement(company, luck, row["id"], created, want, end)
    fit = 0.5 * rank + 0.5 * (0.1 if private else sizes[account])
    _outcome(company, luck, row, created, fit * 0.55 + want * 0.9, end)


# --- what people do ------------------------------------------------------------------------------


def _engagement(
    company: Company, luck: Random, person: str, created: Micros, want: float, end: Micros
) -> None:
    for _ in range(min(40, int(luck.expovariate(1 / (1.5 + 14 * want))))):
        at = created + int((end - created) * luck.random() ** 0.7)
        _visit(company, luck, person, at, want)
    if luck.random() < 0.15 + 0.5 * want:
        at = created + int((end - created) * luck.random())
        _add(company, person, "download", at, asset=luck.choice(_ASSETS))
    if luck.random() < 0.02 + 0.25 * want**2:
        at = created + int((end - created) * luck.random())
        form = luck.choice(["demo", "contact sales", "newsletter", "newsletter"])
        _add(company, person, "form_submit", at, form=form)
    if luck.random() < 0.5:
        _mailing(company, luck, person, created, want, end)


def _visit(company: Company, luck: Random, person: str, at: Micros, want: float) -> None:
    visit = f"v{len(company.activities)}"
    pages = ["/", "/product/planner", "/blog/planning", "/product/api", "/careers"]
    for page in range(luck.randint(1, 3)):
        url = "/pricing" if luck.random() < 0.35 * want else luck.choice(pages)
        _add(company, person, "page_view", at + page * 2 * MINUTE, url=url, visit=visit)


def _mailing(
    company: Company, luck: Random, person: str, created: Micros, want: float, end: Micros
) -> None:
    sent = created + int((end - created) * luck.random())
    mail = f"m{len(company.activities)}"
    campaign = luck.choice(_CAMPAIGNS)
    _add(company, person, "email_sent", sent, campaign=campaign, message=mail)
    if luck.random() < 0.05:  # a scanner opens and clicks everything within a second or two
        _add(company, person, "email_open", sent + SECOND, campaign=campaign, message=mail)
        _add(company, person, "email_click", sent + 2 * SECOND, campaign=campaign, message=mail)
    elif luck.random() < 0.3 + 0.4 * want:
        at = sent + int(luck.expovariate(1 / (6 * HOUR)))
        _add(company, person, "email_open", at, campaign=campaign, message=mail)
        if luck.random() < 0.3 * want:
            _add(company, person, "email_click", at + MINUTE, campaign=campaign, message=mail)


def _add(company: Company, person: str, kind: str, at: Micros, **columns: str) -> None:
    company.activities.append(
        {
            "id": f"e{len(company.activities):06}",
            "person": person,
            "type": kind,
            "time": format_iso(at // SECOND * SECOND),
            **columns,
        }
    )


# --- what sales does -----------------------------------------------------------------------------


def _outcome(
    company: Company, luck: Random, row: dict[str, Any], created: Micros, pull: float, end: Micros
) -> None:
    """In the past of this company leads were thrown over the fence: many went to sales unasked."""
    if luck.random() > 0.25 + 0.5 * pull or end - created < 20 * DAY:
        return
    given = created + int(luck.uniform(1, 15) * DAY)
    row["owner"] = luck.choice(_OWNERS)
    row["status"], row["status_at"] = "Working", format_iso(given // SECOND * SECOND)
    said = given + int(luck.uniform(1, 20) * DAY)
    if said >= end:
        return
    row["status_at"] = format_iso(said // SECOND * SECOND)
    if luck.random() > pull:
        row["status"] = luck.choice(["Rejected", "Rejected", "Not ready", "Working"])
        row["reason"] = luck.choice(_REASONS) if row["status"] != "Working" else ""
        return
    row["status"] = "Qualified"
    closed = said + int(luck.uniform(10, 80) * DAY)
    won = luck.random() < 0.15 + 0.5 * pull
    stage = "Open" if closed >= end else "Won" if won else "Lost"
    company.opportunities.append(
        {
            "id": f"o{len(company.opportunities):04}",
            "person": row["id"],
            "account": row["account"],
            "owner": row["owner"],
            "stage": stage,
            "amount": round(luck.lognormvariate(9.5, 0.7)),
            "created": row["status_at"],
            "closed": "" if stage == "Open" else format_iso(closed // SECOND * SECOND),
            "reason": luck.choice(_REASONS) if stage == "Lost" else "",
        }
    )


def _twins(company: Company, luck: Random) -> None:
    """Some people stand in the list twice, as they do everywhere."""
    for number, row in enumerate(luck.sample(company.people, 40)):
        blank = dict.fromkeys(("title", "reason", "status_at", "owner"), "")
        again = {"id": f"d{number:03}", "email": row["email"].upper(), "status": "New"}
        company.people.append({**row, **blank, **again})
