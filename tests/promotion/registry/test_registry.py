import sqlite3
from contextlib import closing
from datetime import datetime

import bentoml
import numpy as np
import pytest
import recipes
from recipes import ToyRecipe, synthetic_rows
from situation import bentoml_at, faults, kinds, snapshot, stages, toy

from promotion.adapters.memory import MemoryMirror
from promotion.adapters.mlflow import MlflowMirror
from promotion.config import Config
from promotion.errors import (
    ConfigError,
    Conflict,
    DataError,
    DigestMismatch,
    LedgerError,
    MirrorError,
    Refused,
    StoreError,
    UnknownName,
)
from promotion.interfaces import call
from promotion.ledger.state import fold
from promotion.policy import Kind
from promotion.registry import judge
from promotion.registry.register import Origin
from promotion.vocabulary import Outcome, Stage, Verdict


class Killed(BaseException):
    """What a kill looks like from inside: no `except Exception` sees it."""


class MirrorAway(MemoryMirror):
    """A mirror that can be switched off."""

    away = True

    def push(self, state):
        if self.away:
            raise MirrorError("MLflow at http://away did not answer.")
        return super().push(state)


@pytest.fixture
def killed_at(registry, monkeypatch):
    """Make the n-th label write of this registry die before it writes."""

    def arm(n):
        real, count = registry.store.write_stage, iter(range(1, 100))

        def write_stage(tag, stage):
            if next(count) == n:
                raise Killed
            real(tag, stage)

        monkeypatch.setattr(registry.store, "write_stage", write_stage)

    return arm


@pytest.fixture
def made_by_the_tutorial(store):
    """A champion as the tutorial makes it: owner, stage, a custom object, and none of our metadata."""
    recipe = ToyRecipe(skill="weak")
    model = recipe.train(recipe.split(synthetic_rows(400, seed=3)).training, step=call).model
    with bentoml_at(store.home):
        saved = bentoml.sklearn.save_model(
            "toy:tutorial",
            model,
            labels={"owner": "Cerebrium", "stage": "prod"},
            metadata={"version": 1.0},
            custom_objects={"ohe_encoder": {"columns": ["a", "b"]}},
            signatures={"predict": {"batchable": True, "batch_dim": 0}},
        )
    return toy(saved.tag.version)


def meddling(function):
    """A step that lets someone else act just before the decision."""

    def step(wrapped, *args, **kwargs):
        if wrapped.__name__ == "decide":
            function()
        return wrapped(*args, **kwargs)

    return step


