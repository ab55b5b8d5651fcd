"""Mistakes in a file, told with line, column and what would have been right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from connector.errors import UsageError

Path = tuple[str | int, ...]

_SHORT = {
    "missing": "is missing",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "string_type": "should be text (put quotes around it)",
    "bool_type": "should be true or false",
    "list_type": "should be a list",
    "dict_type": "should be `key: value` lines",
    "model_type": "should be `key: value` lines",
    "model_attributes_type": "should be `key: value` lines",
}


_ARMS = frozenset({"str", "int", "float", "bool", "none", "nullable"})


class Place(NamedTuple):
    """Line and column, counted from 0."""

    line: int
    column: int


Places = dict[Path, Place]


class Fault(NamedTuple):
    """One mistake; `path` leads to it from the top of the file."""

    message: str
    place: Place | None
    path: Path = ()


def refuse(name: str, text: str, faults: Sequence[Fault]) -> UsageError:
    """Make the one error that lists them all, each with its line and a caret below it."""
    lines = text.splitlines()
    blocks = [_block(name, lines, fault) for fault in faults]
    count = len(faults)
    first = faults[0].place
    return UsageError(
        "\n".join(blocks),
        where=f"{name}:{first.line + 1}" if first else name,
        hint=f"Mend the {count} places above" if count > 1 else "Mend the place above",
    )


def _block(name: str, lines: Sequence[str], fault: Fault) -> str:
    if fault.place is None:
        return f"{name}  {fault.message}"
    line, column = fault.place
    head = f"{name}:{line + 1}:{column + 1}  {fault.message}"
    if line >= len(lines) or "auth" in fault.path or "auth:" in lines[line]:
        return head  # a line of log-in data may hold a secret in clear
    source = lines[line][:160]
    return f"{head}\n    {source}\n    {' ' * min(column, len(source))}^"


def faults_of(error: ValidationError, model: type[BaseModel], places: Places) -> list[Fault]:
    """Turn pydantic's findings into faults: one a place, unknown and missing keys folded."""
    faults: list[Fault] = []
    missing: dict[Path, list[str]] = {}
    findings = error.errors(include_url=False, include_input=False)
    for found in findings:
        if found["type"] == "missing":
            path = _written(found["loc"][:-1], places)
            missing.setdefault(path, []).append(str(found["loc"][-1]))
    for found in findings:
        path = _written(found["loc"], places)
        if found["type"] == "extra_forbidden":
            known = _keys_at(model, path[:-1])
            faults.append(_unknown(path, known, missing.get(path[:-1], []), places))
        elif found["type"] != "missing":
            faults.append(Fault(f"{_dotted(path)} {_words(found)}", _place(path, places), path))
    for path, keys in missing.items():
        for key in keys:
            whole = _dotted((*path, key))
            faults.append(Fault(f"{whole} is missing", _place(path, places), (*path, key)))
    return _one_a_place(faults)


def _unknown(path: Path, known: Iterable[str], missing: list[str], places: Places) -> Fault:
    key = str(path[-1])
    close = get_close_matches(key, list(known), n=1, cutoff=0.6)
    words = "is not a key here"
    if close:
        words += f"; did you mean `{close[0]}`?"
        if close[0] in missing:
            missing.remove(close[0])
    return Fault(f"{_dotted(path)} {words}", _place(path, places), path)


def _one_a_place(faults: list[Fault]) -> list[Fault]:
    """Keep one fault a path: a union reports each of its arms, and a rule of our own says most."""
    kept: dict[tuple[Path, Place | None], Fault] = {}
    for fault in sorted(faults, key=lambda fault: " is wrong: " not in fault.message):
        kept.setdefault((fault.path, fault.place), fault)
    return sorted(kept.values(), key=lambda f: f.place or Place(1 << 30, 0))


def _words(found: Any) -> str:
    short = _SHORT.get(found["type"])
    if short:
        return short
    message = str(found["msg"]).removeprefix("Value error, ")
    if found["type"] in {"value_error", "assertion_error"}:
        return f"is wrong: {message}"
    return message.replace("Input should be", "should be")


def _written(loc: Sequence[str | int], places: Places) -> Path:
    """Drop the names of union arms and types that pydantic puts into a path."""
    path: Path = ()
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if (*path, part) in places or (last and not _is_arm(part)):
            path = (*path, part)
    return path


def _is_arm(part: str | int) -> bool:
    """Whether a part of a path names the arm of a union, such as `Test` or `list[str]`."""
    return isinstance(part, str) and (part[:1].isupper() or "[" in part or part in _ARMS)


def _place(path: Path, places: Places) -> Place | None:
    while path:
        if path in places:
            return places[path]
        path = path[:-1]
    return None


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path) or "the file"


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys a document knows at a path; for a union, the keys of all its arms."""
    models = [model]
    for part in path:
        models = [found for one in models for found in _below(one, part)]
    return [str(info.alias or name) for one in models for name, info in one.model_fields.items()]


def _below(model: type[BaseModel], part: str | int) -> list[type[BaseModel]]:
    for name, info in model.model_fields.items():
        if part in {name, info.alias}:
            return _models_in(info.annotation)
    return [model]  # an index or a free key: the annotation above already led inside


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in {Union, UnionType, list, dict, tuple} or get_args(annotation):
        return [found for arm in get_args(annotation) for found in _models_in(arm)]
    return []
