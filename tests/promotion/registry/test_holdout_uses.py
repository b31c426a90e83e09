"""Which rows judge, and how often: clean holdouts (I4) and a budget per holdout (I5), through the whole gate."""

import pandas as pd
import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import kinds, settings_at, stages, toy
from sklearn.neighbors import KNeighborsClassifier

from promotion.canonical import restore
from promotion.errors import DataError
from promotion.interfaces import Trained, call
from promotion.ledger.entries import Judgement
from promotion.policy import Kind
from promotion.policy.budget import level_of_use
from promotion.rows import fingerprints
from promotion.vocabulary import Outcome, Verdict

pytestmark = pytest.mark.integration


@pytest.fixture
def learnt_by_heart(store):
    """A version that saw every row of `rows.csv`, including the holdout, and memorised each label."""
    rows = synthetic_rows()
    model = KNeighborsClassifier(n_neighbors=1).fit(rows[["a", "b"]].to_numpy(), rows["y"])
    store.save(
        "toy:cheat",
        Trained(model=model, labels={"owner": "tests"}),
        metadata={"version": "cheat"},
        training_rows=fingerprints(rows["id"]),
    )
    return toy("cheat")


class TestALeak:
    """A champion, or a challenger, that was trained on the rows that judge."""

    def test_a_leaking_challenger_would_win_and_is_not_judged_by_rows_it_saw(
        self, registry_with_champion, learnt_by_heart
    ):
        registry = registry_with_champion
        # The plain comparison sees a perfect model.
        rows = synthetic_rows()[1200:]
        model = registry.store.load(learnt_by_heart, digest=registry.store.digest(learnt_by_heart)).model
        assert (model.predict(rows[["a", "b"]].to_numpy()) == rows["y"]).all()

        decision = registry.gate(learnt_by_heart)
        assert decision.verdict is Verdict.HOLD
        assert (decision.holdout.rows, decision.holdout.removed) == (0, 1200)
        assert decision.summary == (
            "All 1,200 rows of the holdout were used to train one of the models, so no evaluation row is left. Use newer rows."
        )
        assert registry.champion("toy").tag == toy("weak")

    def test_a_leaking_champion_is_caught_its_rows_removed_and_the_verdict_changes(
        self, opened, store, learnt_by_heart, tmp_path
    ):
        more = synthetic_rows(6000)  # the first 2,400 are those of rows.csv; the later half of all judges
        more.to_csv(tmp_path / "more.csv", index=False)
        half_seen = ToyRecipe().split(more).training
        store.save(
            "toy:honest",
            ToyRecipe().train(half_seen, step=call),
            metadata={"version": "honest"},
            training_rows=fingerprints(half_seen["id"]),
        )
        leaky = opened(config=settings_at(tmp_path, data="seen.csv"))
        more[:2400].to_csv(tmp_path / "seen.csv", index=False)
        leaky.promote(learnt_by_heart, reason="it looked perfect", override=True)

        # Nothing can beat the champion on rows that it has seen, and none of them may judge.
        on_seen = leaky.gate(toy("good"))
        assert (on_seen.verdict, on_seen.holdout.removed, on_seen.holdout.rows) == (Verdict.HOLD, 1200, 0)
        # On a file that mixes them with new rows, only the new rows judge, and the honest model wins.
        mixed = leaky.gate(toy("honest"), data=tmp_path / "more.csv")
        assert (mixed.holdout.removed, mixed.holdout.rows) == (0, 3000)
        assert mixed.verdict is Verdict.PROMOTE
        assert mixed.evidence["roc_auc"].champion < 0.8

    def test_the_same_scores_without_the_check_would_have_kept_the_leak(self, registry, learnt_by_heart):
        """The verdict that the removal changes: by the rows that it saw, the leaking champion is beyond reach."""
        from promotion import compare, decide

        rows = synthetic_rows()[1200:]
        features = rows[["a", "b"]].to_numpy()
        champion, challenger = (
            registry.store.load(tag, digest=registry.store.digest(tag)).model.predict_proba(features)[:, 1]
            for tag in (learnt_by_heart, toy("good"))
        )
        evidence = compare(rows["y"].to_numpy(), champion, challenger, metrics=["roc_auc", "brier_score"])
        assert decide(evidence, registry.config.model("toy").policy).verdict is Verdict.REJECT


