"""Salesforce ids: 3 characters of type, 12 of number in base 62, 3 that protect their case.

Source: Salesforce Help, "ID Field Type"; the checksum agrees with recorded ids.
"""

from __future__ import annotations

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "Lp0000"


def make_id(prefix: str, number: int) -> str:
    """The 18-character id of the n-th record of a type; ids sort as they were made."""
    tail = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        tail = _DIGITS[digit] + tail
    return to18(prefix + _POD + tail)


def to18(given: str) -> str:
    """The 18-character form of a 15-character id."""
    check = ""
    for block in range(3):
        bits = 0
        for place, letter in enumerate(given[block * 5 : block * 5 + 5]):
            bits |= (letter.isupper() and letter.isascii()) << place
        check += _CHECK[bits]
    return given[:15] + check


def canonical(given: object) -> str | None:
    """The 18-character form of an id, or None where it is none."""
    if not isinstance(given, str) or len(given) not in {15, 18} or not given.isalnum():
        return None
    if not given.isascii():
        return None
    whole = to18(given[:15])
    if len(given) == 18 and given[15:].upper() != whole[15:]:
        return None
    return whole
