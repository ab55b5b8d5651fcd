"""Score: run the model over who changed, or over everybody, and publish what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from connector.domain.moment import DAY, Micros
from connector.domain.score import Score
from connector.engine.cluster import export_store, score_export
from connector.engine.run import Scored, ScoredFile, Scorer, score_store
from connector.scoring.choice import Models
from connector.scoring.explain import explain, reasons_text
from connector.scoring.model import Model
from connector.store.persons import people
from connector.store.running import runs
from connector.store.scored import scores, tallies
from connector.store.scored.feed import Feed, activities_sql, feed, people_sql
from connector.store.scored.scores import Published
from connector.store.scored.tallies import Kept
from connector.store.statements.streams import pages
from connector.sync.compiled import compiled
from connector.sync.context import Loop

if TYPE_CHECKING:
    from connector.engine.few import Few

EXPORTED = ("url", "asset", "campaign", "form", "channel", "visit")
FEW = 2_000
"""Up to so many who changed are scored in this process. From 3,000 on, with 20 activities each, it
costs as much as one of their own, which reads rows faster and gives its memory back."""
FULL_AFTER = DAY
"""Scores decay, so everybody is scored anew once in this time even when nothing happened."""


def score(loop: Loop, scorer: Scorer | None = None) -> tuple[Counter[str], bool]:
    """Score and store; gives how many were scored and changed, and whether that was everybody.

    `scorer` is a scoring process that waits already.
    """
    everybody = _everybody_due(loop)
    counts: Counter[str] = Counter()
    with loop.store.read() as tx:
        waiting = 0 if everybody else scores.count_stale(tx, FEW + 1)
    if not everybody and not waiting:
        return counts, False
    units = loop.models.units().hash
    few = 0 < waiting <= FEW
    with _few(loop) if few else _scored(loop, scorer, everybody=everybody) as scored:
        for model, page in scored.pages():
            counts["scored"] += len(page)
            counts["score changed"] += _publish(loop, model, page, units)
            loop.tell("score", counts)
    return counts, everybody


@contextmanager
def _few(loop: Loop) -> Iterator[Few]:
    """Those who changed, in this process: it reads their rows itself, so nothing else is loaded."""
    from connector.engine.few import scoring_few  # noqa: PLC0415  it loads DuckDB

    program = compiled(loop)
    with scoring_few(loop.models, loop.settings.engine.memory) as scoring:
        with loop.store.read() as tx:
            for table, query in _feed(tx, loop, only_stale=True)._asdict().items():
                scoring.fill(table, pages(tx, query))
        scoring.run(program, loop.now)
        yield scoring


def _feed(tx: Connection, loop: Loop, *, only_stale: bool) -> Feed:
    return feed(
        tx,
        kept(loop.models, loop.now),
        loop.models.person_fields(),
        loop.models.activity_columns(),
        only_stale=only_stale,
        accounts=loop.models.rolls_up,
    )


def kept(models: Models, now: Micros) -> Kept:
    """Which of the sums that are kept serve these models at a moment."""
    units = models.units()
    return Kept(units.hash, now, units.read_with)


@contextmanager
def _scored(loop: Loop, scorer: Scorer | None, *, everybody: bool) -> Iterator[ScoredFile]:
    """Everybody is scored on the cluster, where there is one; those who changed are not."""
    if everybody and loop.settings.engine.kind == "spark":
        folder = export(loop)
        with score_export(loop.models, loop.now, folder, str(loop.settings.engine.master)) as found:
            yield found
        return
    program = compiled(loop)
    with loop.store.read() as tx:
        queries = _feed(tx, loop, only_stale=not everybody)
    with score_store(
        loop.models,
        loop.now,
        url=loop.store.url,
        queries=queries._asdict(),
        memory=loop.settings.engine.memory,
        scorer=scorer,
        program=program,
    ) as found:
        yield found


@contextmanager
def scorer_ready(loop: Loop) -> Iterator[Scorer | None]:
    """Let the scoring process load while the CRMs are read, where everybody is due anyway."""
    if loop.settings.engine.kind != "duckdb" or not _everybody_due(loop):
        yield None
        return
    with closing(Scorer(loop.store.url)) as scorer:
        yield scorer


def export(loop: Loop) -> Path:
    """Write everybody who changed since the last export to the engine's folder, and give it."""
    folder = Path(str(loop.settings.engine.folder))
    export_store(
        loop.models,
        folder,
        loop.run,
        url=loop.store.url,
        people=people_sql(loop.store.dialect, loop.models.person_fields(), only_stale=False),
        activities=activities_sql(loop.store.dialect, EXPORTED, only_stale=False),
        memory=loop.settings.engine.memory,
    )
    return folder


def _everybody_due(loop: Loop) -> bool:
    with loop.store.read() as tx:
        last = runs.last_full_score(tx)
    return last is None or last.model != loop.models.hash or loop.now - last.now >= FULL_AFTER


def _publish(loop: Loop, model: Model, page: Sequence[Scored], units: str) -> int:
    ids = [one.score.person for one in page]
    counted = {one.score.person: one.tally for one in page if one.tally is not None}
    with loop.store.write() as tx:
        known = scores.published(tx, ids)
        changed = [
            _published(loop, model, score, points, known.get(score.person))
            for score, points, _ in page
            if _differs(score, known.get(score.person), model.hash)
        ]
        scores.save(tx, changed, known)
        tallies.drop_stale(tx, (who for who in ids if who not in counted))
        tallies.save(tx, counted, units, loop.now)
        moved = {one.score.person for one in changed}
        people.mark(tx, moved, stale=False, pending=True)
        people.mark(tx, (who for who in ids if who not in moved), stale=False)
    return len(changed)


def _differs(score: Score, known: Published | None, model: str) -> bool:
    return known is None or known.score != score or known.model != model


def _published(
    loop: Loop, model: Model, score: Score, points: dict[str, float], known: Published | None
) -> Published:
    """The reasons stay as they were while score, grade and standing stay: decay alone is silent."""
    if known is not None and _told(known.score) == _told(score) and known.model == model.hash:
        return known._replace(score=score, scored_at=loop.now)
    lines = tuple(explain(model, points, score))
    return Published(score, reasons_text(lines, score), scores.told(lines), model.hash, loop.now)


def _told(score: Score) -> tuple[object, ...]:
    return (
        score.score,
        score.grade,
        score.sales_ready,
        score.disqualified_by,
        score.fast_track_by,
        score.threshold,
        score.action,
    )
