"""One runner at a time, on SQLite and on PostgreSQL; who stood still too long commits nothing."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from connector import points
from connector.errors import BusyError, LeaseHeldError, LeaseLostError, UsageError
from connector.store.database import file_system, open_store
from connector.store.persons import people
from connector.store.running import leases
from connector.sync.middle import Hold, Middle, held_ones
from tests.unit.store.test_store import lead, page


@pytest.fixture
def store(store_url):
    store = open_store(store_url)
    yield store
    store.close()


def expire(store, name="run"):
    """Let the lease's time be over, as if nobody had written for that long."""
    with store.write() as tx:
        tx.exec_driver_sql(f"UPDATE lease SET expires_at = 0 WHERE name = '{name}'")


def people_in(store):
    with store.read() as tx:
        return people.count_records(tx, "person")


def test_a_held_lease_says_who_holds_it(store):
    lease = leases.acquire(store, "run", "01abc")
    with pytest.raises(LeaseHeldError, match="run 01abc holds the lease `run`") as caught:
        leases.acquire(store, "run", "02def")
    assert (caught.value.holder, caught.value.status, caught.value.exit_code) == (
        "01abc",
        "skipped",
        75,
    )
    lease.release(store)
    leases.acquire(store, "run", "02def").release(store)


def test_leases_of_different_names_do_not_hinder_each_other(store):
    first = leases.acquire(store, "crm", "one")
    second = leases.acquire(store, "marketing", "two")
    with pytest.raises(LeaseHeldError):
        leases.acquire(store, "crm", "three")
    first.release(store)
    second.release(store)


def test_a_release_that_cannot_be_written_frees_the_lock_all_the_same(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    lease = leases.acquire(store, "run", "01abc")
    expire(store)  # nobody waits for the row; the file alone is in the way
    points.watch(_fails_to_commit)
    try:
        with pytest.raises(OSError, match="disk full"):
            lease.release(store)
    finally:
        points.watch(None)
    with (tmp_path / "s.db.run.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    store.close()


def _fails_to_commit(place):
    if place == "commit.before":
        raise OSError("disk full")


def test_the_fence_grows_with_every_holder_also_after_a_release(store):
    fences = []
    for name in ("one", "two", "three"):
        lease = leases.acquire(store, "run", name)
        fences.append(lease.fence)
        lease.release(store)
    assert fences == [1, 2, 3]


def test_whatever_a_store_under_a_lost_lease_writes_is_rolled_back(store):
    first = leases.acquire(store, "run", "one")
    mine = store.under(first.check)
    with mine.write() as tx:
        page(tx, [lead(1)])
    expire(store)
    second = leases.acquire(store, "run", "two")
    assert second.fence == first.fence + 1
    with pytest.raises(LeaseLostError, match="took over the lease `run`"), mine.write() as tx:
        page(tx, [lead(2)])
    first.release(store)  # gives back nothing that is not its own
    with pytest.raises(LeaseHeldError, match="run two"):
        leases.acquire(store, "run", "three")
    assert people_in(store) == 1
    second.release(store)


def test_every_write_renews_the_lease(store):
    lease = leases.acquire(store, "run", "one")
    expire(store)
    with store.under(lease.check).write() as tx:
        page(tx, [lead(1)])
    with pytest.raises(LeaseHeldError):
        leases.acquire(store, "run", "two")
    lease.release(store)


def test_of_many_who_ask_at_once_one_gets_the_lease(store_url):
    got, refused = [], []
    barrier = threading.Barrier(6)

    def ask(name):
        mine = open_store(store_url)
        barrier.wait()
        try:
            got.append(leases.acquire(mine, "run", name))
        except BusyError:
            refused.append(name)
        mine.close()

    open_store(store_url).close()
    askers = [threading.Thread(target=ask, args=(f"r{n}",)) for n in range(6)]
    for one in askers:
        one.start()
    for one in askers:
        one.join()
    assert (len(got), len(refused)) == (1, 5)
    store = open_store(store_url)
    got[0].release(store)
    store.close()


RUNNER = """
import sys
from connector.errors import LeaseLostError
from connector.store.running import leases
from connector.store.database import open_store
from tests.unit.store.test_store import lead, page
store = open_store(sys.argv[1])
lease = leases.acquire(store, "run", "old")
mine = store.under(lease.check)
with mine.write() as tx:
    page(tx, [lead(1)])
print("working", flush=True)
sys.stdin.readline()
try:
    for n in range(2, 50):
        with mine.write() as tx:
            page(tx, [lead(n)])
except LeaseLostError:
    lease.release(store)
    sys.exit(75)
"""


def runner(url):
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_runner_that_was_stopped_and_resumed_after_its_lease_was_taken_commits_nothing(store_url):
    open_store(store_url).close()
    old = runner(store_url)
    assert old.stdout.readline() == "working\n"
    os.kill(old.pid, signal.SIGSTOP)
    store = open_store(store_url)
    with pytest.raises(LeaseHeldError, match="run old"):
        leases.acquire(store, "run", "new")
    expire(store)
    lease = leases.acquire(store, "run", "new")
    os.kill(old.pid, signal.SIGCONT)
    old.communicate("go\n", timeout=30)
    assert old.returncode == 75
    assert people_in(store) == 1
    with store.under(lease.check).write() as tx:
        page(tx, [lead("new")])
    with pytest.raises(LeaseHeldError, match="run new"):
        leases.acquire(store, "run", "third")
    lease.release(store)
    store.close()


def test_a_killed_runner_on_sqlite_blocks_nobody(tmp_path):
    url = f"sqlite:///{tmp_path}/s.db"
    old = runner(url)
    assert old.stdout.readline() == "working\n"
    old.kill()
    old.communicate()
    store = open_store(url)
    leases.acquire(store, "run", "new").release(store)
    store.close()


def test_a_killed_runner_on_postgresql_blocks_until_its_lease_is_over(postgresql_url):
    old = runner(postgresql_url)
    assert old.stdout.readline() == "working\n"
    old.kill()
    old.communicate()
    store = open_store(postgresql_url)
    with pytest.raises(LeaseHeldError):
        leases.acquire(store, "run", "new")
    expire(store)
    leases.acquire(store, "run", "new").release(store)
    store.close()


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("server:/export {at} nfs4 rw 0 0", "nfs4"),
        ("//server/share {at} cifs rw 0 0", "cifs"),
        ("me@host: {at} fuse.sshfs rw 0 0", "fuse.sshfs"),
        ("bucket {at} fuse.s3fs rw 0 0", "fuse.s3fs"),
    ],
)
def test_a_store_on_a_network_file_system_is_refused(tmp_path, monkeypatch, line, kind):
    at = tmp_path / "shared disk"
    at.mkdir()
    mounts = tmp_path / "mounts"
    escaped = str(at).replace(" ", "\\040")
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\n{line.format(at=escaped)}\n")
    assert file_system(at / "state", mounts) == kind
    assert file_system(tmp_path, mounts) == "ext4"
    monkeypatch.setattr(
        "connector.store.database.file_system", lambda folder: file_system(folder, mounts)
    )
    with pytest.raises(UsageError, match=f"network file system \\({kind}\\)") as caught:
        open_store(f"sqlite:///{at}/state/s.db")
    assert "PostgreSQL" in caught.value.hint
    assert not (at / "state").exists()
    open_store(f"sqlite:///{tmp_path}/s.db").close()


