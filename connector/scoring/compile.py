"""The one compiler: a model and two frames in, scores and every rule's points out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw

from connector.domain.moment import Micros
from connector.domain.score import Score
from connector.scoring.behaviour import of_colleagues, points_of, unit_frames
from connector.scoring.choice import Models
from connector.scoring.entries import Frame
from connector.scoring.expressions import all_of, amount, clipped, holds
from connector.scoring.model import ACCOUNT, Model
from connector.scoring.rules import column
from connector.scoring.units import Units

SCORE_COLUMNS = Score._fields
PUBLIC_COLUMNS = SCORE_COLUMNS[:-2]
"""What `leadloop score` writes."""
_OF_PERSON = ("person", "disqualified_by", "unknown", "threshold")
_NANO = 1e9


def score_frame(
    people: Frame,
    activities: Frame,
    model: Model,
    now: Micros | nw.Expr,
    *,
    account: str = ACCOUNT,
) -> Frame:
    """Score everybody in `people`.

    Args:
        people: One row a person: `person`, and a column for each field the model reads. Rules
            about colleagues know those who are in it, by `account.key`.
        activities: person, type, time, machine, and the columns the model's rules read.
        now: Activities after it wait. To score each person as of a moment of their own, give an
            expression of `person` alone: it is asked again after activities were grouped.
        account: The column that tells whose colleagues people are.

    Returns:
        The columns of Score, then `rule:<name>` of every fit and behaviour rule: its raw points
        after its own min and max, before the caps of its group.
    """
    moment = now if isinstance(now, nw.Expr) else nw.lit(now)
    units = model.units()
    frames = unit_frames(activities, units, moment)
    return score_counted(people, frames, model, units, moment, account=account)


def score_counted(
    people: Frame,
    counted: Sequence[Frame],
    model: Model,
    units: Units,
    now: Micros | nw.Expr,
    *,
    account: str = ACCOUNT,
) -> Frame:
    """Score everybody in `people` from frames of what they did, counted as of `now`.

    `units` are those of the model, or of more models than this one; the rest is as score_frame.
    """
    moment = now if isinstance(now, nw.Expr) else nw.lit(now)
    rules = model.behaviour_rules()
    scored = _fit_columns(people, model, account)
    for frame in counted:
        scored = scored.join(frame, on="person", how="left")
    scored = scored.with_columns(**points_of(rules, units, moment))
    if rolled := [rule for rule in rules if rule.by == "colleagues"]:
        scored = of_colleagues(scored, rolled)
    bounded = {column(r.name): clipped(nw.col(column(r.name)), r.min, r.max) for r in rules}
    asked = {column(r.name): nw.col(units.column(r)).fill_null(0.0) for r in model.fast_track}
    names = [*_OF_PERSON, *_columns(model.fit_rules())]
    scored = scored.select(*names, **bounded, **asked)  # no units: each step names all its columns
    return _published(_totals(scored, model), model)


def choose(people: Frame, models: Models) -> Frame:
    """Give `person` and `choice`: the place, among the models, of the one for each person."""
    chosen: Any = nw.lit(len(models.choices) - 1)
    for place, choice in reversed(list(enumerate(models.choices[:-1]))):
        inside = all_of([holds(test, field) for field, test in choice.when.items()])
        chosen = nw.when(inside).then(nw.lit(place)).otherwise(chosen)
    return people.select("person", chosen.alias("choice"))


def _fit_columns(people: Frame, model: Model, account: str) -> Frame:
    columns = {
        column(rule.name): amount(holds(rule, rule.field), rule.points)
        for rule in model.fit_rules()
    }
    fields = sorted({rule.field for rule in model.fit_rules()})
    unknown = all_of([nw.col(name).is_null() for name in fields])
    return people.select(
        "person",
        *([nw.col(account).alias("account")] if model.rolls_up else []),
        _first_name(model).alias("disqualified_by"),
        unknown.alias("unknown"),
        _threshold(model).alias("threshold"),
        **columns,
    )


def _threshold(model: Model) -> nw.Expr:
    """The threshold of the first segment whose tests all hold, else the model's own."""
    chosen: Any = nw.lit(float(model.threshold))
    for segment in reversed(model.thresholds):
        inside = all_of([holds(test, field) for field, test in segment.when.items()])
        chosen = nw.when(inside).then(nw.lit(float(segment.threshold))).otherwise(chosen)
    return chosen  # type: ignore[no-any-return]


