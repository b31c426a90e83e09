import json
import shutil
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from situation import NOON, kinds, stages, toy

from promotion.adapters.mlflow import MlflowMirror
from promotion.errors import Refused, UnknownName
from promotion.ledger.chain import chain
from promotion.ledger.entries import Move, Registration, TransitionApplied, TransitionPlanned
from promotion.ledger.folding import advance, champions
from promotion.ledger.state import State
from promotion.registry.register import Origin
from promotion.registry.repair import plan_repair
from promotion.registry.retention import plan_retention, retention
from promotion.registry.rollback import rollback_moves
from promotion.vocabulary import Stage

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


class History:
    """Entries made step by step, each an hour or so after the one before; clocks may jump."""

    def __init__(self):
        self.state, self.entries, self.now = State(model="toy"), [], NOON

    def record(self, *bodies, hours=1):
        self.now += timedelta(hours=hours)
        made = tuple(chain("toy", self.state.head, bodies, at=self.now, actor="os:alice"))
        self.entries += made
        self.state = advance(self.state, *made)

    def register(self, stage, hours=1):
        tag = f"toy:v{len(self.state.versions)}"
        self.record(Registration(tag=tag, digest="0" * 64, stage=stage), hours=hours)
        return tag

    def plan(self, cause, *moves, champion=None, applied=True, deletions=()):
        serving = self.state.champion.tag if self.state.champion else None
        planned = TransitionPlanned(
            cause=cause, moves=moves, champion=champion or serving, reason="why", deletions=deletions
        )
        self.record(planned)
        if applied:
            self.record(TransitionApplied(planned=self.state.seq))

    def promote(self, tag, *, applied=True):
        down = (
            (Move(tag=self.state.champion.tag, before=Stage.PROD, after=Stage.ARCHIVED),)
            if self.state.champion and self.state.champion.tag != tag
            else ()
        )
        before = self.state.versions[tag].stage
        self.plan("promotion", Move(tag=tag, before=before, after=Stage.PROD), *down, champion=tag, applied=applied)

    def served(self):
        return {champion.tag for _, champion in champions("toy", self.entries) if champion}

    def found(self, *, keep=0, before=None, present=None, now=None):
        present = set(self.state.versions) if present is None else present
        return retention(self.state, self.served(), present, keep=keep, before=before, now=now or self.now)


@st.composite
def histories(draw):
    """Registrations, promotions, rejections and rollbacks in any order, the last one perhaps unfinished."""
    made = History()
    for _ in range(draw(st.integers(1, 14))):
        act = draw(st.sampled_from(["register", "promote", "reject", "rollback", "delete"]))
        waiting = [tag for tag, version in made.state.versions.items() if version.stage]
        if act == "register" or not waiting:
            made.register(draw(st.sampled_from([*Stage, None])), hours=draw(st.sampled_from([1, -50, 200])))
        elif act == "promote":
            made.promote(draw(st.sampled_from(waiting)))
        elif act == "reject":
            tag = draw(st.sampled_from(waiting))
            if not made.state.champion or tag != made.state.champion.tag:
                move = Move(tag=tag, before=made.state.versions[tag].stage, after=Stage.REJECTED)
                made.plan("rejection", move)
        elif act == "rollback" and made.state.previous:
            made.record(rollback_moves(made.state, made.state.previous, reason="why"))
            made.record(TransitionApplied(planned=made.state.seq))
        elif act == "delete" and made.found().gone:
            made.plan("retention", deletions=made.found().gone[:1])
    waiting = [tag for tag, version in made.state.versions.items() if version.stage]
    if waiting and draw(st.booleans()):
        made.promote(draw(st.sampled_from(waiting)), applied=False)
    return made


