"""The tests of routing rules, made ready once and asked of thousands of leads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from connector.decisions.routing_document import FieldTest, Routing, Target, Tests
from connector.domain.record import Scalar
from connector.domain.text import normalise

Test = Callable[[Scalar], bool]
_TERRITORY = "territory"


class Rule(NamedTuple):
    """A rule whose tests are ready; they read values whose text is normalised."""

    name: str
    tests: tuple[tuple[str, Test], ...]
    to: Target


class Rules:
    """All rules of a file, in order."""

    def __init__(self, routing: Routing) -> None:
        lists = routing.lists
        self._territories = [
            (normalise(name), _ready(tests, lists)) for name, tests in routing.territories.items()
        ]
        self._rules = [Rule(r.name, _ready(r.when, lists), r.to) for r in routing.rules]

    def holding(self, facts: Mapping[str, Scalar]) -> Iterator[Rule]:
        """Yield the rules whose tests all hold, in order."""
        plain = {n: normalise(v) if isinstance(v, str) else v for n, v in facts.items()}
        if self._territories and _TERRITORY not in plain:
            plain[_TERRITORY] = self.territory(plain)
        for rule in self._rules:
            for name, test in rule.tests:
                if not test(plain.get(name)):
                    break
            else:
                yield rule

    def territory(self, plain: Mapping[str, Scalar]) -> str | None:
        """Give the first territory whose tests all hold of values that are normalised."""
        for name, tests in self._territories:
            if all(test(plain.get(field)) for field, test in tests):
                return name
        return None


def _ready(tests: Tests, lists: Mapping[str, Sequence[Scalar]]) -> tuple[tuple[str, Test], ...]:
    return tuple((name, compiled(test, lists)) for name, test in tests.items())


def compiled(test: FieldTest | Scalar, lists: Mapping[str, Sequence[Scalar]] | None = None) -> Test:
    """Make one test ready; nothing but `missing` holds for an absent value."""
    if not isinstance(test, FieldTest):
        return _one_of([test])
    if test.missing is not None:
        wanted = test.missing
        return lambda value: (value is None) is wanted
    if test.in_ is not None:
        return _one_of(test.in_)
    if test.in_list is not None:
        return _one_of((lists or {})[test.in_list])
    if test.prefix is not None:
        given = [test.prefix] if isinstance(test.prefix, str) else test.prefix
        prefixes = tuple(normalise(one) for one in given)
        return lambda value: isinstance(value, str) and value.startswith(prefixes)
    low, high = test.range or [None, None]
    return _between(low, high)


def _between(low: float | None, high: float | None) -> Test:
    def test(value: Scalar) -> bool:
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and (low is None or value >= low)
            and (high is None or value < high)
        )

    return test


def _one_of(values: Sequence[Scalar]) -> Test:
    """Texts are compared as people mean them; a truth value is never a number."""
    texts = frozenset(normalise(v) for v in values if isinstance(v, str))
    truths = frozenset(v for v in values if isinstance(v, bool))
    numbers = frozenset(v for v in values if isinstance(v, int | float) and not isinstance(v, bool))

    def test(value: Scalar) -> bool:
        if isinstance(value, str):
            return value in texts
        if isinstance(value, bool):
            return value in truths
        return value is not None and value in numbers

    return test
