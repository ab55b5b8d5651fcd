"""What sales gets with a person: one text for record and task, five lines for an alert. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connector.decisions.calendar import Calendar
from connector.domain.moment import Micros, format_iso
from connector.domain.score import Line, Score
from connector.domain.text import normalise

NAME = "{name}"
"""Stands for the person's name in what is stored: who is told learns it when it is sent."""
MOST_REASONS = 5
MOST_DEEDS = 5
_RECEIVED = frozenset({"email_sent", "email_delivered", "email_bounce", "email_open"})
"""What happens to a person is no deed of theirs."""


class Deed(NamedTuple):
    """One thing a person did: its type, when, and what it was about."""

    type: str
    at: Micros
    what: str | None = None
    campaign: str | None = None


class Package(NamedTuple):
    """All that goes along with one hand-off. `crossed_at` is when the threshold was reached."""

    name: str
    company: str
    score: Score
    crossed_at: Micros
    reasons: tuple[str, ...]
    deeds: tuple[Deed, ...]
    source: str | None
    answers: tuple[tuple[str, str], ...]
    account: str | None
    earlier: tuple[str, ...]
    do_next: str
    why_you: str
    due: Micros | None
    how: str


def top_reasons(lines: Sequence[Line], most: int = MOST_REASONS) -> tuple[str, ...]:
    """Give the rules that moved the score most, signed and in whole points."""
    moved = [line for line in lines if line.part != "adjustment" and round(line.points)]
    moved.sort(key=lambda line: (-abs(line.points), line.rule))
    return tuple(f"{round(line.points):+d} {line.rule}" for line in moved[:most])


def meaningful(deeds: Sequence[Deed], most: int = MOST_DEEDS) -> tuple[Deed, ...]:
    """Give the newest things a person did; what they only received, and repeats, are left out."""
    kept: list[Deed] = []
    seen: set[tuple[str, str | None]] = set()
    for deed in sorted(deeds, key=lambda one: -one.at):
        if deed.type in _RECEIVED or (deed.type, deed.what) in seen:
            continue
        seen.add((deed.type, deed.what))
        kept.append(deed)
    return tuple(kept[:most])


def do_next(
    rules: Mapping[str, str],
    assets: Mapping[str, str],
    default: str,
    *,
    held: Sequence[str],
    deeds: Sequence[Deed],
) -> str:
    """Give the one line of advice: of the first rule that held, else of the newest asset."""
    by_rule = {normalise(name): line for name, line in rules.items()}
    for name in held:
        if normalise(name) in by_rule:
            return by_rule[normalise(name)]
    by_asset = {normalise(name): line for name, line in assets.items()}
    for deed in deeds:
        if deed.what is not None and normalise(deed.what) in by_asset:
            return by_asset[normalise(deed.what)]
    return default


def text_of(one: Package) -> str:
    """Spell the package for a record's field and a task's body."""
    score = one.score
    parts = [
        f"Score {score.score} of 100, grade {score.grade}",
        f"Fit {score.fit:.0f}, behaviour {score.behaviour:.0f}",
        f"Sales-ready since {_day(one.crossed_at)}",
        *_block("Why", one.reasons),
        *_block("Last activities", [f"{_day(d.at)} {_deed(d)}" for d in one.deeds]),
    ]
    if one.source:
        parts.append(f"Source: {one.source}")
    parts += _block("Answers", [f"{name}: {value}" for name, value in one.answers])
    if one.account:
        parts.append(f"Account: {one.account}")
    parts += _block("Earlier", one.earlier)
    parts.append(f"Do next: {one.do_next}")
    parts.append(f"Why you: {one.why_you}")
    if one.due is not None:
        parts.append(f"First contact due: {format_iso(one.due)}")
    parts.append(one.how)
    return "\n".join(parts)


def alert_of(one: Package, link: str) -> tuple[str, str]:
    """Give title and body: five lines in all."""
    company = f", {one.company}" if one.company else ""
    last = _deed(one.deeds[0]) + f", {_day(one.deeds[0].at)}" if one.deeds else "nothing yet"
    return (
        f"{one.name}{company}: {one.score.score} ({one.score.grade})",
        "\n".join(
            (
                f"Why: {'; '.join(one.reasons[:3]) or 'asked for it'}",
                f"Last: {last}",
                f"Do next: {one.do_next}",
                link,
            )
        ),
    )


def quiet_until(now: Micros, calendar: Calendar | None) -> Micros:
    """Give when an alert may be sent: now, or when the owner's hours begin again."""
    return now if calendar is None else calendar.opening(now)


def _block(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []


def _deed(one: Deed) -> str:
    what = one.what or one.campaign
    return f"{one.type.replace('_', ' ')}{f' {what}' if what else ''}"


def _day(moment: Micros) -> str:
    return format_iso(moment)[:10]
