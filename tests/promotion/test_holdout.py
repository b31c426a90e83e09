import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipes import TimelessRecipe, ToyRecipe, synthetic_rows

from promotion.errors import DataError
from promotion.holdout import clean, holdout_digest, mature
from promotion.provenance import AssumedClean, TrainedBefore, UnknownRows
from promotion.row_keys import KnownRows
from promotion.rows import fingerprints

RECIPE = ToyRecipe()
ids = st.sets(st.integers(0, 30))


def trained_on(keys):
    return KnownRows(np.sort(fingerprints(pd.Series(sorted(keys), dtype="int64"))))


@given(judging=ids, champion=ids, challenger=ids)
def test_clean_leaves_out_exactly_the_rows_that_trained_a_side(judging, champion, challenger):
    rows = pd.DataFrame({"id": pd.Series(sorted(judging), dtype="int64"), "y": 0, "t": 0})
    left = clean(rows, RECIPE, trained_on(champion), trained_on(challenger))
    assert set(left.rows["id"]) == judging - champion - challenger
    assert left.removed == len(judging & (champion | challenger))


def test_a_key_read_as_text_is_the_same_row():
    rows = synthetic_rows(10).astype({"id": str})
    assert clean(rows, RECIPE, trained_on(range(1000, 1004))).removed == 4


def test_rows_from_the_moment_on_are_clean_and_rows_without_a_time_are_not():
    rows = synthetic_rows(10).assign(t=[0, 1, 2, 3, 4, 5, 6, 7, 8, None])
    assert clean(rows, RECIPE, TrainedBefore(5)).rows["t"].tolist() == [5, 6, 7, 8]


def test_a_side_known_by_time_needs_a_recipe_that_knows_time():
    expected = (
        r"^The champion was adopted with --trained-before, but the recipe names no time column\. "
        r"Set `time` in the recipe, or adopt it again with --assume-clean\.$"
    )
    with pytest.raises(DataError, match=expected):
        clean(synthetic_rows(10), TimelessRecipe(), TrainedBefore(5))


def test_of_an_unknown_side_every_row_may_have_trained_it_of_an_assumed_one_none():
    rows = synthetic_rows(10)
    assert clean(rows, RECIPE, UnknownRows()).removed == 10
    assert clean(rows, RECIPE, AssumedClean()).removed == 0
    assert clean(rows, RECIPE, AssumedClean(), UnknownRows()).removed == 10


def test_the_digest_is_of_keys_and_labels_whatever_the_order():
    def digest_of(rows):
        return holdout_digest(clean(rows, RECIPE), RECIPE)

    rows = synthetic_rows(50)
    digest = digest_of(rows)
    assert digest_of(rows.sample(frac=1, random_state=3)) == digest
    assert digest_of(rows.assign(a=0.0).astype({"y": bool})) == digest
    assert digest_of(rows[1:]) != digest
    assert digest_of(rows.assign(y=rows["y"].where(rows.index != 3, 1 - rows["y"]))) != digest
    assert len(digest_of(rows[:0])) == 64


def test_rows_too_young_for_their_label_are_left_out():
    rows = synthetic_rows(50)
    kept = mature(rows, RECIPE, 10)
    assert (len(kept), kept["t"].max()) == (40, 39)
    assert len(mature(rows, RECIPE, 0)) == 50
    gap = rows.assign(t=rows["t"].astype(float).where(rows.index != 3))
    assert 3 not in mature(gap, RECIPE, 0).index  # its age is unknown
    with pytest.raises(
        DataError, match=r"^`mature_after` requires rows at least 50 older than the newest, but none of 50 is\. Use"
    ):
        mature(rows, RECIPE, 50)
    with pytest.raises(DataError, match=r"^`mature_after` is set, but the recipe names no time column\. Set `time`"):
        mature(rows, TimelessRecipe(), 10)
