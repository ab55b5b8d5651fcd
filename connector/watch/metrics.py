"""Metrics in a text file that a node's collector reads; written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

from connector.domain.moment import SECOND
from connector.watch.outcome import Outcome, Standing

_LAST_SUCCESS = "leadloop_last_success_timestamp_seconds"


def write_metrics(path: Path, outcome: Outcome, standing: Standing) -> None:
    """Write the file anew. A run that failed keeps the time of the last one that did not."""
    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=registry)

    ended = outcome.ended / SECOND
    success = ended if outcome.went_well else _known_success(path)
    gauge(_LAST_SUCCESS, "When a run last went through every step; 0: never").set(success)
    gauge("leadloop_last_run_timestamp_seconds", "When a run last ended").set(ended)
    gauge("leadloop_last_run_duration_seconds", "How long it took").set(
        (outcome.ended - outcome.started) / SECOND
    )
    gauge("leadloop_last_run_exit_code", "Its exit code").set(outcome.exit)
    gauge("leadloop_last_run_status", "1 for the status it ended with", "status").labels(
        outcome.status
    ).set(1)
    gauge("leadloop_needs_approval", "1 while a plan waits for a person").set(
        outcome.status == "needs_approval"
    )
    rows = gauge("leadloop_last_run_rows", "What each step counted", "step", "what")
    for step, counts in outcome.counts.items():
        for what, number in counts.items():
            rows.labels(step, what.replace(" ", "_")).set(number)
    for name, text, label in (
        ("people", "People by where their cycle stands", "state"),
        ("outbox", "Writes by what became of them", "state"),
        ("quarantine", "Rows kept aside", "kind"),
    ):
        family = gauge(f"leadloop_{name}", text, label)
        for value, number in standing.get(name, {}).items():
            family.labels(value).set(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), registry)


def _known_success(path: Path) -> float:
    try:
        text = path.read_text(encoding="utf-8")
        families = list(text_string_to_metric_families(text))
    except (OSError, ValueError):
        return 0.0
    return next((f.samples[0].value for f in families if f.name == _LAST_SUCCESS), 0.0)