class TestGate:
    def test_promotes_the_first_by_floors_and_a_better_one_by_its_gain(self, registry):
        registry.register(toy("weak"))
        first = registry.gate(toy("weak"))
        assert (first.verdict, first.deciding.kind, first.champion) == (Verdict.PROMOTE, Kind.FLOOR, None)
        assert stages(registry) == {"weak": "prod"}
        second = registry.gate(toy("good"))

        assert (second.verdict, second.champion.tag, second.challenger.tag) == (Verdict.PROMOTE, "toy:weak", "toy:good")
        assert (second.holdout.rows, second.holdout.removed, second.holdout.data) == (1200, 0, "rows.csv")
        assert stages(registry) == {"weak": "archived", "good": "prod"}
        champion = registry.champion("toy")
        assert (champion.tag, champion.decision_id) == (toy("good"), second.id)
        assert champion.path == registry.store.path(toy("good"))
        assert champion.digest == registry.store.digest(toy("good"))
        assert kinds(registry)[-4:] == ["registration", "decision", "transition_planned", "transition_applied"]
        assert faults(registry) == ()

    def test_holds_an_equal_one_which_waits(self, registry_with_champion):
        registry_with_champion.promote(toy("good"), reason="to compare with", override=True)
        decision = registry_with_champion.gate(toy("twin"))
        assert decision.verdict is Verdict.HOLD
        assert decision.summary.startswith(
            "The gain in roc_auc is +0.0000, somewhere from +0.0000 to +0.0000 (one-sided 96.96 % bounds)"
        )
        assert stages(registry_with_champion) == {"weak": "archived", "good": "prod", "twin": "staging"}

    @pytest.mark.parametrize("version", ["noisy", "spoilt"])
    def test_rejects_a_worse_one(self, registry_with_champion, version):
        assert registry_with_champion.gate(toy(version)).verdict is Verdict.REJECT
        assert stages(registry_with_champion) == {"weak": "prod", version: "rejected"}
        assert registry_with_champion.champion("toy").tag == toy("weak")

    @pytest.mark.parametrize("version", ["twin", "noisy"])
    def test_the_same_decision_on_what_was_held_or_rejected_is_recorded_once(self, registry_with_champion, version):
        registry = registry_with_champion
        registry.gate(toy("good"))
        first, before = registry.gate(toy(version)), kinds(registry)
        assert registry.gate(toy(version)) == first
        assert kinds(registry) == before

    def test_the_champion_is_not_judged_against_itself(self, registry_with_champion):
        before = kinds(registry_with_champion)
        with pytest.raises(Refused, match=r"^toy:weak serves already; a challenger is judged against it with"):
            registry_with_champion.gate(toy("weak"))
        assert kinds(registry_with_champion) == before

    def test_rows_that_trained_either_side_do_not_judge(self, registry_with_champion, tmp_path):
        everything = synthetic_rows(3600)
        everything.to_csv(tmp_path / "more.csv", index=False)
        decision = registry_with_champion.gate(toy("good"), data=tmp_path / "more.csv")
        # The later half of 3,600 rows is 1,800 to 3,600, none of which is among the first 1,200, that trained both.
        assert (decision.holdout.rows, decision.holdout.removed) == (1800, 0)
        everything[:1600].to_csv(tmp_path / "less.csv", index=False)
        decision = registry_with_champion.gate(toy("twin"), data=tmp_path / "less.csv")
        assert (decision.holdout.rows, decision.holdout.removed) == (400, 400)
        assert decision.checks[0].reason == (
            "None of the 400 rows that judge trained either model; 400 that did were left out."
        )

    def test_a_holdout_that_trained_them_holds(self, registry_with_champion, tmp_path):
        synthetic_rows()[:1200].to_csv(tmp_path / "seen.csv", index=False)
        decision = registry_with_champion.gate(toy("good"), data=tmp_path / "seen.csv")
        assert (decision.verdict, decision.missing[0].kind) == (Verdict.HOLD, Kind.CLEAN)
        assert decision.summary == (
            "All 600 rows of the holdout trained one of the models, so no row is left to judge by."
        )

    def test_too_few_positives_hold_and_are_counted(self, registry_with_champion, tmp_path):
        rows = synthetic_rows(2400, seed=8, first_id=9000, first_t=9000)
        rows[(rows.y == 0) | (rows.index % 50 == 0)].to_csv(tmp_path / "rare.csv", index=False)
        decision = registry_with_champion.gate(toy("good"), data=tmp_path / "rare.csv")
        assert decision.verdict is Verdict.HOLD
        assert decision.summary == (
            f"The holdout has only {decision.holdout.positives} positives; the policy asks for at least 50."
        )

    @pytest.mark.parametrize(
        ("recipe", "kind", "reason"),
        [
            (
                "MuteRecipe",
                Kind.SCORED,
                r"The challenger toy:good could not be scored (ZeroDivisionError: no scores today).",
            ),
            ("NanRecipe", Kind.PRIMARY, "NaN"),
        ],
    )
    def test_what_cannot_be_scored_is_named_and_held(
        self, opened, settings_of_toy, registry_with_champion, recipe, kind, reason
    ):
        models = {"toy": settings_of_toy.models["toy"].model_copy(update={"recipe": f"recipes:{recipe}"})}
        registry = opened(config=settings_of_toy.model_copy(update={"models": models}))
        decision = registry.gate(toy("good"))
        assert (decision.verdict, decision.deciding.kind, decision.deciding.outcome) == (
            Verdict.HOLD,
            kind,
            Outcome.MISSING,
        )
        assert reason in decision.summary
        assert stages(registry)["weak"] == "prod"

    def test_scores_of_another_shape_are_named_and_held(self, registry_with_champion, monkeypatch):
        monkeypatch.setattr(
            ToyRecipe, "score", lambda _, trained, rows: trained.model.predict_proba(rows[["a", "b"]].to_numpy())
        )
        decision = registry_with_champion.gate(toy("good"))
        assert decision.verdict is Verdict.HOLD
        assert decision.summary == "The challenger toy:good gave scores of shape (1200, 2), expected (1200,)."

    def test_both_sides_are_scored_in_double_precision(self, registry_with_champion, monkeypatch):
        seen = []
        weigh = judge.weigh
        monkeypatch.setattr(judge, "weigh", lambda *given: seen.extend(given[1]) or weigh(*given))
        monkeypatch.setattr(ToyRecipe, "score", lambda _, trained, rows: np.full(len(rows), 0.1, dtype=np.float32))
        registry_with_champion.gate(toy("good"))
        assert {scores.dtype for scores in seen} == {np.dtype(np.float64)}

    def test_files_that_changed_since_registration_are_not_loaded(self, registry_with_champion):
        registry_with_champion.register(toy("good"))
        with (registry_with_champion.store.path(toy("good")) / "saved_model.pkl").open("ab") as file:
            file.write(b"!")
        before = kinds(registry_with_champion)
        for act in (
            lambda: registry_with_champion.gate(toy("good")),
            lambda: registry_with_champion.promote(toy("good"), reason="it is good", override=True),
        ):
            with pytest.raises(DigestMismatch, match=r"^The files of toy:good are not the ones that were registered"):
                act()
        assert kinds(registry_with_champion) == before

    @pytest.mark.parametrize(
        ("data", "error", "sentence"),
        [
            ("absent.csv", DataError, r"^There is no data file at .*/absent\.csv\."),
            (None, UnknownName, r"^There is no version 'toy:goood'\. Did you mean 'toy:good'\?"),
        ],
    )
    def test_a_mistake_records_nothing(self, registry_with_champion, data, error, sentence):
        before = kinds(registry_with_champion)
        with pytest.raises(error, match=sentence):
            registry_with_champion.gate(toy("good" if data else "goood"), data=data)
        assert kinds(registry_with_champion) == before


