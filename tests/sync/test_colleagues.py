"""What colleagues did counts for everybody of the account, and no longer once they are gone."""

from __future__ import annotations

import pytest

from connector.domain.moment import HOUR
from connector.store.database import open_store
from connector.sync.upkeep.forget import forget
from tests.sync.world import MODEL

RULE = (
    "        - {name: Theirs, activity: page_view, where: {url: {prefix: /pricing}}, points: 10, "
    "half_life: none, by: colleagues}\n"
)


@pytest.fixture
def firm(small):
    """Two of one company, of whom l2 looked at the prices; others somewhere else."""
    small.write("model.yaml", MODEL.replace("disqualify:", RULE + "disqualify:", 1))
    for n in range(6):
        small.lead(f"old{n}", title="Clerk", company=None)
    small.put("companies", "other", name="Other", employees=5, industry="x")
    small.lead("l1", title="Clerk", email="one@a.example")
    small.lead("l2", title="Clerk", email="two@a.example")
    small.event("l2", url="/pricing")
    small.lead("l3", title="Clerk", company="other", email="three@b.example")
    small.start()
    assert small.shown("l1")["ll_score"] == 44  # 24 of fit, 20 for what l2 did
    small.pass_time(HOUR)
    return small


def test_who_goes_to_another_company_takes_along_what_was_done(firm):
    firm.put("leads", "l2", company="other")
    firm.run()
    assert firm.shown("l1")["ll_score"] == 24
    assert firm.shown("l3")["ll_score"] == 20


def test_who_turns_out_to_be_somebody_else_takes_along_what_was_done(firm):
    firm.put("leads", "l2", email="three@b.example", company="other")
    firm.run()
    assert firm.rows("SELECT old, person FROM person_alias")
    assert firm.shown("l1")["ll_score"] == 24


def test_what_the_deleted_did_counts_for_nobody(firm):
    firm.crm.delete("leads", "l2")
    firm.run()
    assert firm.shown("l1")["ll_score"] == 24


def test_what_the_forgotten_did_counts_for_nobody(firm):
    store = open_store(firm.loaded.store_url())
    forget(store, "two@a.example", firm.now, allow_return=False)
    store.close()
    firm.run()
    assert firm.shown("l1")["ll_score"] == 24
