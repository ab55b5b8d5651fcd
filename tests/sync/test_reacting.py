"""The breaker: a CRM whose flow answers our writes is not written to in circles."""

from __future__ import annotations

from connector.domain.moment import HOUR


def flow(world, *, of=1):
    """Edit what we score by of every person, as a flow does that reacts to our writes."""
    titles = ("Clerk", "VP Operations")
    for n, ident in enumerate(sorted(world.crm.objects["leads"])):
        if n % of == 0:
            now = world.crm.objects["leads"][ident]["title"]
            world.put("leads", ident, title=titles[now == titles[0]])
    world.crm.effects.clear()


def company(world, count=60):
    for n in range(count):
        world.lead(f"l{n:02}")
    world.start()


def test_a_flow_that_answers_our_writes_is_noticed_and_waits_for_a_person(small):
    company(small)
    flow(small)
    small.pass_time(HOUR)
    held = small.run()
    assert held.plan.state == "needs_approval"
    assert any("60 of 60" in said and "seems to answer" in said for said in held.plan.held)
    assert small.written() == []
    assert any("a flow of the CRM seems to answer our writes" in said for said in small.warnings)
    small.pass_time(HOUR)
    assert small.run().plan.state == "needs_approval"
    assert small.written() == []


def test_once_a_person_has_looked_the_loop_writes_again(small):
    company(small)
    flow(small)
    small.pass_time(HOUR)
    held = small.run()
    small.apply(held.plan.id)
    assert {ident for ident, *_ in small.written()} == set(small.crm.objects["leads"])
    small.put("leads", "l01", title="VP Operations")
    small.pass_time(HOUR)
    assert small.run().plan.state != "needs_approval"


def test_people_who_edit_some_records_are_no_flow(small):
    company(small)
    flow(small, of=4)
    small.pass_time(HOUR)
    assert small.run().plan.state != "needs_approval"


def test_our_own_echo_is_no_reaction(small):
    company(small)
    small.pass_time(HOUR)
    assert small.run().plan is None or not small.warnings
