import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from promotion.errors import ConfigError, DataError, UnknownName
from promotion.metrics import custom
from promotion.metrics.lookup import METRIC_NAMES, metric, metric_names, register_metric, task_of
from promotion.metrics.rows import ScoredRows
from promotion.vocabulary import Direction, Task

LOWER = {"log_loss", "brier_score", 'expected_cost(fp=5, fn="TransactionAmt")', "rmse", "mse", "mae"}


def rows(labels, scores, task=Task.BINARY, **columns):
    arrays = {name: np.array(column) for name, column in columns.items()}
    labels = np.array(labels, float)
    return ScoredRows(labels, np.array(scores, float), np.ones(len(labels)), "challenger", arrays, task)


@pytest.fixture
def registry(monkeypatch):
    registered = {}
    monkeypatch.setattr(custom, "REGISTERED", registered)
    monkeypatch.setattr("promotion.metrics.lookup.REGISTERED", registered)
    return registered


def test_each_metric_is_found_by_its_name_and_knows_its_direction():
    assert {name for name in METRIC_NAMES if metric(name).direction is Direction.LOWER} == LOWER
    assert [metric(f"  {name}\n").name for name in METRIC_NAMES] == list(METRIC_NAMES)
    assert {name for task in Task for name in metric_names(task)} == set(METRIC_NAMES)
    assert metric_names(Task.REGRESSION) == ("rmse", "mse", "mae", "r2")


@pytest.mark.parametrize(
    ("name", "near"),
    [("rocauc", "roc_auc"), ("recal_at_fpr(0.05)", "recall_at_fpr(0.01)"), ("macro_f1", "f1_macro"), ("RMSE", "rmse")],
)
def test_unknown_metric_names_the_nearest(name, near):
    with pytest.raises(UnknownName) as caught:
        metric(name)

    assert caught.value.kind == "metric"
    if name != "RMSE":
        assert str(caught.value) == f"There is no metric '{name}'. Did you mean '{near}'?"


@pytest.mark.parametrize(
    "name",
    ["recall_at_fpr", "recall_at_fpr()", "recall_at_fpr(0)", "recall_at_fpr(1)", "recall_at_fpr(5)", "recall_at_fpr('a')",
     "recall_at_fpr(0.1, 0.2)", "recall_at_fpr(alpha=0.1)", "recall_at_fpr(0.1", "recall_at_fpr(1e999)",
     "recall_at_fpr(True)", "recall_at_fpr(x)", "recall_at_fpr(__import__('os').getpid())", "recall_at_fpr(**{'fpr': 0.1})",
     "recall_at_fpr(*[0.1])", "recall_at_fpr(0.01).real", "recall_at_fpr(0.01); 1", "recall_at_fpr(fpr=0.1, fpr=0.2)",
     "recall_at_fpr(" + "(" * 500 + "1" + ")" * 500 + ")"],
)  # fmt: skip
def test_parameters_are_literals_and_what_the_metric_takes(name):
    with pytest.raises(ConfigError) as caught:
        metric(name)

    assert str(caught.value) == (
        "The metric recall_at_fpr takes the largest share of the negatives that may be selected, above 0 and below 1, "
        f"for example recall_at_fpr(0.01), but it says '{name}'."
    )


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        (
            "precision_at_k(0)",
            "takes how many rows are selected, a whole number from 1 up, for example precision_at_k(100),",
        ),
        ("precision_at_k(0.5)", "takes how many rows are selected, a whole number from 1 up,"),
        ("recall_at_precision(90)", "takes the precision to keep, above 0 and below 1,"),
        ("expected_cost(5, 10)", "takes the cost of a false positive, fp, and of a false negative, fn,"),
        ("expected_cost(fp=5)", 'for example expected_cost(fp=5, fn="TransactionAmt"), but it says'),
        ("expected_cost(fp=5, fn=None)", "each a number or the name of a column in quotes"),
        ("expected_cost(fp=5, fn=TransactionAmt)", "each a number or the name of a column in quotes"),
        ("expected_cost(fp=5, fn=1, threshold=1.5)", "and a threshold above 0 and below 1"),
        ("expected_cost(fp=1e999, fn=1)", "each a number or the name of a column in quotes"),
    ],
)
def test_wrong_parameters_say_what_the_metric_takes(name, takes):
    with pytest.raises(ConfigError) as caught:
        metric(name)

    assert takes in str(caught.value)
    assert str(caught.value).endswith(f"but it says '{name}'.")


