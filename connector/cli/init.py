"""`leadloop init`: settings and a mapping for a CRM, and a look at its data."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from connector.adapters.base import Identity
from connector.cli.options import machine_clock, output_option
from connector.cli.output import emit, is_terminal, table
from connector.config.load import load_settings
from connector.errors import UsageError

_SETTINGS = "leadloop.yaml"
_NAMES = (_SETTINGS, "mapping.yaml", "model.yaml", "scenarios.yaml", "routing.yaml")
_HEAD = """\
# yaml-language-server: $schema=leadloop.schema.json   (made by: leadloop config schema)
version: 1
store: sqlite:///./state/leadloop.db
model: model.yaml
routing: routing.yaml
# How far the loop may go: observe (nothing), score, nurture, route. Open it step by step.
stage: observe
connections:
"""
_AGREE = """
# What both teams agree on, in the order `leadloop process` tells it. Nothing here is guessed: what
# you leave out is shown there as not defined.
# process:
#   sources:                     # 1. how leads come, and how many a month you want of each
#     - {name: web, how: "forms on our site", target: 120, owner: mia@acme.example}
#   definition: "Who ..."        # 3. a qualified lead in one sentence
#   passes: ["the pages seen"]   # 5. what sales is given beside the fields the mapping writes
# 2. Filters, 3. definition and 4. scoring stand in model.yaml, 6. routing in routing.yaml.
# sla: {first_touch: 24h, verdict: 5bd, hours: "09:00-17:30", tz: UTC}   # 7. how soon sales acts
# nurture: {themes: {roi-guide: cost}, default: general}                 # 8. who is not ready yet
# dispositions:                  # 9. recycling: the reasons sales gives, at most six for a refusal
#   rejected: [wrong_size, wrong_persona, out_of_territory, no_budget, no_contact]
# report:
#   goals: {accepted: {share: 60%, owner: mia@acme.example}}   # and who sees to it
#   margin: 40%                  # of what is won; of single products: margins: {lamp: 55%}
#   sales_time: {hour: 60, hours: {handed_off: 0.5, qualified: 4}, week: 10}
#   phases: {Learning: inquiry, Deciding: qualified}           # the buyer's words for the stages
"""
_FILES = """\
  - name: files
    kind: files
    mapping: mapping.yaml
    files: {{folder: {folder}, out: written}}
    scope: {{exclude: {{own_domains: []}}}}
"""
_ODOO = """\
  - name: odoo
    kind: odoo
    address: {address}
    mapping: mapping.yaml
    auth: {{database: {database}, login: {login}, key: "${{ODOO_KEY}}"}}
    scope: {{exclude: {{own_domains: []}}}}
# What an alert links to: it opens the record, and changes nothing.
handoff: {{link: "{address}/web#id={{id}}&model={{object}}&view_type=form"}}
"""
_SALESFORCE = """\
  - name: salesforce
    kind: salesforce
    address: {address}
    mapping: mapping.yaml
    # Of an external client app with the client credentials flow and a run-as user:
    auth: {{client_id: "${{SALESFORCE_CLIENT_ID}}", client_secret: "${{SALESFORCE_CLIENT_SECRET}}"}}
    scope: {{exclude: {{own_domains: []}}}}
# What an alert links to: it opens the record, and changes nothing.
handoff: {{link: "{address}/{{id}}"}}
"""
_HUBSPOT = """\
  - name: hubspot
    kind: hubspot
    mapping: mapping.yaml
    # A service key of the portal: Settings > Integrations > Service Keys.
    auth: {{token: "${{HUBSPOT_TOKEN}}"}}
    scope: {{exclude: {{own_domains: []}}}}
