"""Adoptions: what a person vouches for, and how the gate uses it."""

import pytest
from situation import faults, kinds, stages, toy

from promotion.errors import (
    DataError,
    Refused,
    StoreError,
)
from promotion.vocabulary import Stage, Verdict

pytestmark = pytest.mark.integration


class TestAdoption:
    def test_a_champion_of_unknown_training_holds_until_it_is_adopted(self, registry, made_by_the_tutorial):
        held = registry.gate(toy("good"))
        assert (held.verdict, held.champion.tag) == (Verdict.HOLD, "toy:tutorial")
        assert held.summary == (
            "The training rows of the champion toy:tutorial are unknown, so the holdout may not be clean. If you know a "
            "time before which all its training rows lie, record it with `promotion adopt toy:tutorial --trained-before "
            "TIME --reason …`. If you are sure that it was trained on none of the holdout's rows, use --assume-clean. "
            "Otherwise, use --trained-on-everything, and only later rows judge it."
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
        with pytest.raises(
            Refused, match=r"either --trained-before TIME, --assume-clean or --trained-on-everything\.$"
        ):
            registry.adopt(made_by_the_tutorial, reason="serves since May", **vouched)
        assert kinds(registry) == []

    def test_gating_the_unadopted_champion_says_what_to_do(self, registry, made_by_the_tutorial):
        with pytest.raises(
            Refused, match=r"is already the champion.* `promotion adopt toy:tutorial --trained-before TIME"
        ):
            registry.gate(made_by_the_tutorial)

    def test_of_two_labelled_prod_a_person_says_which_serves(self, registry, made_by_the_tutorial):
        registry.store.write_stage(toy("weak"), Stage.PROD)
        expected = (
            r"^2 versions of 'toy' have the label stage: prod \(toy:tutorial, toy:weak\), but only one can serve\. "
            r"For that one, run `promotion adopt TAG --assume-clean --reason …`"
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
            Refused, match=r"^toy:weak is the champion of 'toy' in the ledger, so toy:tutorial cannot be"
        ):
            registry_with_champion.adopt(made_by_the_tutorial, reason="serves since May", assume_clean=True)
        assert kinds(registry_with_champion) == before
        with pytest.raises(StoreError, match=r"^The champion of 'toy' is toy:weak, but the label stage: prod is on"):
            registry_with_champion.gate(toy("good"))
        registry_with_champion.register(made_by_the_tutorial)
        assert [finding.code for finding in faults(registry_with_champion)] == ["AUD012"]
        registry_with_champion.repair("toy")
        assert stages(registry_with_champion) == {"weak": "prod", "tutorial": "staging"}
