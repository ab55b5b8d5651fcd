"""Why a score is what it is: lines in score points that add up to it exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from connector.domain.score import Line, Score
from connector.scoring.model import Model
from connector.scoring.rules import column

ADJUSTMENT = "adjustment"


def explain(model: Model, contributions: Mapping[str, float], score: Score) -> list[Line]:
    """Give a line for every rule that counted, then caps, floors and rounding as their own.

    `contributions` are raw points by `rule:<name>`. math.fsum over the points of all lines equals
    the published score.
    """
    weights = model.weights
    whole = weights.fit + weights.behaviour
    alone = score.grade.startswith("?")
    fit_share = 0.0 if alone else weights.fit / whole
    behaviour_share = 1.0 if alone else weights.behaviour / whole
    lines = _part_lines("fit", model.fit, contributions, fit_share)
    lines += _part_lines("behaviour", model.behaviour, contributions, behaviour_share)
    rest = score.score - math.fsum(line.points for line in lines)
    return lines if rest == 0 else [*lines, Line("rounding", ADJUSTMENT, rest, 0.0)]


_GRAINS = 2.0**40


def _grain(points: float) -> float:
    """Cut points to whole multiples of 2**-40, far below any digit shown.

    Sums of such numbers are exact in binary, so that one rounding line makes the sum whole.
    """
    return math.floor(points * _GRAINS + 0.5) / _GRAINS


def _part_lines(
    part: str, spec: Any, contributions: Mapping[str, float], share: float
) -> list[Line]:
    factor = 100.0 / spec.full_marks * share
    if factor == 0:
        return []
    lines: list[Line] = []
    total = 0.0
    for group in spec.groups:
        counted = [
            Line(rule.name, part, _grain(raw * factor), raw)
            for rule in group.rules
            if (raw := contributions.get(column(rule.name), 0.0))
        ]
        lines += counted
        summed = math.fsum(line.raw for line in counted)
        kept = _clip(summed, group.min, group.max)
        if kept != summed:
            word = "cap" if kept < summed else "floor"
            lines.append(_adjusted(f"{word} of {group.name}", kept - summed, factor))
        total += kept
    bounded = _clip(total, 0.0, spec.full_marks)
    if bounded != total:
        word = "full marks" if bounded < total else "floor"
        lines.append(_adjusted(f"{word} of {part}", bounded - total, factor))
    return lines


def _adjusted(name: str, by: float, factor: float) -> Line:
    return Line(name, ADJUSTMENT, _grain(by * factor), by)


def part_score(spec: Any, contributions: Mapping[str, float]) -> float:
    """Give the fit or behaviour that raw points by `rule:<name>` make, 0 to 100."""
    total = math.fsum(
        _clip(
            math.fsum(contributions.get(column(rule.name), 0.0) for rule in group.rules),
            group.min,
            group.max,
        )
        for group in spec.groups
    )
    return 100.0 * _clip(total / spec.full_marks, 0.0, 1.0)


def _clip(value: float, low: float | None, high: float | None) -> float:
    if high is not None and value > high:
        value = high
    if low is not None and value < low:
        value = low
    return value


def reasons_text(lines: Sequence[Line], score: Score, *, most: int = 8) -> str:
    """Give what a rep reads in the CRM: the rules that moved the score, in whole points.

    Largest first; rules that round to nothing and adjustments are left out. It holds no age and
    no date, so that it changes only when what it says does.
    """
    told = [
        (-abs(line.points), line.rule, whole)
        for line in lines
        if line.part != ADJUSTMENT and (whole := _whole(line.points))
    ]
    told.sort()
    parts = [f"{whole:+d} {rule}" for _, rule, whole in told[:most]]
    if len(told) > most:
        parts.append(f"and {len(told) - most} more")
    head = []
    if score.disqualified_by is not None:
        head.append(f"Out: {score.disqualified_by}")
    if score.fast_track_by is not None:
        head.append(f"Fast track: {score.fast_track_by}")
    return "\n".join([*head, *parts]) or "No rule has counted yet"


def _whole(points: float) -> int:
    return math.floor(points + 0.5) if points > 0 else -math.floor(0.5 - points)
