"""`leadloop practice`: a local CRM that behaves as the vendor's documents say, to try things on."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import click

from connector.cli.options import config_option, machine_clock, profile_option, settings
from connector.errors import UsageError

_MOST_SEEDED = 2_000


@click.command()
@click.argument("crm", type=click.Choice(["salesforce", "hubspot", "seed"]))
@click.argument("connection", required=False)
@config_option
@profile_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Loopback port. Default: a free one."
)
@click.option("--tls", is_flag=True, help="Serve HTTPS with a certificate authority made for it.")
@click.option(
    "--fault-script",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A YAML file of things that go wrong: which call, when, and how.",
)
@click.option("--seed", default=7, show_default=True, help="Another seed, another company.")
@click.option(
    "--people",
    type=click.IntRange(0, 1_000_000),
    default=5000,
    show_default=True,
    help="How many people both CRMs know together.",
)
def practice(
    crm: str,
    connection: str | None,
    config: Path,
    profile: str | None,
    port: int,
    tls: bool,
    fault_script: Path | None,
    seed: int,
    people: int,
) -> None:
    """Serve a practice Salesforce or HubSpot on this machine until interrupted.

    It is filled with one invented company's year; what is written to it is forgotten at the end.
    `seed` fills an empty Salesforce sandbox of your own instead, with marked people who do not
    exist; a production org is refused.

    \b
    Example:
        leadloop practice hubspot --port 8081
        leadloop practice seed salesforce --people 200
    """
    if crm == "seed":
        _seed(connection, config, profile, min(people, _MOST_SEEDED), seed)
        return
    from connector.practice.certificate import make_certificate
    from connector.practice.fault_script import load_faults
    from connector.practice.faults import Faults
    from connector.practice.filled import Filling, filled
    from connector.practice.server import PracticeServer

    faults = Faults(load_faults(fault_script) if fault_script else ())
    now = machine_clock()
    made = filled(crm, machine_clock, Filling(seed, people, now), faults)
    ended = Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: ended.set())
    with ExitStack() as stack:
        authority, certificate = None, None
        if tls:
            folder = stack.enter_context(TemporaryDirectory(prefix="leadloop-practice-"))
            authority, certificate = make_certificate(Path(folder), now)
        try:
            server = PracticeServer(made, port=port, certificate=certificate)
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be served: {error.strerror}",
                hint="Choose another --port, or leave it out for a free one",
            ) from None
        stack.enter_context(server)
        _tell(crm, server.address, authority)
        ended.wait()


def _seed(
    connection: str | None, config: Path, profile: str | None, people: int, number: int
) -> None:
    from connector.adapters.base import Seeder
    from connector.sync.opening import open_sources

    with ExitStack() as stack:
        sources = open_sources(settings(config, profile), machine_clock, stack)
        chosen = next((s for s in sources if s.name == connection), None)
        inner = getattr(chosen.adapter, "inner", None) if chosen is not None else None
        if not isinstance(inner, Seeder):
            raise UsageError(
                f"`{connection}` is no connection that can be filled",
                hint="Name a Salesforce sandbox of leadloop.yaml: leadloop practice seed NAME",
            )
        counts = inner.seed(people, number)
    click.echo(
        f"{counts['leads']} leads and {counts['tasks']} tasks made in {connection}, "
        f"{counts['there']} leads were there"
    )


def _tell(crm: str, address: str, authority: Path | None) -> None:
    from connector.practice.filled import CLIENT, SECRET, TOKEN

    click.echo(f"Practice {crm} at {address} until Ctrl-C")
    if crm == "salesforce":
        variable, secret = "SALESFORCE_CLIENT_SECRET", SECRET
        auth = f"client_id: {CLIENT}\n      client_secret: ${{{variable}}}"
    else:
        variable, secret = "HUBSPOT_TOKEN", TOKEN
        auth = f"token: ${{{variable}}}"
    click.echo(f"\n  export {variable}={secret}")
    if authority is not None:
        click.echo(f"  export REQUESTS_CA_BUNDLE={authority}")
    click.echo(
        f"""
connections:
  - name: {crm}
    kind: {crm}
    mapping: mappings/{crm}.yaml
    address: {address}
    auth:
      {auth}"""
    )
