"""Odoo gives a lead to an archived user without a word: so it is asked before."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import responses

from connector.demo.shipped import shipped
from connector.mapping.compile import compile_mapping
from connector.mapping.document import load_mapping
from connector.sync.context import Source
from connector.sync.writing.living import departed
from tests.contract.fakes import OdooFake

USERS = {7: {"active": True}, 8: {"active": False}, 9: {"active": True, "share": True}}
KINDS = {"active": "boolean", "share": "boolean", "write_date": "datetime"}


class Staffed(OdooFake):
    """The same server with its users; one is archived, one is a customer now, one was deleted."""

    def __init__(self):
        super().__init__()
        self.asked = []
        for method in ("search_read", "fields_get"):
            address = f"{self.address}/json/2/res.users/{method}"
            responses.add_callback(responses.POST, address, self._handler(f"_res_users_{method}"))

    def _res_users_fields_get(self, attributes):
        return {n: {"type": KINDS.get(n, "char")} for n in ("id", "name", "login", *KINDS)}

    def _res_users_search_read(self, domain, fields, order):
        self.asked.append(domain)
        archived_too = any(term[0] == "active" for term in domain)
        (ids,) = (wanted for name, _, wanted in domain if name == "id")
        plain = {"name": "x", "login": "x@us.example", "write_date": "2026-03-02 09:00:00"}
        return [
            {"id": i, "share": False, **plain, **row}
            for i, row in USERS.items()
            if i in ids and (row["active"] or archived_too)
        ]


@responses.activate
def test_archived_deleted_and_foreign_users_of_odoo_count_as_left(tmp_path, monkeypatch):
    path = tmp_path / "odoo.yaml"
    path.write_text(shipped("odoo.yaml"))
    crm = Staffed()
    source = Source("crm", 0, crm.adapter, compile_mapping(load_mapping(path)), True, "")
    known = {str(i): SimpleNamespace(object="owner") for i in (7, 8, 9, 10)}
    monkeypatch.setattr(
        "connector.sync.writing.living.people.records_by_id",
        lambda _tx, _name, _kind, ids: {i: known[i] for i in ids if i in known},
    )

    @contextmanager
    def read():
        yield None

    loop = SimpleNamespace(store=SimpleNamespace(read=read))
    assert departed(loop, source, {"7", "8", "9", "10", "11"}) == {"8", "9", "10"}
    (domain,) = crm.asked
    assert ["id", "in", [10, 7, 8, 9]] in domain, "one call asks for all of them"
