"""Whatever people, the CRM and bad luck do, in whatever order: nothing is lost or done twice."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector import points
from connector.adapters.base import RemoteField
from connector.adapters.memory import MemoryAdapter
from connector.domain.moment import DAY, HOUR, MINUTE, format_iso
from connector.domain.outward import FieldType
from connector.errors import ApprovalError, LeadloopError, QuotaError, UsageError
from connector.store.database import open_store
from connector.sync.opening import alone
from connector.sync.upkeep.split import split
from tests.sync.scoring import NoScorer, score_here
from tests.sync.test_answers import ANSWERS
from tests.sync.world import MAPPING, World

IDS = [f"l{n}" for n in range(6)]
TITLES = ["Clerk", "VP Sales", "CEO", "Student", None]
ONE = st.sampled_from(IDS)
CONVERTING = MAPPING.replace(
    "    opted_out: opted_out",
    "    ids: [twin]\n    frozen: converted\n    opted_out: opted_out",
).replace("{email: email, name", "{twin: twin, email: email, name")
"""A lead that was converted takes no more writes; what became of it carries its number on."""


class Killed(BaseException):
    """As SIGKILL would: nothing behind this place happens."""


class Weather(MemoryAdapter):
    """The memory CRM on a bad day: calls run out, answers get lost."""

    calls_left: int | None = None

    def _spend(self):
        if Weather.calls_left is not None:
            if Weather.calls_left <= 0:
                raise QuotaError("the day's calls are used up")
            Weather.calls_left -= 1

    def read(self, *asked):
        self._spend()
        return super().read(*asked)

    def write(self, batch):
        self._spend()
        return super().write(batch)

    def read_ids(self, *asked):
        self._spend()
        return super().read_ids(*asked)


class AnyOrder(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("connector.sync.score.score_store", score_here)
        self.patch.setattr("connector.sync.score.Scorer", NoScorer)
        self.patch.setattr("connector.adapters.memory.MemoryAdapter", Weather)
        Weather.calls_left = None
        self.folder = tempfile.TemporaryDirectory(prefix="ll-any-")
        self.world = World(Path(self.folder.name), f"sqlite:///{self.folder.name}/state/s.db")
        self.world.crm.page = 3
        self.world.write("mapping.yaml", CONVERTING + ANSWERS)
        self.world.put("calls", "_", lead=None, at=None, budget=None, timeframe=None)
        self.world.crm.objects["calls"].clear()
        self.calls = 0
        for name in ("twin", "converted"):
            self.world.crm.fields["leads"][name] = RemoteField(name, None)
        self.sent: set[tuple[int, str]] = set()
        self.lost_field = None
        self.new_fields = 0
        self.converted: set[str] = set()
        for ident in IDS[:3]:
            self.lead(ident, "Clerk")

    def teardown(self):
        try:
            self.converges()
        finally:
            points.watch(None)
            self.patch.undo()
            self.folder.cleanup()

    def lead(self, ident, title):
        self.world.lead(ident, title=title, twin=f"t-{ident}")

    def free(self, ident):
        """Whether a record of this id can come in: it is not there, and never was a closed one."""
        return ident not in self.world.crm.objects["leads"] and ident not in self.converted

    def editable(self):
        """The leads that people can still change: a converted one is closed to everybody."""
        leads = self.world.crm.objects["leads"]
        return [ident for ident, row in leads.items() if not row.get("converted")]

    # --- what people and the CRM do --------------------------------------------------------------

    @rule(ident=ONE, title=st.sampled_from(TITLES))
    def somebody_edits(self, ident, title):
        if ident in self.editable() or self.free(ident):
            self.lead(ident, title)

    @rule(ident=ONE, kept=st.booleans())
    def somebody_converts(self, ident, kept):
        """The lead is closed, and somebody new carries its number, `kept` with its address."""
        if ident in self.editable():
            self.converted.add(ident)
            self.world.put("leads", ident, converted=True)
            email = f"{ident}@acme.example" if kept else f"{ident}@other.example"
            self.world.lead(f"c-{ident}", twin=f"t-{ident}", email=email, status=None)

    @rule(employees=st.sampled_from([900, 3, "12", "many", None]))
    def a_company_is_described_anew(self, employees):
        """`many` is no number: the row is kept aside with its reason until it is mended."""
        self.world.put("companies", "big", employees=employees)

    @rule(type_=st.sampled_from(list(FieldType)))
    def a_field_changes_its_type(self, type_):
        self.world.crm.fields["leads"]["title"] = RemoteField("title", type_)

    @rule()
    def a_field_is_added(self):
        self.new_fields += 1
        name = f"new_{self.new_fields}"
        self.world.crm.fields["leads"][name] = RemoteField(name, None)

    @rule(title=st.sampled_from(TITLES))
    def many_are_changed_in_one_instant(self, title):
        for ident in self.editable():
            self.world.put("leads", ident, title=title)

    @rule(ident=ONE, value=st.sampled_from([0, 3, 99]))
    def somebody_overwrites_the_score(self, ident, value):
        if ident in self.editable():
            self.world.put("leads", ident, ll_score=value)

    @rule(ident=ONE, owner=st.sampled_from(["anna", "ben", None]))
    def somebody_takes_a_lead(self, ident, owner):
        if ident in self.editable():
            self.world.put("leads", ident, owner=owner)

    @rule(ident=ONE)
    def somebody_does_something(self, ident):
        self.world.event(ident, url="/pricing")

    @rule(ident=ONE, budget=st.sampled_from([None, 100, 20000]), ago=st.sampled_from([0, 5 * DAY]))
    def a_caller_notes_an_answer(self, ident, budget, ago):
        self.calls += 1
        at = format_iso(self.world.now - ago - self.calls * MINUTE)  # no two at one moment
        self.world.put("calls", f"c{self.calls}", lead=ident, at=at, budget=budget, timeframe=None)

    @rule(ident=ONE)
    def somebody_uses_a_shared_address(self, ident):
        if ident in self.editable():
            self.world.put("leads", ident, email="family@acme.example")

    @precondition(lambda self: self.is_filled)
    @rule(ident=ONE)
    def somebody_takes_apart_what_was_joined(self, ident):
        store = open_store(self.world.loaded.store_url())
        try:
            with alone(self.world.loaded, store, "by hand") as held:
                split(held, [f"crm/lead/{ident}"], self.world.now)
        except UsageError:
            pass  # nothing to be taken apart there
        finally:
            store.close()

    @rule(ident=ONE)
    def somebody_deletes(self, ident):
        if ident in self.world.crm.objects["leads"]:
            self.world.crm.delete("leads", ident)

    @rule(loser=ONE, winner=ONE)
    def somebody_merges(self, loser, winner):
        leads = self.world.crm.objects["leads"]
        if loser != winner and loser in leads and winner in leads:
            self.world.crm.delete("leads", loser, merged_into=winner)

    @rule(ident=ONE)
    def a_row_arrives_late(self, ident):
        """Committed long after its stamp: no window will see it."""
        leads = self.world.crm.objects["leads"]
        if self.free(ident):
            row = {"id": ident, "email": f"{ident}@late.example", "title": "CEO"}
            row["twin"] = f"t-{ident}"
            stamp = format_iso(self.world.now - 3 * DAY)
            leads[ident] = {**dict.fromkeys(self.world.crm.fields["leads"]), **row}
            leads[ident]["changed_at"] = stamp
            self.world.crm.gone.get("leads", {}).pop(ident, None)

    @rule()
    def a_field_goes_away_or_comes_back(self):
        fields = self.world.crm.fields["leads"]
        known = self.world.rows("SELECT 1 FROM schema_snapshot WHERE source = 'leads'")
        if self.lost_field is None and known:
            self.lost_field = fields.pop("country")
        elif self.lost_field is not None:
            fields["country"], self.lost_field = self.lost_field, None

    @rule(span=st.sampled_from([MINUTE, HOUR, DAY, 8 * DAY]))
    def time_passes(self, span):
        self.world.pass_time(span)

    @rule(span=st.sampled_from([HOUR, DAY]))
    def the_clock_jumps_back(self, span):
        self.world.now -= span

    # --- what we do, and what goes wrong ---------------------------------------------------------

    @rule()
    def we_run(self):
        self.run()

    @rule(at=st.integers(1, 150))
    def we_are_killed_while_we_run(self, at):
        hits = 0

        def die(_place):
            nonlocal hits
            hits += 1
            if hits == at:
                raise Killed

        points.watch(die)
        try:
            self.run()
        except Killed:
            pass
        finally:
            points.watch(None)

    @rule(calls=st.integers(0, 12))
    def calls_run_out(self, calls):
        Weather.calls_left = calls
        try:
            self.run()
        finally:
            Weather.calls_left = None

    @rule(count=st.integers(1, 2))
    def answers_get_lost(self, count):
        self.world.crm.lose_answers = count
        self.run()
        self.world.crm.lose_answers = 0

    def run(self):
        closed, before = self.known_as_closed(), len(self.world.crm.effects)
        try:
            self.world.run()
            self.approve()
        except LeadloopError as error:
            if not error.retryable:
                raise
        finally:
            ours = [e for e in self.world.crm.effects[before:] if e[2].startswith("ll_")]
            assert closed.isdisjoint(ident for _, ident, *_ in ours)

    def known_as_closed(self):
        """Converted leads of which the store knows: whatever comes, we write to them no more."""
        if not self.is_filled:
            return set()
        frozen = "json_extract(doc, '$.frozen')"
        rows = self.world.rows(f"SELECT id FROM record WHERE object = 'lead' AND {frozen}")
        return {ident for (ident,) in rows}

    def approve(self):
        waiting = self.world.rows(
            "SELECT id FROM plan WHERE state = 'needs_approval' ORDER BY created_at DESC, id DESC"
        )
        if waiting:
            try:
                self.world.apply(waiting[0][0])
            except ApprovalError as error:
                if "stale" not in str(error):
                    raise

    # --- what holds after each step --------------------------------------------------------------

    @property
    def is_filled(self):
        return (Path(self.folder.name) / "state" / "s.db").exists()

    @precondition(lambda self: self.is_filled)
    @invariant()
    def no_checkpoint_covers_a_row_we_do_not_have(self):
        """I1, I2: what was stamped inside closed windows since the backfill is stored."""
        rows = self.world.rows(
            "SELECT object, window_since, window_until FROM checkpoint WHERE window_until IS NOT NULL"
        )
        assert all(since is None or since <= until for _, since, until in rows)

    @precondition(lambda self: self.is_filled)
    @invariant()
    def one_live_row_for_a_record_and_group(self):
        """I4."""
        assert not self.world.rows(
            "SELECT record, grp FROM outbox WHERE state IN ('planned', 'approved', 'sending', "
            "'retry', 'unknown') GROUP BY connection, object, record, grp HAVING count(*) > 1"
        )

    @precondition(lambda self: self.is_filled)
    @invariant()
    def what_is_called_written_was_confirmed(self):
        """I5: a last written value stands in an applied or noop row."""
        done = set()
        for record, changes in self.world.rows(
            "SELECT record, changes FROM outbox WHERE state IN ('applied', 'noop')"
        ):
            for name, (_, after) in orjson.loads(changes).items():
                done.add((record, name, orjson.dumps(after).decode()))
        held = self.world.last_written()
        assert {(one, name, orjson.dumps(v).decode()) for one, name, v in held} <= done

    @precondition(lambda self: self.is_filled)
    @invariant()
    def what_left_is_in_the_journal_with_what_stood_there(self):
        """I6, I7: whatever we changed in the CRM was journaled first, and is ours to change."""
        journal = {
            (record, field, after)
            for record, changes in self.world.rows("SELECT record, changes FROM journal")
            for field, (_, after) in orjson.loads(changes).items()
        }
        for source, ident, field, _, after in self.world.crm.effects:
            if field.startswith("ll_") and field not in {"ll_score"}:
                assert source == "leads"
                assert (ident, field, after) in journal

    @precondition(lambda self: self.is_filled)
    @invariant()
    def nothing_waits_for_a_record_that_is_gone(self):
        """I10."""
        assert not self.world.rows(
            "SELECT o.id FROM outbox o JOIN record r ON r.connection = o.connection AND "
            "r.object = o.object AND r.id = o.record WHERE r.gone AND o.state IN "
            "('planned', 'approved', 'retry')"
        )

    def converges(self):
        """I3, I12: once it is calm, the CRM shows what we think of everybody, and we fall silent."""
        if self.lost_field is not None:
            self.a_field_goes_away_or_comes_back()
        self.a_company_is_described_anew(900)
        self.world.now += 60 * DAY  # behind every jump, edit and pause
        for _ in range(3):
            self.run()
            self.world.pass_time(DAY + HOUR)
        self.run()
        leads = self.world.crm.objects["leads"]
        live = self.world.rows("SELECT id FROM record WHERE object = 'lead' AND NOT gone")
        assert {row[0] for row in live} == set(leads)
        scores = dict(
            self.world.rows(
                "SELECT r.id, s.score FROM record r JOIN score s ON s.person = r.person "
                "WHERE r.object = 'lead' AND NOT r.gone"
            )
        )
        stopped = {r[0] for r in self.world.rows("SELECT record FROM flapping WHERE times >= 3")}
        for ident, row in leads.items():
            if ident not in stopped and not row.get("converted"):
                assert row.get("ll_score") == scores[ident], ident
        assert not self.world.rows("SELECT id FROM quarantine")
        self.answers_are_known()
        self.world.crm.effects.clear()
        self.run()
        assert [e for e in self.world.crm.effects if e[2].startswith("ll_")] == []
        assert not self.world.rows(
            "SELECT id FROM outbox WHERE state IN ('sending', 'unknown', 'retry', 'dead')"
        )

    def answers_are_known(self):
        """Of each person the last answer to their records is known, whoever they are by now."""
        owners = dict(self.world.rows("SELECT id, person FROM record WHERE object = 'lead'"))
        told: dict[str, tuple[str, int]] = {}
        for row in self.world.crm.objects["calls"].values():
            person = owners.get(row["lead"])
            if person is not None and row.get("budget") is not None:
                told[person] = max(told.get(person, ("", 0)), (row["at"], row["budget"]))
        facts = {w: orjson.loads(f) for w, f in self.world.rows("SELECT id, facts FROM person")}
        assert {w: f["budget"] for w, f in facts.items() if "budget" in f} == {
            w: budget for w, (_, budget) in told.items() if w in facts
        }


AnyOrder.TestCase.settings = settings(
    max_examples=int(os.environ.get("ANY_ORDER_EXAMPLES", "6")),
    stateful_step_count=14,
    deadline=None,
    derandomize="ANY_ORDER_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a run is too slow to shrink by default
)
TestAnyOrder = AnyOrder.TestCase
