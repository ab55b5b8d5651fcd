"""Verdicts entered by hand, one by one or from a file: rows in the book, and the cycles they move.

The book is only ever added to: what takes back an earlier word is a row of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connector.config.load import Loaded
from connector.decisions.standing import Cycle, Move, Policy
from connector.decisions.verdict import correct
from connector.decisions.vocabulary import Words, fault_in
from connector.documents import canonical_hash, read_text
from connector.domain.cycle import Verdict
from connector.domain.moment import Micros, parse_iso
from connector.domain.record import Rejected
from connector.errors import UsageError
from connector.store.database import Store
from connector.store.incoming import records
from connector.store.passes import cycles, verdicts
from connector.store.passes.verdicts import Pass
from connector.store.persons import people
from connector.store.running import audit, leases, runs
from connector.sync.entries.owners import owners_by_name
from connector.sync.opening import alone, calendar_of

COLUMNS = ("person", "verdict", "reason", "at", "by", "cycle")
_NEEDED = ("person", "verdict")


class Entry(NamedTuple):
    """One verdict as given, each part as text; `place` is where it stands, file:line."""

    place: str
    person: str
    verdict: str
    reason: str | None = None
    at: str | None = None
    by: str | None = None
    cycle: str | None = None


class Entered(NamedTuple):
    """What became of the entries: rows added, cycles moved, those known before, lines kept aside.

    `fresh` counts the lines that were not kept aside before.
    """

    run: str
    added: tuple[dict[str, Any], ...]
    moved: int
    known: int
    aside: tuple[Rejected, ...]
    fresh: int = 0


class _Read(NamedTuple):
    """An entry whose person, pass and words are found."""

    entry: Entry
    person: str
    found: Pass
    at: Micros
    by: str | None


def entries_of(path: Path) -> list[Entry]:
    """Read a CSV file of verdicts; `person` and `verdict` are needed, the rest may be missing.

    Raises UsageError for a file whose header or quoting is wrong, with its line.
    """
    reader = csv.reader(StringIO(read_text(path), newline=""), strict=True)
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        _check_header(path.name, header)
        found: list[Entry] = []
        while True:
            line = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                return found
            if any(cell.strip() for cell in cells):
                found.append(_entry(f"{path.name}:{line}", header, cells))
    except csv.Error as error:
        raise UsageError(
            f"{path.name}:{reader.line_num}: not CSV: {error}", hint="Mend the quotes of that line"
        ) from None


def _check_header(file: str, header: Sequence[str]) -> None:
    missing = [name for name in _NEEDED if name not in header]
    twice = [name for name in COLUMNS if header.count(name) > 1]
    if missing or twice:
        said = f"has no column `{missing[0]}`" if missing else f"names `{twice[0]}` twice"
        raise UsageError(f"{file}:1: the header {said}", hint=f"Begin with: {','.join(COLUMNS)}")


def _entry(place: str, header: Sequence[str], cells: Sequence[str]) -> Entry:
    values = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    return Entry(
        place,
        values.get("person", ""),
        values.get("verdict", "").casefold(),
        *(values.get(name) or None for name in COLUMNS[2:]),
    )


def enter(
    store: Store,
    loaded: Loaded,
    entries: Sequence[Entry],
    *,
    command: str,
    now: Micros,
    clock: Callable[[], Micros],
    file: str | None = None,
) -> Entered:
    """Enter verdicts in their order, all in one transaction; what cannot be read is kept aside.

    The same entry twice is one row, however often its file is read. `file` names the file whose
    lines may be kept aside; without it the first fault is raised.
    """
    run = runs.new_id(clock())
    with alone(loaded, store, run) as held, held.write() as tx:
        alive = leases.holders(tx) if held.dialect == "postgresql" else frozenset()
        runs.start(tx, run, command, now=now, started=clock(), alive=alive)
        done = _Entering(tx, loaded, run, now).all(entries)
        if done.aside and file is None:
            first = done.aside[0]
            raise UsageError(
                first.reason[:1].upper() + first.reason[1:], hint="leadloop dispositions add --help"
            )
        if file is not None:
            before = verdicts.forget_lines(tx, file)
            records.quarantine_rows(tx, verdicts.IMPORT, "dispositions", done.aside, run)
            done = done._replace(fresh=sum(one.place not in before for one in done.aside))
        counts = {"added": len(done.added), "moved": done.moved, "known": done.known}
        if done.added:
            audit.append(tx, "dispositions entered", {"run": run, "counts": counts}, now)
        status = "partial" if done.fresh else "ok"
        runs.finish(tx, run, status=status, ended=clock(), counts={"dispositions": counts})
    return done


class _Entering:
    def __init__(self, tx: Connection, loaded: Loaded, run: str, now: Micros) -> None:
        self._tx, self._run, self._now = tx, run, now
        self._words: Words = loaded.settings.dispositions.words()
        self._calendar = calendar_of(loaded)
        self._owners = owners_by_name(tx, loaded.settings.connections)
        self._user = audit.os_user()

    def all(self, entries: Sequence[Entry]) -> Entered:
        found = {e.person: people.find(self._tx, e.person) for e in entries if e.person}
        ids = [person for person in found.values() if person is not None]
        passes = verdicts.passes(self._tx, ids)
        read: list[_Read] = []
        aside: list[Rejected] = []
        for entry in entries:
            got = self._read(entry, found.get(entry.person), passes)
            if isinstance(got, str):
                aside.append(Rejected(entry.place, got))
            else:
                read.append(got)
        rows, known = self._rows(read)
        moved = self._move([one for one in read if _row_id(one) in rows])
        cycles.add_dispositions(self._tx, list(rows.values()))
        people.mark(self._tx, [row["person"] for row in rows.values()], pending=True)
        return Entered(self._run, tuple(rows.values()), moved, known, tuple(aside))

    def _read(
        self, entry: Entry, person: str | None, passes: Mapping[str, list[Pass]]
    ) -> _Read | str:
        if person is None:
            return "`person` names nobody we know, or more than one; give connection/object/id"
        if fault := fault_in(entry.verdict, entry.reason, self._words):
            return fault
        mine = passes.get(person)
        if not mine:
            return "this person has not entered the funnel yet; run leadloop run first"
        at = self._moment(entry.at)
        if isinstance(at, str):
            return at
        by = None if entry.by is None else self._owners.get(entry.by.casefold())
        if entry.by is not None and by is None:
            return "`by` names no owner we know; give the owner's e-mail address or id"
        one = _pass_of(mine, entry.cycle, at if entry.at else None)
        if isinstance(one, str):
            return one
        return _Read(entry, person, one, at, by or one.owner)

    def _moment(self, text: str | None) -> Micros | str:
        if text is None:
            return self._now
        try:
            at = parse_iso(text)
        except ValueError:
            return "`at` is not a moment with its zone, such as 2026-11-24T09:30:00Z"
        return "`at` lies in the future" if at > self._now else at

    def _rows(self, read: Sequence[_Read]) -> tuple[dict[str, dict[str, Any]], int]:
        """The rows that are new, by id, in the order given; and how many entries are not."""
        ids = [_row_id(one) for one in read]
        known = verdicts.known_ids(self._tx, ids)
        rows = {
            ident: {
                "id": ident,
                "person": one.person,
                "number": one.found.number,
                "verdict": one.entry.verdict,
                "reason": one.entry.reason,
                "at": one.at,
                "by": one.by,
                "source": f"hand/{self._user}",
                "run": self._run,
            }
            for ident, one in zip(ids, read, strict=True)
            if ident not in known
        }
        return rows, len(read) - len(rows)

    def _move(self, read: Sequence[_Read]) -> int:
        mine = [one for one in read if one.found.current]
        current = cycles.current(self._tx, (one.person for one in mine))
        behaved = cycles.behaviour(self._tx, (one.person for one in mine), self._now)
        moves: list[Move] = []
        for one in sorted(mine, key=lambda one: one.at):
            move = self._judge(current[one.person], one, behaved)
            if move is not None:
                moves.append(move)
                current[one.person] = move.cycle
        cycles.save(self._tx, moves, self._now, self._run)
        return len(moves)

    def _judge(self, cycle: Cycle, one: _Read, behaved: Mapping[str, Micros]) -> Move | None:
        return correct(
            cycle,
            Verdict(one.entry.verdict),
            reason=one.entry.reason,
            at=one.at,
            behaviour_at=behaved.get(one.person),
            policy=Policy(),
            calendar=self._calendar,
            now=self._now,
        )


def _row_id(one: _Read) -> str:
    entry = one.entry
    said = [one.person, entry.verdict, entry.reason, entry.by, entry.cycle]
    return canonical_hash(["hand", *said, one.at if entry.at else None])


def _pass_of(passes: Sequence[Pass], number: str | None, at: Micros | None) -> Pass | str:
    """The pass a verdict is about: the one named, the one open at its moment, else the present."""
    if number is not None:
        named = next((one for one in passes if str(one.number) == number), None)
        return named or f"there is no such cycle; this person has {len(passes)}"
    if at is None:
        return passes[-1]
    return next((one for one in reversed(passes) if one.opened_at <= at), passes[0])
