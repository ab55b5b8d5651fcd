"""Checks the signed assertion of the JWT bearer flow against the certificate an app registered.

Source: Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration": RS256 only;
`iss` is the app, `sub` the user name, `aud` the log-in host (that of a sandbox is another), `exp`
at most five minutes ahead. Clients that send `exp` as text are taken too.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Collection
from typing import Any, NamedTuple

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from connector.domain.moment import MINUTE, SECOND, Micros

_LONGEST = 5 * MINUTE


class UntrustedError(Exception):
    """The assertion is not taken; its text is what the token resource says."""


class Claims(NamedTuple):
    """What an assertion says before anything of it is believed."""

    app: str
    user: str
    audience: str
    expires: Micros
    signed: bytes
    signature: bytes


def read(assertion: str) -> Claims:
    """Take an assertion apart. Raises UntrustedError for one that is none, or not RS256."""
    parts = assertion.split(".")
    try:
        head, body = (_json(part) for part in parts[:2])
        if head["alg"] != "RS256":
            raise ValueError("another algorithm")
        return Claims(
            str(body["iss"]),
            str(body.get("sub") or body.get("prn")),
            str(body["aud"]),
            int(float(body["exp"])) * SECOND,
            f"{parts[0]}.{parts[1]}".encode(),
            _bytes(parts[2]),
        )
    except (ValueError, KeyError, IndexError, TypeError):
        raise UntrustedError("invalid assertion") from None


def check(claims: Claims, certificate: str, audiences: Collection[str], now: Micros) -> None:
    """Raises UntrustedError unless it was signed with that certificate's key, for here and now."""
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise UntrustedError("invalid assertion")
    try:
        key.verify(claims.signature, claims.signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise UntrustedError("invalid assertion") from None
    if claims.audience not in audiences:
        raise UntrustedError("audience is invalid")
    if not now <= claims.expires <= now + _LONGEST:
        raise UntrustedError("assertion is expired or valid for too long")


def _json(part: str) -> dict[str, Any]:
    value = orjson.loads(_bytes(part))
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _bytes(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
