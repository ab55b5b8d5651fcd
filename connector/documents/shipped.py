"""The defaults that ship with Leadloop: mappings, a model, scenarios, routing."""

from __future__ import annotations

from pathlib import Path

_PLACES = (
    Path(__file__).parents[1] / "_mappings",  # installed
    Path(__file__).parents[2] / "mappings",  # a checkout
)


def shipped(name: str) -> str:
    """Give the text of a shipped file."""
    folder = next(place for place in _PLACES if place.is_dir())
    return (folder / name).read_text(encoding="utf-8")
