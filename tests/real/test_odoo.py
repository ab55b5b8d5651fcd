"""The Odoo adapter against a real Odoo 19."""

from __future__ import annotations

import time
from itertools import islice

import pytest

from connector.adapters.base import FieldStep, Window
from connector.domain.change import Result, Write
from connector.domain.moment import HOUR
from connector.domain.outward import FieldType
from connector.errors import LoginError, RemoteError, TryLaterError, UsageError

pytestmark = pytest.mark.real
FIELD = "x_leadloop_score"


@pytest.fixture(scope="module")
def leads(odoo):
    """Forty leads written in descending id order within about a second."""
    made = odoo.call("crm.lead", "create", vals_list=[{"name": f"Lead {n}"} for n in range(40)])
    time.sleep(1.1)
    for ident in sorted(made, reverse=True):
        odoo.call("crm.lead", "write", [ident], vals={"function": "changed"})
    time.sleep(1.1)
    return sorted(made)


def everything(adapter, names, window, source="crm.lead"):
    pages = list(islice(adapter.read(source, names, window, None), 500))
    assert len(pages) < 500, "the pages never end"
    return [row for page in pages for row in page.rows]


def recent(adapter):
    now = adapter.server_now()
    return Window(now - HOUR, now)


def test_forty_leads_of_one_second_all_come_page_by_page(odoo, leads):
    adapter = odoo.adapter(page=7)
    rows = everything(adapter, ["id", "function", "write_date"], recent(adapter))
    found = {int(row["id"]) for row in rows if row["function"] == "changed"}
    assert found == set(leads)


def test_a_naive_client_that_pages_by_time_and_id_loses_leads(odoo, leads):
    """The textbook keyset: Odoo compares by the second and sorts by the microsecond."""
    seen: list[int] = []
    last_date, last_id = "2000-01-01 00:00:00", 0
    for _ in range(100):
        domain = [
            ["function", "=", "changed"],
            "|",
            ["write_date", ">", last_date],
            "&",
            ["write_date", "=", last_date],
            ["id", ">", last_id],
        ]
        rows = odoo.call(
            "crm.lead",
            "search_read",
            domain=domain,
            fields=["write_date"],
            limit=7,
            order="write_date,id",
        )
        if not rows:
            break
        seen += [row["id"] for row in rows]
        last_date, last_id = rows[-1]["write_date"], rows[-1]["id"]
    assert len(set(seen)) < len(leads)


def test_a_position_resumes_after_its_page(odoo, leads):
    adapter = odoo.adapter(page=7)
    window = recent(adapter)
    first = next(adapter.read("crm.lead", ["id"], window, None))
    rest = [
        row
        for page in islice(adapter.read("crm.lead", ["id"], window, first.position), 500)
        for row in page.rows
    ]
    ids = [int(row["id"]) for row in [*first.rows, *rest]]
    assert ids == sorted(set(ids))
    assert set(leads) <= set(ids)


def test_lost_leads_are_read_although_odoo_hides_them(odoo, leads):
    odoo.call("crm.lead", "action_set_lost", [leads[0]])
    adapter = odoo.adapter()
    found = adapter.read_ids("crm.lead", ["active", "won_status"], [str(leads[0])])
    assert found == [{"id": str(leads[0]), "active": False, "won_status": "lost"}]


def test_references_are_read_as_id_as_name_and_as_a_field_of_what_they_lead_to(odoo, leads):
    country = odoo.call("res.country", "search", domain=[["code", "=", "FR"]])[0]
    odoo.call("crm.lead", "write", [leads[1]], vals={"country_id": country, "user_id": 2})
    names = ["user_id", "user_id.name", "country_id.code", "email_from", "create_date"]
    (row,) = odoo.adapter().read_ids("crm.lead", names, [str(leads[1])])
    assert row["user_id"] == "2"
    assert row["user_id.name"]
    assert row["country_id.code"] == "FR"
    assert row["email_from"] is None
    assert row["create_date"].endswith("Z")
    assert row["create_date"][10] == "T"


def test_install_makes_a_field_once(odoo):
    adapter = odoo.adapter()
    step = FieldStep("crm.lead", FIELD, FieldType.NUMBER, "Leadloop score", 0, "create")
    (planned,) = adapter.plan_fields([step])
    assert planned.action == "create"
    adapter.create_fields([planned])
    assert adapter.describe("crm.lead")[FIELD].type is FieldType.NUMBER
    (again,) = odoo.adapter().plan_fields([step])
    assert again.action == "keep"


def test_a_field_of_another_type_under_our_name_is_a_clash(odoo):
    (step,) = odoo.adapter().plan_fields(
        [FieldStep("crm.lead", "contact_name", FieldType.NUMBER, "x", 0, "create")]
    )
    assert step.action == "clash"
    assert "char" in step.note


def test_each_record_of_a_batch_gets_its_own_outcome(odoo, leads):
    adapter = odoo.adapter()
    good, bad, missing, other = str(leads[2]), str(leads[3]), "999999", str(leads[4])
    outcomes = adapter.write(
        [
            Write("crm.lead", good, {"function": "Boss"}),
            Write("crm.lead", bad, {"type": "no such type"}),
            Write("crm.lead", missing, {"function": "Boss"}),
            Write("crm.lead", other, {"function": "Chief"}),
        ]
    )
    assert [o.result for o in outcomes] == [
        Result.APPLIED,
        Result.REFUSED,
        Result.GONE,
        Result.APPLIED,
    ]
    rows = adapter.read_ids("crm.lead", ["function"], [good, bad, other])
    assert [row["function"] for row in rows] == ["Boss", "changed", "Chief"]


