"""How a person's score comes about at a moment: every rule, every activity, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from connector.domain.moment import DAY, Micros, format_iso
from connector.domain.record import Fields
from connector.domain.score import Line, Score
from connector.engine.small import score_rows
from connector.scoring.choice import Models
from connector.scoring.explain import ADJUSTMENT, explain
from connector.scoring.missing import never_counted, unknown_fields
from connector.scoring.model import ACCOUNT, Model
from connector.scoring.trace import Did, Unit, hand_raises, trace, unasked
from connector.store.database import Store
from connector.store.incoming import activities
from connector.store.persons import people
from connector.store.scored import scores

_COLUMNS = ("url", "asset", "campaign", "form", "channel", "visit")
_SHOWN = 25
"""So many activities are listed a rule, and so many that did not count in all."""


def reckoning(store: Store, models: Models, person: str, at: Micros) -> dict[str, Any]:
    """Work out a person's score as of `at`, with today's facts and all activities up to then.

    Gives the score, a line for every rule with its activities (key, age in days, decay, points in
    score points) or the field and value it read, what did not count and why, what no rule asks
    for, what is not known or was never done and could add, what differs from the published score,
    and sentences that say it.
    """
    with store.read() as tx:
        facts = people.facts_of(tx, [person]).get(person, {})
        model = models.of(facts)
        did = activities.of_person(tx, person)
        crowd, events = _crowd(tx, model, person, facts, did)
        published = scores.published(tx, [person]).get(person)
    scored = {s.person: (s, points) for s, points in score_rows(model, crowd, events, at)}
    score, points = scored[person]
    lines = explain(model, points, score)
    seen = [_did(row) for row in did]
    traced = trace(model, seen, at)
    factor = _factor(model, score)
    data = {
        "at": format_iso(at),
        "model": {"name": model.name, "version": model.hash},
        "score": score._asdict(),
        "unknown": score.grade.startswith("?"),
        "lines": [_line(line, traced.units, factor, _read(model, facts)) for line in lines],
        "not_counted": [one._asdict() for one in traced.unused[:_SHOWN]],
        "not_counted_in_all": len(traced.unused),
        "hand_raises": [one._asdict() for one in hand_raises(model.fast_track, seen, at)],
        "not_asked_for": unasked(model, seen),
        "missing": unknown_fields(model, facts, points, score),
        "never_counted": never_counted(model, points, score),
        "since": _since(score, model, published),
        "changed": _changed(lines, published),
        "notes": ["Facts are those known today; what they were earlier is not kept."],
    }
    data["sentences"] = sentences(data)
    return data


def _crowd(
    tx: Connection, model: Model, person: str, facts: Fields, did: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The person, with colleagues when the model asks what they did, and what all of them did."""
    known = {person: facts}
    account = facts.get(ACCOUNT)
    if model.rolls_up and isinstance(account, str):
        known = {**people.colleagues(tx, account), person: facts}
    crowd = [{**known[one], "person": one} for one in known]
    rows = list(did)
    for one in known:
        rows += activities.of_person(tx, one) if one != person else []
    events = [
        {**{name: row[name] for name in ("person", "type", "time", "machine", *_COLUMNS)}}
        | {"id": _key(row)}
        for row in rows
        if not row["duplicate"]
    ]
    return crowd, events


def _key(row: Mapping[str, Any]) -> str:
    return f"{row['connection']}/{row['object']}/{row['id']}"


def _did(row: Mapping[str, Any]) -> Did:
    out = None
    if row["duplicate"]:
        out = "another system's record of the same engagement counts"
    elif row["machine"]:
        out = f"made by a machine: {row['evidence'] or 'flagged'}"
    return Did(_key(row), row["type"], row["time"], {n: row[n] for n in _COLUMNS}, out)


def _factor(model: Model, score: Score) -> float:
    """Score points a raw behaviour point is worth."""
    weights = model.weights
    share = weights.behaviour / (weights.fit + weights.behaviour)
    return 100.0 / model.behaviour.full_marks * (1.0 if score.grade.startswith("?") else share)


def _read(model: Model, facts: Fields) -> dict[str, dict[str, Any]]:
    """The field and value that each fit rule read."""
    return {r.name: {"field": r.field, "value": facts.get(r.field)} for r in model.fit_rules()}


