"""How this process uses its libraries: as they come, whatever else is installed beside us."""

from __future__ import annotations

import os

_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


def without_plugins() -> None:
    """Let pydantic look for no plugins, unless somebody set otherwise; to be called at the start.

    To find that there are none it reads what every installed package says of itself.
    """
    os.environ.setdefault(_PLUGINS, "__all__")
