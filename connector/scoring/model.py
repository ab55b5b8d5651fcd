"""model.yaml: rules both teams can read, as documents. Its version is a hash of all it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, field_validator, model_validator

from connector.documents import Document, Duration, canonical_hash, load, load_lines
from connector.domain.moment import DAY
from connector.domain.text import normalise
from connector.scoring.condition import Condition, Reads
from connector.scoring.derived import TABLES_VERSION

COLUMNS = ("url", "asset", "campaign", "form", "channel")
HALF_LIVES = {"page_view": 30 * DAY, "form_submit": 180 * DAY}
DEFAULT_HALF_LIFE = 90 * DAY

Positive = Annotated[float, Field(gt=0)]
Where = dict[Literal["url", "asset", "campaign", "form", "channel"], Condition]


class FitRule(Condition):
    """Points for what a person or account is."""

    name: str
    field: str
    points: float


class Earlier(Document):
    """An activity that must have come before, at most `within` earlier."""

    activity: str | list[str]
    where: Where = {}
    within: Duration


class BehaviourRule(Document):
    """Points for what a person did, worth less as it ages; or for having been quiet."""

    name: str
    points: float
    activity: str | list[str] | None = None
    where: Where = {}
    half_life: Duration | Literal["none"] | None = None
    max: float | None = None
    min: float | None = None
    within: Duration | None = None
    per: Literal["day", "asset", "visit"] | None = None
    times: Annotated[int, Field(ge=1)] = 1
    after: Earlier | None = None
    inactive: Duration | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> BehaviourRule:
        if (self.activity is None) == (self.inactive is None):
            raise ValueError("give either `activity:` or `inactive:`")
        if self.inactive is not None and (self.per or self.after or self.where or self.within):
            raise ValueError("`inactive:` stands alone: no per, after, where or within")
        if self.after is not None and self.per is not None:
            raise ValueError("`after:` and `per:` cannot be combined")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`")
        if self.half_life == 0:
            raise ValueError("a half-life of nothing; `half_life: none` switches decay off")
        return self

    @property
    def types(self) -> tuple[str, ...]:
        """The activity types it reads, normalised."""
        return _types(self.activity)

    @property
    def decay(self) -> int | None:
        """The half-life in microseconds; None when points do not age."""
        if self.half_life == "none" or self.inactive is not None:
            return None
        if isinstance(self.half_life, int):
            return self.half_life
        only = self.types[0] if len(self.types) == 1 else ""
        return HALF_LIVES.get(only, DEFAULT_HALF_LIFE)


class FitGroup(Document):
    """Fit rules whose points are added, then clipped to min and max (no bound by default)."""

    name: str
    min: float | None = None
    max: float | None = None
    rules: Annotated[list[FitRule], Field(min_length=1)]


class FitPart(Document):
    """Fit: `full_marks` are the points that make 100."""

    full_marks: Positive
    groups: Annotated[list[FitGroup], Field(min_length=1)]


class BehaviourGroup(Document):
    """Behaviour rules whose points are added, then clipped to min and max."""

    name: str
    min: float | None = None
    max: float | None = None
    rules: Annotated[list[BehaviourRule], Field(min_length=1)]


class BehaviourPart(Document):
    """Behaviour: `full_marks` are the points that make 100."""

    full_marks: Positive
    groups: Annotated[list[BehaviourGroup], Field(min_length=1)]


class FilterRule(Condition):
    """Somebody who is out, and the reason code that says why."""

    name: str
    field: str
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class FastTrackRule(Document):
    """A hand-raise: straight to sales, counted apart."""

    name: str
    activity: str | list[str]
    where: Where = {}
    within: Duration | None = None

    @property
    def types(self) -> tuple[str, ...]:
        """The activity types it reads, normalised."""
        return _types(self.activity)


class Weights(Document):
    """How much fit and behaviour weigh against each other."""

    fit: Annotated[float, Field(ge=0)] = 60
    behaviour: Annotated[float, Field(ge=0)] = 40

    @model_validator(mode="after")
    def _something_weighs(self) -> Weights:
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


class Model(Document):
    """The whole of model.yaml."""

    version: Literal[1]
    name: str
    weights: Weights = Weights()
    threshold: Annotated[float, Field(ge=0, le=100)] = 65
    compare: Literal["at_least", "exceeds"] = "at_least"
    hysteresis: Annotated[float, Field(ge=0, le=100)] = 5
    unknown_fit: Literal["behaviour_only", "zero"] = "behaviour_only"
    grades: Grades = Grades()
    fit: FitPart
    behaviour: BehaviourPart
    filters: list[FilterRule] = []
    disqualify: list[FilterRule] = []
    fast_track: list[FastTrackRule] = []

    @model_validator(mode="after")
    def _names_and_kinds(self) -> Model:
        seen: set[str] = set()
        for rule in self.all_rules():
            if rule.name in seen:
                raise ValueError(
                    f"two rules are called `{rule.name}`; each needs a name of its own"
                )
            seen.add(rule.name)
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
        found: dict[str, Reads] = {}
        rules: list[FitRule | FilterRule] = [*self.fit_rules(), *self.outs()]
        for rule in rules:
            known = found.get(rule.field, "any")
            reads = rule.reads
            if "any" not in {known, reads} and known != reads:
                raise ValueError(f"rules read the field `{rule.field}` both as {known} and {reads}")
            found[rule.field] = reads if known == "any" else known
        return found

    @cached_property
    def hash(self) -> str:
        """The content hash: of the rules, the lists they name and the tables fields derive from."""
        return canonical_hash(self.plain())

    def plain(self) -> dict[str, Any]:
        """Everything that decides a score, as plain values."""
        lists = {
            rule.name: list(rule.texts())
            for rule in self.all_rules()
            if isinstance(rule, Condition) and rule.in_file is not None
        }
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {"model": document, "lists": lists, "derived": TABLES_VERSION}

    def with_lists(self, read: Callable[[str], list[str]]) -> Model:
        """Give the model with the entries of the files its rules name."""

        def filled(rule: Any) -> Any:
            listed = isinstance(rule, Condition) and rule.in_file is not None
            return rule.with_lines(read(rule.in_file)) if listed else rule

        fit = self.fit.model_copy(
            update={
                "groups": [
                    g.model_copy(update={"rules": [filled(r) for r in g.rules]})
                    for g in self.fit.groups
                ]
            }
        )
        return self.model_copy(
            update={
                "fit": fit,
                "filters": [filled(r) for r in self.filters],
                "disqualify": [filled(r) for r in self.disqualify],
            }
        )


def load_model(path: Path) -> Model:
    """Read a model and the lists it names, which lie beside it. Raises UsageError."""
    model = load(path, Model)
    return model.with_lists(lambda name: load_lines(path.parent / name))


def revive(document: Mapping[str, Any]) -> Model:
    """Make a model again from what `plain` gave: an approved one, or one sent to a child."""
    model = Model.model_validate_json(_json(document["model"]))
    lists = document["lists"]
    by_file = {
        rule.in_file: lists[rule.name]
        for rule in model.all_rules()
        if isinstance(rule, Condition) and rule.in_file is not None
    }
    return model.with_lists(lambda name: list(by_file[name]))


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _types(activity: str | list[str] | None) -> tuple[str, ...]:
    if activity is None:
        return ()
    return tuple(normalise(t) for t in ([activity] if isinstance(activity, str) else activity))
