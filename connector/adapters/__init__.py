"""The CRMs we speak to, by their word in leadloop.yaml. Each is imported when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from connector.adapters.base import Adapter, Hooks, Use
from connector.config.settings import Connection
from connector.domain.moment import Micros
from connector.errors import UsageError

Clock = Callable[[], Micros]
Opener = Callable[[Connection, Path, Mapping[str, Use], Clock], Adapter]


def open_adapter(
    connection: Connection, folder: Path, uses: Mapping[str, Use], clock: Clock
) -> Adapter:
    """Open a connection; `folder` is what its paths are relative to. Nothing is sent yet."""
    opener = KINDS.get(connection.kind)
    if opener is None:
        close = get_close_matches(connection.kind, KINDS, n=1)
        meant = f"; did you mean `{close[0]}`?" if close else ""
        raise UsageError(
            f"connection `{connection.name}` has the unknown kind `{connection.kind}`{meant}",
            hint=f"Kinds: {', '.join(sorted(KINDS))}",
        )
    return opener(connection, folder, uses, clock)


def open_hooks(connection: Connection) -> Hooks | None:
    """Give what proves the webhooks of a connection; None where its CRM sends none we know of."""
    if connection.kind != "hubspot":
        return None
    from connector.adapters.hubspot.hooks import HubSpotHooks  # noqa: PLC0415

    return HubSpotHooks(connection.secret("client_secret").reveal)


def _files(connection: Connection, folder: Path, uses: Mapping[str, Use], clock: Clock) -> Adapter:
    from connector.adapters.files.adapter import FilesAdapter  # noqa: PLC0415

    if connection.files is None:
        raise UsageError(
            f"connection `{connection.name}` needs `files: {{folder: ...}}`",
            hint="Add the folder that holds the CSV, JSONL or Parquet files",
        )
    out = connection.files.out
    return FilesAdapter(
        folder / connection.files.folder, folder / out if out else None, uses, clock
    )


def _memory(connection: Connection, folder: Path, uses: Mapping[str, Use], clock: Clock) -> Adapter:
    from connector.adapters.memory import shared  # noqa: PLC0415

    del folder
    return shared(connection.name, uses, clock)


def _odoo(connection: Connection, folder: Path, uses: Mapping[str, Use], clock: Clock) -> Adapter:
    from connector.adapters.odoo.adapter import open_odoo  # noqa: PLC0415

    del folder, uses, clock
    if connection.address is None:
        raise UsageError(
            f"connection `{connection.name}` needs `address:`",
            hint="Write where Odoo is reached, such as https://odoo.example.com",
        )
    return open_odoo(
        address=connection.address,
        database=connection.plain("database"),
        login=connection.plain("login"),
        key=connection.secret("key").reveal,
        nurtured=connection.lists,
    )


def _salesforce(
    connection: Connection, folder: Path, uses: Mapping[str, Use], clock: Clock
) -> Adapter:
    from connector.adapters.salesforce.adapter import open_salesforce  # noqa: PLC0415

    del folder
    return open_salesforce(connection, uses, clock)


def _hubspot(
    connection: Connection, folder: Path, uses: Mapping[str, Use], clock: Clock
) -> Adapter:
    from connector.adapters.hubspot.adapter import open_hubspot  # noqa: PLC0415

    del folder, uses, clock
    return open_hubspot(connection)


KINDS: dict[str, Opener] = {
    "files": _files,
    "hubspot": _hubspot,
    "memory": _memory,
    "odoo": _odoo,
    "salesforce": _salesforce,
}
