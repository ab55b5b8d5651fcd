"""Where the threshold could stand: gathers personas, the live base and past outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from connector.config.load import Loaded
from connector.documents import load
from connector.domain.moment import Micros, format_iso
from connector.engine.asof import score_moments
from connector.funnel.statistics import wilson
from connector.scoring import thresholds
from connector.scoring.choice import Models
from connector.scoring.scenarios import Scenarios
from connector.store.database import Store
from connector.store.passes.outcomes import Outcome, outcomes
from connector.store.persons import people
from connector.store.scored.feed import activities_sql, people_sql
from connector.sync.studies.rehearsal import play
from connector.sync.studies.simulation import UNKNOWN, recent, score_everybody

WEEKS = 4
"""How far back "a week" is measured: people who did something counted since then."""
_LEAST = 20
_MOST = 0.5


class Wishes(NamedTuple):
    """What to fit the threshold to; None leaves a question out."""

    per_week: float | None
    cost: float | None
    value: float | None
    by: str


def propose(
    store: Store,
    loaded: Loaded,
    models: Models,
    scenarios: Path | None,
    wishes: Wishes,
    now: Micros,
) -> dict[str, Any]:
    """Give thresholds by scenarios, capacity and money, the curve, and acceptance around today's.

    "A week" counts people who did something in the last four weeks and are not out by a rule.
    """
    model = models.default
    everybody = score_everybody(store, loaded, models, now)
    active = recent(store, now, 7 * WEEKS)
    live = {p: s.score for p, s in everybody.items() if p in active and s.disqualified_by is None}
    past = past_scores(store, loaded, models)
    won = [(score, "won" in one.verdicts) for one, score in past]
    taken = [(score, one.accepted) for one, score in past]
    around = thresholds.near(taken, model.threshold)
    data: dict[str, Any] = {
        "as_of": format_iso(now),
        "model": {"name": model.name, "version": model.hash, "threshold": model.threshold},
        "people": len(everybody),
        "active": len(live),
        "past": len(past),
        "scenarios": None,
        "capacity": None,
        "money": None,
        "curve": thresholds.curve(list(live.values()), WEEKS, won),
        "around": around,
        "feedback": feedback(around, model.threshold),
        "segments": _segments(store, live, past, wishes, model.threshold),
        "notes": ["Past leads are scored as of their hand-off, with the fields of today."],
    }
    if scenarios is not None:
        personas = load(scenarios, Scenarios).scenarios
        data["scenarios"] = thresholds.from_scenarios(
            personas, play(models, personas, now), exceeds=model.compare == "exceeds"
        )
    if wishes.per_week is not None:
        data["capacity"] = thresholds.from_capacity(list(live.values()), WEEKS, wishes.per_week)
    if wishes.cost is not None and wishes.value is not None:
        data["money"] = thresholds.from_money(won, wishes.cost, wishes.value, _LEAST)
    return data


def feedback(around: Mapping[str, Any], threshold: float) -> dict[str, Any]:
    """Which way sales' verdicts just above and just below the line would move it, or why nowhere.

    `around` is what `near` gives: five points on either side. Down where most of those just below
    were accepted too, up where most of those just above were not, beyond the 95% interval (Wilson)
    and with enough verdicts on both sides.
    """
    below, above = around["below"], around["above"]
    just_below, just_above = (wilson(one["accepted"], one["n"]) for one in (below, above))
    if just_below is None or just_above is None or min(below["n"], above["n"]) < _LEAST:
        why = (
            f"too few judged leads around {threshold:g}: {below['n']} just below, {above['n']} "
            f"just above; {_LEAST} on each side are needed"
        )
        return {"threshold": None, "why": why}
    if just_below[0] > _MOST:
        return {"threshold": threshold - 5, "why": "sales accepts most of those just below too"}
    if just_above[1] < _MOST:
        return {"threshold": threshold + 5, "why": "sales refuses most of those just above"}
    why = "what sales accepts just below and just above speaks for no change"
    return {"threshold": None, "why": why}


def past_scores(store: Store, loaded: Loaded, models: Models) -> list[tuple[Outcome, int]]:
    """Score every pass sales said something about, as of its hand-off, by the person's model."""
    with store.read() as tx:
        known = list(outcomes(tx))
    if not known:
        return []
    with score_moments(
        models,
        [(one.person, one.at) for one in known],
        url=store.url,
        people=people_sql(store.dialect, models.person_fields(), only_stale=False, customers=True),
        activities=activities_sql(
            store.dialect, models.activity_columns(), only_stale=False, customers=True
        ),
        memory=loaded.settings.engine.memory,
    ) as scored:
        return [(known[past.number], past.score) for past in sorted(scored)]


def _segments(
    store: Store,
    live: Mapping[str, int],
    past: Sequence[tuple[Outcome, int]],
    wishes: Wishes,
    threshold: float,
) -> list[dict[str, Any]]:
    """Per segment: its share of the capacity at one threshold, and acceptance around today's."""
    with store.read() as tx:
        facts = people.facts_of(tx, {*live, *(one.person for one, _ in past)})

    def name(person: str) -> str:
        value = facts.get(person, {}).get(wishes.by)
        return UNKNOWN if value is None else str(value)

    groups: dict[str, tuple[list[int], list[tuple[int, bool]]]] = {}
    for person, score in live.items():
        groups.setdefault(name(person), ([], []))[0].append(score)
    for one, score in past:
        groups.setdefault(name(one.person), ([], []))[1].append((score, one.accepted))
    rows = []
    for segment, (scores, taken) in sorted(groups.items()):
        share = len(scores) / len(live) if live else 0.0
        row: dict[str, Any] = {
            "segment": segment,
            "active": len(scores),
            "past": len(taken),
            "accepted": sum(ok for _, ok in taken),
            "around": thresholds.near(taken, threshold),
        }
        if wishes.per_week is not None:
            row["capacity"] = thresholds.from_capacity(scores, WEEKS, wishes.per_week * share)
        rows.append(row)
    return rows
