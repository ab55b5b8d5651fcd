"""From the settings of a connection to a way to log in; nothing is sent and no secret opened."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from urllib.parse import urlsplit

from connector.adapters.salesforce.grants import (
    ClientCredentials,
    CommandLine,
    Grant,
    JwtBearer,
    Password,
    RefreshToken,
)
from connector.config.settings import Connection
from connector.domain.moment import Micros
from connector.errors import UsageError
from connector.transport.vault import TokenVault

KEYS = (
    "client_id",
    "client_secret",
    "private_key",
    "login",
    "audience",
    "refresh_token",
    "sf_cli",
    "password",
    "security_token",
)
"""What `auth:` of a Salesforce connection may hold; connector.config.auth says what each is."""
_SEVERAL = ("private_key", "refresh_token", "sf_cli", "password")


def address_of(connection: Connection) -> str:
    """Give the org's address. Raises UsageError for none, and for hosts made for browsers.

    Those are what people copy from the browser, and no API answers on them.
    """
    address = connection.address
    if address is None:
        raise UsageError(
            f"connection `{connection.name}` needs `address:`",
            hint="Write the My Domain host, such as https://acme.my.salesforce.com",
        )
    host = (urlsplit(address).hostname or "").casefold()
    if host.endswith((".lightning.force.com", ".salesforce-setup.com")):
        raise UsageError(
            f"{host} is for browsers, not for the API",
            hint="Write the My Domain host, such as https://acme.my.salesforce.com",
        )
    return address


def grant_of(
    connection: Connection,
    address: str,
    clock: Callable[[], Micros],
    vault: TokenVault | None,
) -> Grant:
    """Give the way to log in that the keys of `auth:` say."""
    _check_keys(connection)
    auth = connection.auth
    client = connection.secret("client_id").reveal
    secret = connection.secret("client_secret").reveal
    if "sf_cli" in auth:
        return CommandLine(str(connection.plain("sf_cli")))
    if "private_key" in auth:
        login = _login(connection, "logs in by key", "Write the user name that approved the app")
        audience = connection.plain("audience") or audience_of(address)
        return JwtBearer(client, login, connection.secret("private_key").reveal, audience, clock)
    if "refresh_token" in auth:
        first = connection.secret("refresh_token").reveal
        return RefreshToken(client, secret if "client_secret" in auth else None, first, vault)
    if "password" in auth:
        return _password(connection, client, secret)
    return ClientCredentials(client, secret)


def audience_of(address: str) -> str:
    """Give whom a JWT is for: the log-in host of sandboxes, or of everything else."""
    host = urlsplit(address).hostname or ""
    return f"https://{'test' if '.sandbox.' in host else 'login'}.salesforce.com"


def _password(
    connection: Connection, client: Callable[[], str], secret: Callable[[], str]
) -> Password:
    if "client_id" not in connection.auth:
        raise UsageError(
            f"connection `{connection.name}` has a password and no app: that is the SOAP log-in, "
            "which Salesforce ends in summer 2027 and Leadloop does not use",
            hint="Make an external client app and give `client_id` and `client_secret`",
        )
    login = _login(connection, "logs in by password", "Write the user name")
    word = connection.secret("password").reveal
    token = connection.secret("security_token").reveal
    has_token = "security_token" in connection.auth
    return Password(client, secret, login, lambda: word() + (token() if has_token else ""))


def _login(connection: Connection, how: str, hint: str) -> str:
    login = connection.plain("login")
    if login is None:
        raise UsageError(f"connection `{connection.name}` {how} and needs `auth.login`", hint=hint)
    return login


def _check_keys(connection: Connection) -> None:
    for name in connection.auth:
        if name not in KEYS:
            close = get_close_matches(name, KEYS, n=1)
            meant = f"; did you mean `{close[0]}`?" if close else ""
            raise UsageError(
                f"connection `{connection.name}`: `auth.{name}` is nothing Salesforce's log-in "
                f"takes{meant}",
                hint=f"It takes: {', '.join(KEYS)}",
            )
    several = [name for name in _SEVERAL if name in connection.auth]
    if len(several) > 1:
        raise UsageError(
            f"connection `{connection.name}` has several ways to log in: {', '.join(several)}",
            hint="Leave one of them",
        )
