"""E-mail addresses as keys: equal when they reach the same box, and nothing cleverer."""

from __future__ import annotations

from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

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


@lru_cache(maxsize=65536)
def normalise_address(text: str) -> str | None:
    """Give the address trimmed, casefolded and with its domain in ASCII; None if it is none.

    Dots and plus tags stay: they are different boxes to most servers.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except (EmailNotValidError, ValueError, UnicodeError):
        return None
    local, _, domain = checked.normalized.rpartition("@")
    return f"{local.casefold()}@{(checked.ascii_domain or domain).casefold()}"


def is_role_address(address: str) -> bool:
    """Whether a normalised address belongs to a desk rather than a person; it joins nobody."""
    return address.partition("@")[0] in _ROLES