class TestWhatStays:
    @given(made=histories(), keep=st.integers(0, 5), days=st.integers(-5, 40), data=st.data())
    def test_nothing_that_anyone_may_need_ever_goes_and_a_rollback_along_the_whole_line_still_works(
        self, made, keep, days, data
    ):
        state = made.state
        present = data.draw(st.sets(st.sampled_from([*state.versions, "toy:foreign"])))
        before = data.draw(st.none() | st.just(made.now - days * DAY))
        found = made.found(keep=keep, before=before, present=present)
        pending = {move.tag for move in state.pending[1].moves} if state.pending else set()

        assert set(found.gone) | set(found.kept) == present
        assert not set(found.gone) & set(found.kept)
        assert not set(found.gone) & (made.served() | set(state.line) | pending | {"toy:foreign"})
        for tag in found.gone:
            version = state.versions[tag]
            assert version.stage in {Stage.ARCHIVED, Stage.REJECTED} or version.deleted_at
        plan = plan_retention(state, found, reason="why")
        assert (plan is None) == (not found.gone)
        if plan is None or state.pending:
            return
        made.record(plan, TransitionApplied(planned=state.seq + 1))
        while made.state.previous:
            back = rollback_moves(made.state, made.state.previous, reason="on and on")
            assert back.champion not in found.gone
            made.record(back)
        assert not made.found(keep=keep, before=before, present=present - set(found.gone)).gone

    @given(made=histories(), days=st.integers(0, 40))
    def test_keeping_more_or_older_ones_only_never_deletes_more(self, made, days):
        all_gone = set(made.found().gone)
        before = made.now - days * DAY
        assert set(made.found(before=before).gone) <= all_gone
        assert set(made.found(before=before - DAY).gone) <= set(made.found(before=before).gone)
        for keep in range(4):
            assert (
                set(made.found(keep=keep + 1).gone) < set(made.found(keep=keep).gone) or not made.found(keep=keep).gone
            )

    def test_each_reason_is_told(self):
        made = History()
        for stage in (
            Stage.REJECTED,
            Stage.REJECTED,
            Stage.STAGING,
            None,
            Stage.REJECTED,
            Stage.STAGING,
            Stage.STAGING,
        ):
            made.register(stage)
        made.promote("toy:v5")
        made.promote("toy:v6")
        young = made.register(Stage.REJECTED, hours=24)
        newest = made.register(Stage.REJECTED)
        found = made.found(keep=1, before=made.now - timedelta(hours=12), present={*made.state.versions, "toy:foreign"})
        assert found.gone == ("toy:v0", "toy:v1", "toy:v4")
        assert found.kept == {
            "toy:foreign": "not registered, so its origin is unknown",
            "toy:v2": "in staging",
            "toy:v3": "in no stage",
            "toy:v5": "has served: a rollback may bring it back",
            "toy:v6": "serves",
            young: f"registered after {(made.now - timedelta(hours=12)).isoformat(timespec='seconds')}",
            newest: "one of the newest 1 deletable versions",
        }
        assert found.doubt == ""

    def test_one_that_was_rolled_back_from_stays_too_since_it_served(self):
        made = History()
        made.promote(made.register(Stage.STAGING))
        made.promote(made.register(Stage.STAGING))
        made.record(rollback_moves(made.state, made.state.previous, reason="bad"))
        made.record(TransitionApplied(planned=made.state.seq))
        assert made.state.line == ("toy:v0",)
        assert made.found().gone == ()


class TestClocks:
    def test_a_registration_by_a_clock_of_1970_is_no_older_than_the_one_before_it(self):
        made = History()
        made.register(Stage.REJECTED)
        made.register(Stage.REJECTED, hours=-24 * 365 * 50)
        made.now = NOON + 2 * DAY
        assert made.found(before=NOON).gone == ()
        assert made.found(before=NOON + DAY).gone == ("toy:v0", "toy:v1")

    @pytest.mark.parametrize(
        ("now", "doubt"),
        [
            (NOON + 10 * DAY, ""),
            (
                NOON - DAY,
                "The newest version was registered at 2026-11-22T13:00:00+00:00, but this machine's clock says "
                "2026-11-21T12:00:00+00:00, which is earlier. One of the clocks was wrong, so the ages may be wrong too.",
            ),
            (
                NOON + 400 * DAY,
                "The newest version was registered at 2026-11-22T13:00:00+00:00, but this machine's clock says "
                "2027-12-27T12:00:00+00:00. Check the clock, because every version looks old by it.",
            ),
        ],
    )
    def test_a_clock_that_may_be_wrong_is_told(self, now, doubt):
        made = History()
        made.register(Stage.REJECTED)
        assert made.found(before=now - 30 * DAY, now=now).doubt == doubt
        assert made.found(before=None, now=now).doubt == ""


