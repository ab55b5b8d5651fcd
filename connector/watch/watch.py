"""After a run: metrics, heartbeat and alerts. Whatever goes wrong here never fails the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector.config.load import Loaded
from connector.errors import LeadloopError
from connector.store.database import open_store
from connector.store.incoming import records
from connector.store.outgoing import outbox
from connector.store.passes import cycles
from connector.store.running import notes
from connector.watch import alerts
from connector.watch.outcome import Outcome, Standing

_TOLD = "told"


def after(loaded: Loaded, outcome: Outcome, warn: Callable[[str], None]) -> None:
    """Tell whomever the settings name how the run went; failures are told to `warn`."""
    settings = loaded.settings
    if settings.metrics is not None:
        from connector.watch.metrics import write_metrics  # noqa: PLC0415  most have no such file

        try:
            write_metrics(loaded.path(settings.metrics), outcome, _standing(loaded))
        except OSError as error:
            warn(f"the file of metrics cannot be written: {error.strerror}")
    if settings.heartbeat:
        from connector.watch.heartbeat import beat  # noqa: PLC0415  it brings an HTTP client along

        if said := beat(settings.heartbeat, outcome):
            warn(said)
    if settings.alerts.ops and (alert := _turned(loaded, outcome)):
        said = alerts.send(settings.alerts.ops, alert)
        if said:
            warn(said)


def _standing(loaded: Loaded) -> Standing:
    try:
        store = open_store(loaded.store_url())
    except LeadloopError:
        return {}  # what failed is in the outcome already
    try:
        with store.read() as tx:
            return {
                "people": cycles.standing(tx),
                "outbox": outbox.count_states(tx),
                "quarantine": {"all": records.count_quarantined(tx)},
            }
    except LeadloopError:
        return {}
    finally:
        store.close()


def _turned(loaded: Loaded, outcome: Outcome) -> alerts.Alert | None:
    """The alert if there is news. Without a store to remember in, everything is news."""
    try:
        store = open_store(loaded.store_url())
    except LeadloopError:
        return alerts.turn(dict(alerts.NOTHING_TOLD), outcome)[1]
    try:
        with store.read() as tx:
            before: dict[str, Any] = notes.get(tx, _TOLD) or dict(alerts.NOTHING_TOLD)
        told, alert = alerts.turn(before, outcome)
        if told != before:
            with store.write() as tx:
                notes.put(tx, _TOLD, told)
    except LeadloopError:
        return alerts.turn(dict(alerts.NOTHING_TOLD), outcome)[1]
    else:
        return alert
    finally:
        store.close()
