"""What truly changed in a practice CRM, in order: tests compare it whole, nobody can edit it."""

from __future__ import annotations

from typing import Any, NamedTuple

from connector.domain.moment import Micros


class Effect(NamedTuple):
    """One field of one record that has another value now. `field` is `+` for a new record and
    `-` for one that went."""

    at: Micros
    by: str
    object: str
    id: str
    field: str
    before: Any
    after: Any


class Oracle:
    """An append-only log of effects."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []

    def note(self, effect: Effect) -> None:
        """Add an effect, if it is one."""
        if effect.before != effect.after:
            self.effects.append(effect)

    def plain(self, since: int = 0) -> list[dict[str, Any]]:
        """The effects from place `since` on, as plain values."""
        return [effect._asdict() for effect in self.effects[since:]]
