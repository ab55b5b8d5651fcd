"""Reads leadloop.yaml: profile on top, environment in, secrets left closed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from connector.config.settings import Connection, Settings
from connector.documents.faults import Places
from connector.documents.reader import build, parse_plain, read_text
from connector.errors import UsageError

FOLDER = "connections.d"
"""Where connections may have a file each, for those who have hundreds."""


class Loaded(NamedTuple):
    """Settings, the folder their paths are relative to, and where each value came from."""

    settings: Settings
    folder: Path
    origins: dict[str, str]

    def path(self, name: str) -> Path:
        """Give a path of the file, resolved beside it."""
        return (self.folder / name).resolve()

    def store_url(self) -> str:
        """Give the store's address with its path resolved beside the file."""
        url = self.settings.store
        prefix = "sqlite:///"
        return f"{prefix}{self.path(url.removeprefix(prefix))}" if url.startswith(prefix) else url


def load_settings(
    path: Path, *, profile: str | None = None, environ: Mapping[str, str] | None = None
) -> Loaded:
    """Read the file, lay the profile over it, and check it. Raises UsageError with all mistakes.

    Each `connections.d/*.yaml` beside it is one more connection, in the order of their names.
    """
    environ = os.environ if environ is None else environ
    text = read_text(path)
    plain, places = parse_plain(text, name=path.name, environ=environ)
    if profile is not None:
        plain, places = _lay_over(plain, places, profile, path.name)
    plain = _with_folder(plain, path.resolve().parent / FOLDER, environ)
    settings = build(plain, places, Settings, name=path.name, text=text)
    folder = path.resolve().parent
    return Loaded(_anchored(settings, folder), folder, _origins(plain, places, path.name))


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Let the files secrets lie in be found beside leadloop.yaml, wherever the command runs."""
    connections = [
        one.model_copy(update={"auth": {k: _beside(v, folder) for k, v in one.auth.items()}})
        for one in settings.connections
    ]
    auth = {name: _beside(given, folder) for name, given in settings.serve.auth.items()}
    serve = settings.serve.model_copy(update={"auth": auth})
    return settings.model_copy(update={"connections": connections, "serve": serve})


def _beside(given: Any, folder: Path) -> Any:
    if isinstance(given, dict) and isinstance(given.get("file"), str):
        return {"file": str(folder / given["file"])}
    return given


def _with_folder(plain: dict[str, Any], folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings with the connections of a folder behind their own."""
    more = []
    for path in sorted(folder.glob("*.yaml")):
        text = read_text(path)
        name = f"{folder.name}/{path.name}"
        one, places = parse_plain(text, name=name, environ=environ)
        build(one, places, Connection, name=name, text=text)  # its mistakes, at its own lines
        more.append(one)
    if not more:
        return plain
    return {**plain, "connections": [*(plain.get("connections") or []), *more]}


def _lay_over(
    plain: dict[str, Any], places: Places, profile: str, name: str
) -> tuple[dict[str, Any], Places]:
    profiles = plain.get("profiles") or {}
    if profile not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise UsageError(
            f"{name} has no profile `{profile}` (it has: {known})",
            hint="Name one of them with --profile",
        )
    moved = dict(places)
    _move_places(("profiles", profile), (), places, moved)
    return _merge(plain, profiles[profile], ("profiles", profile), (), places, moved), moved


def _merge(
    base: dict[str, Any],
    over: dict[str, Any],
    source: tuple[str | int, ...],
    target: tuple[str | int, ...],
    places: Places,
    moved: Places,
) -> dict[str, Any]:
    """Lay `over` upon `base`; connections are matched by their name."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _merge(below, value, (*source, key), (*target, key), places, moved)
        elif key == "connections" and isinstance(below, list) and isinstance(value, list):
            merged[key] = _merge_connections(below, value)
        else:
            merged[key] = value
    return merged


def _merge_connections(base: list[Any], over: list[Any]) -> list[Any]:
    by_name = {one.get("name"): one for one in over if isinstance(one, dict)}
    merged = [
        _merge(one, by_name.pop(one.get("name")), (), (), {}, {})
        if isinstance(one, dict) and one.get("name") in by_name
        else one
        for one in base
    ]
    return merged + list(by_name.values())


def _move_places(
    source: tuple[str | int, ...], target: tuple[str | int, ...], places: Places, moved: Places
) -> None:
    """Let mistakes in a profile be told at the profile's own lines."""
    for path, place in places.items():
        if path[: len(source)] == source and len(path) > len(source):
            moved[(*target, *path[len(source) :])] = place


def _origins(plain: Any, places: Places, name: str) -> dict[str, str]:
    return {
        ".".join(str(part) for part in path): f"{name}:{place.line + 1}"
        for path, place in places.items()
        if not isinstance(_at(plain, path), dict | list)
    }


def _at(plain: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        if isinstance(plain, dict):
            plain = plain.get(str(part))
        elif isinstance(plain, list) and isinstance(part, int) and part < len(plain):
            plain = plain[part]
        else:
            return None
    return plain


def show(loaded: Loaded) -> list[tuple[str, str, str]]:
    """Give (key, value, origin) of every setting in force; secrets as where they come from."""
    rows: list[tuple[str, str, str]] = []
    _rows(loaded.settings.model_dump(mode="json", exclude={"profiles"}), "", loaded, rows)
    return rows


def _rows(node: Any, key: str, loaded: Loaded, rows: list[tuple[str, str, str]]) -> None:
    if isinstance(node, dict) and node:
        for name, value in node.items():
            _rows(value, f"{key}.{name}" if key else str(name), loaded, rows)
    elif isinstance(node, list) and node:
        for index, value in enumerate(node):
            _rows(value, f"{key}.{index}", loaded, rows)
    else:
        value = "" if node is None or node in ([], {}) else _masked(str(node))
        if value and key.startswith(_ADDRESSES):
            value = f"{value.partition('://')[0]}://***"
        rows.append((key, value, loaded.origins.get(key, "default")))


_ADDRESSES = ("heartbeat", "alerts.")
"""Settings that are web addresses whose whole path is the secret."""


def _masked(value: str) -> str:
    """Hide the password of an address, such as the store's."""
    return re.sub(r"://([^:/@\s]+):[^@\s]+@", r"://\1:***@", value)
