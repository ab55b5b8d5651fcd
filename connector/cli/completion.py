"""`leadloop completion`: scripts for shells."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a completion script for bash, zsh or fish.

    \b
    Example:
        leadloop completion zsh > ~/.zfunc/_leadloop
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  the choice above
    root = ctx.find_root().command
    click.echo(found(root, {}, "leadloop", "_LEADLOOP_COMPLETE").source())
