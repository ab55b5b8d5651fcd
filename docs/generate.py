"""Writes docs/reference.md from the commands' own help, so that neither can lie about the other."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.main import leadloop

HEAD = "# Commands\n\nMade from the commands' own help by `make docs`.\n"


def reference() -> str:
    """Give the whole page."""
    parts = [HEAD]
    context = click.Context(leadloop, info_name="leadloop", max_content_width=90)
    for name in leadloop.list_commands(context):
        command = leadloop.get_command(context, name)
        assert command is not None
        parts.extend(_sections(command, f"leadloop {name}"))
    return "\n".join(parts)


def _sections(command: click.Command, name: str) -> list[str]:
    context = click.Context(command, info_name=name, terminal_width=90, max_content_width=90)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    parts = [f"## {name}\n\n```text\n{text}\n```\n"]
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            parts.extend(_sections(found, f"{name} {child}"))
    return parts


if __name__ == "__main__":
    Path(__file__).with_name("reference.md").write_text(reference(), encoding="utf-8")
