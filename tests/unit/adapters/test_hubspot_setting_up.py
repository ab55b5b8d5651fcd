"""A portal set up and cleared again: lists, scopes, and our properties out by archive."""

from __future__ import annotations

import pytest

from connector.adapters.base import FieldStep, Order
from connector.adapters.hubspot.furnishing import Furnishing
from connector.adapters.hubspot.library import Library
from connector.adapters.hubspot.lists import Lists, Themes
from connector.adapters.hubspot.objects import Objects
from connector.adapters.hubspot.probing import Probing
from connector.adapters.hubspot.removing import Removing
from connector.adapters.hubspot.views import Views
from connector.domain.outward import FieldType
from tests.unit.adapters.hubspot_edge import calls_to, definition, error

FIELDS = {"state": "leadloop_state", "verdict": "leadloop_verdict", "score": "leadloop_score"}
NAMES = [
    "Leadloop nurture: price",
    "Leadloop nurture: general",
    "Leadloop: work now",
    "Leadloop: waiting for a verdict",
    "Leadloop: late",
]


def views_of(portal):
    return Views(Lists(calls_to(portal)))


def removing_of(portal):
    calls = calls_to(portal)
    library = Library(calls)
    return Removing(calls, library, Objects(library))


def furnishing_of(portal):
    calls = calls_to(portal)
    library, lists = Library(calls), Lists(calls)
    objects = Objects(library)
    removing, probing = Removing(calls, library, objects), Probing(calls, objects)
    return Furnishing(Views(lists), removing, probing, lambda steps: None, Themes(lists))


def probe(portal, uses):
    calls = calls_to(portal)
    return list(Probing(calls, Objects(Library(calls))).of(uses))


def step(name, source="contacts"):
    return FieldStep(source, name, FieldType.NUMBER, name, 0, "create")


def ours(portal, *names):
    for name in names:
        made = definition(name, "number", "number", groupName="leadloop")
        portal.properties["contacts"].append(made)


# --- lists ---------------------------------------------------------------------------------------


def test_lists_are_made_once_and_what_filters_cannot_say_is_left_to_clicks(portal):
    views = views_of(portal)
    plan = views.plan(["price", "general"], FIELDS)
    assert [one.name for one in plan] == NAMES
    assert portal.lists == {}
    done = views.create(plan, FIELDS)
    assert [one.action for one in done] == ["create"] * 4 + ["click"]
    assert "leadloop_state was last updated" in done[-1].note
    assert sorted(one["name"] for one in portal.lists.values()) == sorted(NAMES[:4])
    kinds = {one["name"]: one["processingType"] for one in portal.lists.values()}
    assert kinds["Leadloop nurture: price"] == "MANUAL"
    assert kinds["Leadloop: work now"] == "DYNAMIC"
    again = views.plan(["price", "general"], FIELDS)
    assert [one.action for one in again] == ["keep"] * 4 + ["click"]


def test_the_list_of_those_who_wait_asks_for_a_verdict_that_is_missing(portal):
    views = views_of(portal)
    views.create(views.plan([], FIELDS), FIELDS)
    (waiting,) = [one for one in portal.lists.values() if "waiting" in one["name"]]
    state, verdict = waiting["filterBranch"]["filterBranches"][0]["filters"]
    assert state["property"] == "leadloop_state"
    assert state["operation"]["values"] == ["handed_off", "accepted"]
    assert verdict["property"] == "leadloop_verdict"
    assert verdict["operation"]["operator"] == "IS_UNKNOWN"


def test_who_is_late_is_whoever_was_handed_off_and_is_due_before_now(portal):
    views, fields = views_of(portal), {**FIELDS, "sla_due": "leadloop_first_contact_due"}
    done = views.create(views.plan([], fields), fields)
    assert [one.action for one in done] == ["create"] * 3
    (late,) = [one for one in portal.lists.values() if "late" in one["name"]]
    state, due = late["filterBranch"]["filterBranches"][0]["filters"]
    assert state["operation"]["values"] == ["handed_off"]
    assert due["property"] == "leadloop_first_contact_due"
    assert due["operation"]["operator"] == "IS_BEFORE"
    assert due["operation"]["timePoint"]["indexReference"] == {"referenceType": "NOW"}
    assert [one.action for one in views.plan([], fields)] == ["keep"] * 3
    assert sorted(views.remove()) == sorted(NAMES[2:])
    portal.queue = [None, None, None, (400, {}, error(400, "no such filter")[1])]
    refused = views.create(views.plan([], fields), fields)
    assert "leadloop_first_contact_due is before now" in refused[-1].note


def test_a_list_hubspot_refuses_is_left_to_clicks_and_the_others_are_made(portal):
    views = views_of(portal)
    plan = views.plan(["price"], FIELDS)
    portal.queue = [None, (400, {}, error(400, "no such filter")[1])]
    done = views.create(plan, FIELDS)
    assert [one.action for one in done] == ["create", "click", "create", "click"]
    assert "leadloop_state is any of handed_off" in done[1].note


