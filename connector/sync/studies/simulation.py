"""What another model would change, on the live base: who crosses the threshold, and for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from connector.config.load import Loaded
from connector.decisions.routing_document import Routing
from connector.domain.moment import DAY, Micros, format_iso
from connector.domain.record import Fields
from connector.domain.score import Score
from connector.engine.run import score_store
from connector.scoring.choice import Choice, Models
from connector.scoring.model import Model
from connector.store.database import Store
from connector.store.persons import people
from connector.store.scored.feed import feed
from connector.sync.score import kept

_LISTED = 50
_PAGE = 2_000
UNKNOWN = "(unknown)"


def replaced(models: Models, new: Model) -> Models:
    """Give the models with the one of the same name replaced; else the default."""
    names = [choice.model.name for choice in models]
    place = names.index(new.name) if new.name in names else len(names) - 1
    return Models([Choice(new, c.when) if n == place else c for n, c in enumerate(models)])


def score_everybody(store: Store, loaded: Loaded, models: Models, now: Micros) -> dict[str, Score]:
    """Score the live base without storing anything."""
    columns = {name for model, _ in models for name in model.activity_columns()}
    with store.read() as tx:
        queries = feed(tx, kept(models, now), models.person_fields(), columns, only_stale=False)
    with score_store(
        models,
        now,
        url=store.url,
        queries=queries._asdict(),
        memory=loaded.settings.engine.memory,
    ) as scored:
        return {score.person: score for _, page in scored.pages() for score, *_ in page}


def simulate(
    store: Store,
    loaded: Loaded,
    old: Models,
    new: Models,
    routing: Routing | None,
    *,
    by: str,
    now: Micros,
) -> dict[str, Any]:
    """Hold both against each other; `by` is the field that makes segments."""
    before = score_everybody(store, loaded, old, now)
    after = score_everybody(store, loaded, new, now)
    crossed = [p for p in after if after[p].sales_ready != before[p].sales_ready]
    known = _documents(store, after, by)
    return {
        "as_of": format_iso(now),
        "old": {"name": old.default.name, "version": old.hash},
        "new": {"name": new.default.name, "version": new.hash},
        "same": old.hash == new.hash,
        **_counts(after, before, after),
        "changed_score": sum(before[p].score != after[p].score for p in after),
        "mean_change": _mean(after[p].score - before[p].score for p in after),
        "by": by,
        "segments": _groups(before, after, {p: known[p][0] for p in after}),
        "owners": _groups(before, after, {p: known[p][1] for p in after}),
        "capacity": _capacity(routing, sum(after[p].sales_ready for p in crossed)),
        "movers": [
            {
                "person": p,
                "old": before[p].score,
                "new": after[p].score,
                "crosses": "up" if after[p].sales_ready else "down",
                "segment": known[p][0],
                "owner": known[p][1],
            }
            for p in sorted(crossed, key=lambda p: (-abs(after[p].score - before[p].score), p))
        ][:_LISTED],
    }


def _documents(store: Store, ids: Iterable[str], by: str) -> dict[str, tuple[str, str]]:
    """The segment and the owner of each person."""
    found: dict[str, tuple[str, str]] = {}
    with store.read() as tx:
        for some in people.chunks(ids, _PAGE):
            facts = people.facts_of(tx, some)
            docs = people.documents_of(tx, some)
            for one in some:
                found[one] = (_text(facts.get(one, {}), by), _text(docs.get(one, {}), "owner"))
    return found


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return UNKNOWN if value is None else str(value)


def _counts(
    ids: Iterable[str], before: Mapping[str, Score], after: Mapping[str, Score]
) -> dict[str, int]:
    counts: Counter[str] = Counter(people=0, ready_old=0, ready_new=0, up=0, down=0)
    for one in ids:
        then, now = before[one].sales_ready, after[one].sales_ready
        counts.update(people=1, ready_old=then, ready_new=now, up=now > then, down=then > now)
    return dict(counts)


def _groups(
    before: Mapping[str, Score], after: Mapping[str, Score], group: Mapping[str, str]
) -> list[dict[str, Any]]:
    members: dict[str, list[str]] = {}
    for one, name in group.items():
        members.setdefault(name, []).append(one)
    rows: list[dict[str, Any]] = [
        {"name": name, **_counts(ids, before, after)} for name, ids in members.items()
    ]
    return sorted(rows, key=lambda row: (-row["up"] - row["down"], row["name"]))[:_LISTED]


def _capacity(routing: Routing | None, newly: int) -> dict[str, Any]:
    """What all members of all pools take in a week, and how long the newly ready would fill it."""
    if routing is None:
        return {"per_week": None, "newly_ready": newly, "weeks": None}
    members = [m for pool in routing.pools.values() for m in pool.members]
    daily = [m.capacity.per_day for m in members]
    if not daily or None in daily:
        return {"per_week": None, "newly_ready": newly, "weeks": None}
    weekly = 5 * sum(d for d in daily if d is not None)
    return {
        "per_week": weekly,
        "newly_ready": newly,
        "weeks": round(newly / weekly, 1) if weekly else None,
    }


def _mean(values: Iterable[int]) -> float:
    some = list(values)
    return round(sum(some) / len(some), 2) if some else 0.0


def recent(store: Store, now: Micros, days: int) -> set[str]:
    """Give who did something counted in the last `days` days."""
    with store.read() as tx:
        return people.active_since(tx, now - days * DAY, now)


def as_markdown(data: Mapping[str, Any]) -> str:
    """Give a simulation as Markdown, for the description of a pull request."""
    capacity = data["capacity"]
    lines = [f"### What `{data['new']['name']}` {data['new']['version'][:8]} would change", ""]
    lines.append(
        f"{data['up']} people would become sales-ready, {data['down']} would stop being so; "
        f"{data['changed_score']} of {data['people']} scores differ, by "
        f"{data['mean_change']:+g} on average."
    )
    if capacity["per_week"] is not None:
        lines.append(
            f"Sales takes {capacity['per_week']} a week: the newly ready fill "
            f"{capacity['weeks']:g} weeks."
        )
    for title, rows in ((data["by"], data["segments"]), ("owner", data["owners"])):
        lines += ["", f"| {title} | people | ready now | ready then | up | down |"]
        lines.append("|---|--:|--:|--:|--:|--:|")
        lines += [
            f"| {_cell(r['name'])} | {r['people']} | {r['ready_old']} | {r['ready_new']} "
            f"| {r['up']} | {r['down']} |"
            for r in rows
        ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
