"""Nurture as membership of static lists, against the practice portal."""

from __future__ import annotations

import pytest

from connector.adapters import open_adapter
from connector.adapters.base import FieldStep, Order, Use
from connector.adapters.hubspot.lists import FLAG, THEME
from connector.domain.change import Result, Write
from connector.domain.outward import FieldType
from connector.errors import LoginError
from connector.practice.fault_script import Fault
from connector.practice.server import PracticeServer
from tests.contract.practice_fakes import TOKEN, HubSpotFake

STEPS = [
    FieldStep("contacts", FLAG, FieldType.BOOLEAN, "Leadloop nurture", 0, "create"),
    FieldStep("contacts", THEME, FieldType.TEXT, "Leadloop theme", 80, "create"),
]
ORDER = Order(STEPS, {"contacts": {}}, {}, themes=["price", "safety"])


@pytest.fixture
def fake():
    return HubSpotFake()


@pytest.fixture
def crm(fake, tmp_path):
    """A portal with our two properties, and no list of ours yet."""
    uses = {"contacts": Use("id", frozenset({FLAG, THEME}))}
    with PracticeServer(fake.crm) as server:
        connection = fake.connection(server.address, tmp_path)
        adapter = open_adapter(connection, tmp_path, uses, lambda: fake.now)
        adapter.create_fields(STEPS)
        yield adapter
        adapter.close()


def furnish(crm):
    return crm.furnish(ORDER, ["lists"], crm.check().login)


def write(fake, crm, *pairs):
    outcomes = crm.write([Write("contacts", ident, values) for ident, values in pairs])
    assert {one.result for one in outcomes} == {Result.APPLIED}
    fake.tick()


def nurture(theme):
    return {FLAG: theme is not None, THEME: theme}


def members(crm):
    """Who is on each list of ours, by theme."""
    lists = crm._furnishing._views._lists
    return {
        one.name.removeprefix("Leadloop nurture: "): {
            row["recordId"] for page, _ in lists.members(one.id) for row in page
        }
        for one in lists.named("Leadloop nurture")
    }


def test_lists_follow_flag_and_theme_whichever_of_them_is_written(fake, crm):
    furnish(crm)
    one, other = fake.put(1, title="Boss"), fake.put(2, title="Clerk")
    write(fake, crm, (one, nurture("price")), (other, nurture("safety")))
    assert members(crm) == {"price": {one}, "safety": {other}}
    write(fake, crm, (one, nurture("price")), (other, nurture("safety")))
    assert members(crm) == {"price": {one}, "safety": {other}}
    write(fake, crm, (one, {THEME: "safety"}), (other, {FLAG: False}))
    assert members(crm) == {"price": set(), "safety": {one}}


def test_who_was_flagged_before_the_list_was_made_is_put_on_it_by_install(fake, crm):
    early, other = fake.put(1, title="Boss"), fake.put(2, title="Clerk")
    write(fake, crm, (early, nurture("price")), (other, nurture(None)))
    fake.now += 3_600_000_000  # the search index has seen it
    made = furnish(crm)
    assert [part.action for part in made if "nurture" in part.name] == ["create", "create"]
    assert members(crm) == {"price": {early}, "safety": set()}


def warned(caplog):
    return [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


def flag(fake, ident):
    return fake.crm.portal.find("contacts", ident).values.get(FLAG)


def test_a_key_that_may_read_lists_and_not_change_them_writes_the_fields_and_says_it_once(
    fake, crm, caplog
):
    furnish(crm)
    fake.crm.steer("token", {"token": TOKEN, "lacks": ["crm.lists.write"]})
    one, other = fake.put(1, title="Boss"), fake.put(2, title="Clerk")
    write(fake, crm, (one, nurture("price")))
    write(fake, crm, (other, nurture("safety")))
    assert [flag(fake, ident) for ident in (one, other)] == ["true", "true"]
    assert members(crm) == {"price": set(), "safety": set()}
    (line,) = warned(caplog)
    assert "crm.lists.write" in line
    assert "leadloop install" in line


def test_what_the_lists_missed_is_caught_up_by_install_once_the_scope_is_there(fake, crm):
    furnish(crm)
    fake.crm.steer("token", {"token": TOKEN, "lacks": ["crm.lists.write"]})
    one = fake.put(1, title="Boss")
    write(fake, crm, (one, nurture("price")))
    fake.crm.steer("token", {"token": TOKEN})
    fake.now += 3_600_000_000  # the search index has seen it
    furnish(crm)
    assert members(crm) == {"price": {one}, "safety": set()}


def test_a_list_deleted_in_the_middle_of_a_run_costs_that_list_alone(fake, crm, caplog):
    furnish(crm)
    one, other = fake.put(1, title="Boss"), fake.put(2, title="Clerk")
    write(fake, crm, (one, nurture("price")))
    lists = crm._furnishing._views._lists
    (deleted,) = lists.named("Leadloop nurture: price")
    lists.delete(deleted.id)
    write(fake, crm, (one, nurture("safety")), (other, nurture("price")))
    write(fake, crm, (other, nurture("safety")))
    assert members(crm) == {"safety": {one, other}}
    (line,) = warned(caplog)
    assert "price" in line


def test_a_token_that_is_refused_at_a_list_still_stops_the_batch(fake, crm):
    furnish(crm)
    one = fake.put(1, title="Boss")
    fake.crm.faults.add([Fault(match="PUT */memberships/add-and-remove", status=401, times=9)])
    with pytest.raises(LoginError, match="refused the token"):
        crm.write([Write("contacts", one, nurture("price"))])
    assert flag(fake, one) is None


def test_lists_of_the_companys_own_follow_the_themes_that_name_them(fake, tmp_path, caplog):
    uses = {"contacts": Use("id", frozenset({FLAG, THEME}))}
    with PracticeServer(fake.crm) as server:
        connection = fake.connection(server.address, tmp_path)
        own = {"price": "Newsletter", "cost": "Newsletter", "safety": "Nobody made it"}
        crm = open_adapter(
            connection.model_copy(update={"lists": own}), tmp_path, uses, lambda: fake.now
        )
        crm.create_fields(STEPS)
        lists = crm._furnishing._views._lists
        lists.create("Newsletter")
        early = fake.put(1, title="Boss")
        write(fake, crm, (early, nurture("price")))
        made = furnish(crm)
        assert not [part.name for part in made if part.kind == "static list"], (
            "none is ours to make"
        )
        other = fake.put(2, title="Clerk")
        write(fake, crm, (other, nurture("cost")), (early, nurture("price")))
        (there,) = lists.named("Newsletter")

        def on_it():
            return {row["recordId"] for page, _ in lists.members(there.id) for row in page}

        assert on_it() == {early, other}
        write(fake, crm, (early, nurture("safety")), (other, {FLAG: False}))
        assert on_it() == set()
        assert "`Nobody made it`" in caplog.text
        assert "Newsletter" not in crm._furnishing._views.ours(), "uninstall leaves it alone"
        crm.close()
