"""Learns points from any table: the method, measured, without a CRM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from connector.engine.columns import Value, read_columns
from connector.errors import UsageError
from connector.scoring.learning import advice, proposal, scorecard
from connector.scoring.learning.bins import Direction

_WON = frozenset(
    (
        "yes",
        "true",
        "1",
        "1.0",
        "won",
        "qualified",
        "accepted",
        "converted",
        "closed won",
        "success",
    )
)
TRAINED = 0.7
"""The share of rows, in time order, that a temporal split learns from."""


def learn_table(
    path: Path,
    target: str,
    *,
    time: str | None,
    exclude: Sequence[str],
    positive: str | None,
    monotone: Mapping[str, Direction],
) -> dict[str, Any]:
    """Give points, what supports each, AUC in cross-validation and over time, and warnings."""
    columns = read_columns(path)
    for name in (target, *([time] if time else []), *exclude, *monotone):
        if name not in columns:
            raise UsageError(
                f"{path.name} has no column `{name}`", hint=f"It has: {', '.join(columns)}"
            )
    won, kept = _outcomes(columns.pop(target), target, positive)
    when = columns.pop(time) if time else None
    features: dict[str, Sequence[Value]] = {
        name: [column[row] for row in kept]
        for name, column in columns.items()
        if name not in exclude
    }
    left_out = len(next(iter(columns.values()), [])) - len(kept)
    data, _ = learned(features, won, monotone)
    data |= {"target": target, "excluded": list(exclude), "rows_without_outcome": left_out}
    if when is not None and data["watch"] is None:
        order = np.argsort(_moments([when[row] for row in kept], str(time)), kind="stable")
        data["temporal"] = over_time(features, won, order, monotone)
    return data


def learned(
    features: Mapping[str, Sequence[Value]],
    won: NDArray[np.int64],
    monotone: Mapping[str, Direction],
) -> tuple[dict[str, Any], scorecard.Scorecard | None]:
    """Learn and measure; with too few outcomes give counts to watch instead of points."""
    wins = int(won.sum())
    losses = len(won) - wins
    data: dict[str, Any] = {
        "n": len(won),
        "won": wins,
        "lost": losses,
        "auc": None,
        "watch": None,
        "points": [],
        "rules": [],
        "behaviours": [],
        "temporal": None,
        "warnings": [],
    }
    if min(wins, losses) < advice.LEAST:
        data["watch"] = advice.watch(features, won.tolist())
        data["warnings"] = [
            f"{wins} won and {losses} not: fewer than {advice.LEAST} of one kind give no weights"
        ]
        return data, None
    found = scorecard.cross_validate(features, won, monotone=monotone)
    alone = scorecard.single_aucs(features, won)
    card = scorecard.learn(features, won, monotone=monotone)
    told = scorecard.report(card, features, won)
    data |= {
        "auc": found.auc,
        "auc_spread": found.spread,
        "auc_folds": list(found.folds),
        "ece": found.ece,
        "brier": found.brier,
        "single": {name: round(auc, 4) for name, auc in alone.items()},
        "points": [{**row._asdict(), "bin": row.bin._asdict()} for row in told],
        "rules": proposal.rules_of(card),
        "warnings": advice.warnings(wins, losses, alone),
    }
    return data, card


def over_time(
    features: Mapping[str, Sequence[Value]],
    won: NDArray[np.int64],
    order: NDArray[np.int64],
    monotone: Mapping[str, Direction],
) -> dict[str, Any] | None:
    """Learn on the first 70% and measure on the rest; None where one part lacks an outcome."""
    cut = int(TRAINED * len(order))
    early, late = order[:cut], order[cut:]
    if len(set(won[early].tolist())) < 2 or len(set(won[late].tolist())) < 2:
        return None
    card = scorecard.learn(scorecard.taken(features, early), won[early], monotone=monotone)
    sums = scorecard.points(card, scorecard.taken(features, late))
    auc = float(roc_auc_score(won[late], sums))
    wins = int(won[late].sum())
    low, high = scorecard.auc_interval(auc, wins, len(late) - wins)
    return {
        "auc": auc,
        "low": low,
        "high": high,
        "ece": scorecard.calibration_error(scorecard.chance(card, sums), won[late]),
        "learnt_from": cut,
        "tested_on": len(late),
    }


def _outcomes(
    column: Sequence[Value], target: str, positive: str | None
) -> tuple[NDArray[np.int64], list[int]]:
    """The outcome of each row that has one, and which rows those are."""
    texts = [None if v is None else _spelled(v) for v in column]
    values = {text for text in texts if text is not None}
    wanted = {positive.casefold()} if positive is not None else values & _WON
    if positive is not None and not wanted & values:
        raise UsageError(
            f"no row has `{positive}` in `{target}`", hint="Give --positive as the table spells it"
        )
    if positive is None and (len(wanted) != 1 or len(values) > 2):
        raise UsageError(
            f"`{target}` does not say which of its {len(values)} values is the good outcome",
            hint="Name it: --positive won",
        )
    kept = [row for row, text in enumerate(texts) if text is not None]
    return np.array([texts[row] in wanted for row in kept], dtype=np.int64), kept


def _spelled(value: str | float) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return value.casefold()


def _moments(column: Sequence[Value], name: str) -> NDArray[np.float64]:
    found = []
    for value in column:
        moment = value if isinstance(value, float) else _parsed(value)
        if moment is None:
            raise UsageError(
                f"`{name}` holds a value that is no time",
                hint="Write 2026-11-24, 2026-11-24T09:30:00Z, 24-11-2026, or a number",
            )
        found.append(moment)
    return np.array(found, dtype=np.float64)


def _parsed(text: str | None) -> float | None:
    for form in (None, "%d-%m-%Y", "%d-%m-%Y %H:%M", "%d.%m.%Y", "%m/%d/%Y"):
        try:
            read = (
                datetime.fromisoformat(text or "")
                if form is None
                else datetime.strptime(text or "", form)  # noqa: DTZ007  only the order counts
            )
        except ValueError:
            continue
        return (read.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001
    return None
