"""Files that people write: YAML with places, all mistakes at once, and what would be right."""

from connector.documents.base import Document, Duration, Percent, Span, Zone
from connector.documents.digest import canonical_hash
from connector.documents.reader import build, load, load_lines, parse, parse_plain, read_text
from connector.documents.schema import json_schema

__all__ = [
    "Document",
    "Duration",
    "Percent",
    "Span",
    "Zone",
    "build",
    "canonical_hash",
    "json_schema",
    "load",
    "load_lines",
    "parse",
    "parse_plain",
    "read_text",
]
