"""Reads YAML that is nothing but keys, lists and plain values, as nearly all our files are.

It keeps neither comments nor spelling, and needs little more than half the time of the reader that
does. Whatever is not plain it leaves to that reader, mistakes above all, which that one words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.nodes import ScalarNode

_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_TRUTH = {"true": True, "false": False}


class _Lines(dict[Any, tuple[int, int]]):
    """Line and column of each key or item, asked for as ruamel's own are."""

    key = item = dict.__getitem__


class Keys(dict[Any, Any]):
    """Keys with their values, and where each key stands."""

    def __init__(self) -> None:
        super().__init__()
        self.lc = _Lines()


class Items(list[Any]):
    """The values of a list, and where each stands."""

    def __init__(self) -> None:
        super().__init__()
        self.lc = _Lines()


class _NotPlainError(Exception):
    """Something that the other reader decides on."""


def read_simple(text: str) -> Keys | None:
    """Read text as the whole of a document; None where there is anything in it that is not plain:
    a tag, a directive, a block of text, a date, a key given twice, a mistake.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        return _Simple(yaml.resolver, yaml.parse(text)).document()
    except (_NotPlainError, YAMLError, ValueError, RecursionError):
        return None


class _Simple:
    def __init__(self, resolver: Any, events: Iterator[Any]) -> None:
        self._resolver = resolver
        self._events = events
        self._anchored: dict[str, tuple[Any, tuple[int, int]]] = {}

    def document(self) -> Keys:
        next(self._events)  # the stream's start
        start = next(self._events)
        if not isinstance(start, DocumentStartEvent) or start.version or start.tags:
            raise _NotPlainError
        found, _ = self._value(next(self._events))
        ends = [type(next(self._events)), type(next(self._events))]
        if not isinstance(found, Keys) or ends != [DocumentEndEvent, StreamEndEvent]:
            raise _NotPlainError
        return found

    def _value(self, event: Any) -> tuple[Any, tuple[int, int]]:
        """A value and where it stands: that of an alias where its anchor is."""
        anchor = event.anchor
        if type(event) is AliasEvent and anchor in self._anchored:
            return self._anchored[anchor]
        if type(event) is AliasEvent or event.ctag is not None or anchor in self._anchored:
            raise _NotPlainError
        made: Any
        if type(event) is MappingStartEvent:
            made = self._keys()
        elif type(event) is SequenceStartEvent:
            made = self._items()
        else:
            made = self._scalar(event)
        found = made, (event.start_mark.line, event.start_mark.column)
        if anchor is not None:
            self._anchored[anchor] = found
        return found

    def _keys(self) -> Keys:
        found = Keys()
        while type(event := next(self._events)) is not MappingEndEvent:
            key, place = self._value(event)
            if type(key) not in {str, int} or key in found or key == "<<":
                raise _NotPlainError
            found.lc[key] = place
            found[key], _ = self._value(next(self._events))
        return found

    def _items(self) -> Items:
        found = Items()
        while type(event := next(self._events)) is not SequenceEndEvent:
            value, place = self._value(event)
            found.lc[len(found)] = place
            found.append(value)
        return found

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style in {"|", ">"}:
            raise _NotPlainError
        match str(self._resolver.resolve(ScalarNode, text, event.implicit)):
            case "tag:yaml.org,2002:str":
                return text
            case _ if event.anchor is not None:
                raise _NotPlainError
            case "tag:yaml.org,2002:int" if _INT.fullmatch(text):
                return int(text)
            case "tag:yaml.org,2002:float" if _FLOAT.fullmatch(text):
                return float(text)
            case "tag:yaml.org,2002:bool" if text in _TRUTH:
                return _TRUTH[text]
            case "tag:yaml.org,2002:null":
                return None
        raise _NotPlainError
