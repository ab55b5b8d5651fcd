"""leadloop.yaml and its secrets."""

from __future__ import annotations

import pytest

from connector.config import settings as settings_room
from connector.config.load import load_settings, show
from connector.documents import Document
from connector.domain.duration import BusinessTime
from connector.domain.moment import DAY
from connector.errors import UsageError

CANARY = "canary-secret-91x"
FULL = """
version: 1
store: sqlite:///./state/leadloop.db
model: model.yaml
routing: routing.yaml
stage: score
connections:
  - {name: sf, kind: salesforce, mapping: sf.yaml, auth: {client_id: abc, client_secret: "${SF_SECRET}"}, handoff: true}
  - {name: hs, kind: hubspot, mapping: hs.yaml, auth: {token: {file: /run/secrets/hs}}, api: {reserve: 20%}}
engine: {kind: duckdb}
write: {limits: {records: 20%, owners: 5000, clears: 1%}, human_edits: 30d, min_change: 3, max_age: 7d}
sla: {first_touch: 8bh, verdict: 5bd, tz: Europe/Paris, hours: "09:00-17:30", country: FR}
report: {currency: EUR}
profiles:
  sandbox:
    stage: observe
    connections: [{name: sf, address: "https://sandbox.example"}]
"""


def settings(tmp_path, text, **options):
    path = tmp_path / "leadloop.yaml"
    path.write_text(text)
    return load_settings(path, environ={}, **options)


def test_the_whole_file_loads_with_its_units(tmp_path):
    loaded = settings(tmp_path, FULL).settings
    assert loaded.write.limits.records == 0.2
    assert loaded.write.human_edits == 30 * DAY
    assert loaded.sla.first_touch == BusinessTime(8, "bh")


def test_a_secrets_file_is_found_beside_the_settings_wherever_the_command_runs(
    tmp_path, monkeypatch
):
    text = "version: 1\nconnections: [{name: o, kind: odoo, mapping: m.yaml, auth: {key: {file: key}}}]\n"
    (tmp_path / "leadloop.yaml").write_text(text)
    (tmp_path / "key").write_text("abc\n")
    monkeypatch.chdir("/")
    (one,) = load_settings(tmp_path / "leadloop.yaml").settings.connections
    assert one.secret("key").reveal() == "abc"


def test_paths_are_relative_to_the_file(tmp_path):
    loaded = settings(tmp_path, FULL)
    assert loaded.store_url() == f"sqlite:///{tmp_path}/state/leadloop.db"


def test_a_profile_lies_over_the_settings_by_connection_name(tmp_path):
    loaded = settings(tmp_path, FULL, profile="sandbox").settings
    assert loaded.stage == "observe"
    assert loaded.connections[0].address == "https://sandbox.example"
    assert loaded.connections[0].mapping == "sf.yaml"
    assert len(loaded.connections) == 2


def test_an_unknown_profile_names_those_there_are(tmp_path):
    with pytest.raises(UsageError, match=r"no profile `prod` \(it has: sandbox\)"):
        settings(tmp_path, FULL, profile="prod")


def test_a_secret_is_opened_only_when_used_and_from_where_it_was_named(tmp_path, monkeypatch):
    connection = settings(tmp_path, FULL).settings.connections[0]
    secret = connection.secret("client_secret")
    with pytest.raises(UsageError, match="environment variable SF_SECRET is not set"):
        secret.reveal()
    monkeypatch.setenv("SF_SECRET", CANARY)
    assert secret.reveal() == CANARY
    assert CANARY not in repr(secret) + repr(connection)


def test_a_secret_may_lie_in_a_file_named_by_the_environment(tmp_path, monkeypatch):
    (tmp_path / "key").write_text(f"{CANARY}\n")
    monkeypatch.setenv("SF_SECRET_FILE", str(tmp_path / "key"))
    assert (
        settings(tmp_path, FULL).settings.connections[0].secret("client_secret").reveal() == CANARY
    )


