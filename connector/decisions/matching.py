"""Which account a lead without one belongs to: by domain and name, with how sure we are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from connector.domain.host import cut
from connector.domain.record import Scalar
from connector.domain.text import normalise

SURE = 0.9
"""From here on a match counts for routing; below, it is only shown."""
_LEGAL = re.compile(
    r"\b(inc|llc|ltd|limited|plc|corp|corporation|company|co|gmbh|ag|kg|ohg|ug|sa|sas|sarl|srl|spa|"
    r"bv|nv|oy|ab|as|aps|group|holding|holdings)\b\.?"
)
_CLOSE = 92.0


class Account(NamedTuple):
    """An account of the CRM, as far as matching looks at it."""

    id: str
    name: str | None
    domain: str | None
    country: str | None
    owner: str | None = None
    open_deals: int = 0


class Match(NamedTuple):
    """An account a lead may belong to. `confidence` is 0 to 1; `why` says what agreed."""

    account: Account
    confidence: float
    why: str


class Accounts:
    """The accounts of one CRM, found by domain and by name."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_domain: dict[str, list[Account]] = {}
        self._by_name: dict[str, list[Account]] = {}
        for one in accounts:
            if domain := registered(one.domain):
                self._by_domain.setdefault(domain, []).append(one)
            if name := plain_name(one.name):
                self._by_name.setdefault(name, []).append(one)

    def match(self, facts: Mapping[str, Scalar]) -> list[Match]:
        """Give the accounts a lead may belong to, the best first.

        Of equals the one in the lead's country comes first, then more open deals, then the
        smaller id. Addresses of free mail providers say nothing about a company.
        """
        country = _text(facts.get("country"))
        own = facts.get("email_kind") not in {"free", "disposable"}
        domain = registered(_text(facts.get("email_domain"))) if own else None
        name = plain_name(_text(facts.get("company")))
        found: dict[str, Match] = {}
        for one in self._by_domain.get(domain, ()) if domain else ():
            same = name is not None and plain_name(one.name) == name
            found[one.id] = Match(one, 1.0 if same else 0.95, "domain" + (" and name" * same))
        for known, alike in self._names(name):
            for one in self._by_name[known]:
                if one.id in found:
                    continue
                there = country is not None and normalise(one.country or "") == country
                sure = (0.8 if alike == 100.0 else 0.6) + (0.1 if there else 0.0)
                word = "name" if alike == 100.0 else "similar name"
                found[one.id] = Match(one, sure, word + (" and country" * there))
        return sorted(found.values(), key=lambda m: _order(m, country))

    def _names(self, name: str | None) -> list[tuple[str, float]]:
        if name is None:
            return []
        if name in self._by_name:
            return [(name, 100.0)]
        from rapidfuzz import fuzz, process  # noqa: PLC0415  slow to import; most names are known

        close = process.extract(
            name, self._by_name.keys(), scorer=fuzz.ratio, score_cutoff=_CLOSE, limit=3
        )
        return [(known, score) for known, score, _ in close]


def chosen(matches: list[Match]) -> Match | None:
    """Give the match that counts: the best, where it is sure enough."""
    if not matches or matches[0].confidence < SURE:
        return None
    return matches[0]


@lru_cache(maxsize=65536)
def registered(domain: str | None) -> str | None:
    """Give the registered part of a domain or web address: `acme.co.uk` of `www.acme.co.uk/de`."""
    if not domain:
        return None
    found = cut(normalise(domain))
    if found.suffix:
        return f"{found.domain}.{found.suffix}" if found.domain else None
    known = [label for label in found.name.split(".") if label]
    return ".".join(known[-2:]) if len(known) > 1 else None  # a suffix no public list has


@lru_cache(maxsize=65536)
def plain_name(name: str | None) -> str | None:
    """Give a company's name without legal form and punctuation."""
    if not name:
        return None
    words = re.sub(r"[^\w\s]", " ", _LEGAL.sub(" ", normalise(name)))
    return " ".join(words.split()) or None


def _order(one: Match, country: str | None) -> tuple[float, bool, int, str]:
    account = one.account
    there = country is not None and normalise(account.country or "") == country
    return -one.confidence, not there, -account.open_deals, account.id


def _text(value: Scalar) -> str | None:
    return normalise(value) if isinstance(value, str) else None
