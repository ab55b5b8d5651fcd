"""Compiles a reference to a person: which record of which object a row is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from connector.mapping.document import MappingDocument, PersonRef
from connector.mapping.readers import Row, field_reader

Reference: TypeAlias = Callable[[Row], tuple[str, str] | None]


def compile_reference(
    document: MappingDocument, ref: str | PersonRef, names: dict[str, None]
) -> Reference:
    """Build the function that gives (our person object, remote id), or None for nobody."""
    spec = document.person_ref(ref)
    readers = [field_reader(name, names) for name in spec.fields]
    if spec.prefixes is None:
        target = str(spec.object)

        def named(row: Row) -> tuple[str, str] | None:
            for read in readers:
                if ident := read(row):
                    return target, ident
            return None

        return named
    meant = dict(spec.prefixes)
    size = len(next(iter(meant)))

    def told_by_prefix(row: Row) -> tuple[str, str] | None:
        for read in readers:
            if (ident := read(row)) and (found := meant.get(ident[:size])):
                return found, ident
        return None

    return told_by_prefix