def _since(score: Score, model: Model, published: scores.Published | None) -> dict[str, Any] | None:
    """What was last published, beside what is now."""
    if published is None:
        return None
    return {
        "scored_at": format_iso(published.scored_at),
        "was": published.score.score,
        "is": score.score,
        "other_model": published.model != model.hash,
    }


def _line(
    line: Line,
    units: Sequence[Unit],
    factor: float,
    read: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    if line.part == "fit":
        return {**line._asdict(), **read[line.rule]}
    mine = [unit for unit in units if unit.rule == line.rule]
    if not mine or line.part == ADJUSTMENT:
        return line._asdict()
    newest = sorted(mine, key=lambda unit: unit.age)
    return {
        **line._asdict(),
        "units": len(mine),
        "uncapped": sum(unit.points for unit in mine) * factor,
        "activities": [
            {
                "keys": list(unit.keys),
                "age_days": round(unit.age / DAY, 2),
                "decay": round(unit.decay, 4),
                "points": unit.points * factor,
            }
            for unit in newest[:_SHOWN]
        ],
    }


def _changed(lines: Sequence[Line], published: scores.Published | None) -> list[dict[str, Any]]:
    """How each line differs from that of the last published reasons."""
    if published is None:
        return []
    now = {(line.part, line.rule): line.points for line in lines}
    then = {(line.part, line.rule): line.points for line in published.lines}
    return [
        {
            "rule": rule,
            "part": part,
            "was": then.get((part, rule), 0.0),
            "is": now.get((part, rule), 0.0),
        }
        for part, rule in sorted({*now, *then})
        if abs(now.get((part, rule), 0.0) - then.get((part, rule), 0.0)) >= 0.05
    ]


def sentences(data: Mapping[str, Any]) -> list[str]:
    """Say in words what the figures say."""
    score = data["score"]
    ready = "sales-ready" if score["sales_ready"] else "not sales-ready"
    told = [f"The score is {score['score']} of 100, grade {score['grade']}: {ready}."]
    told.append(f"The threshold asked of this person is {score['threshold']:g}.")
    if score["action"]:
        told.append(f"What the model says to do at such a score: {score['action']}.")
    if score["disqualified_by"]:
        told.append(f"A rule takes this person out, with the reason {score['disqualified_by']}.")
    if score["fast_track_by"]:
        told.append(f"Fast track: {score['fast_track_by']}.")
    if data["unknown"]:
        told.append(
            "Nothing that fit rules read is known of this person: behaviour alone makes the score."
        )
    told += [_told(line) for line in data["lines"]]
    told += [
        f"{one['rule']}: {one['key']} did not count, {one['why']}."
        for one in data["not_counted"][:5]
    ]
    left = data["not_counted_in_all"] - 5
    told += [f"{left:,} more did not count."] if left > 0 else []
    told += [f"{n:,} x {kind}: no rule asks for it." for kind, n in data["not_asked_for"].items()]
    told += [_could(one) for one in data["missing"][:5]]
    told += [
        f"{one['rule']} has not counted; once now would add {one['could_add']:g}."
        for one in data["never_counted"][:3]
        if one["could_add"]
    ]
    if (since := data["since"]) is not None:
        by = ", by another version of the model" if since["other_model"] else ""
        told.append(
            f"It was last published as {since['was']} at {since['scored_at']}{by}; "
            f"now it is {since['is']}."
        )
    told += [
        f"Since it was last published, {one['rule']} went from {one['was']:.1f} to {one['is']:.1f}."
        for one in data["changed"][:5]
    ]
    return told


def _could(one: Mapping[str, Any]) -> str:
    more = (
        f"it could add up to {one['could_add']:g}" if one["could_add"] else "it could add nothing"
    )
    return f"Nothing is known about {one['field']}; {more}."


def _told(line: Mapping[str, Any]) -> str:
    text = f"{line['points']:+.1f} {line['rule']}"
    if "field" in line:
        return f"{text}: {line['field']} is {line['value']}."
    if "units" not in line:
        return f"{text}."
    newest = line["activities"][0]
    text += (
        f": {line['units']} counted, the newest {newest['age_days']:g} days old and worth "
        f"{newest['decay']:.0%} of its points"
    )
    if abs(line["uncapped"] - line["points"]) >= 0.05:
        text += f"; the rule's own bounds made {line['points']:.1f} of {line['uncapped']:.1f}"
    return f"{text}."
