"""A connection opened once more by an admin's own log-in, which is used once and kept nowhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from connector.config.load import Loaded
from connector.domain.moment import Micros
from connector.sync.context import Source
from connector.sync.opening import open_sources


def opened_as(
    loaded: Loaded, name: str, alias: str, clock: Callable[[], Micros], stack: ExitStack
) -> Source:
    """Open the connection by what the `sf` CLI holds under an alias."""
    changed = [
        one.model_copy(update={"auth": {"sf_cli": alias}}) if one.name == name else one
        for one in loaded.settings.connections
    ]
    as_admin = loaded._replace(settings=loaded.settings.model_copy(update={"connections": changed}))
    return next(one for one in open_sources(as_admin, clock, stack) if one.name == name)