class TestByHand:
    def test_without_a_verdict_it_is_refused_and_nothing_is_recorded(self, registry_with_champion):
        before = kinds(registry_with_champion)
        with pytest.raises(Refused, match=r"^toy:good has not been judged\. Run `promotion gate toy:good`"):
            registry_with_champion.promote(toy("good"), reason="it is good")
        assert kinds(registry_with_champion) == before

    def test_an_override_is_recorded_as_one(self, registry_with_champion):
        registry_with_champion.gate(toy("noisy"))
        registry_with_champion.promote(toy("noisy"), reason="the metric is wrong", override=True)

        override, planned = (entry.content() for entry in registry_with_champion.history("toy")[-3:-1])
        assert (override.tag, override.reason, override.verdict) == ("toy:noisy", "the metric is wrong", "reject")
        assert (planned.champion, planned.decision) == ("toy:noisy", None)
        assert registry_with_champion.history("toy")[-3].actor == "os:alice"
        assert registry_with_champion.champion("toy").decision_id is None
        assert stages(registry_with_champion) == {"weak": "archived", "noisy": "prod"}

    def test_after_a_rollback_and_a_readmission_its_verdict_still_stands(self, registry_with_champion):
        decision = registry_with_champion.gate(toy("good"))
        registry_with_champion.rollback("toy", reason="complaints")
        registry_with_champion.readmit(toy("good"), reason="they were wrong")
        registry_with_champion.promote(toy("good"), reason="they were wrong")
        assert registry_with_champion.champion("toy").decision_id == decision.id

    def test_rollback_goes_back_step_by_step_and_labels_follow(self, registry_after_three_champions):
        registry = registry_after_three_champions
        registry.rollback("toy", reason="complaints since noon")
        assert stages(registry) == {"weak": "archived", "good": "prod", "twin": "archived"}
        registry.rollback("toy", reason="still")
        assert stages(registry) == {"weak": "prod", "good": "archived", "twin": "archived"}
        with pytest.raises(Refused, match="toy:weak is the first champion"):
            registry.rollback("toy", reason="and again")
        assert faults(registry) == ()

    def test_rollback_to_changed_files_is_refused(self, registry_after_three_champions):
        registry = registry_after_three_champions
        (registry.store.path(toy("good")) / "extra").touch()
        with pytest.raises(DigestMismatch, match="The files of toy:good"):
            registry.rollback("toy", reason="complaints")
        assert registry.champion("toy").tag == toy("twin")

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_a_change_needs_a_reason(self, registry_after_three_champions, reason):
        registry = registry_after_three_champions
        for act in (
            lambda: registry.promote(toy("good"), reason=reason, override=True),
            lambda: registry.rollback("toy", reason=reason),
            lambda: registry.adopt(toy("good"), reason=reason, assume_clean=True),
        ):
            with pytest.raises(Refused, match=r"^A change by hand needs a reason: --reason 'why'\.$"):
                act()

    def test_who_served_when(self, registry_after_three_champions):
        registry = registry_after_three_champions
        registry.rollback("toy", reason="complaints")
        changes = [entry for entry in registry.history("toy") if entry.kind == "transition_planned"]
        times = [datetime.fromisoformat(entry.at) for entry in changes]
        assert [registry.champion("toy", at=time).tag.version for time in times] == ["weak", "good", "twin", "good"]
        assert registry.champion("toy", at=times[0].replace(year=2000)) is None
        assert registry.champion("toy", at=times[-1].replace(year=2030)) == registry.champion("toy")


