"""What of people lies in files of ours outside the store, and how it is taken out of them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from connector.config.load import Loaded
from connector.decisions.routing_document import Partner, Routing
from connector.engine.erasing import erase_people
from connector.points import point
from connector.store.running import notes

EXPORTS = "exports"
"""The note that names every folder that was exported to."""


class Cleared(NamedTuple):
    """How many rows and files went, by kind, and what somebody has to see to by hand."""

    counts: Counter[str]
    left: list[str]


def note_export(tx: Connection, folder: Path) -> None:
    """Remember a folder before it is written to, so that whoever is forgotten leaves it too."""
    known = notes.get(tx, EXPORTS) or []
    place = str(folder.absolute())
    if place not in known:
        notes.put(tx, EXPORTS, sorted([*known, place]))


def clear(
    tx: Connection,
    loaded: Loaded,
    routing: Routing | None,
    people: Collection[str],
    codes: Collection[str],
) -> Cleared:
    """Take people out of exports, and their offers out of what lies ready for partners.

    A folder that is not there any more holds nobody. Told again, it finds what is left.
    """
    done = Cleared(Counter(), [])
    if not people:
        return done
    folders = {Path(one) for one in notes.get(tx, EXPORTS) or ()}
    if loaded.settings.engine.folder is not None:
        folders.add(Path(loaded.settings.engine.folder))
    for folder in sorted(folders):
        try:
            done.counts["rows of exports"] += erase_people(folder, people)
        except OSError as error:
            done.left.append(f"the export in {folder} cannot be written: {error.strerror}")
    for partner in _partners(routing) if codes else ():
        _clear_partner(loaded.folder, partner, codes, done)
    return done


def _clear_partner(folder: Path, partner: Partner, codes: Collection[str], done: Cleared) -> None:
    way = partner.deliver
    try:
        if way.csv is not None:
            for file in sorted((folder / way.csv).glob("offers-*.csv")):
                done.counts["offers in files"] += _without(file, codes)
        elif way.mail is not None:
            for code in codes:
                for file in sorted((folder / way.mail).glob(f"{code}-*.eml")):
                    file.unlink(missing_ok=True)
                    done.counts["offers in files"] += 1
        else:
            done.left.append(
                f"partner {partner.name} may have been told by its web address: ask it to erase "
                f"{', '.join(sorted(codes))}"
            )
    except OSError as error:
        done.left.append(f"offers to partner {partner.name} cannot be written: {error.strerror}")


def _without(file: Path, codes: Collection[str]) -> int:
    rows = list(csv.reader(StringIO(file.read_text(encoding="utf-8"))))
    if not rows or "code" not in rows[0]:
        return 0
    place = rows[0].index("code")
    kept = [row for row in rows if len(row) <= place or row[place] not in codes]
    if len(kept) < len(rows):
        out = StringIO()
        csv.writer(out, lineterminator="\n").writerows(kept)
        draft = file.with_name(f".{file.name}.new")
        draft.write_text(out.getvalue(), encoding="utf-8")
        point("file.before")
        draft.replace(file)
        point("file.after")
    return len(rows) - len(kept)


def _partners(routing: Routing | None) -> Iterator[Partner]:
    for pool in routing.pools.values() if routing else ():
        for member in pool.members:
            if member.partner is not None:
                yield member.partner
