"""The rules a model is made of, as people write them."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from connector.documents import Document, Duration
from connector.domain.moment import DAY
from connector.domain.text import normalise
from connector.scoring.condition import Condition

COLUMNS = ("url", "asset", "campaign", "form", "channel")
HALF_LIVES = {"page_view": 30 * DAY, "form_submit": 180 * DAY}
DEFAULT_HALF_LIFE = 90 * DAY

Positive = Annotated[float, Field(gt=0)]
Where = dict[Literal["url", "asset", "campaign", "form", "channel"], Condition]


def column(name: str) -> str:
    """The column that holds a rule's raw points."""
    return f"rule:{name}"


class FitRule(Condition):
    """Points for what a person or account is."""

    name: str
    field: str
    points: float


class Earlier(Document):
    """An activity that must have come before, at most `within` earlier."""

    activity: str | Annotated[list[str], Field(min_length=1)]
    where: Where = {}
    within: Duration

    @property
    def types(self) -> tuple[str, ...]:
        """The activity types it reads, normalised."""
        return _types(self.activity)


class BehaviourRule(Document):
    """Points for what a person did, worth less as it ages; or for having been quiet.

    `per: return_visit` counts each visit but the person's first. `first: true` counts the oldest
    activity instead of the newest: of the person, or with `per` of each asset or visit.
    `by: colleagues` counts what the other people of the account did.
    """

    name: str
    points: float
    activity: str | Annotated[list[str], Field(min_length=1)] | None = None
    where: Where = {}
    half_life: Duration | Literal["none"] | None = None
    max: float | None = None
    min: float | None = None
    within: Duration | None = None
    per: Literal["day", "asset", "visit", "return_visit"] | None = None
    times: Annotated[int, Field(ge=1)] = 1
    first: bool = False
    after: Earlier | None = None
    by: Literal["person", "colleagues"] = "person"
    inactive: Duration | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.activity is None) == (self.inactive is None):
            raise ValueError("give either `activity:` or `inactive:`")
        alone = (self.per, self.after, self.where, self.within, self.first, self.half_life)
        if self.inactive is not None and (any(alone) or self.by != "person"):
            raise ValueError("`inactive:` stands alone: no per, after, where, within, first or by")
        if self.after is not None and (self.per is not None or self.first):
            raise ValueError("`after:` cannot be combined with `per:` or `first:`")
        if self.first and self.per in {"day", "return_visit"}:
            raise ValueError(f"`first:` cannot be combined with `per: {self.per}`")
        if self.times > 1 and self.per is None and not self.first:
            raise ValueError("`times:` needs `per:` or `first:`; `max:` limits points")
        ordered_bounds(self.min, self.max)
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

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        ordered_bounds(self.min, self.max)
        return self


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

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        ordered_bounds(self.min, self.max)
        return self


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
    activity: str | Annotated[list[str], Field(min_length=1)]
    where: Where = {}
    within: Duration | None = None
    # It is counted as a behaviour rule is that says no more.
    per: ClassVar[None] = None
    times: ClassVar[int] = 1
    first: ClassVar[bool] = False
    after: ClassVar[None] = None
    inactive: ClassVar[None] = None
    decay: ClassVar[None] = None

    @property
    def types(self) -> tuple[str, ...]:
        """The activity types it reads, normalised."""
        return _types(self.activity)


def _types(activity: str | list[str] | None) -> tuple[str, ...]:
    if activity is None:
        return ()
    return tuple(normalise(t) for t in ([activity] if isinstance(activity, str) else activity))


def ordered_bounds(low: float | None, high: float | None) -> None:
    """Raise ValueError for a minimum above its maximum."""
    if low is not None and high is not None and low > high:
        raise ValueError("`min` is above `max`")
