"""What every measure is: it counts cycles in one pass, and parts of a count add up to the whole."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self

from connector.funnel.history import History


class Aspect(StrEnum):
    """What a measure looks at in cycles that never went near sales, beside what they all may.

    Number, state, states, reason and the like are in all; BAND and MONTH also hold how old the
    inquiry is and whether it was silent, ARRIVAL its age with source and segment, HANDS theme,
    phase, partner and owner. KIND holds all that kinds go by, with the month of the inquiry.
    EACH looks at campaigns, so that no two are alike.
    """

    SOURCE = "source"
    SEGMENT = "segment"
    HANDS = "hands"
    BAND = "band"
    MONTH = "month"
    ARRIVAL = "arrival"
    KIND = "kind"
    EACH = "each"


class Measure:
    """Counts cycles; `sums` names what counting changes, everything else is a setting."""

    sums: ClassVar[tuple[str, ...]] = ()
    aspect: Aspect = Aspect.SOURCE

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Give what was counted, to be absorbed elsewhere."""
        return {name: getattr(self, name) for name in self.sums}

    def absorb(self, state: Mapping[str, Any]) -> Self:
        """Add what a measure of the same settings counted over other people."""
        for name in self.sums:
            setattr(self, name, together(getattr(self, name), state[name]))
        return self


def together(mine: Any, theirs: Any) -> Any:
    """Add two counts of one shape: numbers add up, arrays follow each other, the rest by its parts.

    May change the first. Lists are of a fixed length: each place is a count of its own.
    """
    match mine:
        case array():
            mine.extend(theirs)
        case dict():
            for key, value in theirs.items():
                mine[key] = together(mine[key], value) if key in mine else value
        case list() | tuple():
            parts = [together(*pair) for pair in zip(mine, theirs, strict=True)]
            return mine._make(parts) if hasattr(mine, "_make") else type(mine)(parts)
        case set():
            mine |= theirs
        case int():
            return mine + theirs
        case _:
            for name, value in vars(theirs).items():
                setattr(mine, name, together(getattr(mine, name), value))
    return mine
