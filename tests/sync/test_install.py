"""What `install` makes in a CRM: a place for everything the mapping writes, and asks."""

from __future__ import annotations

from contextlib import ExitStack

from connector.domain.outward import FieldType
from connector.sync.opening import open_sources
from connector.sync.upkeep import provision
from tests.sync.world import MAPPING


def sources(world, stack):
    return open_sources(world.loaded, lambda: world.now, stack)


def test_a_field_that_sales_fills_in_is_made_beside_ours(world):
    asking = MAPPING.replace(
        "      reason: reason\n    write:", "    asks: {reason: ll_why}\n    write:", 1
    )
    assert asking != MAPPING
    (world.folder / "mapping.yaml").write_text(asking)
    with ExitStack() as stack:
        (source,) = sources(world, stack)
        steps = {step.name: step for step in provision.wanted_fields(source)}
    assert steps["ll_why"].type is FieldType.TEXT
    assert "ll_score" in steps
    assert "owner" not in steps, "an owner field is the CRM's own"
