"""Several models, each for some people: by segment or product line. The first that fits counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from connector.documents import canonical_hash
from connector.domain.record import Fields
from connector.errors import UsageError
from connector.scoring.condition import Condition, Reads
from connector.scoring.matching import all_match
from connector.scoring.model import Model, fields_read, revive
from connector.scoring.units import Units

Value = str | int | float | bool


class Choice(NamedTuple):
    """One model and the tests of the people it is for; no tests mean everybody."""

    model: Model
    when: Mapping[str, Condition]


class Models:
    """The models a company works with: one, or several of which each person has one."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        if not choices or choices[-1].when:
            raise UsageError(
                "the last of several models must be for everybody else",
                hint="Give it no `when:`",
            )
        for choice in choices[:-1]:
            if not choice.when:
                raise UsageError(
                    f"after the model `{choice.model.name}`, which is for everybody, stand others",
                    hint="Give it a `when:`, or put it last",
                )
        self.choices = tuple(choices)
        self.person_fields()

    @classmethod
    def only(cls, model: Model) -> Models:
        """One model for everybody."""
        return cls([Choice(model, {})])

    @property
    def default(self) -> Model:
        """The model of everybody for whom no other is."""
        return self.choices[-1].model

    def __iter__(self) -> Iterator[Choice]:
        return iter(self.choices)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Models) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    @cached_property
    def hash(self) -> str:
        """The content hash of all of them: of the only one, its own."""
        return self.default.hash if len(self.choices) == 1 else canonical_hash(self.plain())

    def of(self, facts: Fields) -> Model:
        """Give the model for a person with these prepared facts."""
        return next(c.model for c in self.choices if all_match(c.when, facts))

    def by_hash(self, digest: str) -> Model:
        """Give the model with this hash; the default when it is none of them."""
        return next((c.model for c in self.choices if c.model.hash == digest), self.default)

    def person_fields(self) -> dict[str, Reads]:
        """The fields of people that any of them reads, or that choose between them.

        Raises UsageError when two read one field as different kinds.
        """
        read = [(f, test.reads) for choice in self.choices for f, test in choice.when.items()]
        for choice in self.choices:
            read += choice.model.person_fields().items()
        try:
            return fields_read(read)
        except ValueError as error:
            raise UsageError(f"models: {error}", hint="Read it alike in all models") from None

    def activity_columns(self) -> set[str]:
        """The columns of activities that any of them reads."""
        return {name for choice in self.choices for name in choice.model.activity_columns()}

    def units(self) -> Units:
        """What the rules of all of them count of activities."""
        return Units(rule for choice in self.choices for rule in choice.model.counting())

    @property
    def rolls_up(self) -> bool:
        """Whether any of them counts what colleagues did."""
        return any(choice.model.rolls_up for choice in self.choices)

    def plain(self) -> dict[str, Any]:
        """Everything that decides a score, as plain values; `revived` reads it."""
        if len(self.choices) == 1:
            return self.default.plain()
        return {
            "models": [
                {
                    "when": {
                        field: test.model_dump(mode="json", by_alias=True, exclude_none=True)
                        for field, test in choice.when.items()
                    },
                    **choice.model.plain(),
                }
                for choice in self.choices
            ]
        }


def revived(document: Mapping[str, Any]) -> Models:
    """Make models again from what `plain` gave."""
    if "models" not in document:
        return Models.only(revive(document))
    return Models(
        [
            Choice(
                revive(one),
                {f: Condition.model_validate(test) for f, test in one["when"].items()},
            )
            for one in document["models"]
        ]
    )


def tests_of(when: Mapping[str, Value | list[Value]]) -> dict[str, Condition]:
    """Give the tests that `when:` in leadloop.yaml stands for: each field is one of the values."""
    return {
        field: Condition.model_validate({"in": value if isinstance(value, list) else [value]})
        for field, value in when.items()
    }
