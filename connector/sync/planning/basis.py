"""What a plan rests on: if any of it changes, the plan is stale."""

from __future__ import annotations

from typing import Any

from connector.documents import canonical_hash
from connector.store.persons.people import dumps
from connector.sync.context import Loop

_DECIDES: Any = {"connections": {"__all__": {"name", "scope"}}, "write": True}


def files_of(loop: Loop) -> dict[str, tuple[str, str]]:
    """Give (hash, text) of each file that decides, by kind: model, routing, mapping, scope."""
    settings = loop.settings
    routing = loop.routing.model_dump_json(by_alias=True) if loop.routing else "null"
    mappings = {source.name: source.mapping_hash for source in loop.sources}
    said = settings.model_dump(mode="json", include=_DECIDES)
    scope = {connection["name"]: connection["scope"] for connection in said["connections"]}
    return {
        "model": (loop.models.hash, dumps(loop.models.plain())),
        "routing": (canonical_hash(routing), routing),
        "mapping": (canonical_hash(mappings), "{}"),
        "scope": (canonical_hash([scope, said["write"], settings.stage]), "{}"),
    }


def basis_of(loop: Loop) -> str:
    """Give one hash over all of them."""
    return canonical_hash({kind: digest for kind, (digest, _) in files_of(loop).items()})
