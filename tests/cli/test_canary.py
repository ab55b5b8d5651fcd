"""Marked secrets and addresses go in; everything that comes out is searched for them."""

from __future__ import annotations

import json
import sqlite3

import pytest

from connector.store.running.vault import new_key
from tests.cli.test_commands import NOW, ROOT, small

__all__ = ["small"]

PERSONAL = ("canaryada", "canaryben", "Canaryname")
SECRET = "canarysecret"
MAY_HOLD = {
    ("record", "doc"),
    ("person", "facts"),
    ("person", "doc"),
    ("activity", "email"),
    ("identity_key", "value"),
    ("schema_snapshot", "fields"),
}
"""The store's data columns, and what the CRM calls its fields, here an address by way of a broken
header; no other column, file or line may hold a name or an address."""


@pytest.fixture
def marked(small):
    """The small company with marked people, one of them in a broken row, and marked secrets."""
    people = small / "data" / "people.csv"
    text = people.read_text()
    text = text.replace("ada@a.example", "canaryada@a.example").replace("Ada", "Canaryname")
    text = text.replace("cem@c.example", "canaryben@c.example")
    people.write_text(text)
    (small / "data" / "activities.jsonl").write_text(
        '{"id":"a","person":"1","type":"page_view","time":"2026-05-20T00:00:00Z"}\n'
        '{"id":"b","person":"1","type":"page_view","time":"canaryben"}\n'
    )
    settings = small / "leadloop.yaml"
    settings.write_text(
        settings.read_text()
        + "metrics: ./told/leadloop.prom\nheartbeat: ${BEAT}\nalerts: {ops: ['${ALERT}']}\n"
        "vault: {key: '${LEADLOOP_KEY}'}\n"
    )
    return small


ENVIRON = {
    "BEAT": f"http://127.0.0.1:9/{SECRET}-beat/{{exit}}",
    "ALERT": f"json://user:{SECRET}-alert@127.0.0.1:9/",
    "LEADLOOP_KEY": new_key(),
    "ODOO_KEY": f"{SECRET}-odoo",
}


def odoo_down(folder):
    """A second folder: a CRM that cannot be reached, with a marked key."""
    other = folder / "odoo"
    other.mkdir()
    for name in ("model.yaml", "routing.yaml"):
        (other / name).write_text((folder / name).read_text())
    (other / "mapping.yaml").write_text((ROOT / "mappings" / "odoo.yaml").read_text())
    (other / "leadloop.yaml").write_text(
        "version: 1\nstore: sqlite:///./s.db\nconnections:\n"
        '  - {name: o, kind: odoo, mapping: mapping.yaml, address: "http://127.0.0.1:9",\n'
        f'     auth: {{key: "${{ODOO_KEY}}", database: d, login: {PERSONAL[0]}@x.example}}}}\n'
    )
    return other


def play(folder, capfd, monkeypatch):
    """Every command, well and ill; gives (command, stdout, stderr) of each."""
    from connector.cli.failing import guarded
    from connector.cli.main import leadloop

    said = []
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    def do(*words, expect=0, where=folder):
        monkeypatch.chdir(where)
        code = guarded(leadloop, list(words))
        out, err = capfd.readouterr()
        assert code == expect, (words, code, err[-2000:])
        said.append((words[0], out, err))
        return out

    first = json.loads(do("run", "-o", "json", *NOW, expect=5))
    do("status")
    do("plan", "--show", first["data"]["plan"]["id"], "-o", "json")
    do("apply", first["data"]["plan"]["id"], "--approve", *NOW)
    do("handoffs", "release", "--per-day", "5", *NOW)
    do("run", *NOW)
    do("handoffs", "list", "-o", "csv")
    do("dispositions")
    do("report")
    runs = json.loads(do("runs", "list", "-o", "json"))["data"]
    do("runs", "show", runs[0]["run"])
    do("doctor")
    do("config", "show")
    do("explain", "crm/lead/1")
    do("explain", "canaryada@a.example", expect=2)
    do("forget", "nobody@canaryada.example")
    for name, old, new, code in (
        ("model.yaml", "points: 5,", "points: canaryada@a.example,", 2),
        ("mapping.yaml", "email: email", "email: nosuchcolumn", 2),
        ("data/people.csv", "id,name", "id,canaryada@a.example", 0),  # a warning
    ):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(old, new))
        do(
            "check" if name == "model.yaml" else "run",
            *(() if name == "model.yaml" else NOW),
            expect=code,
        )
        (folder / name).write_text(text)
    down = odoo_down(folder)
    do("run", where=down, expect=75)
    do("doctor", where=down, expect=3)
    return said


def cells(path):
    store = sqlite3.connect(path)
    tables = [r[0] for r in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        rows = store.execute(f'SELECT * FROM "{table}"')
        names = [column[0] for column in rows.description]
        for row in rows:
            yield from ((table, name, str(value)) for name, value in zip(names, row, strict=True))
    store.close()


def test_no_secret_and_no_address_leaves_the_stores_own_columns(marked, capfd, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    said = play(marked, capfd, monkeypatch)
    out = "\n".join(stdout for _, stdout, _ in said)
    err = "\n".join(stderr for _, _, stderr in said)
    assert SECRET not in out + err
    for command, stdout, stderr in said:
        for word in PERSONAL:
            if f"points: {word}" in stderr:
                continue  # the line of one's own file that is wrong, shown to whoever wrote it
            assert word not in stderr, (command, word)
            if command != "explain":
                assert word not in stdout, (command, word)
    found = {(t, c) for t, c, text in cells(marked / "s.db") if any(w in text for w in PERSONAL)}
    assert found <= MAY_HOLD, found - MAY_HOLD
    assert ("record", "doc") in found, "the canary was there to be found"
    assert not any(SECRET in text for _, _, text in cells(marked / "s.db"))
    mine = {"data", "leadloop.yaml", "odoo"}
    files = [
        path
        for path in marked.rglob("*")
        if path.is_file() and path.relative_to(marked).parts[0] not in mine
    ]
    files += [path for path in (marked / "odoo").iterdir() if path.name != "leadloop.yaml"]
    assert any(path.suffix == ".prom" for path in files)
    for path in files:
        content = path.read_bytes()
        assert SECRET.encode() not in content, path
        if not path.name.startswith("s.db"):
            assert not any(word.encode() in content for word in PERSONAL), path
