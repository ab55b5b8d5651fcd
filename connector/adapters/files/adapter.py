"""The folder as a CRM: each file a source, its rows the records.

Files have no change time of their own, so a source is read whole; when neither the file nor what
we wrote beside it changed since the last reading, one empty page says so. A row that is missing
from a file is not a deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from connector.adapters.base import (
    Capabilities,
    FieldStep,
    Identity,
    NewTask,
    Page,
    RemoteField,
    Row,
    Use,
    Window,
)
from connector.adapters.files.beside import Beside, fingerprint
from connector.adapters.files.reading import At
from connector.adapters.files.rows import SUFFIXES, columns, rows
from connector.domain.change import Outcome, Result, Write
from connector.domain.moment import Micros, format_iso
from connector.domain.record import Fields, Rejected
from connector.errors import UsageError

PAGE = 2_000


class FilesAdapter:
    """Reads `folder`, writes to `out`; `uses` says of each source its key and what is written."""

    capabilities = Capabilities(
        kind="files", batch_size=5_000, id_batch=5_000, windows=False, overlap=0, tasks=True
    )

    def __init__(
        self,
        folder: Path,
        out: Path | None,
        uses: Mapping[str, Use],
        clock: Callable[[], Micros],
    ) -> None:
        self._folder = folder
        self._out = out or folder / "leadloop"
        self._uses = uses
        self._clock = clock

    def check(self) -> Identity:
        if not self._folder.is_dir():
            raise UsageError(
                f"there is no folder {self._folder}", hint="Check `files.folder` in leadloop.yaml"
            )
        return Identity("-", self._folder.resolve().name, "files")

    def server_now(self) -> Micros:
        return self._clock()

    def sources(self) -> list[str]:
        self.check()
        return sorted({p.stem for p in self._folder.iterdir() if p.suffix in SUFFIXES})

    def describe(self, source: str) -> dict[str, RemoteField]:
        names = columns(self._path(source))
        free = self._path(source).suffix == ".jsonl"  # each line has the fields it likes
        every = dict.fromkeys([*names, *self._beside(source).columns()])
        return {name: RemoteField(name, None, optional=free) for name in every}

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        path = self._path(source)
        self._refuse_unknown(source, names)
        beside = self._beside(source)
        mark = f"{fingerprint(path)}/{beside.fingerprint()}"
        state = orjson.loads(after) if after else {}
        known = state.get("mark") == mark
        if known and state.get("done"):
            yield Page((), after or "")
            return
        start = At(state["offset"], state["line"]) if known else None
        overlay = beside.load()
        key = self._uses[source].key if source in self._uses else None
        found: list[Row] = []
        places: list[str] = []
        rejected: list[Rejected] = []
        at = start
        for item in rows(path, start):
            at = item.next
            if item.row is not None:
                found.append(_laid_over(item.row, overlay, key))
                places.append(item.place)
            elif item.rejected is not None:
                rejected.append(item.rejected)
            if len(found) + len(rejected) >= PAGE:
                yield Page(found, _position(mark, at, done=False), places, rejected)
                found, places, rejected = [], [], []
        yield Page(found, _position(mark, at or At(0, 0), done=True), places, rejected)

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        self._refuse_unknown(source, names)
        key = self._key(source)
        wanted = set(ids)
        overlay = self._beside(source).load()
        found: dict[str, Row] = {}
        for item in rows(self._path(source), None):
            if item.row is not None and (ident := _ident(item.row, key)) in wanted:
                found[ident] = {**_laid_over(item.row, overlay, key), key: ident}
        return list(found.values())

    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        if not batch:
            return []
        if len(batch) > self.capabilities.batch_size:
            raise ValueError("a batch larger than batch_size")
        source = batch[0].source
        key = self._key(source)
        there = {str(r[key]) for r in self.read_ids(source, [key], [w.id for w in batch])}
        good = {w.id: w.values for w in batch if w.id in there and key not in w.values}
        if good:
            self._beside(source).save(good)
        return [
            Outcome(w.id, Result.APPLIED)
            if w.id in good
            else Outcome(
                w.id, Result.REFUSED, "key_column", "the key column cannot be written", key
            )
            if w.id in there
            else Outcome(w.id, Result.GONE, "no_such_row", "no row has this key")
            for w in batch
        ]

    def find_tasks(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        there = self._tasks.load()
        return {one.marker: one.marker for one in wanted if one.marker in there}

    def create_task(self, task: NewTask) -> str:
        """Add a line to `tasks.csv` in the `out` folder; the marker is its id."""
        values: Fields = {
            "source": task.source,
            "record": task.record,
            "owner": task.owner,
            "subject": task.subject,
            "text": task.text,
            "due": format_iso(task.due),
        }
        self._tasks.save({task.marker: values})
        return task.marker

    @property
    def _tasks(self) -> Beside:
        return Beside(self._out / "tasks.csv")

    def plan_fields(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        """Columns need no making: they appear beside the data with the first write."""
        return [replace(step, action="keep", note="a column beside the data") for step in wanted]

    def create_fields(self, steps: Sequence[FieldStep]) -> None:
        return None

    def close(self) -> None:
        return None

    def _path(self, source: str) -> Path:
        for suffix in SUFFIXES:
            path = self._folder / f"{source}{suffix}"
            if path.is_file():
                return path
        known = ", ".join(self.sources()) or "nothing we can read"
        raise UsageError(
            f"there is no file `{source}` in {self._folder} (it has: {known})",
            hint="Name the file without its suffix as `source:` in the mapping",
        )

    def _beside(self, source: str) -> Beside:
        return Beside(self._out / f"{source}.csv")

    def _key(self, source: str) -> str:
        if source not in self._uses:
            raise UsageError(
                f"the mapping names no key for `{source}`", hint="Add `key:` to that object"
            )
        return self._uses[source].key

    def _refuse_unknown(self, source: str, names: Sequence[str]) -> None:
        path = self._path(source)
        if path.suffix == ".jsonl":  # a line may lack any field
            return
        known = set(columns(path))
        written = self._uses[source].writes if source in self._uses else frozenset()
        for name in names:
            if name not in known and name not in written:
                raise UsageError(
                    f"{path.name} has no column `{name}`",
                    hint=_columns_there(known),
                )


def _columns_there(known: set[str]) -> str:
    """Name the columns, unless the first line is somebody's data instead of a header."""
    if any("@" in name for name in known):
        return "Its first line looks like data: put a line with the columns' names above it"
    return f"Its columns are: {', '.join(sorted(known))[:300]}"


def _ident(row: Row, key: str) -> str:
    return str(row.get(key) or "").strip()


def _laid_over(row: Row, overlay: Mapping[str, Row], key: str | None) -> Row:
    written = overlay.get(_ident(row, key)) if key else None
    return {**row, **written} if written else row


def _position(mark: str, at: At, *, done: bool) -> str:
    state = {"mark": mark, "offset": at.offset, "line": at.line, "done": done}
    return orjson.dumps(state).decode()
