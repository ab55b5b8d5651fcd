"""Backtest: past leads scored as of their hand-off, and held against what became of them.

What people did is dated, so only what came before the moment counts. What people are is dated as
far as the mapping asks for the history of fields (see then); for the rest fit is that of today, and
so is who is whom.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from connector.config.load import Loaded
from connector.domain.moment import DAY, SECOND, Micros, format_iso
from connector.domain.record import Scalar
from connector.engine.asof import Past, score_moments
from connector.funnel.backtest import Backtest, Case, backtest
from connector.funnel.history import STAGES
from connector.funnel.ranking import Auc
from connector.scoring.choice import Models
from connector.scoring.narrowing import without
from connector.store.database import Store
from connector.store.passes.histories import Reading, Told, Worth, histories
from connector.store.persons import people
from connector.store.scored.feed import activities_sql, people_sql
from connector.sync.studies.then import Then, facts_then

_HANDED_OFF = STAGES.index("handed_off")
_NEVER = float("-inf")
OWN_SCORE = "crm_score"
"""The field a mapping may read the CRM's own score into."""
OWN_FLAG = "The CRM's own score is that of today: it may know who bought."
FLAGS = ("Who is the same person, and which activities were a machine's, is as judged today.",)


class Moment(NamedTuple):
    """A past lead to score: as of when, why then, and whether it was won within the horizon."""

    person: str
    at: Micros
    basis: str
    won: bool


class Question(NamedTuple):
    """What to test. Without `everybody` only leads that sales had are asked about.

    `sample` takes that many of them by chance, the same ones for the same `seed`. Rules that read
    fields of `without` are left out, such as those that people learn after the hand-off.
    """

    horizon: Micros
    now: Micros
    everybody: bool = False
    sample: int | None = None
    seed: int = 0
    without: tuple[str, ...] = ()
    dated: bool = False
    """Leave out the rules on fields whose values of then are not known of every lead."""


