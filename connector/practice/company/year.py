"""Invents the year behind both CRMs: who people are, what they did, what sales made of them.

How well a person fits and how much a person wants to buy are drawn first; activities and outcomes
follow from them with luck on top, so that a sensible model has something to find and none can be
perfect. Everything follows from the seed, the number of people and the moment the year ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple
from unicodedata import normalize

from connector.domain.moment import DAY, HOUR, MINUTE, SECOND, Micros
from connector.practice.company import words

_BUSY_HOURS = (1, 0, 0, 0, 0, 1, 3, 10, 22, 30, 32, 28, 20, 24, 30, 30, 26, 18, 8, 5, 5, 4, 3, 1)
_HOURS = list(accumulate(_BUSY_HOURS))
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
_TITLES = list(accumulate(weight for *_, weight in words.TITLES))
_COUNTRIES = list(accumulate(weight for _, weight in words.COUNTRIES))
_SOURCES = list(accumulate(weight for _, weight in words.SOURCES))
_PAGES = list(accumulate(weight for _, weight in words.PAGES))
_INDUSTRIES = list(accumulate(one[1] for one in words.INDUSTRIES))


class Account(NamedTuple):
    """A company people work for. `industry` is a place in words.INDUSTRIES."""

    name: str
    domain: str
    employees: int | None
    industry: int
    country: str
    fit: float
    customer: bool


class Act(NamedTuple):
    """Something a person did, or had done to them. `what` is a page, form, asset or mailing;
    `group` ties the pages of a visit or the events of a mail."""

    at: Micros
    person: int
    type: str
    what: str
    group: int


@dataclass(slots=True)
class Deal:
    """An opportunity. `closed` is when it was won or lost, or is hoped to be."""

    person: int
    amount: int
    created: Micros
    closed: Micros
    stage: str
    """open, won or lost."""
    step: int
    """How far an open or lost one has come, 0 to 4."""
    reason: str
    owner: int


@dataclass(slots=True)
class Person:
    """One human being, in one system or both."""

    number: int
    first: str
    last: str
    email: str
    title: str
    account: int | None
    company: str
    country: str
    created: Micros
    source: str
    fit: float
    want: float
    marketing: bool
    sales: bool
    opted_out: bool
    contact: bool = False
    """Sales knew this one as a contact from the first day."""
    status: str = "new"
    """new, working, rejected, later or converted."""
    status_at: Micros = 0
    given: Micros = 0
    owner: int | None = None
    reason: str = ""
    deal: Deal | None = None


@dataclass(slots=True)
class Year:
    """The whole of it. `acts` are in order of time."""

    now: Micros
    accounts: list[Account] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    luck: Random = field(default_factory=lambda: Random(0))  # noqa: S311  an invention

    def deals(self) -> list[Deal]:
        """All deals, in the order of their people."""
        return [one.deal for one in self.people if one.deal is not None]


def invent(seed: int, people: int, now: Micros) -> Year:
    """Make the year that ends at `now`; the same arguments give the same year."""
    year = Year(now // SECOND * SECOND, luck=Random(seed))  # noqa: S311  an invention
    _accounts(year, max(5, round(people * 0.18)))
    for number in range(people):
        _person(year, number)
    _spoil(year)
    for one in year.people:
        if one.sales or one.marketing:
            _sales(year, one)
        _engagement(year, one)
    year.acts.sort()
    return year


def working_moment(luck: Random, low: Micros, high: Micros) -> Micros:
    """A moment in [low, high) as offices keep hours: seldom at night or on a weekend."""
    at = low + int((high - low) * luck.random())
    day = at // DAY
    weekday = (day + _EPOCH_WEEKDAY) % 7
    if weekday > 4 and luck.random() < 0.85:
        day += 7 - weekday if luck.random() < 0.5 else 4 - weekday
    hour = luck.choices(range(24), cum_weights=_HOURS)[0]
    shaped = day * DAY + hour * HOUR + int(luck.random() * 3600) * SECOND
    return shaped if low <= shaped < high else at // SECOND * SECOND


def pick(luck: Random, several: Sequence[Any], cumulated: Sequence[int]) -> Any:
    """One of several, by weight."""
    return luck.choices(several, cum_weights=cumulated)[0]


# --- who there is ---------------------------------------------------------------------------------


def _accounts(year: Year, count: int) -> None:
    luck = year.luck
    for number in range(count):
        employees = int(10 ** luck.triangular(0.5, 4.9, 2.5))
        industry = luck.choices(range(len(words.INDUSTRIES)), cum_weights=_INDUSTRIES)[0]
        size = 1.0 if 501 <= employees <= 5000 else 0.6 if 51 <= employees <= 500 else 0.2
        name = f"{luck.choice(words.COMPANY_FRONT)} {luck.choice(words.COMPANY_BACK)}"
        year.accounts.append(
            Account(
                f"{name} {luck.choice(words.LEGAL)}",
                f"{name.lower().replace(' ', '-')}-{number}.example",
                employees if luck.random() < 0.9 else None,
                industry,
                pick(luck, words.COUNTRIES, _COUNTRIES)[0],
                0.7 * size + 0.3 * words.INDUSTRIES[industry][2],
                luck.random() < 0.06,
            )
        )


def _person(year: Year, number: int) -> None:
    luck, now = year.luck, year.now
    first, last = luck.choice(words.FIRST), luck.choice(words.LAST)
    title, rank = _title(year)
    alone = luck.random() < 0.12
    place = None if alone else int(len(year.accounts) * luck.random() ** 1.4)
    account = year.accounts[place] if place is not None else None
    where = luck.random()
    domain = account.domain if account else luck.choice(words.FREE_MAIL)
    if luck.random() < 0.012:
        domain = luck.choice((*words.COMPETITORS, words.OWN_DOMAIN))
    fit = 0.5 * rank + 0.5 * (account.fit if account else 0.05)
    year.people.append(
        Person(
            number,
            first,
            last,
            f"{_plain(first)}.{_plain(last)}.{number}@{domain}",
            title if luck.random() < 0.93 else "",
            place,
            account.name if account else "",
            account.country if account else pick(luck, words.COUNTRIES, _COUNTRIES)[0],
            working_moment(luck, now - 364 * DAY, now - HOUR),
            pick(luck, words.SOURCES, _SOURCES)[0],
            0.0 if title in {"Student", "Intern"} else fit,
            luck.betavariate(1.2, 4.2),
            marketing=where < 0.66,
            sales=where > 0.54,
            opted_out=luck.random() < 0.06,
            contact=account is not None and luck.random() < 0.38,
        )
    )


def _title(year: Year) -> tuple[str, float]:
    luck = year.luck
    if luck.random() < 0.08:
        level, rank = luck.choice(words.RARE_LEVELS)
        return f"{level} {luck.choice(words.RARE_FIELDS)}", rank
    title, rank, _ = pick(luck, words.TITLES, _TITLES)
    return title, rank


def _plain(name: str) -> str:
    return "".join(
        letter
        for letter in normalize("NFKD", name.lower().replace("ł", "l").replace("ø", "o"))
        if letter.isascii() and letter.isalnum()
    )


def _spoil(year: Year) -> None:
    """Give some people, spread over both systems, what every real CRM holds."""
    step = max(1, len(year.people) // (len(words.HOSTILE) + 1))
    for place, (first, last, title, company, email) in enumerate(words.HOSTILE):
        number = step * (place + 1)
        if number >= len(year.people):
            return
        one = year.people[number]
        one.first, one.last = first, last
        one.title = one.title if title is None else title
        one.company = one.company if company is None else company
        one.email = one.email if email is None else email


# --- what sales did -------------------------------------------------------------------------------


def _sales(year: Year, one: Person) -> None:
    """In the past of this company leads were thrown over the fence: many went to sales unasked."""
    luck, now = year.luck, year.now
    pull = one.fit * 0.55 + one.want * 0.9
    asked = 0.45 + 0.4 * pull if one.sales else 0.04 + 0.25 * pull
    if luck.random() > asked or now - one.created < 8 * DAY:
        return
    one.given = working_moment(luck, one.created, min(now, one.created + 15 * DAY))
    one.owner = int(len(words.OWNERS) * luck.random())
    said = one.given + int(luck.uniform(1, 25) * DAY)
    one.status, one.status_at = "working", one.given
    if said >= now:
        return
    said = working_moment(luck, said, min(now, said + 2 * DAY))
    if luck.random() > pull * 0.8:
        one.status = luck.choice(("rejected", "rejected", "rejected", "later", "working"))
        if one.status != "working":
            one.status_at, one.reason = said, luck.choice(words.REJECTED)
        return
    one.status, one.status_at = "converted", said
    closed = said + int(luck.uniform(10, 110) * DAY)
    lucky = luck.random() < 0.08 + 0.62 * pull
    stage = "open" if closed >= now else "won" if lucky else "lost"
    one.deal = Deal(
        one.number,
        round(luck.lognormvariate(9.3 + 0.5 * one.fit, 0.7)),
        said,
        closed // DAY * DAY + 16 * HOUR,
        stage,
        luck.randrange(5),
        luck.choice(words.LOST) if stage == "lost" else "",
        one.owner,
    )


# --- what people did ------------------------------------------------------------------------------


def _engagement(year: Year, one: Person) -> None:
    if one.marketing:
        _web(year, one)
        _mails(year, one)
    if one.sales:
        _touches(year, one)


def _later(luck: Random, one: Person, now: Micros) -> Micros:
    """Some time after a person came; those who want to buy are busier of late."""
    begin = one.created + int((now - one.created) * 0.6 * one.want * luck.random())
    return working_moment(luck, begin, now)


def _web(year: Year, one: Person) -> None:
    luck, acts, want = year.luck, year.acts, one.want
    for _ in range(min(14, int(luck.expovariate(1 / (0.7 + 6.6 * want))))):
        at, visit = _later(luck, one, year.now), len(acts)
        for _page in range(1 + int(3 * luck.random())):
            page = "/pricing" if luck.random() < 0.4 * want else pick(luck, words.PAGES, _PAGES)[0]
            acts.append(Act(at, one.number, "page_view", page, visit))
            at += int(20 + 200 * luck.random()) * SECOND
    if luck.random() < 0.12 + 0.5 * want:
        act = Act(_later(luck, one, year.now), one.number, "download", luck.choice(words.ASSETS), 0)
        acts.append(act)
    if luck.random() < 0.01 + 0.3 * want * want:
        form = luck.choice(words.HAND_RAISES)
        acts.append(Act(_later(luck, one, year.now), one.number, "form_submit", form, 0))
    if luck.random() < 0.12:
        acts.append(Act(one.created, one.number, "form_submit", "newsletter", 0))


def _mails(year: Year, one: Person) -> None:
    luck, acts, now = year.luck, year.acts, year.now
    if one.opted_out or not one.email:
        return
    for _ in range(int(luck.expovariate(1 / 2.9))):
        sent = working_moment(luck, one.created, now)
        mail, campaign, who = len(acts), luck.choice(words.MAILINGS), one.number
        acts.append(Act(sent, who, "email_sent", campaign, mail))
        chance = luck.random()
        if chance < 0.02:
            acts.append(Act(sent + 20 * SECOND, who, "email_bounce", campaign, mail))
        elif chance < 0.07:  # a scanner opens and clicks everything within a second or two
            acts.append(Act(sent + SECOND, who, "machine_open", campaign, mail))
            acts.append(Act(sent + 2 * SECOND, who, "email_click", campaign, mail))
        elif chance < 0.28 + 0.35 * one.want:
            at = sent + int(luck.expovariate(1 / 6) * HOUR) // SECOND * SECOND
            if at >= now:
                continue
            acts.append(Act(at, who, "email_open", campaign, mail))
            if luck.random() < 0.1 + 0.4 * one.want and at + MINUTE < now:
                acts.append(Act(at + MINUTE, who, "email_click", campaign, mail))


def _touches(year: Year, one: Person) -> None:
    """What stands in Salesforce: campaigns, tasks, calls, meetings."""
    luck, acts, now, want = year.luck, year.acts, year.now, one.want
    for place, (_, _, share) in enumerate(words.CAMPAIGNS):
        if luck.random() < share:
            at = working_moment(luck, one.created, now)
            answered = luck.random() < 0.15 + 0.8 * want
            acts.append(Act(at, one.number, "responded" if answered else "invited", str(place), 0))
    if not one.given:
        return
    for _ in range(1 + int(luck.expovariate(1 / (1.2 + 3 * want)))):
        at = working_moment(luck, one.given, min(now + 5 * DAY, one.given + 60 * DAY))
        kind = luck.choice(("call", "call", "email", "task"))
        acts.append(Act(at, one.number, kind, "", 0))
    if one.status == "converted" or luck.random() < 0.5 * want:
        for _ in range(1 + int(2 * luck.random())):
            at = working_moment(luck, one.given, min(now + 20 * DAY, one.given + 90 * DAY))
            acts.append(Act(at, one.number, "meeting", "", 0))
