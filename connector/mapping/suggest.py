"""Proposes which remote field is which of ours, by the likeness of their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def suggest_mapping(sources: Mapping[str, Iterable[str]]) -> str | None:
    """Write a first mapping for sources of unknown columns; None when none holds addresses.

    The source with most of the fields we know is taken for the people. What it proposes is a
    beginning: activities and deals are for a person to add.
    """
    found = {name: suggest_fields(columns) for name, columns in sources.items()}
    people = {name: fields for name, fields in found.items() if "email" in fields}
    if not people:
        return None
    source = max(people, key=lambda name: len(people[name]))
    columns = list(sources[source])
    key = next((c for c in columns if c.casefold() in {"id", "lead_id", "contact_id"}), columns[0])
    lines = [
        "# A first guess from the column names: look at every line.",
        "version: 1",
        "objects:",
        "  lead:",
        "    is: person",
        f"    source: {_quoted(source)}",
        f"    key: {_quoted(key)}",
        "    fields:",
        *(f"      {ours}: {_quoted(theirs)}" for ours, theirs in people[source].items()),
        "    write:",
        *(f"      {name}: {{to: leadloop_{name}, owner: ours}}" for name in _SCORES),
        "      nurture: {to: leadloop_nurture, owner: theirs_for 30d, clear: true}",
        "  # Add what people did, so that behaviour counts:",
        "  # visit:",
        "  #   is: activity",
        "  #   source: visits",
        "  #   key: id",
        "  #   person: lead_id",
        "  #   type: {value: page_view}",
        "  #   at: time",
        "  #   fields: {url: url}",
    ]
    return "\n".join(lines) + "\n"


_SCORES = ("score", "fit", "behaviour", "grade", "reasons", "state", "cycle")


def _quoted(name: str) -> str:
    """Quote a name for YAML where it is more than a plain word."""
    if name.replace("_", "").isalnum() and name.isascii() and not name[0].isdigit():
        return name
    return "'" + name.replace("'", "''") + "'"