def _first_name(model: Model) -> nw.Expr:
    """The reason of the first filter or disqualify rule that holds."""
    reason: Any = nw.lit(None, dtype=nw.String)
    for rule in reversed(model.outs()):
        reason = nw.when(holds(rule, rule.field)).then(nw.lit(rule.reason)).otherwise(reason)
    return reason  # type: ignore[no-any-return]


def _parts(scored: Frame, model: Model) -> Frame:
    """Add fit and behaviour: 100 * clip(sum over groups of clip(sum of points) / full marks, 0, 1).

    Each sum is a column before it is held against its bounds, which name it several times.
    """
    parts: dict[str, Any] = {"fit": model.fit, "behaviour": model.behaviour}
    rules = [*model.fit_rules(), *model.behaviour_rules(), *model.fast_track]
    sums, shares = {}, {}
    for part, spec in parts.items():
        total: Any = nw.lit(0.0)
        for n, group in enumerate(spec.groups):
            points: Any = nw.lit(0.0)
            for rule in group.rules:
                points = points + nw.col(column(rule.name))
            sums[f"{part} {n}"] = points
            total = total + clipped(nw.col(f"{part} {n}"), group.min, group.max)
        shares[part] = total / float(spec.full_marks)
    scored = scored.with_columns(**sums).select(*_OF_PERSON, *_columns(rules), **shares)
    return scored.with_columns(**{n: clipped(nw.col(n), 0.0, 1.0) * 100.0 for n in parts})


def _totals(scored: Frame, model: Model) -> Frame:
    weights = model.weights
    scored = _parts(scored, model)
    both = (nw.col("fit") * weights.fit + nw.col("behaviour") * weights.behaviour) / (
        weights.fit + weights.behaviour
    )
    raw = both
    if model.unknown_fit == "behaviour_only":
        raw = nw.when(nw.col("unknown")).then(nw.col("behaviour")).otherwise(both)
    scored = scored.with_columns(((raw * _NANO + 0.5).floor() / _NANO).alias("total"))
    return scored.with_columns((nw.col("total") + 0.5).floor().cast(nw.Int64).alias("score"))


def _published(scored: Frame, model: Model) -> Frame:
    score, threshold = nw.col("score"), nw.col("threshold")
    reached = score >= threshold if model.compare == "at_least" else score > threshold
    fast: Any = nw.lit(None, dtype=nw.String)
    for rule in reversed(model.fast_track):
        asked = nw.col(column(rule.name)) > 0
        fast = nw.when(asked).then(nw.lit(rule.name)).otherwise(fast)
    scored = scored.with_columns(
        _grade(model).alias("grade"),
        _action(model).alias("action"),
        fast.alias("fast_track_by"),
        reached.alias("reached"),
    )
    ready = (nw.col("reached") | ~nw.col("fast_track_by").is_null()) & nw.col(
        "disqualified_by"
    ).is_null()
    rules = _columns([*model.fit_rules(), *model.behaviour_rules()])
    return scored.with_columns(ready.alias("sales_ready")).select(*SCORE_COLUMNS, *rules)


def _columns(rules: Iterable[Any]) -> list[str]:
    return [column(rule.name) for rule in rules]


def _grade(model: Model) -> nw.Expr:
    letter = _band(nw.col("fit"), model.grades.letters, "D")
    if model.unknown_fit == "behaviour_only":
        letter = nw.when(nw.col("unknown")).then(nw.lit("?")).otherwise(letter)
    digits = {str(digit): least for digit, least in model.grades.digits.items()}
    return nw.concat_str([letter, _band(nw.col("behaviour"), digits, "4")])


def _action(model: Model) -> nw.Expr:
    chosen: Any = nw.lit(None, dtype=nw.String)
    for band in reversed(model.actions):
        reached = nw.col("score") >= float(band.least)
        chosen = nw.when(reached).then(nw.lit(band.action)).otherwise(chosen)
    return chosen  # type: ignore[no-any-return]


def _band(value: nw.Expr, bands: Mapping[str, float], lowest: str) -> nw.Expr:
    chosen: Any = nw.lit(lowest)
    for name, least in sorted(bands.items(), key=lambda pair: pair[1]):
        chosen = nw.when(value >= float(least)).then(nw.lit(name)).otherwise(chosen)
    return chosen  # type: ignore[no-any-return]