class TestTheRowsThatJudge:
    def test_a_file_that_judges_by_itself(self, opened, tmp_path):
        judges = synthetic_rows(800, seed=11, first_id=90_000, first_t=90_000)
        judges.to_csv(tmp_path / "judges.csv", index=False)
        registry = opened(config=settings_at(tmp_path, holdout="judges.csv"))
        registry.gate(toy("weak"))
        decision = registry.gate(toy("good"))
        assert (decision.holdout.rows, decision.holdout.data) == (800, "judges.csv")

        recipe, data = registry.reader.load("toy")
        split = registry.reader.split("toy", recipe, data)
        assert (len(split.training), len(split.holdout)) == (2400, 800)
        assert opened().gate(toy("twin"), holdout=tmp_path / "judges.csv").holdout.rows == 800
        assert registry.gate(toy("noisy"), data=tmp_path / "rows.csv").holdout.rows == 1200

    def test_a_file_that_judges_trains_no_model_whatever_data_holds(self, opened, tmp_path):
        synthetic_rows()[1800:].to_csv(tmp_path / "judges.csv", index=False)  # as in rows.csv
        registry = opened(config=settings_at(tmp_path, holdout="judges.csv"))
        split = registry.reader.split("toy", *registry.reader.load("toy"))
        assert (len(split.training), len(split.holdout)) == (1800, 600)
        assert not set(split.training["id"]) & set(split.holdout["id"])

        synthetic_rows().to_csv(tmp_path / "judges.csv", index=False)
        with pytest.raises(DataError, match=r"^Every row of rows\.csv is also in the holdout judges\.csv, so no row"):
            registry.reader.split("toy", *registry.reader.load("toy"))

    def test_rows_too_young_for_their_labels_neither_train_nor_judge(self, opened, tmp_path):
        registry = opened(config=settings_at(tmp_path, mature_after=400.0))
        assert len(registry.reader.load("toy")[1].rows) == 2000
        decision = registry.gate(toy("weak"))
        assert (decision.holdout.immature, decision.holdout.removed, decision.holdout.rows) == (400, 200, 800)

    def test_too_young_is_a_length_of_time_where_rows_have_moments_or_the_model_says_the_unit(self, opened, tmp_path):
        length = {"mature_after": "400m"}
        told = r"^`mature_after` is 400m, but column 't' holds numbers such as 0, whose unit is unknown\. Set the unit "
        with pytest.raises(DataError, match=told):
            opened(config=settings_at(tmp_path, **length)).reader.load("toy")
        expected = opened(config=settings_at(tmp_path, time_unit="min", **length)).reader.load("toy")[1]

        rows = synthetic_rows()
        minutes = pd.Timestamp("2024-12-01") + pd.to_timedelta(rows["t"], unit="min")
        rows.assign(t=minutes).to_csv(tmp_path / "dated.csv", index=False)
        dated = {"recipe": "recipes:DatedRecipe", "data": "dated.csv"}
        found = opened(config=settings_at(tmp_path, **dated, **length)).reader.load("toy")[1]
        assert (len(found.rows), found.immature) == (len(expected.rows), expected.immature) == (2000, 400)
        assert found.rows["id"].tolist() == expected.rows["id"].tolist() == rows["id"][:2000].astype(str).tolist()
        with pytest.raises(DataError, match=r"^`mature_after` is 400, but column 't' holds timestamps without a zone "):
            opened(config=settings_at(tmp_path, **dated, mature_after=400)).reader.load("toy")

    def test_columns_that_the_policy_names_must_be_there_before_anything_is_trained(self, opened, tmp_path):
        slices = [{"by": "county", "metric": "roc_auc", "max_loss": 0.1}]
        registry = opened(config=settings_at(tmp_path, policy={"slices": slices}))
        with pytest.raises(DataError, match=r"rows\.csv has no column 'county', which the policy names\. Available"):
            registry.reader.load("toy")

    def test_slices_and_limits_of_the_policy_are_checked(self, opened, tmp_path):
        policy = {
            "slices": [{"by": "a", "bins": 3, "metric": "roc_auc", "max_loss": 0.05}],
            "limits": {"max_size_mb": 5, "max_size_ratio": 2, "max_scoring_ratio": 50},
        }
        registry = opened(config=settings_at(tmp_path, policy=policy))
        registry.promote(toy("weak"), reason="to begin with", override=True)
        decision = registry.gate(toy("good"))
        checks = {check.name: check.outcome for check in decision.checks}
        assert len([name for name in checks if name.startswith("slice roc_auc where a in 3 bins = ")]) == 3
        assert [name for name in checks if name.startswith("limit")] == [
            "limit size",
            "limit size beside the champion",
            "limit scoring time beside the champion",
        ]
        assert decision.verdict is Verdict.PROMOTE
        assert {outcome for name, outcome in checks.items() if name.startswith("limit")} == {Outcome.PASSED}
        assert decision.footprint.size > 500
        assert len(decision.footprint.scoring_ratios) == 9
        assert 0 < decision.footprint.seconds < 60


