"""Hand-offs as sales meets them: package, task, alerts, the clock, and who gets it when it is over."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from connector.domain.moment import DAY, HOUR, MINUTE, format_iso
from connector.store.database import open_store
from connector.sync.handing_off.standings import standings
from tests.sync.world import MAPPING, ROUTING, SETTINGS

HANDED = (
    "      package: {to: ll_package, owner: ours}\n"
    "      do_next: {to: ll_next, owner: ours}\n"
    "      crossed_at: {to: ll_crossed, owner: ours}\n"
    "      sla_due: {to: ll_due, owner: ours}\n"
)

CALM = "sla: {tiers: [], first_touch: 30d}\n"


@pytest.fixture
def company(small):
    """A company at work: its CRM shows which owner did what, and has fields for the package."""
    from connector.adapters.base import RemoteField

    mapping = MAPPING.replace("      score: {to: ll_score", HANDED + "      score: {to: ll_score")
    mapping = mapping.replace("asset: asset, form", "asset: asset, owner: owner, form")
    small.write("mapping.yaml", mapping)
    for name in ("ll_package", "ll_next", "ll_crossed", "ll_due"):
        small.crm.fields["leads"][name] = RemoteField(name, None)
    small.crm.fields["events"]["owner"] = RemoteField("owner", None)
    small.lead("seed", title="Clerk")
    small.event("seed", "call", owner="ben")
    small.start()
    return small


def configure(world, text):
    world.write("leadloop.yaml", SETTINGS.format(store=world.store_url, stage="route") + text)


def buckets(world):
    store = open_store(world.loaded.store_url())
    try:
        return {
            r["person"].rpartition("/")[2]: r["bucket"]
            for r in standings(store, world.loaded, world.now)
        }
    finally:
        store.close()


@pytest.fixture
def channel():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_hand_off_comes_with_its_package_in_fields_and_one_task(company):
    configure(
        company, "handoff: {do_next: {rules: {Pricing: Send the price list}}, answers: [title]}\n"
    )
    company.hot("l1")
    company.run()
    shown = company.shown("l1")
    assert shown["ll_next"] == "Send the price list"
    assert shown["ll_due"] == format_iso(company.now + 30 * MINUTE)
    text = shown["ll_package"]
    for part in (
        "Score 80 of 100, grade A2",
        "  +36 Boss",
        "page view /pricing",
        "Answers:\n  title: VP Operations",
        "Account: Big (0 open opportunities)",
        "Do next: Send the price list",
        "Why you: fallback, pool team",
        f"First contact due: {shown['ll_due']}",
        "Answer by the record's status",
    ):
        assert part in text
    (task,) = company.crm.tasks.values()
    assert (task.record, task.owner, task.text) == ("l1", "anna", text)
    assert task.subject.startswith("Send the price list [leadloop-")
    company.written()
    company.run()
    assert company.written() == []
    assert len(company.crm.tasks) == 1


def test_c33_a_task_whose_answer_was_lost_is_looked_for_and_not_made_again(company):
    company.hot("l1")

    def losing(task):
        company.crm.lose_answers = 1  # the answer to this very task

    company.crm.refuse_task = losing
    company.run()
    assert company.rows("SELECT task FROM handoff") == [("sending",)]
    company.run()
    assert company.rows("SELECT task, task_id FROM handoff") == [("done", "task1")]
    assert len(company.crm.tasks) == 1


def test_a_task_the_crm_refuses_is_told_and_the_hand_off_stands(company):
    company.crm.refuse_task = lambda _task: "TASKS_OFF"
    company.hot("l1")
    company.run()
    assert any("refused a task for crm/lead/l1 (TASKS_OFF)" in said for said in company.warnings)
    assert company.shown("l1")["ll_state"] == "handed_off"
    company.run()
    assert company.crm.tasks == {}


def test_people_sales_had_before_get_neither_task_nor_clock(small):
    small.hot("l1", owner="ben")
    small.start()
    small.pass_time(30 * DAY)
    small.run()
    assert small.crm.tasks == {}
    assert buckets(small) == {"l1": "silent"}
    assert small.rows("SELECT count(*) FROM handoff") == [(0,)]


def test_nothing_is_given_to_anybody_before_the_stage_is_route(small):
    small.stage("score")
    small.lead("seed")
    small.start()
    small.hot("l1")
    small.run()
    assert small.crm.tasks == {}
    assert small.rows("SELECT count(*) FROM alert") == [(0,)]


def test_the_owner_is_alerted_once_in_five_lines_and_never_at_night(company, channel):
    pytest.importorskip("apprise")
    address, got = channel
    configure(company, f'{CALM}alerts: {{owners: {{anna@us.example: ["{address}"]}}}}\n')
    company.now += 13 * HOUR  # 22:00
    company.hot("l1", name="Ada")
    company.run()
    assert got == []
    company.pass_time(11 * HOUR)
    company.run()
    company.run()
    assert [one["title"] for one in got] == ["Ada, Big: 80 (A2)"]
    assert got[0]["message"].splitlines() == [
        "Why: +36 Boss; +24 Big; +20 Pricing",
        "Last: page view /pricing, 2026-03-02",
        "Do next: Call, and ask what they are looking for",
        "crm/lead/l1",
    ]


def test_lower_grades_come_in_one_digest_the_next_morning(company, channel):
    pytest.importorskip("apprise")
    address, got = channel
    configure(company, f'{CALM}alerts: {{sales: ["{address}"], at_once: [Z]}}\n')
    company.hot("l1", name="Ada")
    company.hot("l2", name="Bob")
    company.hot("l3", name="Cy")
    company.run()
    assert got == []
    company.pass_time(DAY)
    company.run()
    titles = sorted(one["title"] for one in got)
    assert titles == ["1 new people for you", "2 new people for you"]
    assert sum(one["message"].count("Do next:") for one in got) == 3


def test_about_a_record_of_somebody_on_leave_the_team_is_told_too(company, channel):
    pytest.importorskip("apprise")
    address, got = channel
    mapping = (company.folder / "mapping.yaml").read_text()
    away = "type: type, away: {from: away, as: bool}}"
    company.write("mapping.yaml", mapping.replace("type: type}", away, 1))
    for name in ("anna", "ben", "carla", "dan"):
        company.put("users", name, away=name == "ben")
    told = f'alerts: {{owners: {{ben: ["{address}?to=ben"]}}, sales: ["{address}?to=team"]}}\n'
    configure(company, CALM + told)
    company.hot("l1", owner="ben", name="Ada")
    company.run()
    assert company.shown("l1")["owner"] == "ben", "a record stays with its owner"
    assert [one["title"] for one in got] == ["Ada, Big: 80 (A2)"] * 2
    assert company.rows("SELECT rule FROM routing") == [("current owner, who is away",)]


def come_back(world, ident, *, after=DAY):
    """Sales says "not ready" for the same reason, and the person does something new."""
    world.pass_time(HOUR)
    world.put("leads", ident, status="later", reason="bad timing")
    world.run()
    world.put("leads", ident, status="new")
    world.pass_time(after)
    world.event(ident, url="/pricing")
    world.run()


def test_of_one_person_nobody_is_told_twice_within_a_week(company, channel):
    pytest.importorskip("apprise")
    address, got = channel
    told = f'alerts: {{sales: ["{address}"], hours: null, at_once: [A, B, C, D]}}\n'
    configure(company, CALM + told)
    company.hot("l1")
    company.run()
    assert len(got) == 1
    come_back(company, "l1")
    assert (company.shown("l1")["ll_cycle"], len(got)) == (2, 1)
    assert len(company.crm.tasks) == 2, "the task of the new cycle is there all the same"
    come_back(company, "l1", after=8 * DAY)
    assert (company.shown("l1")["ll_cycle"], len(got)) == (3, 2)


def test_twice_back_for_the_same_reason_it_goes_to_somebody_else(small):
    configure(small, CALM)
    small.put("users", "inbound", name="Inbound", email=None, active=True, type="queue")
    small.write("routing.yaml", ROUTING + "on_recycle: {queue: Inbound}\n")
    small.lead("seed", title="Clerk")
    small.start()
    small.hot("l1")
    small.run()
    owners = [small.shown("l1")["owner"]]
    for _ in range(2):
        come_back(small, "l1")
        owners.append(small.shown("l1")["owner"])
    assert owners == ["anna", "anna", "ben"], (
        "the last owner is preferred, until it goes in circles"
    )


def test_a_late_hand_off_is_warned_of_escalated_and_given_to_somebody_else_once(company):
    configure(company, "alerts: {hours: null}\n")
    company.hot("l1")
    company.run()
    assert company.shown("l1")["owner"] == "anna"
    assert buckets(company)["l1"] == "waiting"
    company.pass_time(25 * MINUTE)
    company.run()
    assert company.rows("SELECT step FROM handoff") == [("warned",)]
    company.pass_time(10 * MINUTE)
    company.run()
    assert company.rows("SELECT step FROM handoff") == [("escalated",)]
    assert buckets(company)["l1"] == "late"
    company.pass_time(DAY)
    company.run()
    assert company.shown("l1")["owner"] == "ben"
    assert company.rows("SELECT owner, step, turn FROM handoff") == [("crm/ben", "", 1)]
    assert company.shown("l1")["ll_due"] > format_iso(company.now)
    company.written()
    company.run()
    assert company.written() == [], "the new due date came with the new owner"
    for _ in range(6):
        company.pass_time(12 * HOUR)
        company.run()
    assert company.shown("l1")["owner"] == "ben", "nobody is passed round"
    assert len(company.crm.tasks) == 2


def test_a_first_contact_ends_the_clock(company):
    company.hot("l1")
    company.run()
    company.pass_time(20 * MINUTE)
    company.event("l1", "call", ago=MINUTE, owner="anna")
    company.run()
    assert buckets(company)["l1"] == "touched"
    company.pass_time(DAY)
    company.run()
    assert company.rows("SELECT step, turn FROM handoff") == [("", 0)]
    assert company.shown("l1")["owner"] == "anna"


def test_whoever_a_person_chose_in_the_crm_keeps_a_late_hand_off(company):
    company.hot("l1")
    company.run()
    company.put("leads", "l1", owner="carla")
    for _ in range(5):
        company.pass_time(13 * HOUR)
        company.run()
    assert company.shown("l1")["owner"] == "carla"


def test_a_late_record_that_was_somebodys_before_stays_theirs_and_listed(company):
    configure(company, "alerts: {hours: null}\n")
    company.hot("l1", owner="ben")
    company.run()
    for _ in range(5):
        company.pass_time(13 * HOUR)
        company.run()
    assert company.shown("l1")["owner"] == "ben"
    assert company.rows("SELECT state, owner FROM cycle WHERE person = 'crm/lead/l1'") == [
        ("handed_off", "crm/ben")
    ], "nobody is said to have it whom the CRM will never show"
    assert company.rows("SELECT owner, step, turn FROM handoff") == [("crm/ben", "reassigned", 0)]
    assert buckets(company)["l1"] == "late"
    company.put("leads", "l1", status="good")
    company.pass_time(HOUR)
    company.run()
    assert buckets(company)["l1"] == "qualified"


def test_a_late_record_of_somebody_who_left_is_given_to_somebody_else(company):
    configure(company, "alerts: {hours: null}\n")
    company.hot("l1", owner="ben")
    company.run()
    company.put("users", "ben", active=False)
    for _ in range(3):
        company.pass_time(13 * HOUR)
        company.run()
    assert company.shown("l1")["owner"] == "anna"
    assert company.rows("SELECT state FROM cycle WHERE person = 'crm/lead/l1'") == [("handed_off",)]


def test_who_rejected_a_person_does_not_get_that_person_again(company):
    company.hot("l1")
    company.run()
    assert company.shown("l1")["owner"] == "anna"
    company.pass_time(HOUR)
    company.put("leads", "l1", status="bad", reason="student")
    company.run()
    company.pass_time(100 * DAY)
    company.put("leads", "l1", status="new", owner=None)
    company.event("l1", "form_submit", form="demo")
    company.run()
    assert company.shown("l1")["owner"] == "ben"
    assert company.shown("l1")["ll_cycle"] == 2


def test_what_the_crm_does_not_show_is_not_called_late(small):
    small.lead("seed", title="Clerk")
    small.start()
    small.hot("l1")
    small.run()
    small.pass_time(3 * DAY)
    small.run()
    assert buckets(small) == {"l1": "untimed"}
    assert small.rows("SELECT step FROM handoff") == [("",)]


def test_check_says_which_sla_the_schedule_cannot_keep(company):
    from connector.cli.check import _slas

    configure(company, "sla: {every: 15m}\n")
    (said,) = _slas(company.loaded)
    configure(company, "serve: {every: 15m}\n")
    assert _slas(company.loaded) == [said], "serve's own schedule counts where no other is named"
    configure(company, "serve: {every: 15m}\nsla: {every: 4m}\n")
    assert _slas(company.loaded) == []
    assert said == (
        "sla: `hand-raise` asks for first contact within 5 minutes, but runs come every 15 "
        "minutes: it cannot be kept; run more often, or allow more"
    )


def test_a_forgotten_person_leaves_neither_package_nor_alert_behind(company):
    from connector.sync.upkeep.forget import forget

    company.hot("l1", name="Ada")
    company.run()
    store = open_store(company.loaded.store_url())
    forget(store, "l1@acme.example", company.now, allow_return=False)
    store.close()
    ((person, record, package, alert, task),) = company.rows(
        "SELECT person, record, package, alert, task FROM handoff"
    )
    assert person.startswith("forgotten/")
    assert (record, package, alert, task) == (person, "", "[]", "none")
