"""model.yaml: rules both teams can read, as documents. Its version is a hash of all it says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import Field, field_validator, model_validator

from connector.documents import Document, canonical_hash, load_lines
from connector.scoring.condition import Condition, Reads
from connector.scoring.derived import TABLES_VERSION
from connector.scoring.extending import load_extended
from connector.scoring.rules import (
    BehaviourPart,
    BehaviourRule,
    FastTrackRule,
    FilterRule,
    FitPart,
    FitRule,
)
from connector.scoring.units import Units

ACCOUNT = "account.key"
"""The field that tells whose colleagues people are."""


class Weights(Document):
    """How much fit and behaviour weigh against each other."""

    fit: Annotated[float, Field(ge=0)] = 60
    behaviour: Annotated[float, Field(ge=0)] = 40

    @model_validator(mode="after")
    def _something_weighs(self) -> Self:
        if self.fit + self.behaviour <= 0:
            raise ValueError("at least one of fit and behaviour must weigh something")
        return self


class Grades(Document):
    """Letters of fit and digits of behaviour, each with the least that earns it."""

    letters: dict[str, float] = {"A": 75, "B": 50, "C": 25}
    digits: dict[int, float] = {1: 75, 2: 50, 3: 25}

    @field_validator("digits", mode="before")
    @classmethod
    def _digit_keys(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {int(k) if str(k).isdigit() else k: v for k, v in value.items()}
        return value


class SegmentThreshold(Document):
    """Another threshold for the people of whom every test of `when` holds."""

    name: str
    when: Annotated[dict[str, Condition], Field(min_length=1)]
    threshold: Annotated[float, Field(ge=0, le=100)]


class Action(Document):
    """What to do with people from this score on, up to the next band."""

    least: Annotated[float, Field(ge=0, le=100, alias="from")]
    action: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Model(Document):
    """The whole of model.yaml. `extends` names a model file whose rules this one changes."""

    version: Literal[1]
    name: str
    extends: str | None = None
    weights: Weights = Weights.by_default()
    threshold: Annotated[float, Field(ge=0, le=100)] = 65
    compare: Literal["at_least", "exceeds"] = "at_least"
    thresholds: list[SegmentThreshold] = []
    actions: list[Action] = []
    hysteresis: Annotated[float, Field(ge=0, le=100)] = 5
    unknown_fit: Literal["behaviour_only", "zero"] = "behaviour_only"
    grades: Grades = Grades.by_default()
    fit: FitPart
    behaviour: BehaviourPart
    filters: list[FilterRule] = []
    disqualify: list[FilterRule] = []
    fast_track: list[FastTrackRule] = []

    @model_validator(mode="after")
    def _names_and_kinds(self) -> Self:
        seen: set[str] = set()
        for rule in self.all_rules():
            if rule.name in seen:
                raise ValueError(
                    f"two rules are called `{rule.name}`; each needs a name of its own"
                )
            seen.add(rule.name)
        steps = [band.least for band in self.actions]
        if steps != sorted(set(steps), reverse=True):
            raise ValueError("`actions` go from the highest band down, each `from:` once")
        self.person_fields()
        return self

    def all_rules(self) -> Iterator[FitRule | BehaviourRule | FilterRule | FastTrackRule]:
        """Every rule, in the order of the file's parts."""
        for fit_group in self.fit.groups:
            yield from fit_group.rules
        for group in self.behaviour.groups:
            yield from group.rules
        yield from self.filters
        yield from self.disqualify
        yield from self.fast_track

    def fit_rules(self) -> list[FitRule]:
        """The fit rules of all groups."""
        return [rule for group in self.fit.groups for rule in group.rules]

    def behaviour_rules(self) -> list[BehaviourRule]:
        """The behaviour rules of all groups."""
        return [rule for group in self.behaviour.groups for rule in group.rules]

    def outs(self) -> list[FilterRule]:
        """Filters, then disqualify rules: the first that holds gives the reason."""
        return [*self.filters, *self.disqualify]

    def person_fields(self) -> dict[str, Reads]:
        """The fields of people that rules read, and as what.

        Raises ValueError when two rules read one field as different kinds.
        """
        rules: list[FitRule | FilterRule] = [*self.fit_rules(), *self.outs()]
        read = [(rule.field, rule.reads) for rule in rules]
        read += [(f, test.reads) for s in self.thresholds for f, test in s.when.items()]
        if self.rolls_up:
            read.append((ACCOUNT, "text"))
        return fields_read(read)

    def counting(self) -> list[BehaviourRule | FastTrackRule]:
        """The rules that read activities."""
        return [*self.behaviour_rules(), *self.fast_track]

    def units(self) -> Units:
        """What its rules count of activities."""
        return Units(self.counting())

    @property
    def rolls_up(self) -> bool:
        """Whether a rule counts what colleagues did."""
        return any(rule.by == "colleagues" for rule in self.behaviour_rules())

    def activity_columns(self) -> set[str]:
        """The columns of activities that rules read, beside person, id, type, time, machine."""
        found: set[str] = set()
        for rule in self.behaviour_rules():
            found |= set(rule.where)
            if rule.after is not None:
                found |= set(rule.after.where)
            if rule.per in {"asset", "visit", "return_visit"}:
                found.add("asset" if rule.per == "asset" else "visit")
        for fast in self.fast_track:
            found |= set(fast.where)
        return found

    @cached_property
    def hash(self) -> str:
        """The content hash: of the rules, the lists they name and the tables fields derive from."""
        return canonical_hash(self.plain())

    def plain(self) -> dict[str, Any]:
        """Everything that decides a score, as plain values."""
        lists = {c.in_file: list(c.texts()) for c in self.conditions() if c.in_file is not None}
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {"model": document, "lists": lists, "derived": TABLES_VERSION}

    def conditions(self) -> Iterator[Condition]:
        """Every condition, those of `where:` and `when:` too."""
        for rule in self.all_rules():
            if isinstance(rule, Condition):
                yield rule
            else:
                yield from rule.where.values()
            if isinstance(rule, BehaviourRule) and rule.after is not None:
                yield from rule.after.where.values()
        for segment in self.thresholds:
            yield from segment.when.values()

    def with_lists(self, read: Callable[[str], list[str]]) -> Self:
        """Give the model with the entries of the files its rules name."""
        if not any(condition.in_file for condition in self.conditions()):
            return self
        made = self.model_copy(deep=True)
        for condition in made.conditions():
            if condition.in_file is not None:
                condition.fill(read(condition.in_file))
        return made


def fields_read(read: Iterable[tuple[str, Reads]]) -> dict[str, Reads]:
    """Give each field once with what it is read as; raises ValueError for two kinds at once."""
    found: dict[str, Reads] = {}
    for field, reads in read:
        known = found.get(field, "any")
        if "any" not in {known, reads} and known != reads:
            raise ValueError(f"rules read the field `{field}` both as {known} and {reads}")
        found[field] = reads if known == "any" else known
    return found


def load_model(path: Path) -> Model:
    """Read a model, what it extends, and the lists it names, which lie beside it.

    Raises UsageError.
    """
    model = load_extended(path, Model)
    return model.with_lists(lambda name: load_lines(path.parent / name))


def revive(document: Mapping[str, Any]) -> Model:
    """Make a model again from what `plain` gave: an approved one, or one sent to a child."""
    model = Model.model_validate_json(orjson.dumps(document["model"]))
    lists = document["lists"]
    return model.with_lists(lambda name: list(lists[name]))
