"""Whether a person is inside a scope of leadloop.yaml. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def within(facts: Mapping[str, object], scope: Mapping[str, object]) -> bool:
    """Whether every field the scope names holds one of the values it allows."""
    return all(_allowed(facts.get(field), wanted) for field, wanted in scope.items())


def _allowed(value: object, wanted: object) -> bool:
    allowed = wanted if isinstance(wanted, list) else [wanted]
    return str(value).casefold() in {str(one).casefold() for one in allowed}
