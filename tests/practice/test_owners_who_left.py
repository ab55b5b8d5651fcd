"""Nobody who left between plan and approval is given a record, in each CRM that practises."""

from __future__ import annotations

import pytest


def leaves(work, who):
    ident = work.owners[who]
    if work.kind == "salesforce":
        work.crm.steer("edit", {"id": ident, "set": {"IsActive": False}})
    else:
        (one,) = (o for o in work.crm.portal.owners if o["id"] == ident)
        one["archived"] = True


def holding_owners(work, most):
    settings = work.folder / "leadloop.yaml"
    text = settings.read_text()
    before = next(w for w in ("owners: 100", "owners: 0") if w in text)
    settings.write_text(text.replace(before, f"owners: {most}"))


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
def test_an_owner_who_left_while_a_plan_waited_is_not_written_and_somebody_else_gets_the_lead(
    opened, kind
):
    work = opened(kind)
    work.person("seed", title="Clerk")
    work.go()
    holding_owners(work, 0)
    for name in ("one", "two"):
        work.hot(name)
    waiting = work.run()
    assert waiting.status == "needs_approval"
    chosen = {
        name: owner.partition("/")[2]
        for name in ("one", "two")
        for (owner,) in work.rows(
            f"SELECT c.owner FROM cycle c JOIN record r ON r.person = c.person AND r.id = '{work.ids[name]}'"
        )
    }
    assert set(chosen.values()) == set(work.owners.values())
    (hers,) = (name for name, owner in chosen.items() if owner == work.owners["anna"])
    (his,) = {"one", "two"} - {hers}
    leaves(work, "anna")
    work.written()
    work.apply(waiting.plan.id)
    assert work.rows("SELECT record, state FROM outbox WHERE code = 'owner_left'") == [
        (work.ids[hers], "conflict")
    ]
    owners = [w for w in work.written() if w[1] == work.owner_field]
    assert [(name, after) for name, _, _, after in owners] == [(his, work.owners["ben"])]
    holding_owners(work, 100)
    work.run()
    assert work.owner(hers) == "ben"
    assert work.rows("SELECT count(*) FROM outbox WHERE state = 'dead'") == [(0,)]
    assert work.rows("SELECT count(*) FROM cycle WHERE state = 'handed_off'") == [(2,)]
