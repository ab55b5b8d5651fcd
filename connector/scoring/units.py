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
COUNTED_AS = "2"
"""Raised with every change of how units are counted: sums kept by another way are not used."""


class Units:
    """The units some rules ask for, each once."""

    def __init__(self, rules: Iterable[Counting]) -> None:
        asked = list(rules)
        self.quiet = any(isinstance(r, BehaviourRule) and r.inactive is not None for r in asked)
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
        return [half_life_of(rule) for rule in self.rules]

    def column(self, rule: Counting) -> str:
        """The column of the unit a rule reads."""
        return self._columns[_unit(rule)]

    @property
    def sums(self) -> list[str]:
        """The columns of units that are a sum over days: what some days add can be taken away."""
        pairs = zip(self.columns, self.rules, strict=True)
        return [name for name, rule in pairs if _is_sum(rule)]

    @cached_property
    def looked_at(self) -> frozenset[str]:
        """The types of activity of which one more may change what others count for."""
        found: set[str] = set()
        for rule in self.rules:
            if isinstance(rule, BehaviourRule) and not _is_sum(rule):
                found |= {*rule.types, *(rule.after.types if rule.after else ())}
        return frozenset(found)

    @cached_property
    def hash(self) -> str:
        """Equal for rules that count the same, whatever it is worth."""
        return canonical_hash([COUNTED_AS, self.quiet, list(self._columns)])


def _is_sum(rule: Counting) -> bool:
    """Rules about assets, visits, first ones and sequences count by what other days held."""
    if not isinstance(rule, BehaviourRule):
        return True
    return not rule.first and rule.after is None and rule.per in {None, "day"}


def half_life_of(rule: Counting) -> int | None:
    """The half-life of what a rule counts; hand-raises do not age."""
    return rule.decay if isinstance(rule, BehaviourRule) else None


def _unit(rule: Counting) -> str:
    """Equal texts for rules that count the same."""
    if isinstance(rule, FastTrackRule):
        return repr((_what(rule.types, rule.where), rule.within, None, None, 1, False, None))
    after = rule.after and (_what(rule.after.types, rule.after.where), rule.after.within)
    counted = (rule.per, rule.times, rule.first, after)
    return repr((_what(rule.types, rule.where), rule.within, rule.decay, *counted))


def same_test(rule: Counting) -> str:
    """Equal texts for rules that make the same test of an activity."""
    return repr((_what(rule.types, rule.where), rule.within))


def _what(types: tuple[str, ...], where: Where) -> tuple[Any, ...]:
    tests = sorted((name, test.texts(), str(test)) for name, test in where.items())
    return sorted(types), tests
