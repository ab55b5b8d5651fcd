"""SOQL as text: quoting, times, ids, and columns cut so that no URL grows too long. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from simple_salesforce.format import format_soql

from connector.adapters.salesforce.unconfirmed import PLAIN
from connector.domain.moment import SECOND, Micros, to_datetime

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class Select(NamedTuple):
    """One query. `conditions` are joined by AND; rows come in id order, at most `limit`; all of
    them, answer by answer, where that is 0."""

    columns: Sequence[str]
    source: str
    conditions: Sequence[str]
    limit: int

    def text(self) -> str:
        """Spell it."""
        ordered = f"{self.whole()} ORDER BY Id"
        return f"{ordered} LIMIT {self.limit}" if self.limit else ordered

    def whole(self) -> str:
        """Spell it for Bulk: without the order and limit that keep it from being cut in parts."""
        return f"SELECT {', '.join(self.columns)} FROM {self.source}{self._where()}"

    def counting(self) -> str:
        """Spell the question how many rows there are."""
        return f"SELECT COUNT() FROM {self.source}{self._where()}"

    def _where(self) -> str:
        return f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


def quoted(value: str | Sequence[str]) -> str:
    """Quote a text, or several for IN, so that it ends nowhere but at its end."""
    return str(format_soql("{}", value if isinstance(value, str) else list(value)))


def moment(value: Micros) -> str:
    """Spell a moment at the resolution of stamps, a second, rounded down."""
    return to_datetime(value // SECOND * SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")


def full_id(ident: str) -> str | None:
    """Give the 18-character form of an id; None for what can be none.

    The last three characters say which of the first fifteen are capitals. What lost its case on the
    way, as spreadsheets do to it, is given it back; what does not agree with them is no id.
    """
    if not _ID.fullmatch(ident):
        return None
    whole = ident[:15] + _check_letters(ident[:15])
    if len(ident) == 15 or whole == ident:
        return whole
    if ident not in {ident.upper(), ident.lower()}:
        return whole if whole[15:] == ident[15:].upper() else None
    restored = _restored(ident.upper())
    return restored if restored[15:] == _check_letters(restored[:15]) else None


def _check_letters(first: str) -> str:
    return _check_letter(first[:5]) + _check_letter(first[5:10]) + _check_letter(first[10:])


@lru_cache(maxsize=50_000)  # ids of one object share all but their last letters
def _check_letter(five: str) -> str:
    return _CHECK[sum(1 << k for k, letter in enumerate(five) if "A" <= letter <= "Z")]


def _restored(capitals: str) -> str:
    """Give an id its small letters back, as far as its last three characters can say."""
    bits = [_CHECK.find(letter) for letter in capitals[15:]]
    first = (
        letter if bits[place // 5] >> place % 5 & 1 else letter.lower()
        for place, letter in enumerate(capitals[:15])
    )
    return "".join(first) + capitals[15:]


def in_url(text: str) -> str:
    """Spell a text as the value of a URL's parameter. What lists of ids are made of stays as it is:
    escaped, each id would take a third more room, and be looked through again on its way."""
    return quote(text, safe=PLAIN)


def url_size(text: str) -> int:
    """Give how many bytes a text takes inside a URL."""
    return len(in_url(text))


def one_of(field: str, ids: Sequence[str]) -> str:
    """Spell that a field holds one of these ids, which are such (`full_id`) and need no quoting."""
    return "{} IN ('{}')".format(field, "','".join(ids))


def groups(columns: Iterable[str], room: int) -> list[list[str]]:
    """Cut columns into groups that each fit the room; every group begins with Id."""
    found: list[list[str]] = [["Id"]]
    used = 0
    for column in columns:
        if column == "Id":
            continue
        size = url_size(f", {column}")
        if used + size > room and len(found[-1]) > 1:
            found.append(["Id"])
            used = 0
        found[-1].append(column)
        used += size
    return found
