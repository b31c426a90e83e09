import numpy as np
import pandas as pd
import pytest

from promotion.errors import DataError
from promotion.metrics.rows import checked_rows
from promotion.vocabulary import Task

THREE = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])


def read(labels, scores, task, weights=None, columns=None):
    (rows,) = checked_rows(labels, {"champion": scores}, weights, task=task, columns=columns)
    return rows


@pytest.mark.parametrize(
    ("labels", "scores", "task", "message"),
    [
        (
            [0, 1, 3],
            THREE,
            Task.MULTICLASS,
            "Every label must be a whole number from 0 to 2, as the champion's scores have 3 columns, but 1 of 3 are not "
            "(for example 3). Map each label to the column of its class, and leave out the rows that have none.",
        ),
        (
            [0.5, 1, np.nan],
            THREE,
            Task.MULTICLASS,
            "Every label must be a whole number from 0 to 2, as the champion's scores have 3 columns, but 2 of 3 are not "
            "(for example 0.5, nan). Map each label to the column of its class, and leave out the rows that have none.",
        ),
        (
            [0, 1, 2],
            [0.1, 0.2, 0.3],
            Task.MULTICLASS,
            "The champion's scores must have the shape (n_rows, n_classes), but have the shape (3,). "
            "Give a column of probabilities for each class, as predict_proba does.",
        ),
        (
            [0, 1],
            THREE,
            Task.MULTICLASS,
            "There must be one of the champion's scores for each of the 2 labels, but there are 3. "
            "Score and weight the labelled rows.",
        ),
        (
            [1.5, np.inf, np.nan],
            [1, 2, 3],
            Task.REGRESSION,
            "Every label must be a finite number, but 2 of 3 are not (for example inf, nan). "
            "Fix those rows, or leave them out.",
        ),
        (
            [1.5, 2.5],
            np.ones((2, 2)),
            Task.REGRESSION,
            "The champion's scores must have the shape (n_rows,), but have the shape (2, 2). "
            "Give the column of class 1, scores[:, 1].",
        ),
    ],
)
def test_rows_that_do_not_fit_the_task_are_a_sentence(labels, scores, task, message):
    with pytest.raises(DataError) as caught:
        read(labels, scores, task)

    assert str(caught.value) == message


def test_rows_are_counted_by_class():
    assert read([0, 1, 1], [0, 1, 1], Task.BINARY).rows_per_class == (1, 2)
    assert read([0, 1, 1], [0, 1, 1], Task.BINARY).positives == 2
    assert read([1, 1, 1], THREE, Task.MULTICLASS).rows_per_class == (0, 3, 0)
    assert read([1, 1, 1], THREE, Task.MULTICLASS).positives is None
    assert read([0, 1, 1], [0, 1, 1], Task.REGRESSION).positives is None


@pytest.mark.parametrize("source", [dict, pd.DataFrame])
def test_columns_go_with_the_rows_that_are_taken(source):
    columns = source({"amount": np.array([10, 20, 30, 40]), "kind": np.array(list("abcd"))})
    rows = read([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], Task.BINARY, [1, 0, 2, 3], columns)

    kept, last = rows.take(np.array([False, True, True])), rows.take(np.array([2, 0]))

    assert list(rows.columns["amount"]) == [10, 30, 40]
    assert (list(kept.columns["amount"]), list(kept.columns["kind"])) == ([30, 40], ["c", "d"])
    assert (list(kept.labels), list(kept.scores), list(kept.weights)) == ([0, 1], [0.3, 0.4], [2, 3])
    assert list(last.columns["kind"]) == ["d", "a"]
    assert "amount" in kept.columns
    assert "cost" not in kept.columns
    assert (kept.whose, kept.task) == ("champion", Task.BINARY)


def test_taken_rows_are_ranked_anew():
    rows = read([0, 1, 0, 1], [0.9, 0.2, 0.3, 0.4], Task.BINARY)

    assert list(rows.ranking.group) == [3, 0, 1, 2]
    assert list(rows.take(np.array([0, 3])).ranking.group) == [1, 0]


def test_each_class_against_the_rest_is_a_binary_task():
    one = read([0, 1, 2], THREE, Task.MULTICLASS).one_vs_rest[1]

    assert (list(one.labels), list(one.scores), one.task) == ([0, 1, 0], [0.3, 0.3, 0.8], Task.BINARY)