class TestAMetricOfOnesOwn:
    def test_is_found_beside_the_configuration_and_decides(self, opened, tmp_path):
        (tmp_path / "our_money.py").write_text("""
from promotion import register_metric

def saved(labels, scores, weights):
    return float(((scores > 0.5) * (labels - 0.3) * weights).sum() / weights.sum())

def broken(labels, scores, weights):
    raise ZeroDivisionError("nothing to divide")

saved_in_toys = register_metric("saved_in_toys", direction="higher", value=saved)
broken_in_toys = register_metric("broken_in_toys", direction="higher", value=broken)
""")
        saving, broken = {"metric": "our_money:saved_in_toys"}, {"metric": "our_money:broken_in_toys", "max_loss": 1.0}
        registry = opened(config=settings_at(tmp_path, policy={"primary": saving}))
        registry.promote(toy("noisy"), reason="to begin with", override=True)
        decision = registry.gate(toy("good"))
        assert (decision.verdict, decision.deciding.subject) == (Verdict.PROMOTE, "our_money:saved_in_toys")

        registry = opened(config=settings_at(tmp_path, policy={"primary": saving, "guardrails": [broken]}))
        registry.promote(toy("noisy"), reason="once more", override=True)
        decision = registry.gate(toy("twin"))
        assert decision.verdict is Verdict.HOLD
        assert decision.summary.startswith(
            "The metric 'broken_in_toys' cannot be computed from the champion's scores (ZeroDivisionError: nothing to"
        )


class TestUnknownTrainingRows:
    @pytest.fixture
    def nobody_knows(self, store):
        trained = ToyRecipe(skill="weak").train(synthetic_rows(400, seed=3), step=call)
        store.save("toy:foreign", trained, metadata={}, training_rows=fingerprints(synthetic_rows(1)["id"]))
        (store.path(toy("foreign")) / "training_rows.2.npy").unlink()
        return toy("foreign")

    def test_hold_by_default(self, registry, nobody_knows):
        registry.promote(nobody_knows, reason="it served before", override=True)
        decision = registry.gate(toy("good"))
        assert (decision.verdict, decision.deciding.kind, decision.evidence) == (Verdict.HOLD, Kind.CLEAN, None)

    def test_are_taken_as_clean_where_the_policy_says_so(self, opened, nobody_knows, tmp_path):
        registry = opened(config=settings_at(tmp_path, policy={"unknown_provenance": "assume_clean"}))
        registry.promote(nobody_knows, reason="it served before", override=True)
        decision = registry.gate(toy("good"))
        assert decision.verdict is Verdict.PROMOTE
        assert decision.checks[0].reason == (
            "None of the 1,200 evaluation rows was used to train either model. The training rows of the champion "
            'toy:foreign are unknown and assumed not to be in the holdout (unknown_provenance = "assume_clean").'
        )


