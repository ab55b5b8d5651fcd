"""Whose each activity is, and whether it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from connector.domain.moment import Micros
from connector.identity.address import normalise_address
from connector.identity.engagement import RECEIVED, Seen, duplicates, machine_made
from connector.store.incoming import activities as store
from connector.store.persons import people
from connector.store.persons.news import take_all_news
from connector.sync.context import Loop

PAGE = 20_000
"""Activities placed together: each person they belong to is judged once a page."""


def place_activities(loop: Loop) -> Counter[str]:
    """Give activities without a person theirs; those of unknown people wait, and are counted."""
    counts: Counter[str] = Counter()
    after: tuple[str, str, str] = ("", "", "")
    several = len(loop.sources) > 1
    while True:
        with loop.store.write() as tx:
            page = store.unplaced(tx, after, PAGE)
            if not page:
                return counts
            after = page[-1].key
            take_all_news(tx)  # a pull may have changed what it left unplaced
            owners = _owners(tx, page)
            placed = {one.key: owners[one.key] for one in page if one.key in owners}
            store.place(tx, placed)
            since = _since(page, placed)
            people.mark_active(tx, since)
            flagged = _judge(tx, (who for who, _ in since), several=several)
            people.recount(tx, (what for key, what in flagged.items() if key not in placed))
        counts["activities placed"] += len(placed)
        counts["activities of unknown people"] += len(page) - len(placed)
        loop.tell("resolve", counts)


def _owners(tx: store.Connection, page: list[store.Unplaced]) -> dict[tuple[str, str, str], str]:
    keys: dict[tuple[str, str, str], tuple[str, str]] = {}
    for one in page:
        if one.subject is not None:
            keys[one.key] = ("record", f"{one.key[0]}/{one.subject}")
        elif one.email is not None and (address := normalise_address(one.email)):
            keys[one.key] = ("email", address)
    known = people.known_keys(tx, set(keys.values()))
    return {key: known[wanted] for key, wanted in keys.items() if wanted in known}


def _since(
    page: Iterable[store.Unplaced], placed: Mapping[store.Key, str]
) -> dict[tuple[str, str], Micros]:
    """When the first of each type was done of what each person did among these."""
    since: dict[tuple[str, str], Micros] = {}
    for one in page:
        if (who := placed.get(one.key)) is not None:
            what = (who, one.type)
            since[what] = min(one.time, since.get(what, one.time))
    return since


def _judge(
    tx: store.Connection, touched: Iterable[str], *, several: bool
) -> dict[store.Key, tuple[str, str]]:
    """Flag what machines did, and what another system's row repeats; gives person and type of what
    counts otherwise than before."""
    changed: dict[store.Key, tuple[str, str]] = {}
    for some in people.chunks(touched):
        judged, before = store.to_judge(tx, some, everything=several)
        acted = _acted(judged) if several else store.acted(tx, judged)
        flags: dict[store.Key, store.Flags] = {}
        for person, seen in judged.items():
            machine = machine_made(seen, acted=person in acted)
            repeated = duplicates(seen)
            for key in machine.keys() | repeated:
                flags[key] = store.Flags(key in machine, key in repeated, machine.get(key))
        verdicts = {
            key: after
            for key in flags.keys() | before.keys()
            if (after := flags.get(key, store.CLEAR)) != before.get(key, store.CLEAR)
        }
        store.flag(tx, verdicts)
        if verdicts:
            done = {one.key: (who, one.type) for who, seen in judged.items() for one in seen}
            changed |= {
                key: done[key]
                for key, after in verdicts.items()
                if not after.counts_like(before.get(key, store.CLEAR))
            }
    return changed


def _acted(judged: Mapping[str, Iterable[Seen]]) -> set[str]:
    """Who ever did more than receive and open mail, out of all that is known of each."""
    return {p for p, seen in judged.items() if any(one.type not in RECEIVED for one in seen)}
