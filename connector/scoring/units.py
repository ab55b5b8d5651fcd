"""What rules count of a person's activities, apart from what it is worth.

A unit is all of a rule but its points, bounds and group: rules that differ in these alone share it.
Its sum ages by its half-life alone, so it can be kept and read later, until an activity leaves its
window or a future one arrives.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from connector.documents import canonical_hash
from connector.scoring.rules import BehaviourRule, FastTrackRule, Where

Counting = BehaviourRule | FastTrackRule
"""Rules that count activities."""
COUNTED_AS = "3"
"""Raised with every change of how units are counted: sums kept by another way are not used."""


class Units:
    """The units some rules ask for, each once."""

    def __init__(self, rules: Iterable[Counting]) -> None:
        asked = list(rules)
        self.quiet = any(rule.inactive is not None for rule in asked)
        """Whether a rule asks when the newest activity was."""
        found = {_unit(rule): rule for rule in reversed(asked) if rule.types}
        self._columns = {unit: f"u{n}" for n, unit in enumerate(sorted(found))}
        self.rules = [found[unit] for unit in self._columns]
        """One rule for each unit, in the order of `columns`."""

    @property
    def columns(self) -> list[str]:
        """The name of each unit's column."""
        return list(self._columns.values())

    @property
    def half_lives(self) -> list[int | None]:
        """How fast each unit's sum ages; None: not at all."""
        return [rule.decay for rule in self.rules]

    def column(self, rule: Counting) -> str:
        """The column of the unit a rule reads."""
        return self._columns[_unit(rule)]

    @cached_property
    def adding(self) -> dict[str, Counting]:
        """The rules, by column, whose units are a sum over days: each day adds to it on its own."""
        return {name: rule for name, rule in self.each() if sums_up(rule) and rule.within is None}

    @cached_property
    def looking(self) -> dict[str, Counting]:
        """The others, by column: they look at single activities, by what others there are or when
        it is."""
        return {name: rule for name, rule in self.each() if name not in self.adding}

    @cached_property
    def read_with(self) -> list[tuple[str, str]]:
        """Pairs of types: where activities of the first are not what they were, those of the second
        must be read, for a rule reads both."""
        pairs = {
            (one, other) for rule in self.rules for one in reads(rule) for other in reads(rule)
        }
        return sorted(pairs)

    @cached_property
    def hash(self) -> str:
        """Equal for rules that count the same, whatever it is worth."""
        return canonical_hash([COUNTED_AS, self.quiet, list(self._columns)])

    def each(self) -> Iterable[tuple[str, Counting]]:
        """Each rule after its column."""
        return zip(self.columns, self.rules, strict=True)


def reads(rule: Counting) -> tuple[str, ...]:
    """The types of activity that change what a rule counts."""
    return rule.types if rule.after is None else (*rule.types, *rule.after.types)


def sums_up(rule: Counting) -> bool:
    """Whether what it counts is a sum over activities or days, and not over what is chosen of
    these."""
    return not rule.first and rule.after is None and rule.per in {None, "day"}


def _unit(rule: Counting) -> str:
    """Equal texts for rules that count the same."""
    after = rule.after and (_what(rule.after.types, rule.after.where), rule.after.within)
    counted = (rule.per, rule.times, rule.first, after)
    return repr((_what(rule.types, rule.where), rule.within, rule.decay, *counted))


def same_test(rule: Counting) -> str:
    """Equal texts for rules that make the same test of an activity."""
    return repr((_what(rule.types, rule.where), rule.within))


def _what(types: tuple[str, ...], where: Where) -> tuple[Any, ...]:
    tests = sorted((name, test.texts(), str(test)) for name, test in where.items())
    return sorted(types), tests
