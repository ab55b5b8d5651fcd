"""Personas both teams agreed on: what the model must say about them. They are tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from connector.documents import Document, Duration
from connector.domain.moment import Micros
from connector.domain.record import Fields
from connector.domain.score import Score
from connector.domain.text import normalise
from connector.scoring.model import Model
from connector.scoring.prepare import prepare

Value = str | int | float | bool


class Done(Document):
    """Something a persona did, `ago` before the moment of scoring."""

    type: str
    ago: Duration
    url: str | None = None
    asset: str | None = None
    campaign: str | None = None
    form: str | None = None
    channel: str | None = None
    visit: str | None = None
    machine: bool = False


class Expected(Document):
    """What must come out; `score` is the least and the most it may be."""

    sales_ready: bool | None = None
    score: Annotated[list[int] | None, Field(min_length=2, max_length=2)] = None
    grade: str | None = None
    disqualified_by: str | None = None
    fast_track_by: str | None = None


class Scenario(Document):
    """One persona."""

    name: str
    person: dict[str, Value] = {}
    account: dict[str, Value] = {}
    did: list[Done] = []
    expect: Expected


class Scenarios(Document):
    """The whole of scenarios.yaml."""

    version: Literal[1]
    scenarios: Annotated[list[Scenario], Field(min_length=1)]


def frames(
    model: Model, scenarios: Sequence[Scenario], now: Micros
) -> tuple[list[Fields], list[dict[str, Any]]]:
    """Give people and activities of the personas as rows; `person` is their name."""
    fields = model.person_fields()
    people: list[Fields] = []
    activities: list[dict[str, Any]] = []
    for one in scenarios:
        facts = prepare(one.person, one.account)
        people.append({"person": one.name, **{name: facts.get(name) for name in fields}})
        activities += [_activity(one.name, number, did, now) for number, did in enumerate(one.did)]
    return people, activities


def judge(scenarios: Sequence[Scenario], scores: Sequence[Score]) -> list[str]:
    """Say in words where the model disagrees with the personas; an empty list is agreement."""
    found = {score.person: score for score in scores}
    return [
        f"{one.name}: {wrong}" for one in scenarios for wrong in _wrong(one.expect, found[one.name])
    ]


def _wrong(expect: Expected, score: Score) -> list[str]:
    wrong = []
    if expect.score is not None and not expect.score[0] <= score.score <= expect.score[1]:
        wrong.append(f"score {score.score} is not within {expect.score[0]} to {expect.score[1]}")
    for name in ("sales_ready", "grade", "disqualified_by", "fast_track_by"):
        wanted, got = getattr(expect, name), getattr(score, name)
        if wanted is not None and wanted != got:
            wrong.append(f"{name} is {got}, not {wanted} (score {score.score})")
    return wrong


def _activity(person: str, number: int, did: Done, now: Micros) -> dict[str, Any]:
    texts = ("url", "asset", "campaign", "form", "channel", "visit")
    return {
        "person": person,
        "id": str(number),
        "type": normalise(did.type),
        "time": now - did.ago,
        "machine": did.machine,
        **{name: _text(getattr(did, name)) for name in texts},
    }


def _text(value: str | None) -> str | None:
    return normalise(value) if value is not None else None