class TestAdoption:
    def test_a_champion_of_unknown_training_holds_until_it_is_adopted(self, registry, made_by_the_tutorial):
        held = registry.gate(toy("good"))
        assert (held.verdict, held.champion.tag) == (Verdict.HOLD, "toy:tutorial")
        assert held.summary == (
            "The training rows of the champion toy:tutorial are unknown, so the holdout may not be clean. If you know "
            "that it was trained before a time, `promotion adopt toy:tutorial --trained-before TIME --reason …` records "
            "it; if you are sure that it saw none of the holdout's rows, use --assume-clean."
        )
        assert registry.champion("toy") is None
        registry.adopt(made_by_the_tutorial, reason="serves since May", trained_before=1200)

        assert registry.champion("toy").tag == made_by_the_tutorial
        assert registry.state("toy").versions["toy:tutorial"].registration.version == "1.0"
        assert registry.store.get(made_by_the_tutorial).labels == {"owner": "Cerebrium", "stage": "prod"}
        assert faults(registry) == ()
        judged = registry.gate(toy("good"))
        assert (judged.verdict, judged.holdout.rows) == (Verdict.PROMOTE, 1200)
        assert stages(registry) == {"good": "prod", "tutorial": "archived"}

    def test_trained_before_leaves_out_what_it_may_have_seen(self, registry, made_by_the_tutorial):
        registry.adopt(made_by_the_tutorial, reason="serves since May", trained_before=1500)
        decision = registry.gate(toy("good"))
        assert (decision.holdout.rows, decision.holdout.removed) == (900, 300)

    def test_assume_clean_takes_the_holdout_as_it_is(self, registry, made_by_the_tutorial):
        registry.adopt(made_by_the_tutorial, reason="trained elsewhere", assume_clean=True)
        assert registry.gate(toy("good")).holdout.removed == 0

    def test_trained_before_needs_a_recipe_that_knows_time(self, opened, settings_of_toy, made_by_the_tutorial):
        models = {"toy": settings_of_toy.models["toy"].model_copy(update={"recipe": "recipes:TimelessRecipe"})}
        registry = opened(config=settings_of_toy.model_copy(update={"models": models}))
        registry.adopt(made_by_the_tutorial, reason="serves since May", trained_before=1)
        with pytest.raises(DataError, match=r"adopted with --trained-before, but the recipe names no time column"):
            registry.gate(toy("good"))

    @pytest.mark.parametrize("vouched", [{}, {"trained_before": 1.0, "assume_clean": True}])
    def test_one_thing_must_be_said_of_its_rows(self, registry, made_by_the_tutorial, vouched):
        with pytest.raises(Refused, match=r"either --trained-before TIME or --assume-clean\.$"):
            registry.adopt(made_by_the_tutorial, reason="serves since May", **vouched)
        assert kinds(registry) == []

    def test_gating_the_unadopted_champion_says_what_to_do(self, registry, made_by_the_tutorial):
        with pytest.raises(Refused, match=r"serves already.* `promotion adopt toy:tutorial --trained-before TIME"):
            registry.gate(made_by_the_tutorial)

    def test_of_two_labelled_prod_a_person_says_which_serves(self, registry, made_by_the_tutorial):
        registry.store.write_stage(toy("weak"), Stage.PROD)
        expected = (
            r"^2 versions of 'toy' carry the label stage: prod \(toy:tutorial, toy:weak\), and only one can serve\. "
            r"Say which one does: `promotion adopt TAG --assume-clean --reason …`"
        )
        with pytest.raises(StoreError, match=expected):
            registry.gate(toy("good"))
        assert kinds(registry) == []
        registry.adopt(made_by_the_tutorial, reason="it is the one", assume_clean=True)
        assert stages(registry) == {"tutorial": "prod", "weak": "archived"}
        assert faults(registry) == ()

    def test_a_second_champion_is_not_adopted_and_stays_a_finding(self, registry_with_champion, made_by_the_tutorial):
        before = kinds(registry_with_champion)
        with pytest.raises(
            Refused, match=r"^toy:weak is the champion of 'toy' by the ledger, so toy:tutorial cannot be"
        ):
            registry_with_champion.adopt(made_by_the_tutorial, reason="serves since May", assume_clean=True)
        assert kinds(registry_with_champion) == before
        with pytest.raises(StoreError, match=r"^The champion of 'toy' is toy:weak, but the label stage: prod is on"):
            registry_with_champion.gate(toy("good"))
        registry_with_champion.register(made_by_the_tutorial)
        assert [finding.code for finding in faults(registry_with_champion)] == ["AUD012"]
        registry_with_champion.repair("toy")
        assert stages(registry_with_champion) == {"weak": "prod", "tutorial": "staging"}


