"""`leadloop`: the group of commands, each imported when it is used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from connector import __version__

COMMANDS = {
    "demo": "demo",
    "init": "init",
    "doctor": "doctor",
    "check": "check",
    "simulate": "simulate",
    "threshold": "threshold",
    "learn": "learn",
    "install": "install",
    "uninstall": "install",
    "plan": "plan",
    "apply": "apply",
    "run": "run",
    "explain": "explain",
    "score": "score",
    "export": "export",
    "handoffs": "handoffs",
    "nurture": "nurture",
    "dispositions": "dispositions",
    "survey": "survey",
    "report": "report",
    "process": "process",
    "review": "review",
    "backtest": "backtest",
    "status": "status",
    "runs": "runs",
    "practice": "practice",
    "serve": "serve",
    "split": "split",
    "forget": "forget",
    "config": "config",
    "completion": "completion",
}
_HELP = {
    "demo": "See the whole loop on an invented company; no account needed.",
    "init": "Write leadloop.yaml and a mapping for a CRM, and show what its data looks like.",
    "doctor": "Check settings, secrets, log-in, fields and store, and name the next step.",
    "check": "Check the files, and the model against its scenarios. Reads no CRM.",
    "simulate": "What another model would change on the live base: who crosses, and for whom.",
    "threshold": "Propose a threshold: from scenarios, capacity, or cost and value.",
    "learn": "Learn points from what sales decided, or from any table; a person merges them.",
    "install": "Create the CRM fields the mapping writes to, and what people see of them.",
    "uninstall": "Take out what install made; fields and what they hold stay unless asked.",
    "plan": "Show what would change, field by field. Writes nothing to the CRM.",
    "apply": "Write one plan, exactly as it was shown.",
    "run": "Pull, score, decide, write and collect: the job to schedule.",
    "explain": "Why a person has this score, this state and this owner.",
    "score": "Score CSV or Parquet files, without a store.",
    "export": "People, scores, cycles, verdicts as Parquet or CSV; and as views in the store.",
    "handoffs": "Who was given to whom; release people held back on day one.",
    "nurture": "Who waits for which message, whom nobody mails, and whom we may not mail.",
    "dispositions": "What sales decided, and why.",
    "survey": "Ask sales about 20 to 50 leads, and read the answers back.",
    "report": "The funnel, where leads are lost, and what they were worth; as a page too.",
    "process": "The whole process in plain words: what is agreed, what is not, and who signed.",
    "review": "The quarterly pack for both teams; record what they decided and who signed.",
    "backtest": "Would the model have found those who bought? Past leads, as of their hand-off.",
    "status": "The last success, what waits, what was refused, and the next step.",
    "runs": "List, show or undo runs.",
    "practice": "Serve a practice Salesforce or HubSpot on this machine, filled with a year.",
    "serve": "Run the loop on a schedule, take webhooks, and serve pages and metrics.",
    "split": "Take records out of a person they were wrongly joined to.",
    "forget": "Erase a person, and keep them out from now on.",
    "config": "Settings in force and where each came from; the JSON Schema.",
    "completion": "Print a completion script for bash, zsh or fish.",
}


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        module = COMMANDS.get(name)
        if module is None:
            return None
        found = getattr(import_module(f"connector.cli.{module}"), name)
        assert isinstance(found, click.Command)  # noqa: S101  our own modules
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _HELP[name]) for name in COMMANDS])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean `{close[0]}`?", ctx) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="leadloop")
def leadloop() -> None:
    """Score, route and follow the leads of your CRM, and learn from what sales decides.

    \b
    First steps:
        leadloop demo
        leadloop init files --folder ./exports
        leadloop run
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; every error we raise becomes one message, one hint, one exit code."""
    from connector.cli.failing import guarded
    from connector.cli.libraries import without_plugins
    from connector.cli.memory import prepare_for_pages

    prepare_for_pages()
    without_plugins()
    sys.exit(guarded(leadloop, arguments))
