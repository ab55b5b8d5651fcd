"""What was never confirmed of HubSpot is listed, stands where the list says, and is one switch."""

from __future__ import annotations

import re
from pathlib import Path

from connector.adapters.hubspot import derived, reading, unconfirmed

ROOT = Path(__file__).parents[3]
ADAPTER = ROOT / "connector" / "adapters" / "hubspot"
PAGE = (ROOT / "docs" / "hubspot.md").read_text(encoding="utf-8")
CONSTANT = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b")
THERE = {name for name in vars(unconfirmed) if name.isupper()} - {"UNCONFIRMED"}


def users(constant):
    return {
        path.name
        for path in ADAPTER.glob("*.py")
        if re.search(rf"\b{constant}\b", path.read_text(encoding="utf-8"))
    } - {"unconfirmed.py"}


def test_the_page_shows_the_list_and_the_code_decides_where_it_says():
    for one in unconfirmed.UNCONFIRMED:
        assert f"| {one.what} | `{one.where}` |" in PAGE, one.what
        if one.where.endswith(".py"):
            assert (ADAPTER / one.where).exists()
        for constant in THERE & set(CONSTANT.findall(one.switch)):
            assert one.where in users(constant), constant


def test_every_constant_is_on_the_list_and_used_in_one_place():
    named = {word for one in unconfirmed.UNCONFIRMED for word in CONSTANT.findall(one.switch)}
    assert named >= THERE
    for constant in THERE - {"SEARCH_BODY"}:  # the adapter's own setting stands for that one
        assert len(users(constant)) == 1, constant


def test_another_word_for_a_record_that_is_nowhere_is_one_constant_away(portal, monkeypatch):
    from tests.unit.adapters.hubspot_edge import opened

    portal.put("contacts", 1)
    assert opened(portal).erased("contacts", ["1", "77"]) == ["77"]
    monkeypatch.setattr(reading, "NOWHERE", "GONE")
    assert opened(portal).erased("contacts", ["1", "77"]) == []


def test_another_source_that_is_a_person_is_one_constant_away(monkeypatch):
    entry = {"timestamp": "2026-01-01T00:00:00Z", "sourceType": "WEARABLE", "value": "x"}

    class Told(derived.Derived):
        def __init__(self):
            pass

        def _histories(self, _kind, _names, _ids):
            yield "1", {"city": [entry]}

    assert Told().set_by_hand("contacts", ["city"], ["1"]) == {}
    monkeypatch.setattr(derived, "HANDS", frozenset({"WEARABLE"}))
    assert list(Told().set_by_hand("contacts", ["city"], ["1"])) == ["1"]
