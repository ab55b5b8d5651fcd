"""What a CRM's data looks like through a mapping and to a model, out of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.adapters.base import Window
from connector.domain.moment import format_iso
from connector.domain.record import Kind
from connector.errors import FeatureError
from connector.mapping.compile import CompiledObject
from connector.mapping.document import MappingDocument
from connector.mapping.profile import Profile
from connector.scoring.derived import FROM
from connector.scoring.model import Model
from connector.scoring.rules import BehaviourRule, FastTrackRule, FilterRule, FitRule
from connector.sync.context import Source

SAMPLE = 5_000


def profile_source(source: Source, document: MappingDocument, model: Model) -> dict[str, Any]:
    """Read up to 5,000 rows of each object and say what the loop would make of them."""
    profile = Profile(document)
    until = source.adapter.server_now()
    ours = {t.to for one in source.objects.values() for t in one.writes.values()}
    ours |= {name for one in source.objects.values() for name in one.asks.values()}
    left_out: list[str] = []
    for one in filter(source.has, source.objects.values()):
        known = source.adapter.describe(one.source)
        names = [n for n in one.names if n not in ours or n in known]
        try:
            _sample(source, one, names, Window(None, until), profile)
        except FeatureError as error:
            left_out.append(f"{one.name}: {error}")
    return {**_report(profile, source, model), "left_out": left_out}


def _sample(
    source: Source, one: CompiledObject, names: Sequence[str], window: Window, profile: Profile
) -> None:
    taken = 0
    for page in source.adapter.read(one.source, names, window, None):
        for row in page.rows[: SAMPLE - taken]:
            profile.add(one, row)
        profile.rejected.update(f"{one.name}: {r.reason}" for r in page.rejected)
        taken += len(page.rows)
        if taken >= SAMPLE:
            break


def _report(profile: Profile, source: Source, model: Model) -> dict[str, Any]:
    fields = [
        {"field": name, "filled": _fill(profile, source, name)} for name in model.person_fields()
    ]
    return {
        "rows": dict(profile.rows),
        "fields": fields,
        "unmapped": [one._asdict() for one in profile.unmapped()],
        "duplicates": profile.duplicates(),
        "activity_types": dict(profile.activity_types.most_common()),
        "activities_from": format_iso(profile.first) if profile.first is not None else None,
        "activities_to": format_iso(profile.last) if profile.last is not None else None,
        "never": _never(profile, fields, model),
        "rejected": dict(profile.rejected.most_common(10)),
    }


def _fill(profile: Profile, source: Source, name: str) -> float:
    """The share of people (or accounts) of the sample that have what a rule's field needs."""
    kind, field = Kind.PERSON, FROM.get(name, name)
    if name.startswith("account."):
        kind, field = Kind.ACCOUNT, name.removeprefix("account.")
    kinds = {kind, Kind.ACCOUNT} if name in {"region", "company_size"} else {kind}
    shares = [
        max(profile.fill(one.name, field), profile.fill(one.name, name))
        for one in source.objects.values()
        if one.kind in kinds
    ]
    return round(max(shares, default=0.0), 4)


def _never(profile: Profile, fields: list[dict[str, Any]], model: Model) -> list[str]:
    """Rules that cannot hold for anybody here, each with why."""
    empty = {one["field"] for one in fields if one["filled"] == 0}
    fits: list[FitRule | FilterRule] = [*model.fit_rules(), *model.outs()]
    does: list[BehaviourRule | FastTrackRule] = [*model.behaviour_rules(), *model.fast_track]
    return [
        f"{rule.name}: nobody has `{rule.field}`"
        for rule in fits
        if rule.field in empty and rule.operator != "missing"
    ] + [
        f"{rule.name}: no activity of type {', '.join(rule.types)}"
        for rule in does
        if rule.types and not any(kind in profile.activity_types for kind in rule.types)
    ]
