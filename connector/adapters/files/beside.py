"""What we wrote about a folder's rows: one CSV a source, beside the data and never in it."""

from __future__ import annotations

import csv
import os
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path

from connector.adapters.base import Row
from connector.domain.record import Fields, Scalar
from connector.errors import UsageError
from connector.points import point

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
KEY = "id"


class Beside:
    """The written columns of one source: loaded, laid over rows, and replaced as a whole.

    People may edit the file: it is read again before each replacement. Text that a spreadsheet
    would run as a formula is kept with a leading apostrophe, which is taken off again on reading.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def columns(self) -> list[str]:
        """Give the names of the written columns; none when nothing was written yet."""
        with closing(self._rows()) as rows:
            return [name for name in next(rows, {}) if name is not None and name != KEY]

    def load(self) -> dict[str, Row]:
        """Give the written columns by record id; none when nothing was written yet."""
        found = {}
        for row in self._rows():
            ident = row.pop(KEY, None)
            if ident:
                found[_unguard(ident)] = {
                    n: _unguard(v) if v else None for n, v in row.items() if n is not None
                }
        return found

    def _rows(self) -> Generator[dict[str, str]]:
        try:
            with self._path.open(encoding="utf-8-sig") as file:
                yield from csv.DictReader(file)
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{self._path.name} cannot be read back", hint="Mend or remove the file"
            ) from error

    def save(self, changes: Mapping[str, Fields]) -> None:
        """Put the changes over what stands there, and replace the file in one step."""
        held = self.load()
        for ident, values in changes.items():
            row = held.setdefault(ident, {})
            row.update({name: _text(value) for name, value in values.items()})
        names = list(dict.fromkeys(name for row in held.values() for name in row))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".csv.new")
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([KEY, *names])
            for ident, row in held.items():
                writer.writerow([_guard(ident), *(_guard(row.get(name)) for name in names)])
            file.flush()
            os.fsync(file.fileno())
        point("file.before")
        draft.replace(self._path)
        point("file.after")

    def fingerprint(self) -> str:
        """Give a mark that changes when the file does."""
        return fingerprint(self._path)


def fingerprint(path: Path) -> str:
    """Give size, time and inode of a file in one word; `-` when there is none."""
    try:
        info = path.stat()
    except FileNotFoundError:
        return "-"
    return f"{info.st_size:x}.{info.st_mtime_ns:x}.{info.st_ino:x}"


def _text(value: Scalar) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _guard(text: str | None) -> str:
    if text is None:
        return ""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) and not _is_number(text) else text


def _unguard(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
