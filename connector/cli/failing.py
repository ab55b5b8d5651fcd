"""How errors end: message and hint on stderr, an envelope on stdout if asked, an exit code."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import click

from connector.errors import LeadloopError


def guarded(command: click.Command, arguments: list[str] | None) -> int:
    """Run a command and give its exit code."""
    wants_json = _wants_json(sys.argv[1:] if arguments is None else arguments)
    try:
        code = command.main(args=arguments, standalone_mode=False)
    except LeadloopError as error:
        _tell(error, wants_json=wants_json)
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted; what was done is saved.", err=True)
        return 130
    except BrokenPipeError:
        return 0
    except Exception:  # noqa: BLE001  a bug: its trace is for the report
        click.echo(traceback.format_exc(), err=True)
        click.echo("Error: this is a bug in Leadloop; please report the lines above.", err=True)
        return 1
    return code if isinstance(code, int) else 0


def _wants_json(arguments: list[str]) -> bool:
    return any(
        one in {"-ojson", "--output=json"}
        or (one in {"-o", "--output"} and arguments[index + 1 : index + 2] == ["json"])
        for index, one in enumerate(arguments)
    )


def _tell(error: LeadloopError, *, wants_json: bool) -> None:
    word = "Skipped" if error.status == "skipped" else "Error"
    said = str(error)
    if error.where and not said.startswith(error.where):
        said = f"{error.where}: {said}"
    own = {said, f"{error.where}: {error}"}
    others = [note for note in getattr(error, "__notes__", ()) if note not in own]
    for warning in () if wants_json else others:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"{word}: {said}", err=True)
    if error.hint:
        click.echo(f"Hint:  {error.hint}", err=True)
    if wants_json:
        from connector.cli.output import envelope

        told = envelope("error", {}, status=error.status, warnings=others, error=as_data(error))
        click.echo(told)


def as_data(error: LeadloopError) -> dict[str, Any]:
    """Give the `error` of an envelope."""
    return {
        "code": type(error).code,
        "message": str(error),
        "where": error.where,
        "hint": error.hint,
        "retryable": error.retryable,
    }
