"""Spells values in queries that other drivers run, which take no parameters."""

from __future__ import annotations


def literal(value: str) -> str:
    """Quote a text as SQL does."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