def run_backtest(
    store: Store, loaded: Loaded, models: Models, question: Question
) -> dict[str, Any]:
    """Score past leads, each by the model for the person, and measure.

    Gives plain values, shares 0 to 1, times in days. Bands are cut at the default model's
    threshold; who would have been handed off follows each person's own.
    """
    if question.without:
        models = without(models, question.without)
    model = models.default
    moments, left_out = _moments(store, loaded, question)
    asked = len(moments)
    if question.sample is not None and question.sample < asked:
        luck = Random(question.seed)  # noqa: S311  a sample anybody can draw again
        moments = [moments[i] for i in sorted(luck.sample(range(asked), question.sample))]
    then = _then(store, loaded, models, moments)
    left = sorted(then.undated) if question.dated else []
    if left:
        models = without(models, left)
        model = models.default
    cases, scored = _cases(store, loaded, models, moments, then)
    left_out["not scored any more"] += len(moments) - len(cases)
    exceeds = model.compare == "exceeds"
    result = backtest(cases, model.threshold, exceeds=exceeds)
    return {
        "as_of": format_iso(question.now // SECOND * SECOND),
        "horizon_days": question.horizon / DAY,
        "model": {
            "name": model.name,
            "version": model.hash[:8],
            "threshold": model.threshold,
            "compare": model.compare,
        },
        "models": _by_model(models, cases, scored),
        "sample": question.sample,
        "seed": question.seed if question.sample is not None else None,
        "known": asked,
        "basis": dict(Counter(moments[past.number].basis for past in scored).most_common()),
        "left_out": dict(sorted((name, n) for name, n in left_out.items() if n)),
        "excluded_fields": [*question.without, *left],
        "undated": dict(then.undated.most_common()),
        "flags": [
            *_of_fields(then, left, len(moments)),
            *FLAGS,
            *([OWN_FLAG] if any(c.own is not None for c in cases) else []),
        ],
        **_plain(result),
    }


# --- which leads, as of when ---------------------------------------------------------------------


def _moments(store: Store, loaded: Loaded, question: Question) -> tuple[list[Moment], Counter[str]]:
    connections = loaded.settings.connections
    handoff = next((c.name for c in connections if c.handoff), connections[0].name)
    reading = Reading(handoff, loaded.settings.report.currency, _no_date, watched=False)
    moments: list[Moment] = []
    left_out: Counter[str] = Counter()
    with store.read() as tx:
        for told in histories(tx, reading, Worth()):
            found = _moment(told, question)
            if isinstance(found, Moment):
                moments.append(found)
            else:
                left_out[found] += 1
    return moments, left_out


def _no_date(_: Micros) -> None:
    """Nobody asks here when a verdict was due."""


def _moment(told: Told, question: Question) -> Moment | str:
    """The moment to score a lead at, or why it is left out."""
    history = told.history
    if history.depth < _HANDED_OFF and not question.everybody:
        return "never in sales' hands"
    at, basis = _as_of(told)
    if at is None:
        return "no date known"
    if at + question.horizon > question.now:
        return "too young for the horizon"
    if not history.won:
        return Moment(history.person, at, basis, won=False)
    if told.won_at is None:
        return "won, nobody knows when"
    if told.won_at < at:
        return "won before the hand-off"
    return Moment(history.person, at, basis, won=told.won_at - at <= question.horizon)


def _as_of(told: Told) -> tuple[Micros | None, str]:
    given = told.history.handoff
    if given is not None:
        return given.at, "hand-off"
    if told.working_at is not None:
        return told.working_at, "first worked on by sales"
    began = told.created if told.created is not None else told.history.reached.get("inquiry")
    return began, "creation"


def _then(store: Store, loaded: Loaded, models: Models, moments: Sequence[Moment]) -> Then:
    """What rules would have read then."""
    ranks = {one.name: rank for rank, one in enumerate(loaded.settings.connections)}
    asked = [(one.person, one.at) for one in moments]
    with store.read() as tx:
        return facts_then(tx, asked, list(models.person_fields()), ranks)


def _of_fields(then: Then, left: Sequence[str], moments: int) -> list[str]:
    if not then.undated:
        return []
    named = ", ".join(f"{name} ({n:,} of {moments:,})" for name, n in then.undated.most_common())
    if left:
        return [f"Rules on fields whose values of then are not known are left out: {named}."]
    said = f"Of these fields the values of then are not known of all leads: {named}. Today's stand "
    return [f"{said}in, so fit may know what was learnt later; --dated leaves their rules out."]


# --- scores of then ------------------------------------------------------------------------------


def _cases(
    store: Store, loaded: Loaded, models: Models, moments: Sequence[Moment], then: Then
) -> tuple[list[Case], list[Past]]:
    if not moments:
        return [], []
    with score_moments(
        models,
        [(one.person, one.at) for one in moments],
        url=store.url,
        people=people_sql(store.dialect, models.person_fields(), only_stale=False, customers=True),
        activities=activities_sql(
            store.dialect, models.activity_columns(), only_stale=False, customers=True
        ),
        memory=loaded.settings.engine.memory,
        then=then.facts,
    ) as scored:
        pasts = sorted(scored)
    with store.read() as tx:
        known = people.values_of(tx, {one.person for one in moments}, OWN_SCORE)
    own = {who: _number(value) for who, value in known.items()}
    cases = [
        _case(past, moments[past.number], own.get(moments[past.number].person)) for past in pasts
    ]
    return cases, pasts


def _number(value: Scalar) -> float | None:
    given = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if given and value is not None else None


def _case(past: Past, moment: Moment, own: float | None) -> Case:
    return Case(
        total=past.total,
        score=past.score,
        fit=past.fit,
        behaviour=past.behaviour,
        freshness=_NEVER if past.newest is None else float(past.newest - moment.at),
        sales_ready=past.sales_ready,
        out=past.disqualified_by is not None,
        won=moment.won,
        at=moment.at,
        own=own,
    )


def _by_model(models: Models, cases: Sequence[Case], pasts: Sequence[Past]) -> list[dict[str, Any]]:
    """How many leads each model scored, and how many of those were won."""
    rows = []
    for place, (model, _) in enumerate(models):
        mine = [case for case, past in zip(cases, pasts, strict=True) if past.place == place]
        rows.append(
            {
                "name": model.name,
                "version": model.hash[:8],
                "threshold": model.threshold,
                "n": len(mine),
                "won": sum(case.won for case in mine),
            }
        )
    return rows


# --- as plain values -----------------------------------------------------------------------------


def _plain(result: Backtest) -> dict[str, Any]:
    return {
        "n": result.n,
        "won": result.won,
        "rate": result.rate,
        "confusion": result.confusion._asdict(),
        "bands": [band._asdict() for band in result.bands],
        "halves": [{**one._asdict(), "auc": _auc(one.auc)} for one in result.halves],
        "rankings": [
            {
                "name": one.name,
                "auc": _auc(one.auc),
                "pr": _auc(one.pr),
                "lifts": [found._asdict() for found in one.lifts],
                "model_ahead": _auc(one.behind),
            }
            for one in result.rankings
        ],
        "words": list(result.words),
    }


def _auc(found: Auc | None) -> dict[str, float] | None:
    return None if found is None else found._asdict()
