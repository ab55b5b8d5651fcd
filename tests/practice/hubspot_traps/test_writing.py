"""Traps of writing: batches that half succeed, values the portal refuses, people who came first."""

from __future__ import annotations

import math

import pytest

from connector.adapters.base import NewTask
from connector.domain.change import Result, Write
from connector.domain.moment import HOUR, MINUTE
from connector.errors import UnknownOutcomeError
from connector.sync.run import run as run_loop
from connector.sync.writing.undo import undo


def save(hubspot, *inputs, base="/crm/objects/2026-09"):
    """The textbook write: send, and be content with a status below 300."""
    body = {"inputs": [{"id": id_, "properties": values} for id_, values in inputs]}
    return hubspot.call("POST", f"{base}/contacts/batch/update", body)


def test_trap_08_a_merged_persons_old_id_finds_no_row_of_its_own(hubspot):
    one, two = hubspot.contacts(2)
    scores = {one: 80, two: 20}
    made = hubspot.crm.steer("merge", {"type": "contacts", "primary": one, "other": two})["id"]
    asked = {"inputs": [{"id": one}, {"id": two}]}
    read = hubspot.json("POST", f"{hubspot.objects}/contacts/batch/read", asked)["results"]
    assert [row["id"] for row in read] == [made]
    assert made not in scores, "joined by id, the person has lost its score"


def test_trap_08_ours_keeps_one_person_with_one_hand_off(opened):
    work = opened("hubspot")
    work.go()
    work.hot("eve")
    work.person("evelyn")
    work.go()
    holder = work.owner("eve")
    assert holder
    work.pass_time(HOUR)
    ids = {"primary": work.ids["eve"], "other": work.ids["evelyn"]}
    work.ids["eve"] = work.crm.steer("merge", {"type": "contacts", **ids})["id"]
    work.pass_time(HOUR)
    work.go()
    assert work.owner("eve") == holder
    current = work.rows("SELECT number, handed_off_at IS NULL FROM cycle WHERE owner IS NOT NULL")
    assert current == [(1, 0)]
    assert work.mirrored("eve", "score") is not None


def test_trap_10_a_write_of_everything_each_run_wakes_itself_up(hubspot):
    ids = hubspot.contacts(3)
    for _ in range(2):
        hubspot.tick(60)
        since = hubspot.now // 1000
        save(hubspot, *((one, {"jobtitle": "Boss"}) for one in ids))
        test = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(since)}
        changed = hubspot.search({"filterGroups": [{"filters": [test]}], "limit": 10})["total"]
        assert changed == 3, "no trap: a write of the same value must move the date"


def test_trap_10_ours_writes_nothing_the_second_time(opened):
    work = opened("hubspot")
    work.hot("eve")
    work.go()
    assert work.written()
    for _ in range(2):
        work.pass_time(MINUTE)
        work.run()
        assert work.written() == []


def test_trap_11_skipping_every_integration_skips_other_peoples_too(hubspot):
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("token", {"token": "other", "by": "zapier"})
    hubspot.tick(60)
    hubspot.call("PATCH", f"{hubspot.objects}/contacts/{id_}", {"properties": {"jobtitle": "CEO"}},
                 headers={"Authorization": "Bearer other"})  # fmt: skip
    read = f"{hubspot.objects}/contacts/{id_}?propertiesWithHistory=jobtitle"
    (entry,) = hubspot.json("GET", read)["propertiesWithHistory"]["jobtitle"]
    assert (entry["sourceType"], entry["sourceId"]) == ("INTEGRATION", "zapier")


def test_trap_11_ours_reads_another_integrations_change(opened):
    work = opened("hubspot")
    work.person("eve", title="Clerk")
    work.go()
    work.pass_time(HOUR)
    portal = work.crm.portal
    record = portal.find("contacts", work.ids["eve"])
    portal.change("contacts", record, {"jobtitle": "CEO"}, "zapier")
    work.run()
    ((doc,),) = work.rows(f"SELECT doc FROM record WHERE id = '{work.ids['eve']}'")
    assert '"title":"CEO"' in doc


def test_trap_13_a_207_taken_for_success_loses_three_of_a_hundred(hubspot):
    ids = hubspot.contacts(100)
    for one in ids[:3]:
        hubspot.crm.steer("archive", {"type": "contacts", "id": one})
    answer = save(hubspot, *((one, {"jobtitle": "A"}) for one in ids))
    assert answer.ok, "the textbook client goes home happy"
    assert len(answer.json()["results"]) == 97


