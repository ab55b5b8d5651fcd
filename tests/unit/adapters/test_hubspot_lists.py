"""Nurture as membership of static lists, against the practice portal."""

from __future__ import annotations

import pytest

from connector.adapters import open_adapter
from connector.adapters.base import FieldStep, Order, Use
from connector.adapters.hubspot.lists import FLAG, THEME
from connector.domain.change import Result, Write
from connector.domain.outward import FieldType
from connector.practice.server import PracticeServer
from tests.contract.practice_fakes import HubSpotFake

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
