"""The heartbeat: somebody outside is told of each run, and raises the alarm when nobody calls."""

from __future__ import annotations

from urllib.parse import urlsplit

import orjson

from connector.errors import LeadloopError
from connector.transport.http import Answer, Transport
from connector.watch.outcome import Outcome

PATIENCE_S = 5.0


def beat(address: str, outcome: Outcome) -> str | None:
    """Post status and ids to the address; gives what went wrong in words, None when nothing.

    An address that holds `{status}` or `{exit}` is called after every run, with them filled in;
    any other one only after a run that went through, so that its silence means something.
    """
    told = address.replace("{status}", outcome.status).replace("{exit}", str(outcome.exit))
    if told == address and not outcome.went_well:
        return None
    parts = urlsplit(told)
    body = {"command": outcome.command, "run": outcome.run, "status": outcome.status}
    try:
        transport = Transport(f"{parts.scheme}://{parts.netloc}", attempts=1, read_s=PATIENCE_S)
    except LeadloopError:
        return "the heartbeat's address is none we speak to: https anywhere, http to this machine"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        answer = transport.send(
            "POST",
            path or "/",
            orjson.dumps({**body, "exit": outcome.exit, "error": outcome.error}),
            repeatable=True,
            judge=_anything,
        )
    except LeadloopError:
        return "the heartbeat's address did not answer"  # its own words hold the secret path
    finally:
        transport.close()
    return None if answer.status < 300 else f"the heartbeat was answered {answer.status}"


def _anything(_answer: Answer) -> None:
    """Every answer will do: its status is told, never raised."""