class TestInterrupted:
    @pytest.mark.parametrize("n", [1, 2], ids=["before any label", "between the two"])
    @pytest.mark.parametrize("next_command", ["repair", "gate", "promote", "rollback", "register"])
    def test_the_next_command_completes_what_a_kill_left(
        self, opened, registry_with_champion, killed_at, monkeypatch, n, next_command
    ):
        killed_at(n)
        with pytest.raises(Killed):
            registry_with_champion.gate(toy("good"))
        monkeypatch.undo()
        registry = opened()
        assert registry.champion("toy").tag == toy("good")
        assert registry.state("toy").pending is not None
        assert "prod" in stages(registry).values()
        assert "AUD004" in {finding.code for finding in faults(registry)}

        {
            "repair": lambda: registry.repair("toy"),
            "gate": lambda: registry.gate(toy("spoilt")),
            "promote": lambda: registry.promote(toy("twin"), reason="newer", override=True),
            "rollback": lambda: registry.rollback("toy", reason="complaints"),
            "register": lambda: registry.register(toy("spoilt")),
        }[next_command]()
        expected = {"promote": "twin", "rollback": "weak"}.get(next_command, "good")
        serving = [version for version, stage in stages(registry).items() if stage == "prod"]
        assert serving == [expected]
        assert registry.champion("toy").tag == toy(expected)
        assert faults(registry) == ()

    def test_labels_that_cannot_be_written_leave_the_decision_standing(self, registry_with_champion, monkeypatch):
        def refuse(*_):
            raise StoreError(
                "The Bento store cannot be written at /store (Read-only file system); nothing was changed there."
            )

        monkeypatch.setattr(registry_with_champion.store, "write_stage", refuse)
        with pytest.raises(StoreError, match="Read-only file system"):
            registry_with_champion.gate(toy("good"))
        monkeypatch.undo()
        assert registry_with_champion.repair("toy").transition is None
        assert stages(registry_with_champion) == {"weak": "archived", "good": "prod"}

    def test_one_that_slept_since_it_read_the_ledger_writes_no_old_label(
        self, opened, registry_with_champion, killed_at, monkeypatch
    ):
        killed_at(1)
        with pytest.raises(Killed):
            registry_with_champion.gate(toy("good"))
        monkeypatch.undo()
        slow, quick = opened(), opened()
        real = slow.store.held

        def after_two_more_moves(model):
            monkeypatch.undo()
            quick.promote(toy("twin"), reason="newer", override=True)
            return real(model)

        monkeypatch.setattr(slow.store, "held", after_two_more_moves)
        slow.repair("toy")
        assert stages(slow) == {"weak": "archived", "good": "archived", "twin": "prod"}
        assert kinds(slow)[-1] == "transition_applied"
        assert faults(slow) == ()