def test_trap_13_ours_tells_the_three_from_the_97(hubspot, ours):
    ids = hubspot.contacts(100)
    for one in ids[:3]:
        hubspot.crm.steer("archive", {"type": "contacts", "id": one})
    outcomes = ours.write(**dict.fromkeys(ids, "A"))
    assert [o.id for o in outcomes] == ids
    assert {o.result for o in outcomes[:3]} == {Result.GONE}
    assert {o.result for o in outcomes[3:]} == {Result.APPLIED}


def test_trap_14_one_bad_option_loses_ninety_nine_good_rows(hubspot):
    ids = hubspot.contacts(100)
    wanted = [(one, {"hs_lead_status": "open" if n == 50 else "OPEN"}) for n, one in enumerate(ids)]
    assert save(hubspot, *wanted).status_code == 400
    assert hubspot.effects() == []


def test_trap_14_ours_lands_the_99_in_few_more_calls(hubspot, ours, calls):
    ids = hubspot.contacts(100)
    outcomes = ours.status(*((one, "open" if n == 50 else "OPEN") for n, one in enumerate(ids)))
    assert [o.result for o in outcomes].count(Result.APPLIED) == 99
    assert outcomes[50].result is Result.REFUSED
    sent = [said for said, _ in calls if said.endswith("/batch/update")]
    assert len(sent) <= 1 + 2 * math.ceil(math.log2(100))


def test_trap_15_a_batch_with_one_id_twice_is_refused_whole(hubspot):
    one, two = hubspot.contacts(2)
    values = {"jobtitle": "A"}
    assert save(hubspot, (one, values), (two, values), (one, values)).status_code == 400
    assert hubspot.effects() == []


def test_trap_15_ours_sends_it_once_and_the_last_wish_stands(hubspot, ours):
    one, two = hubspot.contacts(2)
    wishes = [(one, "A"), (two, "B"), (one, "C")]
    outcomes = ours.adapter.write([Write("contacts", i, {"jobtitle": t}) for i, t in wishes])
    assert {o.result for o in outcomes} == {Result.APPLIED}
    assert hubspot.crm.portal.find("contacts", one).values["jobtitle"] == "C"


@pytest.mark.parametrize("value", ["1,000", "NaN"])
def test_trap_16_numbers_as_people_write_them_are_refused(hubspot, value):
    (id_,) = hubspot.contacts(1)
    assert save(hubspot, (id_, {"associatedcompanyid": value})).status_code == 400


def test_trap_16_a_float_is_kept_as_it_was_sent(hubspot):
    (id_,) = hubspot.contacts(1)
    assert save(hubspot, (id_, {"associatedcompanyid": 55.0})).ok
    kept = hubspot.crm.portal.find("contacts", id_).values["associatedcompanyid"]
    assert kept == "55.0", "compared as text with 55, it differs for ever"


def test_trap_16_ours_writes_whole_points(opened):
    work = opened("hubspot")
    work.hot("eve")
    work.go()
    assert work.mirrored("eve", "score").isdigit()


def test_trap_17_a_label_or_another_case_is_no_option(hubspot):
    (id_,) = hubspot.contacts(1)
    for said in ("In progress", "in_progress"):
        assert save(hubspot, (id_, {"hs_lead_status": said})).status_code == 400


def test_trap_17_ours_refuses_it_by_field(hubspot, ours):
    (id_,) = hubspot.contacts(1)
    (outcome,) = ours.status((id_, "in_progress"))
    assert (outcome.result, outcome.field) == (Result.REFUSED, "hs_lead_status")
    assert hubspot.effects() == []


def test_trap_20_a_rule_of_the_portal_stops_a_whole_batch(hubspot):
    one, two = hubspot.contacts(2)
    hubspot.crm.steer("edit", {"type": "contacts", "id": one, "set": {"country": "DE"}})
    hubspot.crm.steer("rules", {"required": [["contacts", "country"]]})
    before = hubspot.effects()
    assert save(hubspot, (one, {"jobtitle": "A"}), (two, {"jobtitle": "A"})).status_code == 400
    assert hubspot.effects() == before


def test_trap_20_ours_writes_the_others_and_names_the_property(hubspot, ours):
    one, two = hubspot.contacts(2)
    hubspot.crm.steer("edit", {"type": "contacts", "id": one, "set": {"country": "DE"}})
    hubspot.crm.steer("rules", {"required": [["contacts", "country"]]})
    good, bad = ours.write(**{one: "A", two: "A"})
    assert (good.result, bad.result) == (Result.APPLIED, Result.REFUSED)
    assert (bad.code, bad.field) == ("MISSING_REQUIRED_PROPERTY", "country")
    assert [e[:3] for e in hubspot.effects() if e[2] == "jobtitle"] == [
        ("contacts", one, "jobtitle")
    ]