class TestTheBudget:
    @pytest.fixture
    def many(self, store):
        """Ten challengers that are no better than `good`."""
        training = ToyRecipe().split(synthetic_rows()).training
        for seed in range(10):
            part = training.sample(frac=0.9, random_state=seed)
            trained = ToyRecipe().train(part, step=call)
            store.save(
                f"toy:c{seed}", trained, metadata={"version": f"c{seed}"}, training_rows=fingerprints(part["id"])
            )
        return [toy(f"c{seed}") for seed in range(10)]

    def test_each_use_of_the_same_rows_is_judged_more_strictly(self, registry, many):
        registry.promote(toy("good"), reason="to begin with", override=True)
        decisions = [registry.gate(tag) for tag in many]
        assert [decision.budget.use for decision in decisions] == list(range(1, 11))
        assert [decision.alpha for decision in decisions] == [level_of_use(0.05, use) for use in range(1, 11)]
        assert decisions[-1].budget.sentence.startswith(
            "Counting this decision, these rows have been used 10 times, so the primary metric was tested at the"
        )
        assert sum(decision.alpha for decision in decisions) < 0.05

    def test_the_same_question_again_is_answered_as_before(self, registry, many):
        registry.promote(toy("good"), reason="to begin with", override=True)
        first, *_ = (registry.gate(tag) for tag in many[:3])
        again = registry.gate(many[0])
        assert (again.budget, again.alpha, again.digest) == (first.budget, first.alpha, first.digest)

    def test_fresh_rows_restore_it_and_rows_half_seen_count_half(self, registry, many, tmp_path):
        registry.promote(toy("good"), reason="to begin with", override=True)
        for tag in many[:4]:
            registry.gate(tag)
        fresh = synthetic_rows(1200, seed=5, first_id=70_000, first_t=70_000)
        fresh.to_csv(tmp_path / "fresh.csv", index=False)
        assert registry.gate(many[4], holdout=tmp_path / "fresh.csv").budget.use == pytest.approx(1.0, abs=0.01)
        half = synthetic_rows()[1800:]
        mixed = half.merge(fresh[:600], how="outer")
        mixed.to_csv(tmp_path / "mixed.csv", index=False)
        # Four decisions used one half of these rows, and one decision the other half.
        used = registry.gate(many[5], holdout=tmp_path / "mixed.csv").budget.use
        assert used == pytest.approx(1 + 4 * 0.5 + 0.5, abs=0.3)

    @pytest.mark.parametrize("keys", [{"holdout_reuse": "ignore"}, {"rule": "point"}])
    def test_a_policy_may_not_count(self, opened, many, tmp_path, keys):
        registry = opened(config=settings_at(tmp_path, policy=keys))
        registry.promote(toy("good"), reason="to begin with", override=True)
        decisions = [registry.gate(tag) for tag in many[:3]]
        assert {decision.budget for decision in decisions} == {None}
        assert {decision.alpha for decision in decisions} == {registry.config.model("toy").policy.alpha}

    def test_what_the_first_model_uses_is_not_counted(self, registry, many):
        registry.gate(toy("good"))
        assert registry.gate(many[0]).budget.use == 1

    def test_a_decision_that_was_written_before_uses_were_counted_is_read(self, registry, many):
        registry.promote(toy("good"), reason="to begin with", override=True)
        registry.gate(many[0])
        body = next(entry.body for entry in registry.history("toy") if entry.kind == "decision")
        assert body["sketch"]["rows"] == 1200
        decision = body["decision"]
        del body["sketch"], decision["budget"], decision["footprint"], decision["approval"]
        del decision["holdout"]["immature"]
        for key in ("slices", "scores", "task"):
            del decision["evidence"][key]
        read = restore(Judgement, body)
        assert (read.decision.budget, read.trial.sketch, read.trial.metric) == (None, None, "roc_auc")
        assert read.trial.holdout == registry.state("toy").trials[0].holdout


class TestWaitingForAPerson:
    def test_a_promotion_waits_and_a_person_approves_it(self, opened, tmp_path):
        registry = opened(config=settings_at(tmp_path, policy={"approval": "required"}))
        registry.promote(toy("weak"), reason="to begin with", override=True)
        decision = registry.gate(toy("good"))
        assert (decision.verdict, decision.waits) == (Verdict.PROMOTE, True)
        assert stages(registry) == {"weak": "prod", "good": "staging"}
        opened(config=registry.config, actor=lambda: "os:bob").approve(toy("good"), reason="agreed in the review")
        assert stages(registry) == {"weak": "archived", "good": "prod"}
        assert "override" not in kinds(registry)[-3:]

    def test_the_first_model_is_left_to_a_person(self, opened, tmp_path):
        registry = opened(config=settings_at(tmp_path, policy={"first_model": "manual"}))
        decision = registry.gate(toy("weak"))
        assert (decision.verdict, registry.champion("toy")) == (Verdict.HOLD, None)
        assert 'first_model = "manual"' in decision.summary


class TestReplay:
    def test_another_policy_would_have_decided_otherwise(self, registry, opened, tmp_path):
        registry.promote(toy("weak"), reason="to begin with", override=True)
        then = registry.gate(toy("good"))
        same = registry.replay("toy", registry.config.model("toy").policy)
        assert [(one.tag, one.then.digest, one.now.digest) for one in same] == [("toy:good", then.digest, then.digest)]
        strict = settings_at(tmp_path, policy={"primary": {"metric": "roc_auc", "min_gain": 0.5}}).model("toy").policy
        (one,) = registry.replay("toy", strict)
        assert (one.then.verdict, one.now.verdict, one.differs) == (Verdict.PROMOTE, Verdict.REJECT, True)
        unknown = settings_at(tmp_path, policy={"floors": [{"metric": "log_loss", "max": 0.7}]}).model("toy").policy
        (one,) = registry.replay("toy", unknown)
        assert one.now.verdict is Verdict.HOLD
        assert one.now.summary == "The comparison has no result for log_loss."

    def test_uses_are_counted_as_the_other_policy_would_have(self, opened, tmp_path):
        careless = opened(config=settings_at(tmp_path, policy={"holdout_reuse": "ignore"}))
        careless.promote(toy("weak"), reason="to begin with", override=True)
        careless.gate(toy("noisy"))
        careless.gate(toy("spoilt"))
        counting = settings_at(tmp_path).model("toy").policy
        assert [one.now.budget.use for one in careless.replay("toy", counting)] == [1, 2]
