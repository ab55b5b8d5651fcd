"""A name that asks when a field changed, and of which rows that is worth asking."""

from __future__ import annotations

from collections.abc import Iterable

CHANGED = ".changed"
"""`FIELD.changed` is when FIELD last changed, where a CRM keeps that."""


class Changed(str):
    """The name `FIELD.changed`, of use only for rows whose FIELD holds one of `among`.

    It is a name as any other: who does not ask row by row need not look at `among`.
    """

    __slots__ = ("among",)
    among: frozenset[str]

    def __new__(cls, field: str, among: Iterable[str]) -> Changed:
        """Name the moment of a field."""
        made = super().__new__(cls, f"{field}{CHANGED}")
        made.among = frozenset(among)
        return made
