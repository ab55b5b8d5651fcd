"""`extends:`: a model that says only what it changes of another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from connector.documents import build, parse_plain, read_text
from connector.documents.faults import Places
from connector.errors import UsageError

M = TypeVar("M", bound=BaseModel)
_DEPTH = 5
_Path = tuple[str | int, ...]
_ONE_OF = (
    frozenset(("equals", "in", "in_file", "contains_any", "word_in", "prefix", "regex"))
    | {"range", "missing", "answered"},
    frozenset(("activity", "inactive")),
)
"""Keys of which a rule has one: giving one anew takes away the one below."""


def load_extended(path: Path, model: type[M]) -> M:
    """Read the file over what it extends. Lists of named entries are merged by name.

    An entry with the name of one below replaces its keys and keeps the rest; `remove: true`
    takes it away. Everything else replaces what it extends. Raises UsageError.
    """
    text = read_text(path)
    plain, places = parse_plain(text, name=path.name)
    if "extends" not in plain:
        return build(plain, places, model, name=path.name, text=text)
    base = _plain_base(path, plain["extends"], depth=1)
    placed: Places = {}
    merged = _merged(base, plain, (), (), places, placed)
    merged.pop("extends", None)
    return build(merged, placed, model, name=path.name, text=text)


def _plain_base(path: Path, name: Any, *, depth: int) -> Any:
    if not isinstance(name, str):
        raise UsageError(f"{path.name}: `extends:` should name one file", where=path.name)
    if depth > _DEPTH:
        raise UsageError(
            f"{path.name}: models extend each other more than {_DEPTH} deep",
            hint="Look for two files that extend each other",
        )
    below = path.parent / name
    plain, _ = parse_plain(read_text(below), name=below.name)
    if "extends" not in plain:
        return plain
    base = _plain_base(below, plain["extends"], depth=depth + 1)
    merged = _merged(base, plain, (), (), {}, {})
    merged.pop("extends", None)
    return merged


def _merged(base: Any, over: Any, at: _Path, to: _Path, places: Places, placed: Places) -> Any:
    """Lay `over` on `base`; `placed` learns where each value of `over` stands in the result."""
    if at in places:
        placed[to] = places[at]
    if isinstance(base, dict) and isinstance(over, dict):
        dropped = {key for keys in _ONE_OF if keys & over.keys() for key in keys}
        result = {key: value for key, value in base.items() if key not in dropped}
        for key, value in over.items():
            below = base.get(key)
            result[key] = _merged(below, value, (*at, key), (*to, key), places, placed)
        return result
    if _named(base) and _named(over):
        return _merged_lists(base, over, at, to, places, placed)
    if isinstance(over, dict):
        return {k: _merged(None, v, (*at, k), (*to, k), places, placed) for k, v in over.items()}
    if isinstance(over, list):
        return [_merged(None, v, (*at, i), (*to, i), places, placed) for i, v in enumerate(over)]
    return over


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, dict) and "name" in v for v in value)


def _merged_lists(
    base: list[Any], over: list[Any], at: _Path, to: _Path, places: Places, placed: Places
) -> list[Any]:
    changes = {entry["name"]: (index, entry) for index, entry in enumerate(over)}
    order = [*base, *(e for e in over if e["name"] not in {b["name"] for b in base})]
    result: list[Any] = []
    for entry in order:
        index, change = changes.get(entry["name"], (None, None))
        if change is not None and change.get("remove") is True:
            continue
        if index is None:
            result.append(entry)
            continue
        below = entry if change is not entry else None
        result.append(_merged(below, change, (*at, index), (*to, len(result)), places, placed))
    return result
