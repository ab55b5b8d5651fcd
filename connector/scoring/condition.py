"""One test of one field or activity column: exactly one operator, checked when it is loaded."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from connector.documents import Document
from connector.domain.text import normalise
from connector.scoring.pattern import portable, word_pattern

Value = str | int | float | bool
Reads = Literal["text", "number", "bool", "any"]
OPERATORS = (
    "equals",
    "in_",
    "in_file",
    "contains_any",
    "word_in",
    "prefix",
    "regex",
    "range",
    "missing",
    "answered",
)


class Condition(Document):
    """Null never matches, except `missing: true`. `range: [lo, hi)`, null = open."""

    equals: Value | None = None
    in_: Annotated[list[Value] | None, Field(alias="in", min_length=1)] = None
    in_file: str | None = None
    contains_any: Annotated[list[str] | None, Field(min_length=1)] = None
    word_in: Annotated[list[str] | None, Field(min_length=1)] = None
    prefix: str | None = None
    regex: str | None = None
    range: Annotated[list[float | None] | None, Field(min_length=2, max_length=2)] = None
    missing: Literal[True] | None = None
    answered: Literal[True] | None = None
    _lines: tuple[str, ...] = PrivateAttr(default=())

    @field_validator("regex")
    @classmethod
    def _portable(cls, value: str | None) -> str | None:
        if value is not None:
            portable(value)
        return value

    @field_validator("word_in")
    @classmethod
    def _words(cls, value: list[str] | None) -> list[str] | None:
        for word in value or []:
            word_pattern(word)
        return value

    @field_validator("range")
    @classmethod
    def _upwards(cls, value: list[float | None] | None) -> list[float | None] | None:
        if value is not None:
            low, high = value
            if low is None and high is None:
                raise ValueError("a range needs at least one bound")
            if low is not None and high is not None and low >= high:
                raise ValueError(f"the range [{low:g}, {high:g}) is empty; put the lower first")
        return value

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        given = [name for name in OPERATORS if getattr(self, name) is not None]
        if len(given) != 1:
            words = ", ".join(name.rstrip("_") for name in OPERATORS)
            raise ValueError(f"give exactly one of: {words}")
        return self

    @property
    def operator(self) -> str:
        """The one operator given."""
        return next(name for name in OPERATORS if getattr(self, name) is not None)

    @property
    def reads(self) -> Reads:
        """What the column must be read as."""
        match self.operator:
            case "range":
                return "number"
            case "missing" | "answered":
                return "any"
            case "equals" | "in_":
                values = [self.equals] if self.in_ is None else self.in_
                kinds = {kind_of(value) for value in values if value is not None}
                if len(kinds) > 1:
                    raise ValueError("the values are of different kinds: text, number, true/false")
                return kinds.pop()
        return "text"

    def texts(self) -> tuple[str, ...]:
        """The values this compares text with, normalised as people's text is."""
        match self.operator:
            case "in_file":
                return self._lines
            case "contains_any":
                return tuple(normalise(text) for text in self.contains_any or [])
            case "in_":
                return tuple(normalise(str(value)) for value in self.in_ or [])
            case "prefix":
                return (normalise(self.prefix or ""),)
        return (normalise(str(self.equals)),)

    def fill(self, lines: list[str]) -> None:
        """Take in the entries of the file it names; called once, while a model is loaded."""
        self._lines = tuple(sorted({normalise(line) for line in lines}))


def kind_of(value: Value) -> Reads:
    """What a rule's value is compared as."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number" if math.isfinite(value) else "text"
    return "text"
