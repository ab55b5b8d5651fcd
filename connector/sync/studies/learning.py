"""Learns from what sales decided: a change to the model's text, beside a test of old and new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from sqlalchemy import Connection, select

from connector.config.load import Loaded
from connector.domain.moment import DAY
from connector.domain.record import Fields
from connector.scoring.choice import Models
from connector.scoring.learning import advice, proposal, scorecard
from connector.scoring.learning.bins import Direction
from connector.scoring.model import ACCOUNT
from connector.store.database import Store
from connector.store.passes.outcomes import Outcome, outcomes
from connector.store.persons import people
from connector.store.schema import activity
from connector.sync.studies.table_learning import TRAINED, learned, over_time
from connector.sync.studies.thresholding import past_scores

DAYS = 90
"""What somebody did in so many days before the hand-off is learnt from."""
LABELS = {
    "accepted": frozenset({"accepted", "qualified", "won"}),
    "qualified": frozenset({"qualified", "won"}),
    "won": frozenset({"won"}),
}
_REFUSED = frozenset({"rejected", "lost"})
_NOT_LEARNT = frozenset({"email", "name", "phone", "first_name", "last_name", "id", ACCOUNT})


def learn_store(
    store: Store,
    loaded: Loaded,
    models: Models,
    model_path: Path,
    *,
    label: str,
    exclude: Sequence[str],
    monotone: Mapping[str, Direction],
) -> dict[str, Any]:
    """Learn `label` against rejected and lost; recycled passes are counted and left out.

    Gives what `learn_table` gives, `patch` (a diff of the model file, to be merged by a person),
    `revised` (its whole new text), and both models' AUC on the newest 30% of outcomes.
    """
    with store.read() as tx:
        known = list(outcomes(tx))
        judged = [(o, w) for o in known if (w := _won(o, label)) is not None]
        facts = people.facts_of(tx, (o.person for o in known))
        table = _table(tx, [o for o, _ in judged], facts, set(exclude))
        late_changes = _changed_after(tx, [o for o, _ in judged])
    won = np.array([w for _, w in judged], dtype=np.int64)
    data, card = learned(table, won, monotone)
    data["label"] = label
    data["labels"] = dict(Counter(o.last for o in known).most_common())
    data["contradictions"] = advice.contradictions(
        models.default,
        ((o.reason, facts.get(o.person, {})) for o in known if o.last == "rejected" and o.reason),
    )
    if late_changes:
        data["warnings"].append(
            f"records of {late_changes:,} of {len(judged):,} people changed after sales had "
            "decided: their fields may hold what was learnt only then"
        )
    data["patch"], data["revised"], data["backtest"] = None, None, None
    if card is None:
        return data
    text = model_path.read_text(encoding="utf-8")
    behaviours = proposal.behaviours_of(card, DAYS)
    told = scorecard.report(card, table, won)
    data["behaviours"] = behaviours
    data["revised"] = proposal.revised(text, data["rules"], behaviours, told)
    data["patch"] = proposal.patch(text, data["revised"], model_path.name)
    order = np.array(sorted(range(len(judged)), key=lambda n: (judged[n][0].at, n)), dtype=np.int64)
    data["temporal"] = over_time(table, won, order, monotone)
    data["backtest"] = _beside_old(store, loaded, models, judged, order, data["temporal"])
    return data


def _won(one: Outcome, label: str) -> bool | None:
    if one.verdicts & LABELS[label]:
        return True
    return False if one.last in _REFUSED else None


def _table(
    tx: Connection, known: Sequence[Outcome], facts: Mapping[str, Fields], exclude: set[str]
) -> dict[str, list[str | float | None]]:
    names = sorted({name for o in known for name in facts.get(o.person, {})})
    columns: dict[str, list[str | float | None]] = {}
    for name in names:
        if name in exclude | _NOT_LEARNT:
            continue
        values = [facts.get(o.person, {}).get(name) for o in known]
        numbers = all(isinstance(v, int | float) for v in values if v is not None)
        if any(isinstance(v, bool) for v in values):
            continue
        columns[name] = [None if v is None else float(v) if numbers else str(v) for v in values]
    did = _did(tx, known)
    for kind in sorted({kind for kinds in did for kind in kinds} - exclude):
        columns[proposal.ACTIVITY + kind] = ["yes" if kind in kinds else "no" for kinds in did]
    return columns


def _did(tx: Connection, known: Sequence[Outcome]) -> list[set[str]]:
    """The types of what each did in the days before, machines and repetitions left out."""
    done: dict[str, list[tuple[int, str]]] = {}
    for who, at, kind in _activities(tx, [o.person for o in known]):
        done.setdefault(who, []).append((at, kind))
    return [
        {kind for at, kind in done.get(o.person, ()) if 0 < o.at - at < DAYS * DAY} for o in known
    ]


def _activities(tx: Connection, ids: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    for some in people.chunks(ids):
        rows = tx.execute(
            select(activity.c.person, activity.c.time, activity.c.type).where(
                activity.c.person.in_(some),
                ~activity.c.machine,
                ~activity.c.duplicate,
                activity.c.owner.is_(None),
            )
        )
        for row in rows:
            yield row.person, row.time, row.type


def _changed_after(tx: Connection, known: Sequence[Outcome]) -> int:
    records = people.records_of(tx, (o.person for o in known))
    return sum(
        any((r.changed or 0) > o.last_at + DAY for r in records.get(o.person, ())) for o in known
    )


def _beside_old(
    store: Store,
    loaded: Loaded,
    models: Models,
    judged: Sequence[tuple[Outcome, bool]],
    order: np.ndarray[Any, np.dtype[np.int64]],
    new: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """The AUC of the model in force on the same newest outcomes the new one was tested on."""
    if new is None:
        return None
    late = {
        (judged[n][0].person, judged[n][0].number): judged[n][1]
        for n in order[int(TRAINED * len(order)) :].tolist()
    }
    old = [
        (score, late[one.person, one.number])
        for one, score in past_scores(store, loaded, models)
        if (one.person, one.number) in late
    ]
    wins = sum(w for _, w in old)
    if not 0 < wins < len(old):
        return None
    auc = float(roc_auc_score([w for _, w in old], [s for s, _ in old]))
    low, high = scorecard.auc_interval(auc, wins, len(old) - wins)
    return {"old": {"auc": auc, "low": low, "high": high}, "new": dict(new), "tested_on": len(old)}
