"""What learning says beside points: too few outcomes, leaks, reasons that data contradict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector.domain.record import Fields
from connector.scoring.matching import matches
from connector.scoring.model import Model

LEAST = 20
"""Fewer of either outcome and there are no weights, only counts to watch."""
ENOUGH = 200
TOO_GOOD = 0.9
_ABOUT = {
    "not_icp_size": ("employees", "company_size"),
    "wrong_size": ("employees", "company_size"),
    "not_icp_industry": ("industry",),
    "wrong_industry": ("industry",),
    "wrong_persona": ("title", "seniority", "function"),
    "wrong_title": ("title", "seniority", "function"),
    "no_authority": ("seniority",),
    "out_of_territory": ("region", "country"),
    "student_or_job_seeker": ("title", "seniority"),
}
"""The fields a reason code speaks about."""


def watch(
    table: Mapping[str, Sequence[object]], won: Sequence[int], most: int = 20
) -> list[dict[str, Any]]:
    """Count what wins share so far: each value of each field, among wins and among all."""
    rows: list[dict[str, Any]] = []
    for name, column in table.items():
        everywhere = Counter(str(v) for v in column if v is not None)
        among = Counter(str(v) for v, w in zip(column, won, strict=True) if w and v is not None)
        rows += [
            {"field": name, "value": value, "won": n, "all": everywhere[value]}
            for value, n in among.items()
        ]
    rows.sort(key=lambda row: (-row["won"], row["all"], row["field"], row["value"]))
    return rows[:most]


def warnings(won: int, lost: int, alone: Mapping[str, float]) -> list[str]:
    """Say when outcomes are few, and which field knows them too well."""
    found = []
    if min(won, lost) < ENOUGH:
        found.append(
            f"only {won} of one outcome and {lost} of the other: intervals are wide, expect change"
        )
    for name, auc in sorted(alone.items(), key=lambda pair: -pair[1]):
        if auc > TOO_GOOD:
            found.append(
                f"`{name}` alone tells the outcomes apart (AUC {auc:.2f}): it was probably filled "
                "in after the outcome was known; leave it out with --exclude"
            )
    return found


def contradictions(model: Model, rejected: Iterable[tuple[str, Fields]]) -> list[dict[str, Any]]:
    """Reason codes that speak of a field in which the person matches what the model wants.

    `rejected` are reason codes with the person's facts. Gives, by reason, how many contradict it.
    """
    seen: Counter[str] = Counter()
    against: Counter[str] = Counter()
    for reason, facts in rejected:
        fields = _ABOUT.get(reason)
        if fields is None:
            continue
        seen[reason] += 1
        wanted = any(
            rule.points > 0
            and rule.field.removeprefix("account.") in fields
            and matches(rule, facts.get(rule.field))
            for rule in model.fit_rules()
        )
        against[reason] += wanted
    return [
        {"reason": reason, "n": n, "contradicted": against[reason]}
        for reason, n in seen.most_common()
        if against[reason]
    ]