def test_a_metric_without_parameters_takes_none():
    with pytest.raises(
        ConfigError, match=r"^The metric f1 takes no parameters, but it says 'f1\(0\.5\)'\. Write f1\.$"
    ):
        metric("f1(0.5)")


def test_parameters_may_be_named_and_are_equal_however_they_are_written():
    here, there = metric("recall_at_fpr( fpr = 1e-2 )"), metric("recall_at_fpr(0.01)")
    labels, scores = [0] * 50 + [1] * 50, np.linspace(0, 1, 100)

    assert here.name == "recall_at_fpr( fpr = 1e-2 )"
    assert here.estimate(rows(labels, scores)).value == there.estimate(rows(labels, scores)).value


def test_expected_cost_is_what_scikit_learns_confusion_matrix_costs():
    generator = np.random.default_rng(5)
    labels, scores, weights = generator.integers(0, 2, 200), generator.random(200), generator.random(200)
    cost = metric("expected_cost(fp=5, fn=20, tp=1, tn=-0.5, threshold=0.3)")
    given = replace(rows(labels, scores), weights=weights)

    (tn, fp), (fn, tp) = sk.confusion_matrix(labels, scores > 0.3, sample_weight=weights)

    assert cost.estimate(given).value == pytest.approx((5 * fp + 20 * fn + tp - 0.5 * tn) / weights.sum(), abs=1e-12)


def test_a_missed_fraud_costs_its_amount():
    cost = metric('expected_cost(fp=5, fn="amount")')

    found = cost.estimate(rows([1, 1, 0, 0], [0.1, 0.9, 0.9, 0.1], amount=[100, 70, 3, 4]))

    assert cost.columns == ("amount",)
    assert found.value == (100 + 5) / 4


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({}, "It takes a column 'amount' of costs beside the scores, but there is none; give it as a column."),
        ({"amount": [np.nan, 1, np.nan, 2]},
         "It takes a finite cost in the column 'amount' for each row labelled 1, but 1 are NaN or infinite; fill them, "
         "or leave those rows out."),
        ({"amount": ["a", "b", "c", "d"]},
         "It takes numbers in the column 'amount', but they cannot be read as such: could not convert string to float: "
         "'a'."),
        ({"amount": [1, 2]}, "It takes a cost in the column 'amount' for each of 4 rows, but its shape is (2,)."),
    ],
)  # fmt: skip
def test_costs_that_are_not_there_are_a_reason(columns, reason):
    given = rows([1, 1, 0, 0], [0.1, 0.9, 0.9, 0.1], **columns)

    assert metric('expected_cost(fp=5, fn="amount")').why_undefined(given) == reason


@pytest.mark.parametrize("name", metric_names(Task.BINARY))
@pytest.mark.parametrize(
    ("scores", "held"),
    [
        ([np.nan, 0.5, np.nan], "2 NaN"),
        ([np.inf, 0.5, 0.1], "1 infinite"),
        ([np.nan, -np.inf, 0.1], "1 NaN and 1 infinite"),
    ],
)
def test_no_metric_takes_scores_that_are_not_finite(name, scores, held):
    reason = metric(name).why_undefined(rows([0, 1, 1], scores))

    assert reason == f"The challenger's scores must be finite, but hold {held} of 3; see why it cannot score them."


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "f1", "recall_at_fpr(0.01)", "precision_at_k(2)"])
def test_metrics_of_classes_take_two_rows_of_each(name):
    assert metric(name).why_undefined(rows([0] * 3, [0.1, 0.2, 0.3])) == (
        "It takes labels of both classes, but all 3 are 0; judge on rows that hold both."
    )
    assert metric(name).why_undefined(rows([0, 1, 0], [0.1, 0.9, 0.3])) == (
        "It takes at least two rows of each class, for a standard error, but of 3 there is 1 with the label 1; "
        "judge on more rows."
    )
    assert not metric(name).why_undefined(rows([0, 1, 0, 1], [0.1, 0.9, 0.3, 0.8]))


