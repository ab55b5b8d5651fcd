"""Models without the rules on some fields: what would they be worth if nobody knew these?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from connector.errors import UsageError
from connector.scoring.choice import Choice, Models
from connector.scoring.model import Model, revive


def without(models: Models, fields: Collection[str]) -> Models:
    """Give the models without rules and segments that read any of these fields of people.

    Raises UsageError for a field that none of them reads, and when a model has no fit rule left.
    """
    read = models.person_fields()
    for field in fields:
        if field not in read:
            raise UsageError(
                f"no rule reads the field `{field}`",
                hint=f"Rules read: {', '.join(sorted(read))}",
            )
    return Models([Choice(_narrowed(c.model, fields), c.when) for c in models])


def _narrowed(model: Model, fields: Collection[str]) -> Model:
    groups = [
        group.model_copy(update={"rules": kept})
        for group in model.fit.groups
        if (kept := _kept(group.rules, fields))
    ]
    if not groups:
        raise UsageError(
            f"{model.name}: without {', '.join(fields)} no fit rule is left",
            hint="Leave out fewer fields",
        )
    narrowed = model.model_copy(
        update={
            "fit": model.fit.model_copy(update={"groups": groups}),
            "filters": _kept(model.filters, fields),
            "disqualify": _kept(model.disqualify, fields),
            "thresholds": [s for s in model.thresholds if not set(s.when) & set(fields)],
        }
    )
    return revive(narrowed.plain())  # a copy would keep the version of what it was made of


def _kept(rules: Sequence[Any], fields: Collection[str]) -> list[Any]:
    return [rule for rule in rules if rule.field not in fields]
