"""What a Prometheus server reads: counts out of the store as it is now; no ids, no names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from connector.domain.moment import SECOND
from connector.serve.house import House
from connector.store.incoming import records
from connector.store.outgoing import outbox, plans
from connector.store.passes import cycles
from connector.store.running import leases, runs


def metrics(house: House) -> bytes:
    """Give the page."""
    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=registry)

    with house.store.read() as tx:
        last, done = runs.newest(tx, 1), runs.last_done(tx)
        counted = {
            "people": ("People by where their cycle stands", cycles.standing(tx)),
            "outbox": ("Writes by what became of them", outbox.count_states(tx)),
        }
        aside = records.count_quarantined(tx)
        waits = plans.newest_plan(tx, "needs_approval") is not None
        going_on = bool(leases.holders(tx))
    ended = (done.ended_at or done.started_at) / SECOND if done else 0
    gauge("leadloop_last_success_timestamp_seconds", "When a run last went through; 0: never").set(
        ended
    )
    if last:
        gauge("leadloop_last_run_status", "1 for the status it ended with", "status").labels(
            last[0].status
        ).set(1)
    gauge("leadloop_needs_approval", "1 while a plan waits for a person").set(waits)
    gauge("leadloop_run_in_progress", "1 while a run goes on").set(going_on)
    gauge("leadloop_quarantine", "Rows kept aside").set(aside)
    for name, (text, found) in counted.items():
        family = gauge(f"leadloop_{name}", text, "state")
        for state, number in found.items():
            family.labels(state).set(number)
    return generate_latest(registry)
