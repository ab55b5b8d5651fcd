"""Proposes which remote field is which of ours, by the likeness of their names."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process

_KNOWN = {
    "email": ("email", "e-mail", "mail", "email address", "work email", "email from"),
    "title": ("title", "job title", "position", "function", "role"),
    "company": ("company", "company name", "account name", "organisation", "partner name"),
    "country": ("country", "country code", "billing country"),
    "employees": ("employees", "number of employees", "headcount", "company size", "staff"),
    "industry": ("industry", "sector", "branch", "vertical"),
    "source": ("source", "lead source", "origin", "channel"),
    "first_name": ("first name", "given name", "firstname"),
    "last_name": ("last name", "surname", "family name", "lastname"),
    "phone": ("phone", "telephone", "phone number", "mobile"),
}
_ENOUGH = 88


def suggest_fields(remote_names: Iterable[str]) -> dict[str, str]:
    """Give our field -> remote field for the likely ones; each remote field is used once."""
    spelled = {name: name.replace("_", " ").replace(".", " ").casefold() for name in remote_names}
    taken: dict[str, str] = {}
    for ours, words in _KNOWN.items():
        best: tuple[float, str] | None = None
        for word in words:
            found = process.extractOne(word, spelled, scorer=fuzz.ratio, score_cutoff=_ENOUGH)
            if found and found[2] not in taken.values() and (best is None or found[1] > best[0]):
                best = (found[1], found[2])
        if best is not None:
            taken[ours] = best[1]
    return taken