def test_a_hundred_records_with_different_values_are_written_in_one_call(odoo, leads):
    adapter = odoo.adapter()
    batch = [Write("crm.lead", str(i), {"contact_name": f"Name {i}"}) for i in leads]
    assert {o.result for o in adapter.write(batch)} == {Result.APPLIED}
    rows = adapter.read_ids("crm.lead", ["contact_name"], [str(i) for i in leads])
    assert [row["contact_name"] for row in rows] == [f"Name {i}" for i in leads]


def test_a_quiet_owner_write_sends_no_mail_and_a_hand_off_does(odoo, leads):
    def mails():
        return odoo.call("mail.mail", "search_count", domain=[])

    (user,) = odoo.call(
        "res.users", "create", vals_list=[{"name": "Rep", "login": "rep@x.example"}]
    )
    before = mails()
    odoo.adapter().write([Write("crm.lead", str(leads[5]), {"user_id": str(user)}, quiet=True)])
    assert mails() == before
    odoo.adapter().write([Write("crm.lead", str(leads[6]), {"user_id": str(user)})])
    assert mails() == before + 1


@pytest.mark.parametrize("older", [False, True], ids=["JSON-2", "XML-RPC"])
def test_a_task_is_a_planned_activity_found_also_when_it_is_done_and_mails_nobody(
    odoo, leads, older
):
    from connector.adapters.base import NewTask
    from connector.adapters.odoo.calls import XmlRpc
    from connector.transport.http import Transport

    (user,) = odoo.call(
        "res.users",
        "create",
        vals_list=[
            {
                "name": "Caller",
                "login": f"caller{older}@x.example",
                "email": "caller@x.example",
                "group_ids": [(4, group) for group in sales_group(odoo)],
            }
        ],
    )
    adapter = odoo.adapter()
    if older:
        adapter._calls = XmlRpc(Transport(odoo.address), odoo.database, "admin", lambda: odoo.key)
    mark, lead = f"leadloop-{older:016x}", str(leads[8 + older])
    due = 1_799_999_999_000_000
    task = NewTask(mark, "crm.lead", lead, str(user), f"Call < them [{mark}]", "a <b>\nc", due)
    assert adapter.find_tasks([task]) == {}
    mails = odoo.call("mail.mail", "search_count", domain=[])
    made = adapter.create_task(task)
    assert odoo.call("mail.mail", "search_count", domain=[]) == mails
    assert adapter.find_tasks([task]) == {mark: made}
    (row,) = odoo.call(
        "mail.activity",
        "read",
        [int(made)],
        fields=["res_id", "user_id", "summary", "note", "date_deadline", "activity_type_id"],
    )
    assert (row["res_id"], row["user_id"][0], row["date_deadline"]) == (
        int(lead),
        user,
        "2027-01-15",
    )
    assert row["summary"] == task.subject
    assert "a &lt;b&gt;" in row["note"]
    assert row["activity_type_id"][1] == "To-Do"
    odoo.call("mail.activity", "action_feedback", [int(made)], feedback="done")
    assert adapter.find_tasks([task]) == {mark: made}


def sales_group(odoo):
    rows = odoo.call(
        "ir.model.data",
        "search_read",
        domain=[["module", "=", "sales_team"], ["name", "=", "group_sale_salesman_all_leads"]],
        fields=["res_id"],
    )
    return [row["res_id"] for row in rows]


def test_the_older_interface_reads_and_writes_the_same(odoo, leads):
    from connector.adapters.odoo.calls import XmlRpc
    from connector.transport.http import Transport

    adapter = odoo.adapter()
    older = odoo.adapter()
    older._calls = XmlRpc(Transport(odoo.address), odoo.database, "admin", lambda: odoo.key)
    names = ["function", "user_id", "create_date", "active"]
    ids = [str(i) for i in leads]
    assert older.read_ids("crm.lead", names, ids) == adapter.read_ids("crm.lead", names, ids)
    (outcome,) = older.write([Write("crm.lead", ids[7], {"function": "By XML"})])
    assert outcome.result is Result.APPLIED
    (row,) = adapter.read_ids("crm.lead", ["function"], [ids[7]])
    assert row["function"] == "By XML"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"key": "0" * 40}, LoginError, "refused the API key"),
        ({"database": "no_such_database"}, UsageError, "in that database"),
        ({"address": "http://127.0.0.1:9"}, TryLaterError, "cannot be reached"),
    ],
    ids=["wrong key", "wrong database", "wrong address"],
)
def test_what_is_wrong_with_a_connection_is_said_with_its_next_step(odoo, change, error, words):
    from dataclasses import replace

    adapter = replace(odoo, **change).adapter()
    adapter._transport._attempts = 1
    with pytest.raises(error, match=words) as caught:
        adapter.check()
    assert caught.value.hint
    assert odoo.key not in str(caught.value)


def test_an_unknown_field_is_named(odoo):
    with pytest.raises(UsageError, match="no field `no_such_field`"):
        list(odoo.adapter().read("crm.lead", ["no_such_field"], Window(None, 1), None))


def test_who_we_are_and_where(odoo):
    there = odoo.adapter().check()
    assert there.product.startswith("Odoo 19")
    assert odoo.database in there.organisation


def test_a_method_odoo_refuses_is_not_tried_again(odoo):
    with pytest.raises(RemoteError):
        odoo.call("crm.lead", "search_read", domain=[["no_such_field", "=", 1]])
