"""Writes the tables of docs/security.md from the mappings, so that they cannot lie about them."""

from __future__ import annotations

from pathlib import Path

from connector.mapping.compile import compile_mapping
from connector.mapping.document import load_mapping

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- fields: begin -->", "<!-- fields: end -->"


def tables() -> str:
    """Give a table for each mapping: objects, and fields read, written, and filled in by people."""
    return "\n\n".join(
        _table(path) for path in sorted((ROOT / "mappings").glob("*.yaml")) if _is_mapping(path)
    )


def page(text: str) -> str:
    """Give the page with the tables as they should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _is_mapping(path: Path) -> bool:
    return "\nobjects:" in path.read_text(encoding="utf-8")


def _table(path: Path) -> str:
    objects: dict[str, tuple[set[str], set[str], set[str]]] = {}
    compiled = compile_mapping(load_mapping(path)).values()
    for one in [*compiled, *(one.trail for one in compiled if one.trail is not None)]:
        read, written, asked = objects.setdefault(one.source, (set(), set(), set()))
        read.update(one.names)
        written.update(target.to for target in one.writes.values())
        asked.update(one.asks.values())
    lines = [
        f"### {path.stem}",
        "",
        "| object | read | written | filled in by sales |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {_names(read - written - asked)} | {_names(written)} | {_names(asked)} |"
        for name, (read, written, asked) in sorted(objects.items())
    ]
    return "\n".join(lines)


def _names(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
