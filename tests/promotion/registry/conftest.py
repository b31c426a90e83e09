"""Initial situations for tests of the verbs."""

import time

import bentoml
import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import bentoml_at, toy

from promotion.interfaces import call


@pytest.fixture(autouse=True)
def only_old_code(monkeypatch):
    """No imported file counts as changed after this process began, as those that other tests wrote would."""
    monkeypatch.setattr("promotion.adapters.scored.BEGUN", time.time_ns() + 10**12)


@pytest.fixture
def made_by_the_tutorial(store):
    """A champion made as in the tutorial: owner, stage, a custom object, and no metadata from this project."""
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


@pytest.fixture
def complained_of(registry_with_champion):
    """`toy:good` served after `toy:weak`, by its gain, and was rolled back from."""
    registry = registry_with_champion
    registry.gate(toy("good"))
    registry.rollback("toy", reason="merchants complain")
    return registry