def test_without_the_scope_all_lists_are_left_to_clicks(portal):
    portal.forbidden = {"lists"}
    plan = views_of(portal).plan(["price"], FIELDS)
    assert {one.action for one in plan} == {"click"}
    assert "crm.lists.write" in plan[0].note
    assert views_of(portal).ours() == []


# --- out again -----------------------------------------------------------------------------------


def test_uninstall_counts_what_is_filled_and_takes_only_what_is_ours(portal):
    ours(portal, "leadloop_fit", "leadloop_behaviour")
    portal.groups["contacts"] = {"leadloop"}
    for n in range(1, 6):
        portal.put("contacts", n, leadloop_fit="7" if n < 4 else None)
    removing = removing_of(portal)
    wanted = [step(n) for n in ("leadloop_fit", "leadloop_behaviour", "jobtitle", "leadloop_x")]
    plan = removing.plan(wanted)
    assert [(one.action, one.filled) for one in plan] == [
        ("archive", 3),
        ("archive", 0),
        ("keep", 0),
        ("absent", 0),
    ]
    assert "contactinformation" in plan[2].note
    names = {one["name"] for one in portal.properties["contacts"]}
    assert "leadloop_fit" in names
    done = removing.remove(plan)
    assert [one.action for one in done] == ["archive", "archive", "keep", "absent"]
    left = {one["name"] for one in portal.properties["contacts"]}
    assert names - left == {"leadloop_fit", "leadloop_behaviour"}
    assert portal.groups["contacts"] == set()
    assert removing.plan(wanted[:1])[0].action == "absent"


def test_without_fields_the_plan_counts_what_is_filled_too_and_nothing_of_it_goes(portal):
    ours(portal, "leadloop_fit", "leadloop_grade")
    portal.put("contacts", 1, leadloop_fit="7")
    views = views_of(portal)
    views.create(views.plan(["price"], FIELDS), FIELDS)
    furnishing = furnishing_of(portal)
    order = Order([step(n) for n in ("leadloop_fit", "leadloop_grade", "leadloop_x")], {}, {})
    lists, fields = [], []
    for one in furnishing.remove(order, fields=False, check_only=True):
        (lists if one.group == "lists" else fields).append(one)
    assert {one.action for one in lists} == {"remove"}
    assert [(one.name, one.action, one.note) for one in fields] == [
        (
            "contacts.leadloop_fit",
            "keep",
            "records with a value: 1; it stays, --fields archives it",
        ),
        (
            "contacts.leadloop_grade",
            "keep",
            "records with a value: 0; it stays, --fields archives it",
        ),
    ]
    gone = furnishing.remove(order, fields=False, check_only=False)
    assert {one.group for one in gone} == {"lists"}
    left = {one["name"] for one in portal.properties["contacts"]}
    assert {"leadloop_fit", "leadloop_grade"} <= left


def test_a_property_in_use_is_kept_and_said(portal):
    ours(portal, "leadloop_fit")
    portal.in_use = {"leadloop_fit"}
    removing = removing_of(portal)
    (done,) = removing.remove(removing.plan([step("leadloop_fit")]))
    assert done.action == "keep"
    assert "CANNOT_DELETE_PROPERTY_IN_USE" in done.note


def test_our_lists_go_and_everybody_elses_stay(portal):
    views = views_of(portal)
    views.create(views.plan(["price"], FIELDS), FIELDS)
    portal.lists["99"] = {"listId": "99", "name": "Leadloop fans", "processingType": "MANUAL"}
    assert sorted(views.remove()) == sorted([NAMES[0], *NAMES[2:4]])
    assert [one["name"] for one in portal.lists.values()] == ["Leadloop fans"]


# --- scopes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lacking", ["contacts", "deals", "forms", "owners", "lists"])
def test_each_missing_scope_is_named_with_one_step(portal, lacking):
    portal.forbidden = {lacking}
    portal.put("contacts", 1)
    uses = {"contacts": True, "deals": False, "form_submissions": False, "owners": False}
    found = probe(portal, {**uses, "list_members/5": False})
    bad = [one for one in found if not one.ok]
    meant = {
        "contacts": {"contacts", "properties"},
        "forms": {"form_submissions"},
        "lists": {"list_members", "lists"},
    }
    named = {one.what.split()[-1].removesuffix("/5") for one in bad}
    assert named == meant.get(lacking, {lacking})
    assert all(one.fix and "Give the key the scope" in one.fix for one in bad)
    assert len(found) == 11


def test_asking_whether_we_may_write_writes_nothing(portal):
    portal.put("contacts", 1)
    before = dict(portal.records["contacts"][1])
    assert all(one.ok for one in probe(portal, {"contacts": True}))
    assert portal.records["contacts"][1] == before


def test_hubspots_own_salesforce_sync_is_asked_about(portal):
    portal.properties["contacts"].append(definition("salesforceleadid"))
    (asked,) = [one for one in probe(portal, {}) if not one.ok]
    assert asked.what == "Salesforce sync"
    assert "one side only" in asked.fix
