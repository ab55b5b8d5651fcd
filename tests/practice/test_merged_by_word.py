"""Merges as a webhook tells them: the record that was merged away leads to the one it went into."""

from __future__ import annotations

from connector.domain.moment import HOUR
from connector.store.database import open_store
from connector.sync.reading import hints


def hear(work, *ids):
    store = open_store(work.loaded.store_url())
    try:
        hints.note(store, "crm", [f"contacts/{id_}" for id_ in ids], work.now)
    finally:
        store.close()


def merged(opened):
    work = opened("hubspot")
    work.person("one")
    work.hot("two")
    work.go()
    work.pass_time(HOUR)
    both = {"primary": work.ids["one"], "other": work.ids["two"]}
    made = work.crm.steer("merge", {"type": "contacts", **both})["id"]
    return work, made


def whereto(work):
    return dict(work.rows("SELECT id, merged_into FROM record WHERE object = 'contact' AND gone"))


def is_one_person(work, made):
    ((person,),) = work.rows(f"SELECT person FROM record WHERE id = '{made}'")
    assert work.rows("SELECT id FROM person") == [(person,)]
    assert work.rows("SELECT DISTINCT person FROM activity") == [(person,)]


def test_a_merge_a_webhook_spoke_of_names_the_winner(opened):
    work, made = merged(opened)
    hear(work, work.ids["one"], work.ids["two"], made)
    work.run()
    assert whereto(work) == {work.ids["one"]: made, work.ids["two"]: made}
    is_one_person(work, made)


def test_the_word_of_one_loser_alone_is_enough(opened):
    work, made = merged(opened)
    work.crm.steer("rules", {"lag": 3 * 3600})  # no window shows the merge before the word does
    hear(work, work.ids["two"])
    work.run()
    assert whereto(work)[work.ids["two"]] == made