def test_means_take_two_rows():
    reason = "It takes at least two rows, for a standard error, but there is 1; judge on more rows."

    assert metric("log_loss").why_undefined(rows([1], [0.5])) == reason
    assert metric("rmse").why_undefined(rows([1], [0.5], Task.REGRESSION)) == reason


@pytest.mark.parametrize("name", ["log_loss", "brier_score", "accuracy", "recall"])
def test_metrics_of_probabilities_take_no_others(name):
    reason = metric(name).why_undefined(rows([0, 1, 0, 1], [-2.5, 0.5, 0.5, 0.5]))

    assert reason == (
        "It takes scores from 0 to 1, but the challenger's lie between -2.5 and 0.5; "
        "score with probabilities, or judge by a rank metric such as roc_auc."
    )


def test_probabilities_of_several_classes_add_up_to_one():
    given = rows([0, 1, 2] * 2, [[0.2, 0.2, 0.5], *[[0.2, 0.3, 0.5]] * 5], Task.MULTICLASS)

    assert metric("log_loss").why_undefined(given) == (
        "It takes probabilities that add up to 1 in each row, but 1 of the challenger's 6 rows do not (for example 0.9); "
        "score with predict_proba, or normalise the rows."
    )
    assert not metric("roc_auc_ovr").why_undefined(given)


