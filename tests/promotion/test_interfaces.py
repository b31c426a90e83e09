from dataclasses import dataclass

import pytest
from recipes import ToyRecipe

from promotion.errors import ConfigError
from promotion.interfaces import task_of_recipe
from promotion.vocabulary import Task


@dataclass(frozen=True, kw_only=True)
class OddRecipe(ToyRecipe):
    task: str = "ranking"


def test_a_recipe_that_says_nothing_predicts_one_of_two_classes():
    assert task_of_recipe(ToyRecipe()) is Task.BINARY
    assert task_of_recipe(OddRecipe(task="regression")) is Task.REGRESSION


def test_a_task_that_is_none_of_ours_is_a_sentence():
    expected = r"^The recipe's task must be one of binary, multiclass, regression, but is 'ranking'\.$"
    with pytest.raises(ConfigError, match=expected):
        task_of_recipe(OddRecipe())
