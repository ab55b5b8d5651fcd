"""A scorecard as rules of the model language, and as a change to a model file's own text."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from connector.scoring.learning.bins import Bin
from connector.scoring.learning.scorecard import BinReport, Scorecard

ACTIVITY = "did "
"""Begins the columns that say whether somebody did something of a type lately: `did download`."""


def rules_of(card: Scorecard) -> list[dict[str, Any]]:
    """Give every bin that earns points as a rule, by group: {"group", "most", "rules"}.

    A bin that no condition can express alone (the rest, or what is unknown beside it) is left out
    when it gives nothing; when it gives points, the others are written relative to it.
    """
    groups = []
    for binned, points in card.fields:
        if binned.name.startswith(ACTIVITY):
            continue
        rest = next((p for b, p in zip(binned.bins, points, strict=True) if b.rest), 0)
        rules = [
            {
                "name": f"{binned.name} {_words(one)}",
                "field": binned.name,
                **_test(one),
                "points": p - rest,
            }
            for one, p in zip(binned.bins, points, strict=True)
            if p != rest and not one.rest
        ]
        if rest:
            rules.append(
                {
                    "name": f"{binned.name} is known",
                    "field": binned.name,
                    "answered": True,
                    "points": rest,
                }
            )
            rules = [_beside_known(rule, rest) for rule in rules]
        if rules:
            groups.append({"group": binned.name, "most": max(points), "rules": rules})
    return groups


def _beside_known(rule: dict[str, Any], rest: int) -> dict[str, Any]:
    """What is unknown gets nothing from `is known`, so its rule gives its points in full."""
    return {**rule, "points": rule["points"] + rest} if rule.get("missing") else rule


def behaviours_of(card: Scorecard, days: int) -> list[dict[str, Any]]:
    """Give the rules of activity types: the same points once, however often, within `days`."""
    rules = []
    for binned, points in card.fields:
        if not binned.name.startswith(ACTIVITY):
            continue
        yes = next((p for b, p in zip(binned.bins, points, strict=True) if "yes" in b.texts), 0)
        no = next((p for b, p in zip(binned.bins, points, strict=True) if "yes" not in b.texts), 0)
        if yes > no:
            kind = binned.name.removeprefix(ACTIVITY)
            rules.append(
                {
                    "name": f"{kind} within {days} days",
                    "activity": kind,
                    "points": yes - no,
                    "half_life": "none",
                    "within": f"{days}d",
                    "max": yes - no,
                }
            )
    return rules


def _test(one: Bin) -> dict[str, Any]:
    if one.missing:
        return {"missing": True}
    if one.texts:
        return {"equals": one.texts[0]} if len(one.texts) == 1 else {"in": list(one.texts)}
    if one.low is None and one.high is None:
        return {"answered": True}
    return {"range": [_number(one.low), _number(one.high)]}


def _number(value: float | None) -> float | int | None:
    return int(value) if value is not None and value.is_integer() else value


def _words(one: Bin) -> str:
    if one.missing:
        return "is unknown"
    if one.texts:
        return " or ".join(one.texts[:3]) + (" or others" if len(one.texts) > 3 else "")
    low, high = _number(one.low), _number(one.high)
    if low is None and high is None:
        return "is known"
    if low is None:
        return f"below {high}"
    return f"from {low}" if high is None else f"{low} to below {high}"


def revised(
    text: str,
    fit: Sequence[Mapping[str, Any]],
    behaviour: Sequence[Mapping[str, Any]],
    told: Sequence[BinReport],
) -> str:
    """Give the model's text with the learnt groups in place of its own; all comments else stay.

    Each learnt rule carries its evidence as a comment. Weights follow the points, so that a
    score is their sum.
    """
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    tree = yaml.load(StringIO(text))
    evidence = {f"{one.field} {_words(one.bin)}": one for one in told}
    fit_marks = sum(group["most"] for group in fit)
    behaviour_marks = sum(rule["points"] for rule in behaviour)
    if fit_marks > 0:
        tree["fit"]["full_marks"] = fit_marks
        tree["fit"]["groups"] = CommentedSeq(_group(g["group"], g["rules"], evidence) for g in fit)
    if behaviour_marks > 0:
        tree["behaviour"]["full_marks"] = behaviour_marks
        tree["behaviour"]["groups"] = CommentedSeq([_group("learnt", behaviour, evidence)])
    if fit_marks > 0 and behaviour_marks > 0:
        tree["weights"] = CommentedMap(fit=fit_marks, behaviour=behaviour_marks)
    out = StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _group(
    name: str, rules: Sequence[Mapping[str, Any]], evidence: Mapping[str, BinReport]
) -> CommentedMap:
    listed = CommentedSeq()
    for number, rule in enumerate(rules):
        one = CommentedMap(rule)
        one.fa.set_flow_style()
        listed.append(one)
        found = evidence.get(str(rule["name"]))
        if found is not None:
            listed.yaml_add_eol_comment(
                f"{found.won} of {found.n} won, {found.rate:.1%} ({found.low:.1%} to "
                f"{found.high:.1%}), lift {found.lift:.2f}",
                number,
            )
    return CommentedMap(name=name, rules=listed)


def patch(before: str, after: str, name: str) -> str:
    """Give a unified diff that `patch -p1` takes."""
    return "".join(
        difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"a/{name}",
            f"b/{name}",
        )
    )