def test_a_page_and_its_fence_are_checked_in_one_transaction(store):
    """A takeover between the check and the commit is impossible: it waits for the commit."""
    first = leases.acquire(store, "run", "one")
    other = open_store(store.url)
    taken = []

    def take():
        with other.write() as tx:
            tx.exec_driver_sql("UPDATE lease SET fence = fence + 1, holder = 'two'")
            taken.append(people_in_tx(tx))

    with store.under(first.check).write() as tx:
        thief = threading.Thread(target=take)
        thief.start()
        thief.join(0.5)
        assert thief.is_alive(), "the other waits for the row we hold"
        page(tx, [lead(1)])
    thief.join()
    assert taken == [1]
    first.release(store)
    other.close()


def people_in_tx(tx):
    return people.count_records(tx, "person")


def test_who_waits_for_a_turn_in_the_middle_keeps_the_connections_it_has(postgresql_url):
    """Half an hour of waiting is longer than a lease lasts without a write."""
    store = open_store(postgresql_url)
    busy = leases.acquire(store, "run", "another")
    hold = Hold(store, "crm", "mine")
    assert hold.take()
    waited = [0.0]

    def sleep(seconds):
        """Time passes: what is not renewed gets so much older."""
        waited[0] += seconds
        with store.write() as tx:
            tx.exec_driver_sql(
                f"UPDATE lease SET expires_at = expires_at - {round(seconds * 1e6)} "
                "WHERE name = 'connection:crm'"
            )
        with pytest.raises(LeaseHeldError):
            leases.acquire(store, "connection:crm", "thief")
        if waited[0] > 1700:
            busy.release(store)

    middle = Middle(store, "mine", holds=(hold,), sleep=sleep)
    with middle.held(), store.under(held_ones(middle, [hold])).write() as tx:
        page(tx, [lead(1)])
    assert waited[0] > 1700
    hold.release()
    store.close()