class TestInTheStore:
    @pytest.fixture
    def registry(self, registry_after_three_champions):
        """Champions `weak`, `good` and `twin`; `noisy` and `spoilt` are rejected."""
        for name in ("noisy", "spoilt"):
            registry_after_three_champions.register(toy(name), Origin(run_id=f"run-{name}"))
            registry_after_three_champions.gate(toy(name))
        return registry_after_three_champions

    def test_the_oldest_goes_and_its_life_stays_on_record(self, registry):
        plan = registry.gc("toy", keep=1, reason="the disk is full")
        assert plan.deletions == ("toy:noisy",)
        assert kinds(registry)[-2:] == ["transition_planned", "transition_applied"]
        assert not registry.store.path(toy("noisy")).exists()
        version = registry.state("toy").versions["toy:noisy"]
        assert (version.stage, version.deleted_by, version.deleted_because) == (None, "os:alice", "the disk is full")
        assert version.decision is not None
        assert registry.mirror.stages("toy")["toy:noisy"] == "deleted"
        assert registry.mirror.stages("toy")["toy:spoilt"] == "rejected"
        assert registry.gc("toy", keep=1, reason="again") is None
        assert list((registry.store.home / "tmp").iterdir()) == []

    @pytest.mark.parametrize("change", ["gate", "promote", "adopt", "rollback"])
    def test_a_deleted_version_says_when_by_whom_and_why_it_went(self, registry, change):
        registry.gc("toy", keep=0, reason="the disk is full")
        before = kinds(registry)
        expected = (
            r"^toy:noisy was deleted at 2026-11-22 \d\d:\d\d UTC by os:alice: the disk is full\. Run `promotion show toy:noisy` "
            r"to see its history, or train a new version\.$"
        )
        with pytest.raises(Refused, match=expected if change != "rollback" else "^toy:noisy has never served"):
            {
                "gate": lambda: registry.gate(toy("noisy")),
                "promote": lambda: registry.promote(toy("noisy"), reason="I want it", override=True),
                "adopt": lambda: registry.adopt(toy("noisy"), reason="mine", assume_clean=True),
                "rollback": lambda: registry.rollback("toy", reason="back", to=toy("noisy")),
            }[change]()
        assert kinds(registry) == before

    def test_a_kill_at_any_deletion_is_completed_by_the_next_command(self, registry, opened, monkeypatch):
        class KilledError(BaseException):
            pass

        def killed(*_):
            raise KilledError

        monkeypatch.setattr(registry.store, "delete", killed)
        with pytest.raises(KilledError):
            registry.gc("toy", keep=0, reason="old")
        monkeypatch.undo()
        after = opened()
        assert after.store.path(toy("noisy")).exists()
        assert after.state("toy").versions["toy:noisy"].deleted_at
        after.rollback("toy", reason="complaints")
        assert not after.store.path(toy("noisy")).exists()
        assert not after.store.path(toy("spoilt")).exists()
        assert stages(after) == {"weak": "archived", "good": "prod", "twin": "archived"}

    def test_one_that_comes_back_is_deleted_again_and_returns_to_staging_where_it_claims_to_serve(
        self, registry, tmp_path
    ):
        shutil.copytree(registry.store.path(toy("noisy")), tmp_path / "backup")
        registry.gc("toy", keep=0, reason="old")
        shutil.copytree(tmp_path / "backup", registry.store.path(toy("noisy")))
        assert plan_repair(registry.parts, "toy").transition is None
        assert registry.gc("toy", keep=0, reason="old").deletions == ("toy:noisy",)

        shutil.copytree(tmp_path / "backup", registry.store.path(toy("noisy")))
        registry.store.write_stage(toy("noisy"), Stage.PROD)
        registry.repair("toy")
        version = registry.state("toy").versions["toy:noisy"]
        assert (version.stage, version.deleted_at, registry.store.get(toy("noisy")).stage) == (
            Stage.STAGING,
            None,
            "staging",
        )
        registry.gate(toy("noisy"))
        assert registry.state("toy").versions["toy:noisy"].stage is Stage.REJECTED

    def test_mlflow_shows_it_as_deleted_and_none_that_it_never_knew(self, opened, mlflow_uri):
        mirror = MlflowMirror(mlflow_uri)
        registry = opened(mirror=mirror)
        registry.gate(toy("weak"))
        registry.gate(toy("spoilt"))
        assert mirror.stages("toy") == {"toy:weak": "prod", "toy:spoilt": "rejected"}
        registry.gc("toy", keep=0, reason="old")
        assert mirror.stages("toy") == {"toy:weak": "prod", "toy:spoilt": "deleted"}
        (version,) = (
            one
            for one in mirror._client.search_model_versions("name='toy'")
            if one.tags["promotion.stage"] == "deleted"
        )
        mirror._client.delete_model_version("toy", version.version)
        registry.sync("toy", everything=True)
        assert mirror.stages("toy") == {"toy:weak": "prod"}

    def test_an_unknown_model_has_nothing_to_delete(self, registry):
        assert registry.gc("unheard", keep=0, reason="old") is None
        with pytest.raises(UnknownName):
            registry.store.get(toy("unheard"))


def test_what_is_recorded_reads_back(registry_with_champion):
    registry_with_champion.gate(toy("spoilt"))
    registry_with_champion.gc("toy", keep=0, reason="old")
    body = registry_with_champion.history("toy")[-2].body
    assert json.loads(json.dumps(body))["deletions"] == ["toy:spoilt"]
