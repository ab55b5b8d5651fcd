"""Which nurture theme a person belongs to: the one of the first asset they asked for."""

from __future__ import annotations

from collections.abc import Mapping

from connector.domain.text import normalise


def theme_of(first_asset: str | None, themes: Mapping[str, str], default: str) -> str:
    """Give the theme; an asset the table does not name is a theme of its own."""
    if first_asset is None:
        return default
    by_asset = {normalise(asset): theme for asset, theme in themes.items()}
    return by_asset.get(normalise(first_asset), first_asset)
