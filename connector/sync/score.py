"""Score: run the model over who changed, or over everybody, and publish what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from connector.domain.moment import DAY
from connector.domain.score import Score
from connector.engine.run import score_store
from connector.scoring.explain import explain, reasons_text
from connector.store import people, runs, scores
from connector.store.feed import activities_sql, people_sql
from connector.store.scores import Published
from connector.sync.context import Loop

FULL_AFTER = DAY
"""Scores decay, so everybody is scored anew once in this time even when nothing happened."""


def score(loop: Loop) -> tuple[Counter[str], bool]:
    """Score and store; gives how many were scored and changed, and whether that was everybody."""
    everybody = _everybody_due(loop)
    counts: Counter[str] = Counter()
    with loop.store.read() as tx:
        if not everybody and not scores.any_stale(tx):
            return counts, False
    fields = loop.model.person_fields()
    with score_store(
        loop.model,
        loop.now,
        url=loop.store.url,
        people=people_sql(loop.store.dialect, fields, only_stale=not everybody),
        activities=activities_sql(only_stale=not everybody),
        memory=loop.settings.engine.memory,
    ) as scored:
        for page in scored.pages():
            counts["scored"] += len(page)
            counts["score changed"] += _publish(loop, page)
            loop.tell("score", counts)
    return counts, everybody


def _everybody_due(loop: Loop) -> bool:
    with loop.store.read() as tx:
        last = runs.last_full_score(tx)
    return last is None or last.model != loop.model.hash or loop.now - last.now >= FULL_AFTER


def _publish(loop: Loop, page: Sequence[tuple[Score, dict[str, float]]]) -> int:
    ids = [score.person for score, _ in page]
    with loop.store.write() as tx:
        known = scores.published(tx, ids)
        changed = [
            _published(loop, score, points, known.get(score.person))
            for score, points in page
            if _differs(score, known.get(score.person), loop.model.hash)
        ]
        scores.save(tx, changed)
        scores.settle_stale(tx, ids)
        people.mark(tx, (one.score.person for one in changed), pending=True)
    return len(changed)


def _differs(score: Score, known: Published | None, model: str) -> bool:
    return known is None or known.score != score or known.model != model


def _published(
    loop: Loop, score: Score, points: dict[str, float], known: Published | None
) -> Published:
    """The reasons stay as they were while score, grade and standing stay: decay alone is silent."""
    if known is not None and _told(known.score) == _told(score) and known.model == loop.model.hash:
        return known._replace(score=score, scored_at=loop.now)
    lines = tuple(explain(loop.model, points, score))
    return Published(score, reasons_text(lines, score), lines, loop.model.hash, loop.now)


def _told(score: Score) -> tuple[object, ...]:
    return (
        score.score,
        score.grade,
        score.sales_ready,
        score.disqualified_by,
        score.fast_track_by,
    )
