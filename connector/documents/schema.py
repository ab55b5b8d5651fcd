"""JSON Schema for editors: what a document may hold, in draft 7."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

_DRAFT = "http://json-schema.org/draft-07/schema#"


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Give a draft 7 schema, which is what YAML language servers read."""
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": _DRAFT, **_to_draft_7(schema)}


def _to_draft_7(node: Any) -> Any:
    if isinstance(node, list):
        return [_to_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {}
    for key, value in node.items():
        if key == "$defs":
            changed["definitions"] = {name: _to_draft_7(part) for name, part in value.items()}
        elif key == "$ref":
            changed[key] = value.replace("#/$defs/", "#/definitions/")
        elif key != "discriminator":
            changed[key] = _to_draft_7(value)
    return changed
