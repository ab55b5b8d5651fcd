"""Rotated tokens: sealed in the database, opened only with a key that is kept elsewhere."""

from __future__ import annotations

import pytest

from connector.config.load import load_settings
from connector.config.secrets import Secret
from connector.errors import UsageError
from connector.store.database import open_store
from connector.store.incoming.bookmarks import StoreBookmark
from connector.store.running.vault import StoreVault, new_key
from connector.transport.vault import TokenVault


@pytest.fixture
def store(store_url):
    store = open_store(store_url)
    yield store
    store.close()


@pytest.fixture
def key(tmp_path):
    (tmp_path / "key").write_text(new_key() + "\n")
    return Secret(kind="file", source=str(tmp_path / "key"))


def test_a_token_comes_back_as_it_was_and_is_nowhere_in_clear(store, key):
    vault: TokenVault = StoreVault(store, "sf", key)
    assert vault.load("refresh") is None
    vault.save("refresh", "canary-token-1")
    vault.save("refresh", "canary-token-2")
    assert StoreVault(store, "sf", key).load("refresh") == "canary-token-2"
    assert StoreVault(store, "hs", key).load("refresh") is None
    with store.read() as tx:
        rows = tx.exec_driver_sql("SELECT * FROM token").all()
    assert len(rows) == 1
    assert "canary" not in repr(rows)


def test_a_key_is_exchanged_without_losing_the_log_in(store, key, tmp_path):
    StoreVault(store, "sf", key).save("refresh", "t")
    old = (tmp_path / "key").read_text().strip()
    (tmp_path / "key").write_text(f"{new_key()},{old}\n")
    both = StoreVault(store, "sf", key)
    assert both.load("refresh") == "t"
    both.save("refresh", "u")
    (tmp_path / "key").write_text((tmp_path / "key").read_text().partition(",")[0])
    assert StoreVault(store, "sf", key).load("refresh") == "u"


def test_another_key_no_key_and_a_bad_key_are_said_with_the_next_step(store, key, tmp_path):
    StoreVault(store, "sf", key).save("refresh", "canary-token")
    (tmp_path / "key").write_text(new_key())
    with pytest.raises(UsageError, match="sealed with another key") as other:
        StoreVault(store, "sf", key).load("refresh")
    (tmp_path / "key").write_text("canary-short")
    with pytest.raises(UsageError, match="is none") as bad:
        StoreVault(store, "sf", key).save("refresh", "canary-token")
    with pytest.raises(UsageError, match="no key") as none:
        StoreVault(store, "sf", None).save("refresh", "canary-token")
    for caught in (other, bad, none):
        assert caught.value.hint
        assert "canary" not in f"{caught.value}{caught.value.hint}"


def test_the_key_may_come_from_environment_file_or_keyring_but_never_stand_in_the_file(tmp_path):
    path = tmp_path / "leadloop.yaml"
    head = "version: 1\nconnections: [{name: a, kind: files, mapping: m}]\n"
    for text, origin in (
        ("${LL_KEY}", "environment variable LL_KEY"),
        ("{file: /k}", "file /k"),
        ("{keyring: leadloop/key}", "keyring leadloop/key"),
    ):
        path.write_text(
            f"{head}vault: {{key: {text if text[0] == '{' else chr(34) + text + chr(34)}}}\n"
        )
        found = load_settings(path, environ={"LL_KEY": "canary"})
        assert found.settings.vault.secret().origin == origin
        assert "canary" not in repr(found)
    path.write_text(f"{head}vault: {{key: {new_key()}}}\n")
    with pytest.raises(UsageError, match="LEADLOOP_KEY"):
        load_settings(path, environ={})


def test_a_bookmark_outlasts_its_process_and_belongs_to_one_connection(store, store_url):
    StoreBookmark(store, "sf").save("query Lead", "a job")
    again = open_store(store_url)
    assert StoreBookmark(again, "sf").load("query Lead") == "a job"
    assert StoreBookmark(again, "hs").load("query Lead") is None
    StoreBookmark(again, "sf").drop("query Lead")
    assert StoreBookmark(store, "sf").load("query Lead") is None
    again.close()


def test_a_token_is_exchanged_alone_and_saved_meanwhile(store, key):
    vault = StoreVault(store, "sf", key)
    with vault.alone():
        vault.save("refresh", "canary-token-3")
    assert vault.load("refresh") == "canary-token-3"
