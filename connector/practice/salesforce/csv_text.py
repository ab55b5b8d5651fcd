"""Values as Bulk API 2.0 spells them in CSV, and back.

Source: Bulk API 2.0 Developer Guide, "Prepare CSV Files" and "Valid Date Format in Records": in
what is sent, an empty cell leaves a field alone and `#N/A` empties it; in results every cell is
quoted and moments end in `Z`, where REST says `+0000`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";",
              "TAB": "\t"}  # fmt: skip
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
EMPTIED = "#N/A"
"""What a cell says to empty the field; no row can hold these four letters by this way in."""
_TRUE, _FALSE = {"true", "yes", "y", "1"}, {"false", "no", "n", "0"}


def line(cells: Iterable[str], delimiter: str, ending: str) -> str:
    """One line of a result: every cell quoted, quotes doubled, the rest as it is."""
    return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells) + ending


def cell(value: Any, kind: str) -> str:
    """A row's value as a cell of a result; `kind` is the field's type."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text.replace("+0000", "Z") if kind == "datetime" else text


def read(text: str, delimiter: str) -> Iterator[list[str]]:
    """The lines of what a client sent, blank ones left out. Raises csv.Error."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return (cells for cells in reader if cells)


def value(given: str, kind: str) -> Any:
    """What a cell that is not empty sets a field of that type to."""
    if given == EMPTIED:
        return None
    if kind == "boolean":
        word = given.lower()
        return True if word in _TRUE else False if word in _FALSE else given
    return given


def ending_of(text: str) -> str | None:
    """How the first line of a text ends; None where it is the only one and has no end."""
    first = text.find("\n")
    if first < 0:
        return None
    return "CRLF" if text[first - 1 : first] == "\r" else "LF"


def whole(header: Sequence[str], lines: Iterable[str], delimiter: str, ending: str) -> bytes:
    """A result as it is sent: its header and lines that are spelled already."""
    return (line(header, delimiter, ending) + "".join(lines)).encode()
