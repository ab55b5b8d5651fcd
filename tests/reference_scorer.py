"""The scoring rules once more, row by row, written from docs/design.md alone.

Shares no code with connector.scoring: it takes a model as plain values (as YAML gives them) and
people and activities as dicts, and is as slow as it is plain.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

DAY = 86_400_000_000
SLOT = 1_800_000_000
SPANS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": DAY}


def span(text: str) -> float:
    return float(text[:-1]) * SPANS[text[-1]]


def fold(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).casefold().strip()
    return value


def pattern(text: str) -> str:
    r"""Spell \d \w \s \b over ASCII, outside of and within [ ]; the tests use no other escapes."""
    for short, letters in (("d", "0-9"), ("w", "0-9a-z_"), ("s", r" \t\n\r\f\v")):
        text = text.replace("\\" + short, "[" + letters + "]")
    return text.replace(r"\b", "(?:^|$|[^0-9a-z_])")


def matches(test: dict[str, Any], value: Any) -> bool:
    if "missing" in test:
        return value is None
    if value is None:
        return False
    if "answered" in test:
        return True
    if "equals" in test:
        return fold(test["equals"]) == value
    if "in" in test:
        return value in [fold(one) for one in test["in"]]
    if "contains_any" in test:
        return any(fold(one) in value for one in test["contains_any"])
    if "word_in" in test:
        words = re.findall(r"[a-z0-9]+", value)
        return any(fold(one) in words for one in test["word_in"])
    if "regex" in test:
        return re.search(pattern(fold(test["regex"])), value) is not None
    if "prefix" in test:
        return value.startswith(fold(test["prefix"]))
    low, high = test["range"]
    return (low is None or value >= low) and (high is None or value < high)


def chosen(rule: dict[str, Any], activity: dict[str, Any], now: int) -> bool:
    if activity["machine"] or activity["time"] > now:
        return False
    types = rule["activity"] if isinstance(rule["activity"], list) else [rule["activity"]]
    if activity["type"] not in types:
        return False
    if any(not matches(test, activity.get(name)) for name, test in rule.get("where", {}).items()):
        return False
    return "within" not in rule or now - activity["time"] < span(rule["within"])


def half_life(rule: dict[str, Any]) -> float | None:
    given = rule.get("half_life")
    if given == "none":
        return None
    if given is not None:
        return span(given)
    types = rule["activity"] if isinstance(rule["activity"], list) else [rule["activity"]]
    return {"page_view": 30 * DAY, "form_submit": 180 * DAY}.get(
        types[0] if len(types) == 1 else "", 90 * DAY
    )


def worth(rule: dict[str, Any], age: float) -> float:
    life = half_life(rule)
    return rule["points"] * (1.0 if life is None else 2.0 ** (-age / life))


def behaviour_points(rule: dict[str, Any], activities: list[dict[str, Any]], now: int) -> float:
    counted = [a for a in activities if not a["machine"] and a["time"] <= now]
    if "inactive" in rule:
        if not counted:
            return 0.0
        last = max(a["time"] for a in counted)
        return float(rule["points"]) if now - last > span(rule["inactive"]) else 0.0
    mine = [a for a in activities if chosen(rule, a, now)]
    per, times = rule.get("per"), rule.get("times", 1)
    if "after" in rule:
        first = rule["after"]
        starts = [
            a["time"]
            for a in activities
            if chosen({**first, "points": 0} | {"within": "99999d"}, a, now)
        ]
        limit = span(first["within"])
        mine = [b for b in mine if any(0 < b["time"] - a <= limit for a in starts)]
        total = sum(worth(rule, now - b["time"]) for b in mine)
    elif per == "day":
        days: dict[int, int] = {}
        for a in mine:
            days[a["time"] // DAY] = days.get(a["time"] // DAY, 0) + 1
        total = sum(min(n, times) * worth(rule, now - day * DAY) for day, n in days.items())
    elif per in {"asset", "visit", "return_visit"} or rule.get("first"):
        timeless = {k: v for k, v in rule.items() if k != "within"}
        keys: dict[Any, list[int]] = {}
        for a in activities:
            if chosen(timeless, a, now):
                keys.setdefault(key_of(a, per), []).append(a["time"])
        if per == "return_visit":
            begun = min((min(found) for found in keys.values()), default=0)
            keys = {key: found for key, found in keys.items() if min(found) > begun}
        total = sum(
            worth(rule, now - at)
            for found in keys.values()
            for at in sorted(found, reverse=not rule.get("first"))[:times]
            if "within" not in rule or now - at < span(rule["within"])
        )
    else:
        total = sum(worth(rule, now - a["time"]) for a in mine)
    return total


def key_of(activity: dict[str, Any], per: str | None) -> Any:
    if per is None:
        return None
    if per == "asset":
        return activity["asset"]
    return activity["visit"] or ("slot", activity["time"] // SLOT)


def bounded(value: float, spec: dict[str, Any]) -> float:
    if spec.get("max") is not None:
        value = min(value, spec["max"])
    if spec.get("min") is not None:
        value = max(value, spec["min"])
    return value


def part(spec: dict[str, Any], points: dict[str, float]) -> float:
    total = sum(
        bounded(sum(points[rule["name"]] for rule in group["rules"]), group)
        for group in spec["groups"]
    )
    return 100.0 * max(0.0, min(1.0, total / spec["full_marks"]))


def band(value: float, bands: list[tuple[str, float]], lowest: str) -> str:
    return next((name for name, least in bands if value >= least), lowest)


def score(
    model: dict[str, Any],
    person: dict[str, Any],
    activities: list[dict[str, Any]],
    now: int,
    colleagues: list[list[dict[str, Any]]] = [],  # noqa: B006  read only
) -> dict[str, Any]:
    points: dict[str, float] = {}
    known = False
    for group in model["fit"]["groups"]:
        for rule in group["rules"]:
            value = person.get(rule["field"])
            known = known or value is not None
            points[rule["name"]] = float(rule["points"]) if matches(rule, value) else 0.0
    for group in model["behaviour"]["groups"]:
        for rule in group["rules"]:
            whose = colleagues if rule.get("by") == "colleagues" else [activities]
            summed = sum(behaviour_points(rule, did, now) for did in whose)
            points[rule["name"]] = bounded(summed, rule)
    fit, behaviour = part(model["fit"], points), part(model["behaviour"], points)
    weights = model.get("weights", {"fit": 60, "behaviour": 40})
    total = (weights["fit"] * fit + weights["behaviour"] * behaviour) / (
        weights["fit"] + weights["behaviour"]
    )
    alone = not known and model.get("unknown_fit", "behaviour_only") == "behaviour_only"
    total = behaviour if alone else total
    total = math.floor(total * 1e9 + 0.5) / 1e9
    whole = math.floor(total + 0.5)
    out = next(
        (
            rule["reason"]
            for rule in [*model.get("filters", []), *model.get("disqualify", [])]
            if matches(rule, person.get(rule["field"]))
        ),
        None,
    )
    fast = next(
        (
            rule["name"]
            for rule in model.get("fast_track", [])
            if any(chosen(rule, a, now) for a in activities)
        ),
        None,
    )
    threshold = next(
        (
            segment["threshold"]
            for segment in model.get("thresholds", [])
            if all(matches(test, person.get(field)) for field, test in segment["when"].items())
        ),
        model.get("threshold", 65),
    )
    reached = whole > threshold if model.get("compare") == "exceeds" else whole >= threshold
    letter = "?" if alone else band(fit, [("A", 75), ("B", 50), ("C", 25)], "D")
    return {
        "fit": fit,
        "behaviour": behaviour,
        "total": total,
        "score": whole,
        "grade": letter + band(behaviour, [("1", 75), ("2", 50), ("3", 25)], "4"),
        "sales_ready": (reached or fast is not None) and out is None,
        "disqualified_by": out,
        "fast_track_by": fast,
        "threshold": threshold,
        "action": next((b["action"] for b in model.get("actions", []) if whole >= b["from"]), None),
        "points": points,
    }
