"""What changed between two models, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_PARTS = ("filters", "disqualify", "fast_track")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Compare two definitions as reviews keep them; an empty list means they say the same."""
    old, new = _default(before["models"]), _default(after["models"])
    said = list(_settings(old, new))
    said += _rules(dict(_named(old)), dict(_named(new)))
    if before["consent"] != after["consent"]:
        said.append("whom sales and nurture may contact changed")
    if before["words"] != after["words"]:
        said.append(f"a qualified lead in words is now: {after['words'] or 'not defined'}")
    if not said and before != after:
        said.append("lists or tables that rules read changed")
    return said


def _default(models: Mapping[str, Any]) -> Mapping[str, Any]:
    found = models["models"][-1] if "models" in models else models
    model: Mapping[str, Any] = found["model"]
    return model


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in ("name", "threshold", "compare", "hysteresis", "unknown_fit"):
        if old.get(name) != new.get(name):
            yield f"{name.replace('_', ' ')}: {old.get(name)} is now {new.get(name)}"
    for part in ("fit", "behaviour"):
        was, now = old["weights"][part], new["weights"][part]
        if was != now:
            yield f"weight of {part}: {was:g} is now {now:g}"
        was, now = old[part]["full_marks"], new[part]["full_marks"]
        if was != now:
            yield f"full marks of {part}: {was:g} is now {now:g}"
    if old.get("thresholds") != new.get("thresholds"):
        yield "thresholds of segments changed"


def _named(model: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in ("fit", "behaviour"):
        for group in model[part]["groups"]:
            for rule in group["rules"]:
                yield rule["name"], rule
    for part in _PARTS:
        for rule in model.get(part) or ():
            yield rule["name"], rule


def _rules(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in new:
        if name not in old:
            yield f"new rule: {name}{_points(new[name])}"
        elif old[name] != new[name]:
            was, now = old[name].get("points"), new[name].get("points")
            yield f"{name}: {was:+g} is now {now:+g}" if was != now else f"{name} tests otherwise"
    for name in old:
        if name not in new:
            yield f"rule gone: {name}{_points(old[name])}"


def _points(rule: Mapping[str, Any]) -> str:
    return f" ({rule['points']:+g})" if "points" in rule else ""
