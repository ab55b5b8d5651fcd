"""Schema drift: what became of the fields a mapping uses since the CRM was last asked.

A field that went away is neither read nor written, and said each run until the mapping is mended
or it comes back; all else goes on. A field that never was there is a mistake in the mapping, which
the adapter names. A changed type is said; rows that no longer fit are kept aside one by one. A new
field is said once: mapping it reads the object anew. So is a new word for a status that the mapping
does not know: it says nothing to us.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connector.adapters.base import RemoteField
from connector.mapping.compile import CompiledObject
from connector.store.incoming import snapshots
from connector.store.incoming.snapshots import Snapshot
from connector.store.running import notes
from connector.sync.context import Loop, Source


class News(NamedTuple):
    """What differs between two descriptions of one object."""

    lost: frozenset[str]
    returned: frozenset[str]
    retyped: Mapping[str, tuple[str, str]]
    added: frozenset[str]


def look_at_schema(loop: Loop, source: Source) -> Counter[str]:
    """Compare each object's fields with the last run's; gives how many are lost, new, retyped."""
    counts: Counter[str] = Counter()
    sources: dict[str, list[CompiledObject]] = {}
    for one in filter(source.has, source.streams):
        sources.setdefault(one.source, []).append(one)
    for name, objects in sources.items():
        fields = source.adapter.describe(name)
        _look(loop, source, name, objects, fields, counts)
        _words(loop, source, name, objects, fields, counts)
    return counts


def _look(
    loop: Loop,
    source: Source,
    name: str,
    objects: Sequence[CompiledObject],
    fields: Mapping[str, RemoteField],
    counts: Counter[str],
) -> None:
    if any(field.optional for field in fields.values()) or not fields:
        return  # rows have the fields they like
    now = {field: str(f.type) if f.type else None for field, f in fields.items()}
    provisions = source.adapter.capabilities.provisions
    used = frozenset(n for one in objects for n in _used(one, provisions=provisions))
    with loop.store.read() as tx:
        before = snapshots.load(tx, source.name, name)
    news = compare(used, before, now)
    everything = (before.lost if before else frozenset()) - news.returned | news.lost
    lost = everything & used
    _say(loop, f"{source.name}: {name}", news, lost)
    for one in objects:
        source.lost[one.name] = frozenset(n for n in one.names if first_part(n) in lost)
    counts["fields lost"] += len(lost)
    counts["fields retyped"] += len(news.retyped)
    counts["fields new"] += len(news.added)
    seen = Snapshot(now, everything)
    if before != seen:
        with loop.store.write() as tx:
            source.hold(tx)
            snapshots.save(tx, source.name, name, seen, now=loop.now, run=loop.run)


def _words(
    loop: Loop,
    source: Source,
    name: str,
    objects: Sequence[CompiledObject],
    fields: Mapping[str, RemoteField],
    counts: Counter[str],
) -> None:
    """Say which words for a status are new since the last run and unknown to the mapping."""
    for one in objects:
        field = fields.get(one.says.field) if one.says is not None else None
        there = (field.offered or field.values or ()) if field is not None else ()
        if one.says is None or not there:
            continue
        key = f"words {source.name} {one.name}"
        with loop.store.read() as tx:
            known = notes.get(tx, key)
        before = set(known["words"]) if known is not None else set(there)
        new = [word for word in there if word not in before and word not in one.says.known]
        if new:
            loop.warn(
                f"{source.name}: {name}.{one.says.field} offers {', '.join(f'`{w}`' for w in new)} "
                f"now, which the mapping does not know; add it under `status: values:` of "
                f"`{one.name}`, or it says nothing"
            )
        counts["words new"] += len(new)
        if known is None or set(known["words"]) != set(there):
            with loop.store.write() as tx:
                source.hold(tx)
                notes.put(tx, key, {"words": sorted(there)})


def compare(used: frozenset[str], before: Snapshot | None, now: Mapping[str, str | None]) -> News:
    """Say what differs. Pure."""
    known = before.fields if before else {}
    gone_before = before.lost if before else frozenset()
    return News(
        lost=frozenset(n for n in used if n in known and n not in now),
        returned=frozenset(n for n in gone_before if n in now),
        retyped={
            n: (str(known[n]), str(now[n]))
            for n in sorted(used)
            if n in now and known.get(n) and now[n] and known[n] != now[n]
        },
        added=frozenset(now) - frozenset(known) - gone_before if before else frozenset(),
    )


def first_part(name: str) -> str:
    """The field a dotted name begins with."""
    return name.partition(".")[0]


def _used(one: CompiledObject, *, provisions: bool) -> frozenset[str]:
    """The fields an object's mapping uses; ours count only where the CRM describes them."""
    ours = frozenset() if provisions else frozenset(t.to for t in one.writes.values())
    return frozenset(first_part(n) for n in one.names if n not in ours)


def _say(loop: Loop, where: str, news: News, lost: frozenset[str]) -> None:
    if lost:
        loop.warn(
            f"{where} has no {', '.join(f'`{n}`' for n in sorted(lost))} any more; the rest goes "
            "on without, so mend the mapping or our user's rights"
        )
    for name, (old, new) in news.retyped.items():
        loop.warn(
            f"{where}: `{name}` was {old} and is {new} now; rows that do not fit are kept aside"
        )
    if news.added:
        loop.warn(f"{where} has {len(news.added)} new fields; map one to have it read")
