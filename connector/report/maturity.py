"""Gathers what the maturity of the process is judged by, out of store and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from connector.config.load import Loaded
from connector.decisions.routing_document import Routing
from connector.domain.moment import DAY, Micros
from connector.funnel.maturity import Counts, Facts, maturity, overall
from connector.report.agreement import agreement
from connector.scoring.choice import Models
from connector.store.agreed import reviews, surveys
from connector.store.incoming.campaigns import campaigns
from connector.store.persons import quality


def maturity_data(
    tx: Connection,
    loaded: Loaded,
    models: Models,
    routing: Routing | None,
    counts: Counts,
    now: Micros,
    known: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Give the five parts with level, evidence and next steps, as plain values.

    `counts` are those of a MaturityMeasure that saw every cycle; `known` is how many people have
    each field that rules read, where the caller counted them already.
    """
    if known is None:
        known = quality.known_fields(tx, models.default.person_fields())
    parts = maturity(counts, facts_of(tx, loaded, models, routing, known, now))
    return {
        "level": overall(parts),
        "parts": [
            {
                "part": part.name,
                "level": part.level,
                "steps": list(part.steps),
                "evidence": [check._asdict() for check in part.checks],
            }
            for part in parts
        ],
    }


def facts_of(
    tx: Connection,
    loaded: Loaded,
    models: Models,
    routing: Routing | None,
    known: Mapping[str, int],
    now: Micros,
) -> Facts:
    """Give what configuration and store say beside the cycles."""
    settings, model = loaded.settings, models.default
    inside, _ = quality.people_counts(tx)
    last = next(iter(reviews.newest(tx)), None)
    members = [m for pool in routing.pools.values() for m in pool.members] if routing else []
    goals = list(settings.report.goals.values())
    return Facts(
        people=inside,
        fields_known=sum(known.values()) / (inside * len(known)) if inside and known else None,
        kept_aside=sum(row["rows"] for row in quality.kept_aside(tx)),
        targets=sum(one.target is not None for one in settings.process.sources),
        questions=sum(bool(one.answered) for one in model.conditions()),
        filters=len(model.outs()),
        signed=last is not None
        and last.definition == agreement(loaded, models, routing).definition,
        days_since_review=None if last is None else (now - last.at) / DAY,
        survey_answers=len(surveys.answers(tx)),
        themes=len(set(settings.nurture.themes.values())),
        holdout=settings.nurture.holdout > 0,
        routing_rules=0 if routing is None else len(routing.rules) + 1,
        capacity=bool(members)
        and all(one.capacity.model_dump(exclude_none=True) for one in members),
        overflow=routing is not None and routing.overflow is not None,
        sla_agreed="sla" in settings.model_fields_set,
        goals=len(goals),
        goals_owned=sum(one.owner is not None for one in goals),
        costs=settings.report.costs is not None
        or any(one.cents is not None for one in campaigns(tx).values()),
    )
