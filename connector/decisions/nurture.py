"""Nurture: which theme and buying phase a person is in, and what to send next. Pure.

What a person has asked for says how far they are, so that somebody who comes back from sales goes
on where they stood and starts nothing anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connector.domain.text import normalise


class Asset(NamedTuple):
    """One thing that can be sent or asked for: the problem it is about, and for which phase."""

    name: str
    theme: str
    phase: str


class Place(NamedTuple):
    """Where a person stands in nurture. `next_message` is the first asset they have not had."""

    theme: str
    phase: str | None = None
    programme: str | None = None
    next_message: str | None = None


class Cell(NamedTuple):
    """One cell of the matrix: theme and phase, its programme, its assets, who waits in it."""

    theme: str
    phase: str
    programme: str | None
    assets: int
    waiting: int


class Matrix:
    """Themes by phases, each with the programme that serves it, and the catalogue of assets."""

    def __init__(
        self,
        *,
        themes: Mapping[str, str],
        default: str,
        phases: Sequence[str] = (),
        programmes: Mapping[str, Mapping[str, str]] | None = None,
        catalogue: Iterable[Asset] = (),
    ) -> None:
        self._catalogue = {normalise(asset.name): asset for asset in catalogue}
        self._themes = {normalise(asset): theme for asset, theme in themes.items()}
        self._themes |= {name: asset.theme for name, asset in self._catalogue.items()}
        self._default = default
        self._phases = tuple(phases)
        self._programmes = programmes or {}

    def theme(self, assets: Sequence[str]) -> str:
        """Give the theme of what was asked for first; an asset no table names is one of its own."""
        if not assets:
            return self._default
        return self._themes.get(normalise(assets[0]), assets[0])

    def later_theme(self, assets: Sequence[str]) -> str | None:
        """Give the theme of the newest asset a table names; None where none is named."""
        named = (self._themes.get(normalise(asset)) for asset in reversed(assets))
        return next((theme for theme in named if theme is not None), None)

    def place(self, theme: str, assets: Sequence[str]) -> Place:
        """Give phase, programme and next message in a theme for somebody who asked for `assets`."""
        had = {normalise(asset) for asset in assets}
        phase = self._phase(theme, had)
        programme = self._programmes.get(theme, {}).get(phase or "")
        return Place(theme, phase, programme, self._next(theme, phase, had))

    def _phase(self, theme: str, had: set[str]) -> str | None:
        """The furthest phase of the theme they asked something for; the first for newcomers."""
        reached = [
            self._phases.index(asset.phase)
            for name, asset in self._catalogue.items()
            if name in had and asset.theme == theme and asset.phase in self._phases
        ]
        return self._phases[max(reached, default=0)] if self._phases else None

    def _next(self, theme: str, phase: str | None, had: set[str]) -> str | None:
        if phase is None:
            return None
        for later in self._phases[self._phases.index(phase) :]:
            for name, asset in self._catalogue.items():
                if (asset.theme, asset.phase) == (theme, later) and name not in had:
                    return asset.name
        return None

    def cells(self, waiting: Mapping[tuple[str, str | None], int]) -> list[Cell]:
        """Give every cell, the ones in which most people wait for nothing first."""
        assets = Counter((asset.theme, asset.phase) for asset in self._catalogue.values())
        themes = {asset.theme for asset in self._catalogue.values()} | set(self._programmes)
        themes |= {theme for theme, _ in waiting}
        phases = self._phases or ("",)
        cells = [
            Cell(
                theme,
                phase,
                self._programmes.get(theme, {}).get(phase),
                assets[theme, phase],
                waiting.get((theme, phase or None), 0)
                + (waiting.get((theme, None), 0) if phase and phase == phases[0] else 0),
            )
            for theme in themes
            for phase in phases
        ]
        return sorted(cells, key=lambda c: (c.assets > 0, -c.waiting, c.theme, c.phase))