def test_a_secret_in_clear_is_refused_without_repeating_it(tmp_path):
    with pytest.raises(UsageError, match="stands here in clear") as caught:
        settings(tmp_path, FULL.replace('"${SF_SECRET}"', CANARY))
    assert f"client_secret: {CANARY}" not in str(caught.value).replace(FULL, "")


def test_a_secret_that_was_never_configured_says_so(tmp_path):
    with pytest.raises(UsageError, match="connection `sf` has no `key` under auth"):
        settings(tmp_path, FULL).settings.connections[0].secret("key").reveal()


def test_what_is_shown_names_the_origin_and_never_a_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SF_SECRET", CANARY)
    rows = {key: (value, origin) for key, value, origin in show(settings(tmp_path, FULL))}
    assert rows["stage"] == ("score", "leadloop.yaml:6")
    assert rows["nurture.default"] == ("general", "default")
    assert rows["connections.0.auth.client_secret"][0] == "${SF_SECRET}"
    assert CANARY not in str(rows)


def test_the_password_of_the_store_is_not_shown(tmp_path):
    text = FULL.replace("sqlite:///./state/leadloop.db", f"postgresql://me:{CANARY}@db/leads")
    rows = {key: value for key, value, _ in show(settings(tmp_path, text))}
    assert rows["store"] == "postgresql://me:***@db/leads"


def test_a_secret_in_the_keyring_needs_the_extra_or_says_what_is_missing(tmp_path):
    reference = "{keyring: leadloop-test/nobody}"
    text = FULL.replace('"${SF_SECRET}"', reference)
    secret = settings(tmp_path, text).settings.connections[0].secret("client_secret")
    with pytest.raises(UsageError, match="keyring") as caught:
        secret.reveal()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("stage: score", "stage: everything", "stage should be"),
        ("records: 20%", "records: 20", "20%"),
        ("tz: Europe/Paris", "tz: Europe/Pris", "not a time zone"),
        ("handoff: true", "handoff: false", "handoff: true"),
        ("name: hs", "name: sf", "two connections are called `sf`"),
        ("currency: EUR", "currency: euros", "currency"),
        ("routing: routing.yaml\nstage: score", "stage: route", "needs a `routing:` file"),
        ("kind: hubspot", "kid: hubspot", "did you mean `kind`?"),
    ],
)
def test_each_wrong_setting_is_told_at_its_place(tmp_path, old, new, words):
    with pytest.raises(UsageError) as caught:
        settings(tmp_path, FULL.replace(old, new))
    assert words in str(caught.value)
    assert "leadloop.yaml" in str(caught.value)


def test_connections_may_have_a_file_each_beside_the_settings(tmp_path):
    head = "version: 1\nconnections:\n"
    first = "  - {name: crm, kind: memory, mapping: m.yaml, handoff: true}\n"
    (tmp_path / "leadloop.yaml").write_text(head + first)
    folder = tmp_path / "connections.d"
    folder.mkdir()
    for n in range(300):
        text = f"name: c{n:03}\nkind: memory\nmapping: m.yaml\n"
        (folder / f"{n:03}.yaml").write_text(text)
    loaded = load_settings(tmp_path / "leadloop.yaml", environ={})
    names = [c.name for c in loaded.settings.connections]
    assert names == ["crm", *(f"c{n:03}" for n in range(300))]
    (folder / "007.yaml").write_text("name: c007\nkind: memory\nmaping: m.yaml\n")
    with pytest.raises(UsageError, match="connections.d/007.yaml:3"):
        load_settings(tmp_path / "leadloop.yaml", environ={})


def _sections():
    return [
        one
        for one in vars(settings_room).values()
        if isinstance(one, type)
        and issubclass(one, Document)
        and not any(field.is_required() for field in one.model_fields.values())
    ]


@pytest.mark.parametrize("section", _sections())
def test_a_section_nobody_wrote_is_what_an_empty_one_gives(section):
    assert section.by_default() == section.model_validate({})
    assert section.by_default().model_dump_json() == section.model_validate({}).model_dump_json()
