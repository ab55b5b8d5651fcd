"""A scorecard as rules of the model language, and as a change to a model file's own text."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode

from connector.errors import UsageError
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
    """Give the model's text with the learnt groups in place of its own.

    All else stays, byte for byte, but a remark beside a `full_marks` that is not true any more.
    Each learnt rule carries its evidence as a comment. Weights follow the points, so that a
    score is their sum. Raises UsageError when the file has no groups to replace.
    """
    root = YAML(typ="rt", pure=True).compose(StringIO(text))
    evidence = {f"{one.field} {_words(one.bin)}": one for one in told}
    marks = {
        "fit": sum(group["most"] for group in fit),
        "behaviour": sum(rule["points"] for rule in behaviour),
    }
    learnt = {
        "fit": [(group["group"], group["rules"]) for group in fit],
        "behaviour": [("learnt", behaviour)],
    }
    edits: list[_Edit] = []
    for part in (part for part, points in marks.items() if points > 0):
        full, groups = (_value(root, part, name) for name in ("full_marks", "groups"))
        edits.append(_Edit(full.start_mark.index, _end_of_line(text, full), str(marks[part])))
        edits.append(_groups_edit(text, groups, learnt[part], evidence))
    if all(points > 0 for points in marks.values()):
        edits.append(_weights_edit(root, marks))
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


class _Edit(NamedTuple):
    """Characters `start` to `end` become `text`."""

    start: int
    end: int
    text: str


def _value(root: Any, *path: str) -> Any:
    """The node under these keys."""
    node = root
    for name in path:
        found = [value for key, value in node.value if key.value == name]
        if not found:
            raise UsageError(
                f"the model file has no `{'.'.join(path)}` of its own to learn into",
                hint="Learn into the file that it extends",
            )
        node = found[0]
    return node


def _end(node: Any) -> int:
    """Where its last value ends: a block's own end lies behind the comments that follow it."""
    if isinstance(node, ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _end_of_line(text: str, node: Any) -> int:
    """Where the node ends, with the comment that follows it on its line."""
    end = _end(node)
    rest = text[end:].partition("\n")[0]
    return end + len(rest) if not rest.strip() or rest.lstrip().startswith("#") else end


def _groups_edit(
    text: str,
    node: Any,
    groups: Sequence[tuple[str, Sequence[Mapping[str, Any]]]],
    evidence: Mapping[str, BinReport],
) -> _Edit:
    if node.flow_style:
        shown = ["["]
        for name, rules in groups:
            shown.append(f"    {_flow({'name': name})[:-1]}, rules: [")
            shown += [f"      {_flow(one)},{_remark(evidence.get(one['name']))}" for one in rules]
            shown.append("    ]},")
        return _Edit(node.start_mark.index, _end(node), "\n".join([*shown, "  ]"]))
    lines = []
    for name, rules in groups:
        lines += [f"- {_flow({'name': name})[1:-1]}", "  rules:"]
        lines += [f"    - {_flow(rule)}{_remark(evidence.get(rule['name']))}" for rule in rules]
    indent = "\n" + " " * node.start_mark.column
    return _Edit(node.start_mark.index, _end_of_line(text, node), indent.join(lines))


def _weights_edit(root: Any, marks: Mapping[str, int]) -> _Edit:
    shown = f"{{fit: {marks['fit']}, behaviour: {marks['behaviour']}}}"
    known = [value for key, value in root.value if key.value == "weights"]
    if known:
        return _Edit(known[0].start_mark.index, _end(known[0]), shown)
    place = next(key for key, _ in root.value if key.value == "fit").start_mark.index
    return _Edit(place, place, f"weights: {shown}\n")


def _flow(value: Mapping[str, Any]) -> str:
    """One line of YAML."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1_000_000
    yaml.default_flow_style = True
    out = StringIO()
    yaml.dump(dict(value), out)
    return out.getvalue().strip()


def _remark(found: BinReport | None) -> str:
    if found is None:
        return ""
    return (
        f" # {found.won} of {found.n} won, {found.rate:.1%} ({found.low:.1%} to "
        f"{found.high:.1%}), lift {found.lift:.2f}"
    )


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