"""


_LINK = """\
# What an alert links to: it opens the record, and changes nothing.
handoff: {{link: "{page}"}}
"""


@click.command()
@click.argument("kind", type=click.Choice(["files", "hubspot", "odoo", "salesforce"]))
@click.option("--folder", type=click.Path(path_type=Path), help="files: the folder with exports.")
@click.option(
    "--address",
    help="odoo, salesforce: where it is reached; hubspot: if elsewhere than HubSpot's own.",
)
@click.option("--database", help="odoo: the database.")
@click.option("--login", default="admin", show_default=True, help="odoo: our user.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option(
    "--ask/--yes",
    default=None,
    help="Ask for the parts of the process in their order, or take the defaults. "
    "Default: ask on a terminal.",
)
@output_option
def init(
    kind: str,
    folder: Path | None,
    address: str | None,
    database: str | None,
    login: str,
    force: bool,
    ask: bool | None,
    output: str,
) -> None:
    """Write leadloop.yaml and a mapping for a CRM, and show what its data looks like.

    On a terminal it asks for the parts of the process in the order a lead lives through them. Reads
    the live schema and a sample; writes nothing to the CRM.

    \b
    Example:
        leadloop init files --folder ./exports
        ODOO_KEY=... leadloop init odoo --address https://odoo.example.com --database crm
        leadloop init salesforce --address https://acme.my.salesforce.com
        HUBSPOT_TOKEN=... leadloop init hubspot
    """
    from connector.demo.shipped import shipped

    if kind == "files":
        if folder is None or not folder.is_dir():
            raise UsageError("`init files` needs a folder", hint="Add --folder ./exports")
        connection, mapping = _FILES.format(folder=folder), _files_mapping(folder)
    elif kind == "salesforce":
        if not address:
            raise UsageError(
                "`init salesforce` needs the org's address",
                hint="Add --address https://acme.my.salesforce.com",
            )
        connection, mapping = (
            _SALESFORCE.format(address=address.rstrip("/")),
            shipped("salesforce.yaml"),
        )
    elif kind == "hubspot":
        there = f"    address: {address}\n" if address else ""
        connection, mapping = _HUBSPOT.format() + there, shipped("hubspot.yaml")
    else:
        if not address or not database:
            raise UsageError(
                "`init odoo` needs an address and a database", hint="Add --address and --database"
            )
        values = {"address": address.rstrip("/"), "database": database, "login": login}
        connection, mapping = _ODOO.format(**values), shipped("odoo.yaml")
    if not force:
        _nothing_there()
    asks = sys.stdin.isatty() and is_terminal() if ask is None else ask
    files = _files(connection, mapping, asks=asks)
    written = _write(files)
    identity, profile = _look()
    if identity.record_page is not None:
        _write({_SETTINGS: files[_SETTINGS] + _LINK.format(page=identity.record_page)})
    data = {"written": written, "profile": profile}
    emit(output, "init", data, people=lambda: _tell(written, profile))


def _files_mapping(folder: Path) -> str:
    from connector.adapters.files.adapter import FilesAdapter
    from connector.demo.shipped import shipped
    from connector.mapping.suggest import suggest_mapping

    adapter = FilesAdapter(folder, None, {}, machine_clock)
    sources = {name: list(adapter.describe(name)) for name in adapter.sources()}
    if {"people", "accounts", "owners", "opportunities", "activities"} <= set(sources):
        return shipped("files.yaml")
    mapping = suggest_mapping(sources)
    if mapping is None:
        raise UsageError(
            f"no file in {folder} has a column of e-mail addresses",
            hint="Put an export of your leads there, with a header line",
        )
    return mapping


def _files(connection: str, mapping: str, *, asks: bool) -> dict[str, str]:
    from connector.cli import interview
    from connector.demo.shipped import shipped

    model, routing, rest = shipped("model.yaml"), shipped("routing.yaml"), _AGREE
    if asks:
        found = interview.interview()
        connection = interview.connection_of(connection, found)
        model, routing = interview.model_of(model, found), interview.routing_of(routing, found)
        rest = interview.settings_of(found)
    return {
        _SETTINGS: _HEAD + connection + rest,
        "mapping.yaml": mapping,
        "model.yaml": model,
        "scenarios.yaml": shipped("scenarios.yaml"),
        "routing.yaml": routing,
    }


def _nothing_there() -> None:
    there = [name for name in _NAMES if Path(name).exists()]
    if there:
        raise UsageError(
            f"{', '.join(there)} already here",
            hint="Use another folder, or --force to replace them",
        )


def _write(files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    return list(files)


def _look() -> tuple[Identity, dict[str, Any]]:
    """Log in with what was written; gives whom we met, and a profile of the data."""
    from connector.sync.opening import mapping_of, model_file, open_sources
    from connector.sync.studies.profiling import profile_source

    loaded = load_settings(Path(_SETTINGS))
    with ExitStack() as stack:
        (source,) = open_sources(loaded, machine_clock, stack)
        identity = source.adapter.check()
        document = mapping_of(loaded, loaded.settings.connections[0])
        return identity, profile_source(source, document, model_file(loaded).default)


def _tell(written: list[str], profile: dict[str, Any]) -> None:
    click.echo(f"Wrote {', '.join(written)}")
    click.echo("Read     " + ", ".join(f"{n:,} {name}" for name, n in profile["rows"].items()))
    rows = [{**one, "filled": f"{one['filled']:.0%}"} for one in profile["fields"]]
    table(rows, ("field", "filled"), title="Fields the model's rules need")
    if profile["unmapped"]:
        table(
            profile["unmapped"],
            ("object", "field", "value", "rows"),
            title="Values the mapping does not name",
        )
    kinds = [{"type": kind, "rows": n} for kind, n in profile["activity_types"].items()]
    table(kinds, ("type", "rows"), title="Activities seen")
    click.echo(f"{profile['duplicates']} records share their address with another")
    for text in profile["never"]:
        click.echo(f"Never holds here  {text}")
    for said in profile["left_out"]:
        click.echo(f"Left out          {said}")
    for reason, count in profile["rejected"].items():
        click.echo(f"Cannot be read    {count} x {reason}")
    click.echo(
        "Next: look at mapping.yaml and model.yaml, then leadloop doctor, then leadloop plan"
    )
