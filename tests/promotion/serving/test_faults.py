"""Rows that cannot be scored are the caller's mistake if something is wrong with them, and the model's otherwise."""

import pandas as pd
import pytest
from recipes import ToyRecipe

from promotion.errors import DataError
from promotion.serving import ModelFault

pytestmark = pytest.mark.integration


@pytest.fixture(params=[True, False], ids=["with a sample", "without"])
def champion(request, registry_with_champion, serve, monkeypatch):
    if not request.param:
        monkeypatch.setattr("promotion.serving.loading.last_rows", lambda *_: None)
    with serve().wait(60).lease() as champion:
        assert bool(champion.columns) == request.param
        yield champion


def refused(champion, row, kind):
    with pytest.raises(kind) as found:
        champion.score(champion.rows([row]))
    assert type(found.value) is kind
    return str(found.value)


def raising(error):
    def score(self, trained, rows):
        raise error

    return score


def test_a_missing_column_is_named(champion):
    expected = "Each row must have the column b, which toy:weak needs, but the rows have only a."
    assert refused(champion, {"a": 1.0}, DataError) == expected
    expected = "Each row must have the columns a, b, which toy:weak needs, but the rows have only c."
    assert refused(champion, {"c": 1.0}, DataError) == expected
    if champion.columns:
        expected = "Each row must have the columns a, b, which toy:weak needs, but the rows have no columns."
        assert refused(champion, {}, DataError) == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x", "'x'"), (None, "null"), ([1], "[1]"), (1e999, "inf"), pytest.param(-(10**400), "-1000", id="huge")],
)
def test_a_wrong_value_is_shown_if_the_sample_has_none_such(champion, value, shown):
    said = refused(champion, {"a": 1.0, "b": value}, DataError)
    if champion.columns:
        assert said.startswith(f"The column b must have a number in each row, but row 1 has {shown}")
    else:
        assert said.startswith("toy:weak could not score the rows (")


@pytest.mark.parametrize("error", [RuntimeError("no such category"), MemoryError(), SystemExit(3)])
def test_right_rows_are_the_models_fault(champion, error, monkeypatch):
    monkeypatch.setattr(ToyRecipe, "score", raising(error))
    said = refused(champion, {"a": 1.0, "b": 2.0}, ModelFault)
    assert said.startswith(f"toy:weak could not score the rows ({type(error).__name__}")


@pytest.mark.parametrize("champion", [True], indirect=True, ids=["with a sample"])
@pytest.mark.parametrize("error", [ValueError("no such category"), KeyError("W")])
def test_rows_like_the_sample_are_right(champion, error, monkeypatch):
    monkeypatch.setattr(ToyRecipe, "score", raising(error))
    assert str(error) in refused(champion, {"a": 1.0, "b": 2.0}, ModelFault)


def test_rows_that_the_recipe_has_checked_are_right(champion, monkeypatch):
    monkeypatch.setattr(ToyRecipe, "rows_from", lambda self, records: pd.DataFrame(records), raising=False)
    assert refused(champion, {"a": 1.0, "b": None}, ModelFault).startswith("toy:weak could not score the rows (")


def test_scores_that_are_not_numbers_are_the_models_fault(champion, monkeypatch):
    monkeypatch.setattr(ToyRecipe, "score", lambda self, trained, rows: rows["a"] * float("nan"))
    said = refused(champion, {"a": 1.0, "b": 2.0}, ModelFault)
    assert said == "toy:weak could not score 1 of 1 rows: their scores are not numbers."


def test_what_the_recipe_says_of_rows_is_kept(champion, monkeypatch):
    refusal = DataError("The row has no amount.")
    refusal.__cause__ = KeyError("amount")  # as `raise … from error` sets it
    monkeypatch.setattr(ToyRecipe, "score", raising(refusal))
    assert refused(champion, {"a": 1.0, "b": 2.0}, DataError) == "The row has no amount."
