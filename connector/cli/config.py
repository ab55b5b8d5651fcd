"""`leadloop config`: settings in force, and the schema for editors."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
from pydantic import BaseModel

from connector.cli.options import settings, settings_options
from connector.cli.output import emit, table

_DOCUMENTS = ("settings", "mapping", "model", "routing")


@click.group()
def config() -> None:
    """Settings in force and where each came from; the JSON Schema.

    \b
    Example:
        leadloop config show
    """


@config.command()
@settings_options
def show(config: Path, profile: str | None, output: str) -> None:
    """Show every setting in force and where it came from; secrets as their names only.

    \b
    Example:
        leadloop config show --profile sandbox
    """
    from connector.config.load import show as settings_shown

    rows = [
        {"key": key, "value": value, "origin": origin}
        for key, value, origin in settings_shown(settings(config, profile))
    ]
    emit(output, "config", rows, rows=rows, people=lambda: table(rows, ("key", "value", "origin")))


@config.command()
@click.argument("document", type=click.Choice(_DOCUMENTS), default="settings")
def schema(document: str) -> None:
    """Print the JSON Schema (draft 7) of a file, for completion in editors.

    \b
    Example:
        leadloop config schema > leadloop.schema.json
    """
    from connector.config.settings import Settings
    from connector.decisions.routing_document import Routing
    from connector.documents import json_schema
    from connector.mapping.document import MappingDocument
    from connector.scoring.model import Model

    models: dict[str, type[BaseModel]] = {
        "settings": Settings,
        "mapping": MappingDocument,
        "model": Model,
        "routing": Routing,
    }
    text = orjson.dumps(json_schema(models[document]), option=orjson.OPT_INDENT_2)
    click.echo(text.decode())


@config.command()
def key() -> None:
    """Print a new key for `vault:`, to be kept outside the database.

    \b
    Example:
        leadloop config key > /etc/leadloop/key
    """
    from connector.store.running.vault import new_key

    click.echo(new_key())
