"""E-mail addresses as keys: equal when they reach the same box, and nothing cleverer."""

from __future__ import annotations

import re
from functools import lru_cache

_ROLES = frozenset(
    [
        "abuse",
        "accounts",
        "admin",
        "administrator",
        "billing",
        "careers",
        "contact",
        "customerservice",
        "enquiries",
        "finance",
        "hello",
        "help",
        "hostmaster",
        "hr",
        "info",
        "jobs",
        "kontakt",
        "legal",
        "mail",
        "marketing",
        "media",
        "newsletter",
        "noreply",
        "no-reply",
        "office",
        "orders",
        "postmaster",
        "press",
        "privacy",
        "purchasing",
        "reception",
        "recruiting",
        "root",
        "sales",
        "security",
        "service",
        "shop",
        "subscribe",
        "support",
        "team",
        "webmaster",
    ]
)


_ATOM = r"[a-z0-9_%+-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z][a-z0-9]+")
"""What nearly every address looks like; needs no library to be told from none."""


@lru_cache(maxsize=65536)
def normalise_address(text: str) -> str | None:
    """Give the address trimmed, casefolded and with its domain in ASCII; None if it is none.

    Dots and plus tags stay: they are different boxes to most servers.
    """
    plain = text.strip().lower() if text.isascii() else ""
    if "--" not in plain and _is_short(plain) and _PLAIN.fullmatch(plain):
        return plain
    return _normalised_by_the_book(text)


def _normalised_by_the_book(text: str) -> str | None:
    from email_validator import (  # noqa: PLC0415  slow to import, and of use for few addresses
        EmailNotValidError,
        validate_email,
    )

    try:
        checked = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except (EmailNotValidError, ValueError, UnicodeError):
        return None
    local, _, domain = checked.normalized.rpartition("@")
    return f"{local.casefold()}@{(checked.ascii_domain or domain).casefold()}"


def _is_short(address: str) -> bool:
    """Whether address, box and labels keep to the lengths the mail standards allow."""
    box, _, host = address.partition("@")
    return len(address) <= 254 and len(box) <= 64 and max(map(len, host.split(".")), default=0) < 64


def is_role_address(address: str) -> bool:
    """Whether a normalised address belongs to a desk rather than a person; it joins nobody."""
    return address.partition("@")[0] in _ROLES
