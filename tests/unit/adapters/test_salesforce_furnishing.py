"""All that install makes in an org: in groups, checked first, and taken out again."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from connector.adapters.base import FieldStep, Order, Use
from connector.adapters.salesforce.metadata.fields import REASONS
from connector.domain.outward import FieldType
from connector.errors import UsageError
from tests.unit.adapters.salesforce_org import USER, field, ident

_M = "{http://soap.sforce.com/2006/04/metadata}"
NAMES = {
    "score": "Leadloop_Score__c",
    "grade": "Leadloop_Grade__c",
    "state": "Leadloop_State__c",
    "cycle": "Leadloop_Cycle__c",
    "verdict": "Leadloop_Verdict__c",
    "reasons": "Leadloop_Reasons__c",
    "do_next": "Leadloop_Do_Next__c",
    "sla_due": "Leadloop_First_Contact_Due__c",
    "model": "Leadloop_Model__c",
    "reason": "Leadloop_Reason__c",
}
STEPS = [
    FieldStep("Lead", name, FieldType.TEXT, word, 80, "create") for word, name in NAMES.items()
]
MEANS = {"accepted": ("Old", "A"), "rejected": ("B",), "recycled": ("Gone from this org",)}
ORDER = Order(STEPS, {"Lead": NAMES}, {"Lead": ("Grade__c", MEANS)})
WRITES = frozenset(NAMES.values()) - {"Leadloop_Reason__c"}
USES = {"Lead": Use("Id", WRITES, frozenset({"Leadloop_Reason__c"}))}
SET = ident("0PS", 1)
DONE = {"done": True, "success": True, "status": "Succeeded"}
GROUPS = ("fields", "views", "actions", "reports", "panel")


@pytest.fixture
def ready(org):
    org.rows["PermissionSet"] = [{"Id": SET, "Name": "Leadloop_Integration"}]
    org.deploy_results = [DONE] * 40
    return org


@pytest.fixture
def crm(ready):
    adapter = ready.adapter(uses=USES)
    yield adapter
    adapter.close()


def unpacked(body):
    head, _, rest = body.partition(b"PK\x03\x04")
    options = json.loads(head[head.index(b"{") : head.rindex(b"}") + 1])["deployOptions"]
    archive = zipfile.ZipFile(io.BytesIO(b"PK\x03\x04" + rest[: rest.rindex(b"\r\n--")]))
    return options, {name: archive.read(name).decode() for name in archive.namelist()}


def members(text):
    return [m.text for m in ET.fromstring(text).iter(f"{_M}members")]


def all_of(org):
    """Every file of every deploy that was no mere check."""
    files = {}
    for body in org.deploys:
        options, inside = unpacked(body)
        if not options["checkOnly"]:
            files |= {name: text for name, text in inside.items() if name != "package.xml"}
    return files


def texts(tree, *names):
    return [e.text for e in ET.fromstring(tree).iter() if e.tag.removeprefix(_M) in names]


def test_every_group_is_checked_before_it_is_made_and_fields_come_first(ready, crm):
    steps = crm.furnish(ORDER, GROUPS, f"user {USER}")
    told = [unpacked(body) for body in ready.deploys]
    assert [options["checkOnly"] for options, _ in told] == [True, False] * 5
    assert all(options["rollbackOnError"] for options, _ in told)
    assert "Lead.Leadloop_Score__c" in members(told[0][1]["package.xml"])
    assert {step.group for step in steps} == set(GROUPS)
    assert ready.posted == [
        ("sobjects/PermissionSetAssignment", {"AssigneeId": USER, "PermissionSetId": SET})
    ]


def test_no_layout_and_no_page_is_ever_touched(ready, crm):
    crm.furnish(ORDER, GROUPS, f"user {USER}")
    for name in all_of(ready):
        assert name.split("/")[0] in {
            "objects", "permissionsets", "quickActions", "reportTypes", "reports", "dashboards",
            "lwc",
        }  # fmt: skip
        assert "layout" not in name.casefold()
        assert "flexipage" not in name.casefold()


def test_reps_read_scores_and_answer_and_we_alone_write_the_rest(ready, crm):
    crm.furnish(ORDER, ["fields"], f"user {USER}")
    files = all_of(ready)
    for name, may in (("Integration", set(NAMES.values())), ("Rep", {"Leadloop_Reason__c"})):
        tree = ET.fromstring(files[f"permissionsets/Leadloop_{name}.permissionset"])
        granted = {
            p.findtext(f"{_M}field").removeprefix("Lead."): p.findtext(f"{_M}editable")
            for p in tree.iter(f"{_M}fieldPermissions")
        }
        assert set(granted) == set(NAMES.values())
        assert {n for n, editable in granted.items() if editable == "true"} == may


def test_an_org_that_refuses_one_group_keeps_the_others_and_says_why(ready, crm):
    problem = {
        "fullName": "Lead.Leadloop_Work_Now",
        "problem": "Could not resolve list view column",
    }
    bad = {"done": True, "success": False, "details": {"componentFailures": [problem]}}
    ready.deploy_results = [DONE, DONE, bad, *[DONE] * 9]
    steps = crm.furnish(ORDER, GROUPS, f"user {USER}")
    views = [step for step in steps if step.group == "views"]
    assert {step.action for step in views} == {"fail"}
    assert "Could not resolve" in views[0].note
    assert {s.action for s in steps if s.group in {"fields", "reports", "panel"}} == {"create"}


def test_fields_that_an_org_refuses_end_it_with_nothing_changed(ready, crm):
    bad = {"done": True, "success": False, "details": {"componentFailures": {
        "fullName": "Lead.Leadloop_Score__c", "problem": "limit reached"}}}  # fmt: skip
    ready.deploy_results = [bad]
    with pytest.raises(UsageError, match="limit reached"):
        crm.furnish(ORDER, GROUPS, f"user {USER}")
    assert len(ready.deploys) == 1
    assert ready.posted == []


def test_a_quick_action_sets_a_status_that_this_org_has_and_asks_for_the_reason(ready, crm):
    steps = crm.furnish(ORDER, GROUPS, f"user {USER}")
    files = all_of(ready)
    accept = files["quickActions/Lead.Leadloop_Accept.quickAction"]
    assert texts(accept, "literalValue") == ["A"]
    reject = files["quickActions/Lead.Leadloop_Reject.quickAction"]
    assert texts(reject, "literalValue") == ["B"]
    assert "Leadloop_Reason__c" in texts(reject, "field")
    assert "Leadloop_Reason__c" not in texts(accept, "field")
    assert "quickActions/Lead.Leadloop_Not_Ready.quickAction" not in files
    (left,) = [step for step in steps if step.action == "leave"]
    assert "recycled" in left.note


def test_a_list_view_shows_who_is_late_where_the_due_time_is_written(ready, crm):
    crm.furnish(ORDER, GROUPS, f"user {USER}")
    views = ET.fromstring(all_of(ready)["objects/Lead.object"]).findall(f"{_M}listViews")
    (late,) = [v for v in views if v.findtext(f"{_M}fullName") == "Leadloop_SLA_Late"]
    filters = [tuple(part.text for part in one) for one in late.findall(f"{_M}filters")]
    assert filters == [
        ("Leadloop_State__c", "equals", "handed_off"),
        ("Leadloop_First_Contact_Due__c", "lessThan", "TODAY"),
    ]
    assert "Leadloop_First_Contact_Due__c" in [c.text for c in late.findall(f"{_M}columns")]
    assert late.findtext(f"{_M}filterScope") == "Everything"
    names = {word: name for word, name in NAMES.items() if word != "sla_due"}
    files = crm.exported(ORDER._replace(names={"Lead": names}))
    assert not any("SLA_Late" in name for name in files)
    assert any("Work_Now" in name for name in files)


def test_answers_are_only_ever_added_to_a_picklist(ready, crm):
    theirs = [{"value": "Our own answer", "active": True}, {"value": REASONS[0], "active": True}]
    ready.objects["Lead"].append(
        field("Leadloop_Reason__c", "picklist", length=255, updateable=False, picklistValues=theirs)
    )
    (step,) = crm.plan_fields([STEPS[-1]])
    assert (step.action, step.note) == ("create", f"there; {len(REASONS) - 1} answers are added")
    crm.furnish(ORDER._replace(steps=[step]), ["fields"], f"user {USER}")
    values = texts(all_of(ready)["objects/Lead.object"], "fullName")
    assert values == ["Leadloop_Reason__c", "Our own answer", *REASONS]
    there = [{"value": one, "active": True} for one in REASONS]
    ready.objects["Lead"][-1]["picklistValues"] = [*there, theirs[0]]
    assert crm.plan_fields([STEPS[-1]])[0].action == "keep"


def test_permission_sets_name_what_whoever_deploys_may_not_see(ready, crm):
    order = ORDER._replace(steps=[replace(STEPS[0], action="keep"), *STEPS[1:]])
    crm.furnish(order, ["fields"], f"user {USER}")
    allowed = all_of(ready)["permissionsets/Leadloop_Integration.permissionset"]
    assert "Lead.Leadloop_Score__c" in texts(allowed, "field")


def test_the_panel_reads_our_fields_and_loads_nothing_from_elsewhere(ready, crm):
    crm.furnish(ORDER, GROUPS, f"user {USER}")
    files = all_of(ready)
    script = files["lwc/leadloopPanel/leadloopPanel.js"]
    assert "score: 'Leadloop_Score__c'" in script
    for word in ("do_next", "sla_due", "model"):
        assert f"{word}: '{NAMES[word]}'" in script
        assert f"this.value('{word}')" in script
    assert "{{" not in script
    for text in (script, files["lwc/leadloopPanel/leadloopPanel.html"]):
        assert "http" not in text
        assert "updateRecord" not in text
    assert texts(files["lwc/leadloopPanel/leadloopPanel.js-meta.xml"], "target") == [
        "lightning__RecordPage"
    ]


def test_the_same_is_exported_in_source_format(ready, crm):
    files = crm.exported(ORDER)
    base = "force-app/main/default"
    score = ET.fromstring(files[f"{base}/objects/Lead/fields/Leadloop_Score__c.field-meta.xml"])
    assert score.tag == f"{_M}CustomField"
    assert f"{base}/objects/Lead/listViews/Leadloop_Work_Now.listView-meta.xml" in files
    assert f"{base}/lwc/leadloopPanel/leadloopPanel.js" in files
    assert json.loads(files["sfdx-project.json"])["sourceApiVersion"] == "62.0"
    named = members(files["manifest/package.xml"])
    assert {"Lead.Leadloop_Score__c", "Leadloop_Rep", "leadloopPanel"} <= set(named)
    assert ready.deploys == []


def test_the_same_order_gives_the_same_bytes(ready, crm):
    assert crm.exported(ORDER) == crm.exported(ORDER)


def test_what_is_taken_out_keeps_fields_unless_asked(ready, crm):
    steps = crm.remove(ORDER, fields=False, check_only=True)
    assert all(step.action == "remove" for step in steps)
    assert not any(step.kind == "CustomField" for step in steps)
    ((options, files),) = map(unpacked, ready.deploys)
    assert options["checkOnly"] is True
    assert members(files["package.xml"]) == []
    assert "Lead.Leadloop_Work_Now" in members(files["destructiveChanges.xml"])
    assert {s.name for s in steps if s.kind == "PermissionSet"} == {
        "Leadloop_Integration", "Leadloop_Rep", "Leadloop_Manager",
    }  # fmt: skip
    ready.deploys.clear()
    steps = crm.remove(ORDER, fields=True, check_only=False)
    assert {"CustomField", "ListView"} <= {step.kind for step in steps}
    assert [unpacked(b)[0]["checkOnly"] for b in ready.deploys] == [True, False] * 3
    assert "Leadloop_Rep" in members(unpacked(ready.deploys[2])[1]["destructiveChanges.xml"])


def test_permission_sets_are_taken_back_before_they_go(ready, crm):
    ready.objects["PermissionSetAssignment"] = [
        field("Id", "id"),
        field("PermissionSetId", "reference"),
    ]
    held = [ident("0Pa", n) for n in range(2)]
    ready.rows["PermissionSetAssignment"] = [{"Id": i, "PermissionSetId": SET} for i in held]
    taken = []

    def take(request):
        taken.append(request.url)
        return 200, {"Content-Type": "application/json"}, "[]"

    ready.mock.add_callback("DELETE", re.compile(r"https://.*"), callback=take)
    steps = crm.remove(ORDER, fields=False, check_only=True)
    assert taken == []
    assert "2 assignments" in next(s.note for s in steps if s.kind == "PermissionSet")
    crm.remove(ORDER, fields=False, check_only=False)
    assert len(taken) == 1
    assert all(ident in taken[0] for ident in held)


def test_what_blocks_a_removal_is_named_and_nothing_goes(ready, crm):
    problem = {"fullName": "leadloopPanel", "problem": "is in use on the page Lead_Record_Page"}
    ready.deploy_results = [
        {"done": True, "success": False, "details": {"componentFailures": [problem]}}
    ]
    steps = crm.remove(ORDER, fields=True, check_only=False)
    (named,) = [step for step in steps if step.note]
    assert named.name == "leadloopPanel"
    assert "Lead_Record_Page" in named.note
    assert {step.action for step in steps} == {"fail"}
    assert len(ready.deploys) == 1


def test_the_survey_names_room_and_what_our_writes_will_meet(ready, crm):
    ready.objects["Lead"].append(field("Theirs__c", custom=True))
    org_type = {
        "totalSize": 1,
        "done": True,
        "records": [{"OrganizationType": "Enterprise Edition"}],
    }
    ready.fail("FROM%20Organization", 200, org_type)
    flows = {"totalSize": 1, "done": True, "records": [{"Label": "Route new leads"}]}
    ready.fail("FlowDefinitionView", 200, flows)
    ready.fail("ApexTrigger", 403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": ""}])
    none = {"totalSize": 0, "done": True, "records": []}
    ready.fail("ValidationRule", 200, none)
    ready.fail("DuplicateRule", 200, none)
    lines = crm.survey(ORDER)
    assert (
        "Lead: 1 custom fields that we see of 500 (Enterprise Edition), 10 more by us, 489 left"
        in lines[0]
    )
    assert lines[1] == "active flows on Lead: Route new leads"
    assert "may not see them" in lines[2]
    assert lines[3] == "active validation rules on Lead: none"