def test_trap_20_ours_puts_the_one_aside_and_goes_on_with_the_others(opened):
    work = opened("hubspot")
    work.go()
    work.hot("eve", country="DE")
    work.hot("bob")
    work.crm.steer("rules", {"required": [["contacts", "country"]]})
    work.go()
    assert work.mirrored("eve", "score") is not None
    assert work.mirrored("bob", "score") is None
    dead = work.rows("SELECT record, field FROM outbox WHERE state = 'dead'")
    assert set(dead) == {(work.ids["bob"], "country")}


def test_trap_21_a_stage_set_back_is_said_to_be_done_and_is_not(hubspot):
    (id_,) = hubspot.contacts(1, lifecyclestage="customer")
    assert save(hubspot, (id_, {"lifecyclestage": "lead"})).ok
    assert hubspot.crm.portal.find("contacts", id_).values["lifecyclestage"] == "customer"


def test_trap_21_ours_never_moves_it(opened):
    work = opened("hubspot")
    work.hot("eve", lifecyclestage="subscriber")
    work.go()
    changed = {field for _, field, _, _ in work.written()}
    assert changed
    assert "lifecyclestage" not in changed


def _owners(hubspot):
    """A person, one who left, and a queue: no id of an owner is the id of a user."""
    base = {"type": "PERSON", "email": "a@acme.example", "archived": False}
    hubspot.load(owners=[
        {**base, "id": "41", "userId": 95},
        {**base, "id": "42", "userId": None, "userIdIncludingInactive": 96, "archived": True},
        {**base, "id": "43", "userId": None, "type": "QUEUE"},
    ])  # fmt: skip


def test_trap_23_user_ids_and_archived_owners_are_refused(hubspot):
    _owners(hubspot)
    (id_,) = hubspot.contacts(1)
    for said in ("95", "42"):
        assert save(hubspot, (id_, {"hubspot_owner_id": said})).status_code == 400


def test_trap_23_ours_takes_neither_users_nor_those_who_left_nor_queues(hubspot, ours, calls):
    _owners(hubspot)
    ids = hubspot.contacts(4)
    batch = [
        Write("contacts", id_, {"hubspot_owner_id": said})
        for id_, said in zip(ids, ("41", "95", "42", "43"), strict=True)
    ]
    told = ours.adapter.write(batch)
    assert [one.result for one in told] == [Result.APPLIED] + [Result.REFUSED] * 3
    assert [one.code for one in told[1:]] == [
        "not_an_owner_id", "owner_archived", "owner_is_a_queue",
    ]  # fmt: skip
    assert hubspot.effects() == [("contacts", ids[0], "hubspot_owner_id", None, "41")]
    sent = [request.json()["inputs"] for path, request in calls if "batch/update" in path]
    assert [[one["id"] for one in some] for some in sent] == [[ids[0]]]


def test_trap_23_ours_gives_leads_by_the_owners_own_id(opened):
    work = opened("hubspot")
    work.go()
    work.hot("eve")
    work.go()
    given = work.shown("eve")["hubspot_owner_id"]
    assert given in work.owners.values()


def test_trap_24_a_write_after_a_persons_overwrites_it(hubspot):
    base = {"type": "PERSON", "archived": False}
    hubspot.load(owners=[{**base, "id": i, "userId": int(i) + 50, "email": f"{i}@acme.example"} for i in ("41", "42")])  # fmt: skip
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("edit", {"type": "contacts", "id": id_, "set": {"hubspot_owner_id": "41"}})
    save(hubspot, (id_, {"hubspot_owner_id": "42"}))
    assert hubspot.effects()[-1] == ("contacts", id_, "hubspot_owner_id", "41", "42")


def test_trap_24_ours_leaves_the_persons_owner(opened):
    work = opened("hubspot")
    work.go()
    work.hot("eve")
    work.go()
    given = "ben" if work.owner("eve") == "anna" else "anna"
    work.pass_time(HOUR)
    work.gives("eve", given)
    work.go()
    assert work.owner("eve") == given


def _planned(work):
    """A plan that waits, made by a run that sends nothing."""
    work.pass_time(HOUR)
    with work.open() as loop:
        done = run_loop(loop, lambda: work.now, send=False)
    assert done.plan is not None
    return done.plan.id