class TestConflict:
    def test_who_comes_second_changes_nothing_and_is_told_who_was_first(self, opened, registry_with_champion):
        other = opened(actor=lambda: "config:ci")
        entered = len(kinds(registry_with_champion)) + 1
        expected = (
            rf"^The record of 'toy' moved on by config:ci while this command ran \(entry {entered} was taken\), so nothing "
            r"was changed\. Look at `promotion history toy` and run the command again\.$"
        )
        with pytest.raises(Conflict, match=expected) as raised:
            registry_with_champion.gate(
                toy("good"),
                step=meddling(lambda: other.promote(toy("twin"), reason="first", override=True)),
            )
        assert raised.value.exit_code == 6
        assert stages(registry_with_champion) == {"weak": "archived", "twin": "prod"}
        assert registry_with_champion.store.get(toy("good")).stage == "staging"
        assert "toy:good" not in registry_with_champion.state("toy").versions
        assert faults(other) == ()


class TestMirrorAway:
    def test_the_transition_stands_a_notice_is_given_and_the_mirror_catches_up(self, opened):
        mirror = MirrorAway()
        registry = opened(mirror=mirror)
        registry.register(toy("weak"), Origin(run_id="run-weak"))
        registry.gate(toy("weak"))
        assert stages(registry) == {"weak": "prod"}
        sentence = "MLflow at http://away did not answer. What was decided stands. Once MLflow answers, `promotion sync` sends it."
        assert registry.notices == [sentence, sentence]
        assert [(one.code, one.severity) for one in faults(registry)] == [("AUD033", "warning")]
        assert registry.sync("toy") is False

        mirror.away = False
        assert registry.sync("toy") is True
        assert mirror.aliases("toy") == {"champion": "toy:weak"}
        assert faults(registry) == ()

    def test_every_decision_reaches_it_also_two_on_one_version(self, opened):
        mirror = MirrorAway()
        mirror.away = False
        registry = opened(mirror=mirror)
        registry.promote(toy("good"), reason="to compare with", override=True)
        registry.register(toy("twin"), Origin(run_id="run-twin"))
        mirror.away = True
        assert [registry.gate(toy("twin")).verdict for _ in range(2)] == [Verdict.HOLD, Verdict.HOLD]
        mirror.away = False
        registry.register(toy("weak"))
        assert registry.ledger.mirrored("toy") == registry.state("toy").seq
        assert faults(registry) == ()

    def test_mlflow_shows_the_champion_that_serves(self, opened, mlflow, mlflow_uri):
        registry = opened(mirror=MlflowMirror(mlflow_uri))
        for version in ("weak", "good"):
            registry.register(toy(version), Origin(run_id=mlflow.new_run()))
            registry.gate(toy(version))
        registry.rollback("toy", reason="complaints")

        champion = mlflow.get_model_version_by_alias("toy", "champion")
        assert champion.tags["promotion.tag"] == str(registry.champion("toy").tag) == "toy:weak"
        assert champion.tags["promotion.digest"] == registry.champion("toy").digest
        assert faults(registry) == ()

    def test_a_run_that_somebody_deleted_stops_nothing_and_is_told(self, opened, mlflow, mlflow_uri):
        registry = opened(mirror=MlflowMirror(mlflow_uri))
        runs = {version: mlflow.new_run() for version in ("weak", "good")}
        for version, run_id in runs.items():
            registry.register(toy(version), Origin(run_id=run_id))
        mlflow.delete_run(runs["good"])
        for version in runs:
            registry.gate(toy(version))
        assert mlflow.get_model_version_by_alias("toy", "champion").tags["promotion.tag"] == "toy:good"
        assert registry.notices == [
            f"MLflow shows no decisions in {runs['good']}: such runs are not there, or deleted. What was decided stands. "
            "`mlflow runs restore --run-id RUN` brings back a deleted one, and `promotion repair toy` sends it all again."
        ]
        assert {finding.code for finding in faults(registry)} == {"AUD032", "AUD059"}

        mlflow.restore_run(runs["good"])
        registry.repair("toy")
        assert faults(registry) == ()


