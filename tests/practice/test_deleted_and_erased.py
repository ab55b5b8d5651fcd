"""What is deleted in a portal stops counting; what is erased there for good is erased here."""

from __future__ import annotations

from connector.domain.moment import DAY, HOUR


def met(work, name):
    """A person who was met once, and the id of that meeting."""
    work.person(name)
    before = set(work.crm.portal.records["meetings"])
    work.meets(name)
    (meeting,) = set(work.crm.portal.records["meetings"]) - before
    return meeting


def score(work, name):
    return work.mirrored(name, "score")


def ids(work):
    return {row[0] for row in work.rows("SELECT id FROM record WHERE object = 'contact'")}


def test_a_meeting_that_is_deleted_stops_counting_and_one_restored_counts_again(opened):
    work = opened("hubspot")
    meeting, other = met(work, "one"), met(work, "two")
    work.go()
    work.run()
    assert score(work, "one") == score(work, "two") == "100"
    work.crm.steer("archive", {"type": "meetings", "id": meeting})
    work.pass_time(HOUR)
    work.run()
    assert score(work, "one") == "100", "the bin of engagements is looked into once a day"
    work.pass_time(DAY)
    work.run()
    assert (score(work, "one"), score(work, "two")) == ("60", "100")
    kept = work.rows("SELECT id FROM activity WHERE object = 'meeting'")
    assert kept == [(f"{other}:{work.ids['two']}",)]
    record = work.crm.portal.records["meetings"][meeting]
    record.archived = None
    work.crm.portal.change("meetings", record, {}, "person")
    work.run()
    assert score(work, "one") == "100"


def test_a_first_load_looks_into_no_bin_of_engagements(opened):
    work = opened("hubspot")
    meeting = met(work, "one")
    work.crm.steer("archive", {"type": "meetings", "id": meeting})
    asked = []
    due = work.crm.faults.due
    work.crm.faults.due = lambda request: asked.append(request) or due(request)
    work.go()
    bins = [one.path for one in asked if "archived=true" in one.query]
    assert bins
    assert not [path for path in bins if path.endswith(("meetings", "calls", "emails", "tasks"))]


def test_who_was_erased_without_a_word_is_erased_here_by_the_next_reconcile(opened):
    work = opened("hubspot")
    work.hot("ada")
    work.hot("ben")
    work.hot("eve")
    work.go()
    work.crm.steer("erase", {"type": "contacts", "id": work.ids["ada"]})
    work.crm.steer("archive", {"type": "contacts", "id": work.ids["eve"]})
    work.pass_time(2 * DAY)
    work.run()
    assert ids(work) == {work.ids["ben"], work.ids["eve"]}
    assert "ada@" not in str(
        work.rows("SELECT doc FROM person") + work.rows("SELECT * FROM record")
    )
    gone = work.rows("SELECT id FROM record WHERE gone")
    assert gone == [(work.ids["eve"],)], "what lies in the bin is deleted, and not forgotten"
    said = work.rows("SELECT what FROM audit WHERE what LIKE 'erased%'")
    assert len(said) == 1


def test_a_merged_contact_is_never_taken_for_an_erased_one(opened):
    work = opened("hubspot")
    work.hot("one")
    work.hot("two")
    work.go()
    both = {"primary": work.ids["one"], "other": work.ids["two"]}
    made = work.crm.steer("merge", {"type": "contacts", **both})["id"]
    work.pass_time(2 * DAY)
    work.run()
    assert ids(work) == {work.ids["one"], work.ids["two"], made}
    assert work.rows("SELECT 1 FROM audit WHERE what LIKE 'erased%'") == []


def test_what_lay_longer_unseen_than_the_bin_keeps_it_is_not_taken_for_erased(opened):
    work = opened("hubspot")
    work.hot("ada")
    work.hot("ben")
    work.go()
    work.crm.steer("erase", {"type": "contacts", "id": work.ids["ada"]})
    work.pass_time(91 * DAY)
    work.run()
    assert work.rows(f"SELECT gone FROM record WHERE id = '{work.ids['ada']}'") == [(1,)]
    assert work.rows("SELECT 1 FROM audit WHERE what LIKE 'erased%'") == []
