"""A version that is to serve is checked to score before anything moves."""

import shutil

import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import kinds, settings_at, snapshot, toy

from promotion.errors import ConfigError, DataError, DigestMismatch, Refused
from promotion.ledger.entries import TransitionPlanned
from promotion.registry.register import Origin
from promotion.vocabulary import Stage

pytestmark = pytest.mark.integration


def planned(registry):
    """Every transition, oldest first."""
    bodies = (entry.content() for entry in registry.history("toy"))
    return [body for body in bodies if isinstance(body, TransitionPlanned)]


def with_recipe(config, **changes):
    models = {"toy": config.models["toy"].model_copy(update=changes)}
    return config.model_copy(update={"models": models})


def forget_scored(registry):
    """Take away the marks of versions that scored here."""
    shutil.rmtree(registry.config.path(registry.config.cache) / "scored")


class TestWhatIsToServeIsSeenToScore:
    @pytest.mark.parametrize(
        ("recipe", "error", "sentence"),
        [
            (
                "MuteRecipe",
                DataError,
                r"^The version toy:good could not be scored \(ZeroDivisionError: no scores today\)\.$",
            ),
            (
                "NanRecipe",
                Refused,
                r"^toy:good cannot serve: its scores for 100 of 100 rows are not numbers\. Nothing was changed\.$",
            ),
        ],
    )
    def test_what_cannot_score_is_refused_before_anything_moves(
        self, opened, registry_after_three_champions, recipe, error, sentence
    ):
        store = registry_after_three_champions.store
        registry = opened(config=with_recipe(registry_after_three_champions.config, recipe=f"recipes:{recipe}"))
        before, labels = kinds(registry), snapshot(store.home)
        for act in (
            lambda: registry.rollback("toy", reason="r"),
            lambda: registry.promote(toy("good"), reason="r", override=True),
        ):
            with pytest.raises(error, match=sentence):
                act()
        assert (kinds(registry), snapshot(store.home)) == (before, labels)

    def test_without_its_recipe_a_version_is_promoted_by_no_one_and_a_rollback_says_so(
        self, opened, registry_after_three_champions
    ):
        registry = opened(config=with_recipe(registry_after_three_champions.config, recipe="recipes:GoneRecipe"))
        before = kinds(registry)
        with pytest.raises(ConfigError, match=r"^The recipe 'recipes:GoneRecipe' cannot be created"):
            registry.promote(toy("good"), reason="r", override=True)
        assert kinds(registry) == before
        assert registry.rollback("toy", reason="r").unseen == (
            "toy:good was loaded but not scored, because its recipe cannot be used: The recipe 'recipes:GoneRecipe' "
            "cannot be created: module 'recipes' has no attribute 'GoneRecipe'."
        )

    def test_what_cannot_score_is_not_adopted(self, opened, registry, store):
        store.write_stage(toy("good"), Stage.PROD)
        with pytest.raises(DataError, match=r"^The version toy:good could not be scored"):
            opened(config=with_recipe(registry.config, recipe="recipes:MuteRecipe")).adopt(
                toy("good"), reason="it serves", assume_clean=True
            )
        assert kinds(registry) == []
        assert registry.adopt(toy("good"), reason="it serves", assume_clean=True).champion == "toy:good"

    def test_an_approval_that_promotes_verifies_too(self, opened, tmp_path):
        registry = opened(config=settings_at(tmp_path, policy={"approval": "required"}))
        registry.gate(toy("weak"))
        (registry.store.path(toy("weak")) / "extra").touch()
        before = kinds(registry)
        with pytest.raises(DigestMismatch, match=r"^The files of toy:weak are not the ones"):
            opened(config=registry.config, actor=lambda: "os:bob").approve(toy("weak"), reason="r")
        assert kinds(registry) == before

    def test_it_is_scored_as_it_was_registered_and_on_few_rows(self, registry, monkeypatch):
        seen = []
        real = ToyRecipe.score

        def score(recipe, trained, rows):
            seen.append((recipe.seed, len(rows)))
            return real(recipe, trained, rows)

        registry.register(toy("good"), Origin(options={"seed": 5}))
        monkeypatch.setattr(ToyRecipe, "score", score)
        registry.promote(toy("good"), reason="r", override=True)
        assert seen == [(5, 100)]

    def test_rows_come_from_where_it_was_trained_else_from_the_configured_file(self, registry, rows_file, tmp_path):
        own = tmp_path / "own.csv"
        synthetic_rows(seed=8).to_csv(own, index=False)
        registry.register(toy("good"), Origin(data=registry.reader.load("toy", own)[1]))
        rows_file.rename("aside.csv")
        registry.promote(toy("good"), reason="r", override=True)
        own.unlink()
        (tmp_path / "aside.csv").rename(rows_file)
        registry.promote(toy("weak"), reason="r", override=True)
        registry.rollback("toy", reason="r")
        assert registry.notices == []

    def test_a_rollback_goes_on_without_rows_and_says_so_in_the_record(self, opened, registry_after_three_champions):
        registry = opened(config=with_recipe(registry_after_three_champions.config, data="absent.csv"))
        forget_scored(registry)
        with pytest.raises(DataError, match=r"^There is no data file at .*/named\.csv\."):
            registry.rollback("toy", reason="complaints", data="named.csv")
        plan = registry.rollback("toy", reason="complaints")
        assert plan.champion == "toy:good"
        (notice,) = registry.notices
        assert notice.startswith("toy:good was loaded but not scored, because no rows could be read: There is no")
        assert (plan.reason, plan.unseen) == ("complaints", notice)
        assert planned(registry)[-1] == plan


class TestWhatHasScoredHereIsNotLoadedAgain:
    def test_what_the_gate_scored_is_hashed_only(self, registry_after_three_champions, monkeypatch):
        registry, loaded = registry_after_three_champions, []
        last = registry.champion("toy").tag
        real = registry.store.load
        monkeypatch.setattr(registry.store, "load", lambda tag, **rest: loaded.append(str(tag)) or real(tag, **rest))
        assert registry.rollback("toy", reason="r").champion == "toy:good"
        registry.promote(last, reason="r", override=True)
        assert loaded == []
        (registry.store.path(toy("good")) / "extra").touch()
        before = kinds(registry)
        with pytest.raises(DigestMismatch, match=r"\nThe files of toy:good are not the ones"):
            registry.rollback("toy", reason="r")
        assert kinds(registry) == before

    def test_rows_that_are_named_are_scored(self, registry_after_three_champions, rows_file, monkeypatch):
        seen = []
        real = ToyRecipe.score
        monkeypatch.setattr(ToyRecipe, "score", lambda *given: seen.append(given) or real(*given))
        registry_after_three_champions.rollback("toy", reason="r", data=rows_file)
        assert len(seen) == 1

    def test_what_never_scored_is_loaded(self, registry, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr(ToyRecipe, "score", lambda *_: 1 / 0)
            registry.gate(toy("good"))
            with pytest.raises(DataError, match=r"^The version toy:good could not be scored \(ZeroDivisionError"):
                registry.promote(toy("good"), reason="r", override=True)
        assert registry.promote(toy("good"), reason="r", override=True).champion == "toy:good"
