"""The gate: what it decides, moves, records and refuses."""

import numpy as np
import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import faults, kinds, stages, toy

from promotion.errors import (
    DataError,
    DigestMismatch,
    Refused,
    UnknownName,
)
from promotion.policy import Kind, checks
from promotion.registry import judge
from promotion.vocabulary import Outcome, Verdict

pytestmark = pytest.mark.integration


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
            "The gain in roc_auc is +0.0000, exactly at the limit; the policy requires a gain above 0."
        )
        assert stages(registry_with_champion) == {"weak": "archived", "good": "prod", "twin": "staging"}

    @pytest.mark.parametrize("version", ["noisy", "spoilt"])
    def test_rejects_a_worse_one(self, registry_with_champion, version):
        assert registry_with_champion.gate(toy(version)).verdict is Verdict.REJECT
        assert stages(registry_with_champion) == {"weak": "prod", version: "rejected"}
        assert registry_with_champion.champion("toy").tag == toy("weak")

    @pytest.mark.parametrize("version", ["twin", "noisy"])
    def test_the_same_decision_on_what_was_held_or_rejected_is_recorded_once_whatever_the_words_of_its_sentences(
        self, registry_with_champion, version, monkeypatch
    ):
        registry = registry_with_champion
        registry.gate(toy("good"))
        first, before = registry.gate(toy(version)), kinds(registry)
        assert registry.gate(toy(version)) == first
        assert kinds(registry) == before
        monkeypatch.setattr(checks, "signed", lambda number, scale: f"{number:.9f} on a scale of {scale}")
        assert registry.gate(toy(version)) == first
        assert kinds(registry) == before

    def test_the_champion_is_not_judged_against_itself(self, registry_with_champion):
        before = kinds(registry_with_champion)
        with pytest.raises(Refused, match=r"^toy:weak is already the champion\. To judge a challenger against it, run"):
            registry_with_champion.gate(toy("weak"))
        assert kinds(registry_with_champion) == before

    def test_rows_that_trained_either_side_do_not_judge(self, registry_with_champion, tmp_path):
        everything = synthetic_rows(3600)
        everything.to_csv(tmp_path / "more.csv", index=False)
        decision = registry_with_champion.gate(toy("good"), data=tmp_path / "more.csv")
        # The later half of 3,600 rows, 1,800 to 3,600, contains none of the first 1,200, which trained both.
        assert (decision.holdout.rows, decision.holdout.removed) == (1800, 0)
        everything[:1600].to_csv(tmp_path / "less.csv", index=False)
        decision = registry_with_champion.gate(toy("twin"), data=tmp_path / "less.csv")
        assert (decision.holdout.rows, decision.holdout.removed) == (400, 400)
        assert decision.checks[0].reason == (
            "None of the 400 evaluation rows was used to train either model; 400 training rows were left out."
        )

    def test_a_holdout_that_trained_them_holds(self, registry_with_champion, tmp_path):
        synthetic_rows()[:1200].to_csv(tmp_path / "seen.csv", index=False)
        decision = registry_with_champion.gate(toy("good"), data=tmp_path / "seen.csv")
        assert (decision.verdict, decision.missing[0].kind) == (Verdict.HOLD, Kind.CLEAN)
        assert decision.summary == (
            "All 600 rows of the holdout were used to train one of the models, so no evaluation row is left. Use newer rows."
        )

    def test_too_few_positives_hold_and_are_counted(self, registry_with_champion, tmp_path):
        rows = synthetic_rows(2400, seed=8, first_id=9000, first_t=9000)
        rows[(rows.y == 0) | (rows.index % 50 == 0)].to_csv(tmp_path / "rare.csv", index=False)
        decision = registry_with_champion.gate(toy("good"), data=tmp_path / "rare.csv")
        assert decision.verdict is Verdict.HOLD
        assert decision.summary == (
            f"The holdout has only {decision.holdout.positives} positives; the policy requires at least 50."
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
        assert decision.summary == (
            "The scores of the challenger toy:good must have shape (1200,), but have shape (1200, 2). Check the "
            "recipe's `score`."
        )

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