def test_where_the_ledgers_end_was_cut_off_the_next_command_says_so(opened, registry_after_three_champions):
    registry = registry_after_three_champions
    whole = registry.history("toy")
    cut = whole[:-4]
    with closing(sqlite3.connect("ledger.db")) as ledger, ledger:
        ledger.execute("delete from entries")
        ledger.execute("delete from heads")
    registry.ledger.append(cut, fold("toy", cut).head)
    later = opened()
    assert later.sync("toy") is False
    assert later.notices == [
        f"MLflow was sent entry {len(whole)} of 'toy' once, and the ledger ends at entry {len(cut)}: its end was cut off, "
        "or it is an older copy. `promotion audit toy` says what to do."
    ]
    for name in ("noisy", "spoilt"):
        later.promote(toy(name), reason="grown again", override=True)
    assert later.state("toy").seq > len(whole)
    assert later.notices[-1] == (
        f"MLflow was sent another entry {len(whole)} of 'toy' than the ledger has, so the ledger was cut or rewritten and "
        "MLflow was left as it is: `promotion audit toy` says more."
    )


class TestConfiguration:
    def test_nothing_configured_for_a_model_is_a_sentence(self, opened, tmp_path):
        registry = opened(config=Config(root=tmp_path))
        with pytest.raises(UnknownName, match=r"^There is no model 'toy'\. Models are named in promotion\.toml as"):
            registry.gate(toy("good"))
        registry.promote(toy("good"), reason="by hand it works", override=True)
        assert registry.models() == ("toy",)

    @pytest.mark.parametrize(
        ("recipe", "options", "sentence"),
        [
            ("recipes.ToyRecipe", {}, r"^A recipe is named as package\.module:Class, found 'recipes\.ToyRecipe'\.$"),
            (
                "recipies:ToyRecipe",
                {},
                r"'recipies:ToyRecipe' cannot be imported: there is no module 'recipies' here\.$",
            ),
            ("recipes:TooyRecipe", {}, r"'recipes:TooyRecipe' cannot be made: module 'recipes' has no attribute"),
            ("recipes:ToyRecipe", {"sed": 1}, r"cannot be made: .* unexpected keyword argument 'sed'\.$"),
            (
                "builtins:dict",
                {},
                r"^'builtins:dict' is no recipe: it lacks key, label, time, load, split, train, score\.$",
            ),
        ],
    )
    def test_a_recipe_that_cannot_be_made_is_a_sentence(self, opened, settings_of_toy, recipe, options, sentence):
        changes = {"recipe": recipe, "options": options}
        models = {"toy": settings_of_toy.models["toy"].model_copy(update=changes)}
        registry = opened(config=settings_of_toy.model_copy(update={"models": models}))
        with pytest.raises(ConfigError, match=sentence):
            registry.gate(toy("good"))
        assert kinds(registry) == []

    def test_a_recipe_that_fails_to_load_is_a_sentence(self, registry, monkeypatch):
        def fail(*_):
            raise KeyError("y")

        monkeypatch.setattr(recipes.ToyRecipe, "load", fail)
        with pytest.raises(DataError, match=r"^The recipe could not load .*rows\.csv \(KeyError: 'y'\)\.$"):
            registry.gate(toy("good"))

    def test_rows_are_read_once_until_the_file_changes(self, registry, rows_file):
        _, first = registry.reader.load("toy")
        assert registry.reader.load("toy")[1].rows is first.rows
        synthetic_rows(500).to_csv(rows_file, index=False)
        assert len(registry.reader.load("toy")[1].rows) == 500

    def test_a_broken_ledger_stops_commands(self, opened, registry_with_champion):
        with sqlite3.connect("ledger.db") as connection:
            connection.execute("update entries set body = '{' where seq = 2")
        connection.close()
        before = snapshot(registry_with_champion.store.home)
        with pytest.raises(LedgerError, match=r"^Entry 2 of 'toy' in the ledger is damaged"):
            opened().gate(toy("good"))
        assert snapshot(registry_with_champion.store.home) == before