def test_precision_of_what_is_never_said_is_missing():
    binary = rows([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    several = rows([0, 1, 2] * 2, [[0.6, 0.4, 0.0], [0.4, 0.6, 0.0]] * 3, Task.MULTICLASS)

    assert metric("precision").why_undefined(binary) == (
        "It takes at least 20 rows that are said to be 1, but the challenger says so of 0; judge on more rows, or by "
        "precision_at_k or recall_at_fpr, which set the cut-off by the rows."
    )
    assert metric("precision_macro").why_undefined(several) == (
        "It takes rows that are said to be 2, but the challenger says so of none; judge by another metric."
    )
    assert metric("recall").estimate(binary).value == metric("f1").estimate(binary).value == 0.0


def test_r2_takes_labels_that_differ_and_resampling_takes_enough_rows():
    assert metric("r2").why_undefined(rows([2, 2], [1, 3], Task.REGRESSION)) == (
        "It takes labels that differ, but all 2 are 2; judge on rows that vary."
    )
    assert metric("recall_at_precision(0.9)").why_undefined(rows([0] * 30 + [1] * 5, np.linspace(0, 1, 35))) == (
        "It takes at least 20 rows of each class, as its error comes from resampling them, but there are 5 with the "
        "label 1; judge on more rows."
    )
    assert metric("precision_at_k(100)").why_undefined(rows([0, 1] * 10, np.linspace(0, 1, 20))) == (
        "It takes at least 100 rows, but there are 20; judge on more rows."
    )


def test_the_task_follows_from_metrics_and_scores():
    def told(names, scores):
        return task_of([metric(name) for name in names], scores)

    assert told(["log_loss"], [0.1, 0.2]) is Task.BINARY
    assert told(["log_loss", "f1_macro"], np.ones((4, 3))) is Task.MULTICLASS
    assert told(["log_loss"], np.ones((4, 2))) is Task.MULTICLASS
    assert told(["rmse", "r2"], [1, 2]) is Task.REGRESSION
    assert told(["roc_auc"], np.ones((4, 2))) is Task.BINARY  # read_rows says which column to give


@pytest.mark.parametrize(
    ("names", "scores", "message"),
    [
        (["rmse", "roc_auc"], np.ones(3),
         "The metric 'rmse' is of regression models, but the scores, of shape (n_rows,), and the metrics named are of "
         "binary ones."),
        (["f1_macro"], np.ones(3), "The metric 'f1_macro' is of multiclass models, but the scores, of shape (n_rows,), and"),
        (["log_loss", "roc_auc"], np.ones((3, 3)),
         "The metric 'roc_auc' is of binary models, but the scores, of shape (n_rows, n_classes), are of a multiclass one."),
    ],
)  # fmt: skip
def test_metrics_that_do_not_fit_the_task_are_a_sentence(names, scores, message):
    with pytest.raises(ConfigError) as caught:
        task_of([metric(name) for name in names], scores)

    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(
        "give scores of shape (n_rows, n_classes) for multiclass, (n_rows,) for all else."
    )


def test_a_users_value_is_bootstrapped(registry):
    mine = register_metric("balanced_log", direction="lower", value=lambda y, s, w: sk.log_loss(y, s, sample_weight=w))
    generator = np.random.default_rng(2)
    given = rows(generator.integers(0, 2, 400), generator.random(400))

    found, expected = metric("balanced_log").estimate(given), metric("log_loss").estimate(given)

    assert metric("balanced_log") is mine
    assert (mine.direction, mine.tasks) == (Direction.LOWER, {Task.BINARY})
    assert found.value == pytest.approx(expected.value, abs=1e-12)
    assert found.stderr == pytest.approx(expected.stderr, rel=0.15)


def test_a_users_influence_is_taken_as_it_is(registry):
    register_metric(
        "error", direction=Direction.LOWER, task="regression",
        value=lambda y, s, w: float(np.average(s - y, weights=w)),
        influence=lambda y, s, w: w * (s - y - np.average(s - y, weights=w)) / w.sum(),
    )  # fmt: skip

    found = metric("error").estimate(rows([1, 2, 3], [1, 2, 6], Task.REGRESSION))

    assert found.value == 1
    np.testing.assert_allclose(found.influence, [-1 / 3, -1 / 3, 2 / 3])


def test_a_users_functions_fail_in_sentences(registry):
    register_metric("broken", direction="higher", value=lambda y, s, w: 1 / 0)
    register_metric("short", direction="higher", value=lambda y, s, w: 1.0, influence=lambda y, s, w: np.ones(3))
    given = rows([0, 1] * 30, np.linspace(0, 1, 60))

    with pytest.raises(DataError) as caught:
        metric("broken").estimate(given)
    assert str(caught.value) == (
        "The metric 'broken' cannot be computed from the challenger's scores (ZeroDivisionError: division by zero)."
    )
    with pytest.raises(
        ConfigError, match=r"^The influence of the metric 'short' must be one number for each of 60 rows,"
    ):
        metric("short").estimate(given)


def value(y_true, scores, sample_weight):
    return 0.0


def test_a_name_is_registered_for_one_metric(registry):
    first = register_metric("profit", direction="higher", value=value)

    assert register_metric("profit", direction="higher", value=value) is first
    for name in ("profit", "roc_auc", "expected_cost"):
        with pytest.raises(ConfigError) as caught:
            register_metric(name, direction="lower", value=value)
        assert str(caught.value) == (
            f"There is already another metric '{name}'. Register this one under a name of its own."
        )
    with pytest.raises(
        ConfigError, match=r"^The name of a metric must be a word such as profit, but is 'net profit'\.$"
    ):
        register_metric("net profit", direction="lower", value=value)
    with pytest.raises(ConfigError, match=r"^The direction of the metric 'x' must be higher or lower, but is 'up'\.$"):
        register_metric("x", direction="up", value=value)
    with pytest.raises(
        ConfigError, match=r"^The task of the metric 'x' must be one of binary, multiclass, regression,"
    ):
        register_metric("x", direction="lower", value=value, task="ranking")


def test_a_policy_can_name_a_metric_of_the_users_own_package(registry, tmp_path, monkeypatch):
    (tmp_path / "shop_metrics.py").write_text(
        "from promotion.metrics.lookup import register_metric\n"
        "profit = register_metric('profit', direction='higher', value=lambda y, s, w: float((w * y * s).sum()))\n"
        "other = 5\n"
    )
    (tmp_path / "shop_broken.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)

    found = metric("shop_metrics:profit")

    assert (found.name, found.direction) == ("shop_metrics:profit", Direction.HIGHER)
    assert found.estimate(rows([0, 1] * 20, [0.5] * 40)).value == 10
    for name, message in {
        "shop_metrics:loss": "'loss' is missing. Write loss = register_metric(...) in shop_metrics.",
        "shop_metrics:other": "'other' is of type int. Write other = register_metric(...) in shop_metrics.",
        "shop_absent:profit": "its module cannot be imported (ModuleNotFoundError: No module named 'shop_absent').",
        "shop_broken:profit": "its module cannot be imported (RuntimeError: no licence).",
    }.items():
        with pytest.raises(ConfigError) as caught:
            metric(name)
        assert message in str(caught.value)
    del sys.modules["shop_metrics"]
