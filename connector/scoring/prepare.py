"""Everything rules read about one person, in the form they read it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from connector.domain.record import Fields, Scalar
from connector.domain.text import normalise
from connector.scoring.derived import derive


def prepare(fields: Mapping[str, Scalar], account: Mapping[str, Scalar] | None = None) -> Fields:
    """Give normalised fields, those of the account as `account.<name>`, and the derived ones.

    A derived field that the CRM itself holds keeps the CRM's value. NaN and infinities are
    unknown; so are empty texts.
    """
    facts: Fields = {name: _comparable(value) for name, value in fields.items()}
    for name, value in (account or {}).items():
        facts[f"account.{name}"] = _comparable(value)
    known = {name: facts.get(f"account.{name}") for name in ("country", "employees")}
    origin = {**fields, **{name: value for name, value in known.items() if value is not None}}
    for name, value in derive(origin).items():
        if facts.get(name) is None:
            facts[name] = value
    return {name: value for name, value in facts.items() if value is not None}


def _comparable(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return normalise(value) or None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
