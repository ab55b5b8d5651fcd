"""Odoo's mailing lists follow the nurture fields, whoever was on them before."""

from __future__ import annotations

import json

import pytest
import responses

from connector.adapters.base import FieldStep
from connector.adapters.odoo.adapter import OdooAdapter
from connector.adapters.odoo.mailing import FLAG, THEME
from connector.domain.change import Result, Write
from connector.domain.outward import FieldType
from tests.contract.fakes import OdooFake

LIST, CONTACT, JOINED = "mailing.list", "mailing.contact", "mailing.subscription"


class Marketing(OdooFake):
    """The same server with e-mail marketing, as far as lists need it."""

    def __init__(self):
        super().__init__()
        self.types |= {FLAG: "boolean", THEME: "char", "email_normalized": "char"}
        self.tables = {LIST: {}, CONTACT: {}, JOINED: {}}
        self.sent = []
        for model in self.tables:
            for method in ("search_read", "create", "unlink"):
                responses.add_callback(
                    responses.POST,
                    f"{self.address}/json/2/{model}/{method}",
                    self._of(model, method),
                )

    def _of(self, model, method):
        def handle(request):
            if self.forbidden == model:
                return self._error(403, "odoo.exceptions.AccessError", "You are not allowed")
            body = json.loads(request.body)
            if method != "search_read":
                self.sent.append((model, method))
            answer = getattr(self, f"_any_{method}")(self.tables[model], **body)
            return 200, {"Content-Type": "application/json"}, json.dumps(answer)

        return handle

    def _any_create(self, table, vals_list):
        ids = []
        for values in vals_list:
            if table is self.tables[JOINED]:
                pair = values["contact_id"], values["list_id"]
                assert pair not in {(r["contact_id"], r["list_id"]) for r in table.values()}
            ids.append(max(table, default=0) + 1)
            table[ids[-1]] = {"opt_out": False, **values}
            if "email" in values:
                table[ids[-1]]["email_normalized"] = values["email"].strip().lower()
        return ids

    def _any_unlink(self, table, ids):
        for one in ids:
            del table[one]
        return True

    def _any_search_read(self, table, domain, fields, order="id"):
        del order
        either, terms = domain[:1] == ["|"], [t for t in domain if t != "|"]
        keeps = any if either else all
        return [
            {"id": i, **{n: self._shown(row, n) for n in fields}}
            for i, row in sorted(table.items())
            if keeps(self._fits(row, term) for term in terms)
        ]

    @staticmethod
    def _shown(row, name):
        value = row.get(name, False)
        return [value, "shown"] if name in {"contact_id", "list_id"} else value

    @staticmethod
    def _fits(row, term):
        name, operator, wanted = term
        if operator == "=like":
            return row[name].startswith(wanted.removesuffix("%"))
        return row[name] in wanted

    def _ir_model_search_read(self, domain, fields, order=""):
        if domain == [["model", "=", JOINED]]:
            return [{"id": 9}] if self.tables else []
        return super()._ir_model_search_read(domain, fields=fields, order=order)

    def named(self, *names):
        self._any_create(self.tables[LIST], [{"name": name} for name in names])

    def lead(self, ident, email):
        number = self.put(ident, title="Boss")
        self.rows[int(number)] |= {"email_normalized": email, FLAG: False, THEME: False}
        return number

    def members(self):
        """Addresses by list, those left out who said they do not want it."""
        contacts, lists = self.tables[CONTACT], self.tables[LIST]
        return {
            one["name"]: {
                contacts[r["contact_id"]]["email_normalized"]
                for r in self.tables[JOINED].values()
                if r["list_id"] == ident and not r["opt_out"]
            }
            for ident, one in lists.items()
        }


@pytest.fixture
def odoo():
    with responses.mock:
        yield Marketing()
    responses.reset()


def write(odoo, *pairs, crm=None):
    outcomes = (crm or odoo.adapter).write([Write("crm.lead", i, v) for i, v in pairs])
    assert {one.result for one in outcomes} == {Result.APPLIED}


