"""What an adapter takes for granted of a platform and nobody has confirmed in a live one."""

from __future__ import annotations

from typing import NamedTuple


class Assumed(NamedTuple):
    """One thing taken for granted: what, where it is decided, and how to decide otherwise."""

    what: str
    where: str
    switch: str
