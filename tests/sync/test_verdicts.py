"""What a CRM says about a lead, and says differently later, with or without a new date."""

from __future__ import annotations

import pytest


@pytest.fixture
def rejected(small):
    small.write(
        "mapping.yaml",
        (small.folder / "mapping.yaml")
        .read_text()
        .replace("      reason: reason\n", "      reason: reason\n      at: said_at\n"),
    )
    small.put("leads", "_", said_at=None)
    small.crm.objects["leads"].pop("_")
    small.hot("a", status="bad", reason="no_budget", said_at="2026-03-01T00:00:00Z", owner="anna")
    small.start()
    return small


def said(world):
    return world.rows("SELECT verdict, reason FROM disposition ORDER BY at, run, id")


@pytest.mark.parametrize(
    "reasons", [["wrong_size"], ["wrong_size", "no_budget"], [None, "no_budget", None, "x"]]
)
def test_a_reason_changed_under_the_same_date_is_a_new_row_each_time(rejected, reasons):
    for reason in reasons:
        rejected.put("leads", "a", reason=reason)
        rejected.run()
        rejected.put("leads", "a", title=f"Head of {reason}")  # any news asks again
        rejected.run()
    assert said(rejected) == [("rejected", reason) for reason in ["no_budget", *reasons]]
    last = [reason for reason in ["no_budget", *reasons] if reason]
    assert rejected.rows("SELECT verdict_reason FROM cycle") == [(last[-1],)]
