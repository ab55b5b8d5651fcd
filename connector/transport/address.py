"""Which addresses we speak to: https anywhere, plain http to this machine only."""

from __future__ import annotations

from urllib.parse import urlsplit

from connector.errors import UsageError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def checked(address: str) -> str:
    """Give the address without its last slash. Raises UsageError for one we do not speak to."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            "the address of the CRM is no web address", hint="Write https://crm.example.com"
        )
    if parts.username or parts.password:
        raise UsageError(
            "the address of the CRM holds a log-in", hint="Move it to `auth:` as ${NAME}"
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise UsageError(
            f"plain http to {parts.hostname} would send secrets in clear",
            hint="Use https; plain http is for this machine only",
        )
    return address.rstrip("/")