def nurture(theme):
    return {FLAG: theme is not None, THEME: theme}


def test_members_follow_flag_and_theme_and_a_second_time_nothing_is_sent(odoo):
    odoo.named("Leadloop nurture: price", "Leadloop nurture: safety", "Customers")
    one, two, mute = odoo.lead(1, "ada@x.example"), odoo.lead(2, "bob@x.example"), odoo.lead(3, "")
    write(odoo, (one, nurture("price")), (two, nurture("safety")), (mute, nurture("price")))
    there = {
        "Leadloop nurture: price": {"ada@x.example"},
        "Leadloop nurture: safety": {"bob@x.example"},
        "Customers": set(),
    }
    assert odoo.members() == there
    odoo.sent.clear()
    write(odoo, (one, nurture("price")), (two, nurture("safety")))
    assert (odoo.members(), odoo.sent) == (there, [])
    write(odoo, (one, {THEME: "safety"}), (two, {FLAG: False}))  # one of the two fields alone
    assert odoo.members()["Leadloop nurture: safety"] == {"ada@x.example"}
    assert odoo.members()["Leadloop nurture: price"] == set()
    odoo.sent.clear()
    write(odoo, (one, {"x_leadloop_score": 7}))
    assert odoo.sent == []
    assert len(odoo.tables[CONTACT]) == 2, "nobody is a contact twice"


def test_whoever_left_a_list_by_their_own_wish_is_never_put_back_on_it(odoo):
    odoo.named("Leadloop nurture: price")
    lead = odoo.lead(1, "ada@x.example")
    write(odoo, (lead, nurture("price")))
    (row,) = odoo.tables[JOINED].values()
    row["opt_out"] = True
    for theme in (None, "price"):
        write(odoo, (lead, nurture(theme)))
        assert list(odoo.tables[JOINED].values()) == [row]


def test_a_list_of_the_companys_own_serves_the_themes_that_name_it(odoo, caplog):
    odoo.named("Newsletter")
    names = {"price": "Newsletter", "safety": "Newsletter", "cost": "Elsewhere"}
    crm = OdooAdapter(odoo.address, "crm", "me", lambda: odoo.secret, nurtured=names)
    one, two = odoo.lead(1, "ada@x.example"), odoo.lead(2, "bob@x.example")
    write(odoo, (one, nurture("price")), (two, nurture("safety")), crm=crm)
    assert odoo.members() == {"Newsletter": {"ada@x.example", "bob@x.example"}}
    write(odoo, (one, nurture("cost")), crm=crm)
    assert odoo.members() == {"Newsletter": {"bob@x.example"}}
    assert "`Elsewhere`" in caplog.text


def test_fields_are_written_though_the_lists_cannot_follow_and_install_puts_it_right(odoo, caplog):
    odoo.named("Leadloop nurture: price")
    lead = odoo.lead(1, "ada@x.example")
    odoo.forbidden = LIST
    write(odoo, (lead, nurture("price")))
    write(odoo, (lead, nurture("price")))
    assert odoo.rows[int(lead)][THEME] == "price"
    assert odoo.members() == {"Leadloop nurture: price": set()}
    (said,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert "right to e-mail marketing" in said
    assert "ada@" not in caplog.text
    odoo.forbidden = ""
    odoo.adapter.create_fields([FieldStep("crm.lead", FLAG, FieldType.BOOLEAN, "", 0, "keep")])
    assert odoo.members() == {"Leadloop nurture: price": {"ada@x.example"}}


def test_a_database_without_e_mail_marketing_is_asked_once_and_left_alone(odoo):
    odoo.tables = {}
    lead = odoo.lead(1, "ada@x.example")
    for theme in ("price", None):
        write(odoo, (lead, nurture(theme)))
    asked = [call.request.url for call in responses.calls]
    assert sum("ir.model/" in url for url in asked) == 1
    assert not [url for url in asked if "mailing" in url]
