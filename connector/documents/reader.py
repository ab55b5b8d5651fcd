"""Reads a YAML file into a document, or says all that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from connector.documents.faults import Fault, Place, Places, faults_of, refuse
from connector.documents.simple import Items, Keys, read_simple
from connector.errors import UsageError

MAX_BYTES = 5_000_000
_MAX_NODES = 200_000
_SECRET_KEYS = frozenset({"auth", "vault"})
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt\s]+([0-9]{1,2}):([0-9]{2}):([0-9]{2}))?"
)
_VARIABLE = re.compile(r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")

M = TypeVar("M", bound=BaseModel)


def load(path: Path, model: type[M], *, environ: Mapping[str, str] | None = None) -> M:
    """Read the file as `model`. Raises UsageError that lists every mistake with its place."""
    return parse(read_text(path), model, name=path.name, environ=environ)


def parse(text: str, model: type[M], *, name: str, environ: Mapping[str, str] | None = None) -> M:
    """Read text as `model`; `name` stands for the file in messages.

    `${VAR}` and `${VAR:-default}` in text values are replaced from `environ`, after the structure
    is read, so that a value can never change it; `$${` is a literal `${`. Below a key `auth` or
    `vault` nothing is replaced: what stands there are references to secrets.
    """
    plain, places = parse_plain(text, name=name, environ=environ)
    return build(plain, places, model, name=name, text=text)


def build(plain: Any, places: Places, model: type[M], *, name: str, text: str) -> M:
    """Turn plain values into `model`, naming every mistake at its place in `text`."""
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        raise refuse(name, text, faults_of(error, model, places)) from None


def parse_plain(
    text: str, *, name: str, environ: Mapping[str, str] | None = None
) -> tuple[Any, Places]:
    """Read YAML into plain values and the place of each; raises UsageError as `parse` does."""
    tree = _yaml(text, name)
    places: Places = {}
    faults: list[Fault] = []
    budget = iter(range(_MAX_NODES))
    plain = _plain(tree, (), places, _Expander(environ, faults), budget)
    if plain is _TOO_BIG:
        raise UsageError(
            f"{name}: the file unfolds to more than {_MAX_NODES:,} values",
            hint="Remove repeated aliases (&name, *name)",
        )
    if faults:
        raise refuse(name, text, [f._replace(place=places.get(f.path)) for f in faults])
    return plain, places


def load_lines(path: Path) -> list[str]:
    """Read a list file: one entry a line; blank lines and lines that begin with # are skipped."""
    lines = (line.strip() for line in read_text(path).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def read_text(path: Path) -> str:
    """Give a file's text. Raises UsageError for one that is missing, too large or not UTF-8."""
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a file", hint="Name the file inside it")
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(
                f"{path.name} is larger than {MAX_BYTES:,} bytes", hint="Split it or shorten it"
            )
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"there is no file {path}", hint="Check the path, or write one with leadloop init"
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path.name}: byte {error.start} is not UTF-8", hint="Save the file as UTF-8"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    return text


@lru_cache(maxsize=64)
def _yaml(text: str, name: str) -> Any:
    """The file's tree, kept: a long process reads the same files again and again."""
    if (simple := read_simple(text)) is not None:
        return simple
    yaml = YAML(typ="rt", pure=True)
    try:
        tree = yaml.load(StringIO(text))
    except DuplicateKeyError as error:
        mark = error.problem_mark
        key = re.search(r'duplicate key "?([^"\s]+)"?', str(error.problem))
        word = f"`{key[1]}` " if key else ""
        raise refuse(
            name,
            text,
            [Fault(f"the key {word}stands here a second time", Place(mark.line, mark.column))],
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line, mark.column) if mark else None
        raise refuse(name, text, [Fault(f"not YAML: {error.problem}", place)]) from None
    except YAMLError as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{name}: not YAML: {reason}", hint="Save the file as UTF-8") from None
    except ValueError as error:  # what looks like a moment is made one at once
        fault = Fault(f"not YAML: {error}; put it in quotes if it is text", _no_moment(text))
        raise refuse(name, text, [fault]) from None
    except RecursionError:
        raise UsageError(
            f"{name}: not YAML: brackets within brackets beyond all measure",
            hint="Close the brackets that were opened",
        ) from None
    if not isinstance(tree, CommentedMap):
        raise UsageError(f"{name}: expected `key: value` lines", hint="Begin with `version: 1`")
    return tree


def _no_moment(text: str) -> Place | None:
    """The first place spelled like a day that no calendar has, or an hour that no clock shows."""
    for number, line in enumerate(text.splitlines()):
        for match in _MOMENT.finditer(line):
            try:
                year, month, day, hour, minute, second = (int(n or 0) for n in match.groups())
                date(year, month, day), time(hour, minute, second)
            except ValueError:
                return Place(number, match.start())
    return None


class _Expander:
    """Puts environment variables into text values, and remembers what is wrong on the way."""

    def __init__(self, environ: Mapping[str, str] | None, faults: list[Fault]) -> None:
        self._environ = environ
        self._faults = faults

    def expand(self, text: str, path: tuple[str | int, ...]) -> str:
        if self._environ is None or "${" not in text or not _SECRET_KEYS.isdisjoint(path):
            return text
        return _VARIABLE.sub(lambda match: self._value(match, path), text)

    def refuse(self, message: str, path: tuple[str | int, ...]) -> None:
        """Add a mistake at a path."""
        self._faults.append(Fault(message, None, path=path))

    def refuse_tag(self, tag: str, path: tuple[str | int, ...]) -> None:
        """Add that a value has a YAML tag, which no file of ours needs and nobody obeys."""
        word = tag.removeprefix("tag:yaml.org,2002:").lstrip("!")[:40]
        self.refuse(f"the tag `!{word}` means nothing here: leave it out", path)

    def _value(self, match: re.Match[str], path: tuple[str | int, ...]) -> str:
        escaped, variable, default = match[1], match[2], match[3]
        if escaped:
            return match[0][1:]
        value = (self._environ or {}).get(variable, default)
        if value is None:
            self.refuse(f"the environment variable {variable} is not set", path)
            return ""
        return value


_TOO_BIG = object()


def _plain(
    node: Any,
    path: tuple[str | int, ...],
    places: Places,
    expander: _Expander,
    budget: Iterator[int],
) -> Any:
    """Copy the tree as plain values, noting where each key and item stands."""
    if next(budget, None) is None:
        return _TOO_BIG
    if (tag := getattr(getattr(node, "tag", None), "value", None)) is not None:
        return expander.refuse_tag(str(tag), path)
    if isinstance(node, Keys | CommentedMap):
        copied: dict[str, Any] = {}
        for key, value in node.items():
            line, column = node.lc.key(key)
            places[*path, str(key)] = Place(line, column)
            copied[str(key)] = _plain(value, (*path, str(key)), places, expander, budget)
            if copied[str(key)] is _TOO_BIG:
                return _TOO_BIG
        return copied
    if isinstance(node, Items | CommentedSeq):
        items: list[Any] = []
        for index, value in enumerate(node):
            line, column = node.lc.item(index)
            places[*path, index] = Place(line, column)
            items.append(_plain(value, (*path, index), places, expander, budget))
            if items[-1] is _TOO_BIG:
                return _TOO_BIG
        return items
    if isinstance(node, str):
        return expander.expand(str(node), path)
    return _scalar(node)


def _scalar(node: Any) -> Any:
    if isinstance(node, bool):
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    return node if node is None else str(node)
