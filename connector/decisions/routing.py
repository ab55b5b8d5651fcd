"""Who gets a sales-ready lead, and why: precedence, ordered rules, fair turns, a fallback.

Turns are smooth weighted round robin: each time, every member who could take the lead gains his
weight in credit, and the one with most credit takes it and pays the sum; balanced by value, gains
and price are multiplied by what the lead is expected to bring. Somebody who is away, off work or
full gains nothing, so he comes back to no pile of leads.

Who is away gets no new lead by precedence or by name either; a record that is his already stays so,
and so does what the fallback gives him, for nobody is left to ask then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from connector.decisions.conditions import Rules, compiled
from connector.decisions.routing_document import FieldTest, Member, Partner, Routing, Target
from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.domain.text import normalise

_BARRED = "said no before, or let it lie"


class Owner(NamedTuple):
    """Somebody or something that can own a lead in the CRM; `key` is `connection/id`.

    `away` is how the CRM shows an absence.
    """

    key: str
    login: str
    name: str
    active: bool
    queue: bool = False
    away: bool = False


class Lead(NamedTuple):
    """What routing looks at. Owners are keys; `held_since` is set while it waits for capacity.

    `value` is what the lead is expected to bring, in any unit that is the same for all.
    """

    facts: Mapping[str, Scalar]
    current_owner: str | None = None
    opportunity_owner: str | None = None
    account_owner: str | None = None
    last_owner: str | None = None
    rejected_by: str | None = None
    held_since: Micros | None = None
    value: float = 1.0
    barred: frozenset[str] = frozenset()
    """Owners who said no to this person before, or let the person lie."""


class Routed(NamedTuple):
    """Where a lead goes; `owner` None means that nobody can take it now and it is held.

    `skipped` says of each candidate passed over why he was. `waits` tells a pool in which somebody
    could take the lead later from one in which nobody ever could.
    """

    owner: str | None
    rule: str
    pool: str | None
    skipped: tuple[str, ...]
    waits: bool = False
    partner: Partner | None = None
    """Set for a member who is asked first."""


@dataclass
class Desk:
    """What changes while leads are handed out: credit by pool and owner, and loads by owner."""

    credit: dict[tuple[str, str], float] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    today: dict[str, int] = field(default_factory=dict)
    week: dict[str, int] = field(default_factory=dict)

    def take(self, owner: str) -> None:
        """Count one more lead for the owner."""
        for count in (self.open, self.today, self.week):
            count[owner] = count.get(owner, 0) + 1


class Router:
    """Routes leads one after another; the order they come in is the order they are served."""

    def __init__(self, routing: Routing, owners: Iterable[Owner], desk: Desk) -> None:
        self._routing = routing
        self._by_key: dict[str, Owner] = {}
        self._by_word: dict[str, Owner] = {}
        for owner in owners:
            self._by_key[owner.key] = owner
            for word in (owner.key, owner.key.partition("/")[2], owner.name, owner.login):
                known = self._by_word.get(normalise(word))
                if word and (known is None or not known.active):
                    self._by_word[normalise(word)] = owner
        self.desk = desk
        self._rules = Rules(routing)
        self._named = {
            normalise(account): named.owner
            for named in routing.named_accounts
            for account in named.accounts
        }
        self._partners = {
            (name, member.owner): member.partner
            for name, pool in routing.pools.items()
            for member in pool.members
        }
        self._calendars = {
            (name, member.owner): member.calendar()
            for name, pool in routing.pools.items()
            for member in pool.members
        }

    def unknown_owners(self) -> list[str]:
        """Owners routing.yaml names that the CRM does not have, or has only as inactive."""
        words = [m.owner for pool in self._routing.pools.values() for m in pool.members]
        words += [named.owner for named in self._routing.named_accounts]
        for target in self._targets():
            words += [word for word in (target.owner, target.queue) if word is not None]
        found = {word: self._by_word.get(normalise(word)) for word in dict.fromkeys(words)}
        return [word for word, owner in found.items() if owner is None or not owner.active]

    def route(self, lead: Lead, now: Micros) -> Routed:
        """Choose the owner of one lead and count it as his."""
        skipped: list[str] = []
        kept = self._precedence(lead, skipped)
        if kept is not None:
            self.desk.take(kept.owner or "")
            return kept
        target, rule = self._rule(lead, skipped)
        routed = self._to(target, rule, lead, now, skipped)
        if routed.owner is None and routed.waits and self._routing.overflow is not None:
            if not self._waited(lead, now):
                return routed
            then = self._routing.overflow.then or self._routing.fallback
            routed = self._to(then, f"{rule}, overflow", lead, now, skipped)
        if routed.owner is None:
            routed = self._to(self._routing.fallback, "fallback", lead, now, skipped)
        if routed.owner is not None:
            self.desk.take(routed.owner)
        return routed

    def _targets(self) -> list[Target]:
        overflow = self._routing.overflow
        then = [overflow.then] if overflow and overflow.then else []
        return [*(rule.to for rule in self._routing.rules), self._routing.fallback, *then]

    def _precedence(self, lead: Lead, skipped: list[str]) -> Routed | None:
        """Somebody who has the person already keeps the person, in the order written down."""
        candidates = [("current owner", lead.current_owner)]
        named = {
            "open_opportunity_owner": ("open opportunity owner", lead.opportunity_owner),
            "named_account": ("named account", self._named_owner(lead)),
            "account_owner": ("account owner", lead.account_owner),
            "last_owner": ("last owner", lead.last_owner),
        }
        candidates += [named[word] for word in self._routing.precedence]
        for why, key in candidates:
            if key is None:
                continue
            owner = self._by_key.get(key)
            if owner is None or not owner.active:
                skipped.append(f"{key}: {why}, but not active")
            elif owner.queue:
                continue
            elif why == "last owner" and key == lead.rejected_by:
                skipped.append(f"{key}: last owner, but said no")
            elif why == "current owner":
                said = f"{why}, who is away" if owner.away else why
                return Routed(key, said, None, tuple(skipped))
            elif key in lead.barred:
                skipped.append(f"{key}: {why}, but {_BARRED}")
            elif owner.away:
                skipped.append(f"{key}: {why}, but away")
            else:
                return Routed(key, why, None, tuple(skipped))
        return None

    def _named_owner(self, lead: Lead) -> str | None:
        """The owner whose named accounts the lead's account is among."""
        if not self._named:
            return None
        for name in ("account.domain", "email_domain", "account.name", "company", "account.key"):
            value = lead.facts.get(name)
            word = self._named.get(normalise(value)) if isinstance(value, str) else None
            if word is not None:
                found = self._by_word.get(normalise(word))
                return found.key if found is not None else None
        return None

    def onward(self, target: Target, now: Micros, barred: frozenset[str]) -> str | None:
        """Give who owns a record next after sales said no or not ready; None when nobody can."""
        routed = self._to(target, "next owner", Lead({}, barred=barred), now, [])
        return routed.owner

    def _rule(self, lead: Lead, skipped: list[str]) -> tuple[Target, str]:
        """The first rule that holds; one whose owner is away leaves the lead to the next."""
        for rule in self._rules.holding(lead.facts):
            if (owner := self._away(rule.to)) is None:
                return rule.to, rule.name
            skipped.append(f"{owner}: named by the rule {rule.name}, but away")
        return self._routing.fallback, "fallback"

    def _away(self, target: Target) -> str | None:
        """The key of the one owner a target names, where he is away."""
        found = self._by_word.get(normalise(target.owner)) if target.owner else None
        return found.key if found is not None and found.active and found.away else None

    def _to(self, target: Target, rule: str, lead: Lead, now: Micros, skipped: list[str]) -> Routed:
        if target.pool is not None:
            owner, waits, partner = self._turn(target.pool, lead, now, skipped)
            return Routed(owner, rule, target.pool, tuple(skipped), waits, partner)
        word = target.owner or target.queue or ""
        found = self._by_word.get(normalise(word))
        if found is not None and found.key in lead.barred and not found.queue:
            skipped.append(f"{found.key}: {_BARRED}")
            return Routed(None, rule, None, tuple(skipped))
        if found is not None and found.away and target is not self._routing.fallback:
            skipped.append(f"{found.key}: away")
            return Routed(None, rule, None, tuple(skipped))
        if found is not None and found.active:
            return Routed(found.key, rule, None, tuple(skipped))
        skipped.append(f"{word}: not an active owner in the CRM")
        return Routed(None, rule, None, tuple(skipped))

    def _turn(
        self, name: str, lead: Lead, now: Micros, skipped: list[str]
    ) -> tuple[str | None, bool, Partner | None]:
        """Whose turn it is in a pool; if nobody's, whether somebody's may come; how to ask him."""
        pool = self._routing.pools[name]
        able: list[tuple[Member, str]] = []
        waits = False
        for member in pool.members:
            owner = self._by_word.get(normalise(member.owner))
            never = _never(owner, lead)
            later = None if never or owner is None else self._not_now(name, member, owner, now)
            if owner is not None and never is None and later is None:
                able.append((member, owner.key))
                continue
            waits = waits or later is not None
            skipped.append(f"{owner.key if owner else member.owner}: {never or later}")
        if not able:
            return None, waits, None
        worth = lead.value if pool.balance == "value" else 1.0
        credit = self.desk.credit
        for member, key in able:
            credit[name, key] = credit.get((name, key), 0.0) + member.weight * worth
        whose, chosen = max(able, key=lambda pair: credit[name, pair[1]])
        skipped += [f"{key}: free, but it was not their turn" for _, key in able if key != chosen]
        credit[name, chosen] -= sum(member.weight for member, _ in able) * worth
        return chosen, False, self._partners[name, whose.owner]

    def _not_now(self, pool: str, member: Member, owner: Owner, now: Micros) -> str | None:
        """Why a member cannot take a lead at the moment; None when he can."""
        if owner.away:
            return "away"
        calendar = self._calendars[pool, member.owner]
        if calendar is not None and not calendar.is_open(now):
            return "not at work"
        capacity, desk = member.capacity, self.desk
        for most, taken, words in (
            (capacity.open, desk.open, "open"),
            (capacity.per_day, desk.today, "in 24 hours"),
            (capacity.per_week, desk.week, "in seven days"),
        ):
            if most is not None and taken.get(owner.key, 0) >= most:
                return f"full: {most} {words}"
        return None

    def _waited(self, lead: Lead, now: Micros) -> bool:
        overflow = self._routing.overflow
        return (
            overflow is not None
            and lead.held_since is not None
            and now - lead.held_since >= overflow.hold
        )


def _never(owner: Owner | None, lead: Lead) -> str | None:
    """Why a member can take no lead at all; None when he may."""
    if owner is None:
        return "not in the CRM"
    if owner.key in lead.barred:
        return _BARRED
    return None if owner.active else "not active"


def holds(test: FieldTest | Scalar, value: Scalar) -> bool:
    """Whether one `when` test holds; nothing but `missing` holds for an absent value."""
    return compiled(test)(normalise(value) if isinstance(value, str) else value)
