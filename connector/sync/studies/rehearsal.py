"""Tries models on personas before anybody sees a score: in this process, without a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.domain.moment import Micros
from connector.domain.score import Score
from connector.engine.small import score_rows
from connector.scoring.choice import Models
from connector.scoring.prepare import prepare
from connector.scoring.scenarios import Scenario, frames


def play(models: Models, personas: Sequence[Scenario], now: Micros) -> list[Score]:
    """Give each persona's score by the model that is for such a person, in their order."""
    facts = {one.name: prepare(one.person, one.account) for one in personas}
    found: dict[str, Score] = {}
    for model, _ in models:
        mine = [one for one in personas if models.of(facts[one.name]) is model]
        if mine:
            scored = score_rows(model, *frames(model, mine, now), now)
            found.update({score.person: score for score, _ in scored})
    return [found[one.name] for one in personas]


def distances(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """Say how far each persona is from its threshold; below it is negative."""
    return [
        {
            "scenario": one.person,
            "score": one.score,
            "threshold": one.threshold,
            "distance": one.score - one.threshold,
            "sales_ready": one.sales_ready,
            "by": one.disqualified_by or one.fast_track_by,
        }
        for one in scores
    ]
