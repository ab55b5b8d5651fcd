"""Where to put the threshold: from scenarios, from what sales can take, from money. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from connector.domain.score import Score
from connector.scoring.scenarios import Scenario


def from_scenarios(
    personas: Sequence[Scenario], scores: Sequence[Score], *, exceeds: bool
) -> dict[str, Any]:
    """The highest threshold that every sales-ready persona passes, and the gap below it.

    Personas who are ready by a fast track or out by a rule say nothing about the threshold. `gap`
    is between the weakest who must pass and the best who must not; below 1 they cannot be told
    apart by score.
    """
    must, must_not = [], []
    for one, score in zip(personas, scores, strict=True):
        if score.disqualified_by is not None or score.fast_track_by is not None:
            continue
        if one.expect.sales_ready is True:
            must.append(score)
        elif one.expect.sales_ready is False:
            must_not.append(score)
    weakest = min(must, key=lambda s: (s.score, s.person), default=None)
    best = max(must_not, key=lambda s: (s.score, s.person), default=None)
    return {
        "highest": None if weakest is None else weakest.score - (1 if exceeds else 0),
        "weakest_ready": None if weakest is None else weakest.person,
        "weakest_score": None if weakest is None else weakest.score,
        "best_not_ready": None if best is None else best.person,
        "best_score": None if best is None else best.score,
        "gap": None if weakest is None or best is None else weakest.score - best.score,
    }


def from_capacity(scores: Sequence[int], weeks: float, per_week: float) -> dict[str, Any]:
    """The lowest threshold at which no more than `per_week` people a week reach it.

    `scores` are those of people who did something in the last `weeks` weeks.
    """
    ordered = sorted(scores)
    for threshold in range(101):
        above = len(ordered) - bisect_left(ordered, threshold)
        if above / weeks <= per_week:
            return {"threshold": threshold, "per_week": round(above / weeks, 2)}
    return {
        "threshold": None,
        "per_week": round((len(ordered) - bisect_left(ordered, 100)) / weeks, 2),
    }


def curve(
    live: Sequence[int], weeks: float, past: Sequence[tuple[int, bool]], step: int = 5
) -> list[dict[str, Any]]:
    """For each threshold: how many a week reach it, and of past leads how many and won."""
    rows = []
    for threshold in range(0, 101, step):
        reached = [won for score, won in past if score >= threshold]
        rows.append(
            {
                "threshold": threshold,
                "per_week": round(sum(s >= threshold for s in live) / weeks, 2),
                "past": len(reached),
                "won": sum(reached),
                "rate": round(sum(reached) / len(reached), 4) if reached else None,
                "missed": sum(won for score, won in past if score < threshold),
            }
        )
    return rows


def from_money(
    past: Sequence[tuple[int, bool]], cost: float, value: float, least: int = 20
) -> dict[str, Any]:
    """The threshold that would have earned most: value of wins less cost of calls.

    Below `least` wins and as many that were not, it says nothing.
    """
    won = sum(w for _, w in past)
    if won < least or len(past) - won < least:
        return {"threshold": None, "profit": None, "won": won, "lost": len(past) - won}
    best = max(range(101), key=lambda t: (_profit(past, t, cost, value), -t))
    return {
        "threshold": best,
        "profit": round(_profit(past, best, cost, value), 2),
        "won": won,
        "lost": len(past) - won,
    }


def _profit(past: Sequence[tuple[int, bool]], threshold: int, cost: float, value: float) -> float:
    reached = [won for score, won in past if score >= threshold]
    return value * sum(reached) - cost * len(reached)


def near(past: Sequence[tuple[int, bool]], threshold: float, points: int = 5) -> dict[str, Any]:
    """Acceptance just above and just below the threshold: alike means it is in the wrong place."""
    sides: Mapping[str, list[bool]] = {
        "above": [ok for score, ok in past if threshold <= score < threshold + points],
        "below": [ok for score, ok in past if threshold - points <= score < threshold],
    }
    return {
        side: {
            "n": len(oks),
            "accepted": sum(oks),
            "rate": round(sum(oks) / len(oks), 4) if oks else None,
        }
        for side, oks in sides.items()
    }
