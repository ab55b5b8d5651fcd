"""A published score with its reasons, as the rest of the house passes it on."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One line of an explanation: `points` in score points, `raw` in the model's own points.

    `part` is fit, behaviour or adjustment (caps, floors, rounding).
    """

    rule: str
    part: str
    points: float
    raw: float


class Score(NamedTuple):
    """What the engine says about one person. Numbers are 0 to 100; `score` is whole.

    `disqualified_by` is the reason code of the first filter or disqualify rule that held,
    `fast_track_by` the name of the first fast-track rule. `threshold` is the one that was asked of
    this person, `action` the word of the band the score lies in.
    """

    person: str
    fit: float
    behaviour: float
    total: float
    score: int
    grade: str
    sales_ready: bool
    disqualified_by: str | None
    fast_track_by: str | None
    threshold: float = 65.0
    action: str | None = None