@pytest.mark.parametrize("edited", [True, False])
def test_trap_24_ours_drops_a_write_where_a_person_went_there_and_back(opened, edited):
    """The value is what it was when we read it; only the history shows that somebody was there."""
    work = opened("hubspot")
    work.go()
    work.hot("eve")
    plan = _planned(work)
    work.pass_time(HOUR)
    if edited:
        work.gives("eve", "ben")
        work.edit("eve", hubspot_owner_id="")
    work.written()
    work.apply(plan)
    owners = [change for change in work.written() if change[1] == "hubspot_owner_id"]
    assert len(owners) == (not edited)


@pytest.mark.parametrize("said_again", [True, False])
def test_trap_24_ours_leaves_our_own_value_once_a_person_said_it_again(opened, said_again):
    work = opened("hubspot")
    work.go()
    work.hot("eve")
    work.go()
    ((given,),) = work.rows("SELECT DISTINCT run FROM journal")
    owner = work.owner("eve")
    assert owner in {"anna", "ben"}
    work.pass_time(HOUR)
    if said_again:
        work.gives("eve", "ben" if owner == "anna" else "anna")
        work.gives("eve", owner)
    work.pass_time(HOUR)
    work.go()
    with work.open("runs undo") as loop:
        back = undo(loop, given)
    work.apply(back.id)
    assert work.owner("eve") == (owner if said_again else None)
    if said_again:
        assert work.rows("SELECT field FROM human_edit") == [("hubspot_owner_id",)]


def test_who_gave_a_field_its_value_is_asked_in_fifties(hubspot, ours, calls):
    ids = hubspot.contacts(120, jobtitle="Boss")
    hubspot.crm.steer("edit", {"type": "contacts", "id": ids[3], "set": {"city": "Lyon"}})
    ours.write(**{ids[3]: "CEO"})
    calls.clear()
    told = ours.adapter.set_by_hand("contacts", ["city", "jobtitle"], ids)
    assert told == {ids[3]: {"city": hubspot.now // 1000 * 1000}}
    asked = [len(request.json()["inputs"]) for path, request in calls if "batch/read" in path]
    assert sorted(asked) == [20, 50, 50]


def test_trap_29_a_create_sent_again_makes_a_second_note(hubspot):
    hubspot.fail("POST */notes", status=502, applied=True)
    note = {"properties": {"hs_note_body": "Hot", "hs_timestamp": "2026-11-24T12:00:00Z"}}
    while not hubspot.call("POST", f"{hubspot.objects}/notes", note).ok:
        pass
    assert len(hubspot.crm.portal.records["notes"]) == 2


def test_trap_29_ours_says_unknown_and_writes_the_value_once(hubspot, ours):
    (id_,) = hubspot.contacts(1)
    hubspot.fail("POST */batch/update", drop="after")
    (outcome,) = ours.write(**{id_: "Boss"})
    assert outcome.result is Result.UNKNOWN
    assert [e[-1] for e in hubspot.effects()] == ["Boss"]


def test_trap_29_ours_looks_for_a_task_before_it_makes_it_again(hubspot, ours):
    (id_,) = hubspot.contacts(1)
    hubspot.load(owners=[{"id": "41", "userId": 95, "type": "PERSON", "email": "a@acme.example",
                          "archived": False}])  # fmt: skip
    task = NewTask("k7", "contacts", id_, "41", "Call Mills [k7]", "Hot", hubspot.now + HOUR)
    hubspot.fail("POST */tasks", drop="after")
    with pytest.raises(UnknownOutcomeError):
        ours.adapter.create_task(task)
    found = ours.adapter.find_tasks([task])
    assert list(found) == ["k7"]
    assert list(hubspot.crm.portal.records["tasks"]) == [found["k7"]]


def test_trap_38_a_null_clears_as_an_empty_text_does(hubspot):
    (id_,) = hubspot.contacts(1, jobtitle="Boss")
    known = {"properties": dict.fromkeys(("jobtitle", "city"))}
    hubspot.json("PATCH", f"{hubspot.objects}/contacts/{id_}", known)
    assert hubspot.effects()[0] == ("contacts", id_, "jobtitle", "Boss", None)


def test_trap_38_ours_clears_only_what_it_was_told_to(hubspot, ours):
    (id_,) = hubspot.contacts(1, jobtitle="Boss", city="Rome")
    ours.adapter.write([Write("contacts", id_, {"jobtitle": None})])
    assert hubspot.effects() == [("contacts", id_, "jobtitle", "Boss", None)]
