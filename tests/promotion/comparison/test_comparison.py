import json
import math
from dataclasses import asdict, fields
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from promotion.canonical import canonical_json, plain, restore
from promotion.comparison import Comparison, Evaluation, MissingMetric, Slicing, compare, measure
from promotion.errors import ConfigError, DataError, UnknownName
from promotion.metrics import metric, metric_names
from promotion.vocabulary import Task

BINARY = tuple(name for name in metric_names(Task.BINARY) if not metric(name).columns)
LOSSES = ("log_loss", "brier_score", "accuracy")
RANKED = ("roc_auc", "average_precision", "recall_at_fpr(0.2)", "precision_at_k(5)", "recall_at_precision(0.5)")
METRICS = {Task.BINARY: BINARY, Task.MULTICLASS: metric_names(Task.MULTICLASS), Task.REGRESSION: ("rmse", "mae", "r2")}
SLICES = ("kind", Slicing(by=("kind", "amount")), Slicing(by=("amount",), bins=3), Slicing(by=("amount",), window=2.0))

extreme_numbers = st.sampled_from([0.0, -1.0, 2.5, 1e-300, 1e160, -1e300, 1.7e308]) | st.floats(
    allow_nan=False, width=32
)
awkward_scores = st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0, 1e-300]) | st.floats(width=64) | st.floats(0, 1)
awkward_weights = st.sampled_from([0.0, 5e-324, 1e-300, 1.0, 3.0, 1e300]) | st.floats(0, 10)
grades = st.integers(1, 9).map(lambda tenths: tenths / 10)  # scores with ties, away from 0 and 1


def arrays(values, n_rows):
    return st.lists(values, min_size=n_rows, max_size=n_rows)


def columns_of(n_rows):
    kinds, amounts = st.sampled_from(["a", "b", None]), st.sampled_from([None, 0, 1.5, 2, 7])
    return st.fixed_dictionaries({"kind": arrays(kinds, n_rows), "amount": arrays(amounts, n_rows)})


@st.composite
def awkward_holdouts(draw, tasks=tuple(Task)):
    """Labels, the two models' scores, and what else `compare` takes; each as bad as it may come."""
    task, n_rows = draw(st.sampled_from(tasks)), draw(st.integers(1, 12))
    labels, scores = {
        Task.BINARY: (st.sampled_from([0, 1]), awkward_scores),
        Task.MULTICLASS: (st.sampled_from([0, 1, 2]), arrays(awkward_scores, 3) | st.permutations([0.5, 0.25, 0.25])),
        Task.REGRESSION: (extreme_numbers.filter(math.isfinite), extreme_numbers | st.floats()),
    }[task]
    return (
        draw(arrays(labels, n_rows)),
        draw(arrays(scores, n_rows)),
        draw(arrays(scores, n_rows)),
        {
            "sample_weight": draw(st.none() | arrays(awkward_weights, n_rows).filter(any)),
            "columns": draw(columns_of(n_rows)),
            "metrics": METRICS[task],
        },
    )


@st.composite
def plain_holdouts(draw, scores=grades):
    """Two classes, scores with ties, small whole weights, columns."""
    n_rows = draw(st.integers(2, 25))
    columns = {name: np.array(values, dtype=object) for name, values in draw(columns_of(n_rows)).items()}
    return (
        np.array(draw(arrays(st.sampled_from([0, 1]), n_rows))),
        np.array(draw(arrays(scores, n_rows))),
        np.array(draw(arrays(scores, n_rows))),
        np.array(draw(arrays(st.integers(1, 3), n_rows))),
        columns,
    )


def parts_of(comparison):
    """The whole and its slices: all that hold metrics."""
    return (comparison, *comparison.slices)


def numbers_in(value):
    if isinstance(value, dict):
        value = tuple(value.values())
    return [number for each in value for number in numbers_in(each)] if isinstance(value, tuple) else [value]


def assert_alike(one, other, *, but=()):
    """The same metrics with the same numbers up to rounding, and the same missing ones."""
    assert [each.metric for each in one.metrics] == [each.metric for each in other.metrics]
    assert one.missing == other.missing
    for mine, yours in zip(one.metrics, other.metrics, strict=True):
        for field in fields(mine):
            if field.name not in {"metric", "direction", *but}:
                found, expected = getattr(mine, field.name), getattr(yours, field.name)
                assert found == (expected if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9))


def two_equally_good_models(generator, n_rows, n_positives, noise=0.5):
    labels = (np.arange(n_rows) < n_positives).astype(int)
    shared = generator.normal(size=n_rows) + labels
    return labels, *(1 / (1 + np.exp(-shared - noise * generator.normal(size=n_rows))) for _ in range(2))


@pytest.fixture
def holdout():
    return two_equally_good_models(np.random.default_rng(7), 1000, 100)


@pytest.fixture
def comparison(holdout):
    return compare(*holdout, metrics=BINARY)


def test_each_metric_has_its_values_gain_and_interval(holdout, comparison):
    labels, champion, challenger = holdout
    auc = comparison["roc_auc"]

    assert auc.champion == pytest.approx(roc_auc_score(labels, champion), abs=1e-12)
    assert auc.challenger == pytest.approx(roc_auc_score(labels, challenger), abs=1e-12)
    assert auc.gain == auc.challenger - auc.champion
    assert comparison["log_loss"].gain == comparison["log_loss"].champion - comparison["log_loss"].challenger
    assert (auc.low, auc.high) == pytest.approx((auc.gain - 1.959964 * auc.stderr, auc.gain + 1.959964 * auc.stderr))
    assert auc.p_value == pytest.approx(1 - NormalDist().cdf(auc.gain / auc.stderr))
    assert (comparison.rows, comparison.positives, comparison.weight, comparison.confidence) == (
        1000,
        100,
        1000.0,
        0.95,
    )
    assert comparison.missing == ()


def test_pairing_tells_apart_what_single_errors_cannot(comparison):
    auc = comparison["roc_auc"]

    assert auc.stderr < math.hypot(auc.champion_stderr, auc.challenger_stderr) / 1.5


def test_bounds_meet_the_interval_and_the_p_value(comparison):
    for each in comparison.metrics:
        assert (each.lower_bound(0.025), each.upper_bound(0.025)) == pytest.approx((each.low, each.high))
        assert each.lower_bound(each.p_value) == pytest.approx(0, abs=1e-9)
        assert each.challenger_lower_bound(0.05) == pytest.approx(
            each.challenger - 1.6448536270 * each.challenger_stderr
        )
        assert each.challenger_upper_bound(0.05) == pytest.approx(
            each.challenger + 1.6448536270 * each.challenger_stderr
        )


def test_bounds_hold_far_in_the_tail(comparison):
    """The alpha of a much used holdout is tiny, and 1 - alpha would round to 1."""
    auc = comparison["roc_auc"]

    assert auc.lower_bound(1e-300) == pytest.approx(auc.gain - 37.0471 * auc.stderr)


def test_a_floor_needs_the_challenger_only(holdout, comparison):
    labels, _, challenger = holdout
    evaluation = measure(labels, challenger, metrics=BINARY)

    assert evaluation.metrics == tuple(comparison.measurement(name) for name in BINARY)
    assert evaluation["roc_auc"] == evaluation.measurement("roc_auc")
    assert evaluation["roc_auc"].lower_bound(0.05) == comparison["roc_auc"].challenger_lower_bound(0.05)
    assert comparison.measurement("rmse") is None
    assert evaluation.measurement("rmse") is None


def test_identical_models_gain_nothing(holdout):
    labels, champion, _ = holdout

    for each in compare(labels, champion, champion, metrics=BINARY).metrics:
        assert (each.gain, each.stderr, each.low, each.high, each.p_value) == (0.0, 0.0, 0.0, 0.0, 1.0)


def test_no_gain_of_scores_that_differ_is_certain():
    """Whoever ranks all rows right, or all wrong, has no influence to tell an error from; one row of four has."""
    auc = compare([0, 0, 1, 1], [4, 3, 2, 1], [1, 2, 3, 4], metrics=["roc_auc"])["roc_auc"]

    assert (auc.gain, auc.stderr) == (1.0, pytest.approx(0.25 * 0.5**0.5))


@given(awkward_holdouts(), st.floats(0.5, 0.999))
def test_nothing_is_ever_nan_and_every_metric_is_accounted_for(holdout, confidence):
    labels, champion, challenger, options = holdout

    found = compare(labels, champion, challenger, **options, slices=SLICES, confidence=confidence)
    alone = measure(labels, challenger, **options)

    for result in (found, alone):
        numbers = [number for number in numbers_in(asdict(result)) if not isinstance(number, str | None)]
        assert {type(number) for number in numbers} <= {int, float}
        assert all(map(math.isfinite, numbers))
    for part in (*parts_of(found), alone):
        assert sorted(each.metric for each in (*part.metrics, *part.missing)) == sorted(options["metrics"])


@pytest.mark.slow
@given(awkward_holdouts())
def test_gain_is_antisymmetric(holdout):
    labels, champion, challenger, options = holdout

    there = compare(labels, champion, challenger, **options, slices=SLICES)
    back = compare(labels, challenger, champion, **options, slices=SLICES)

    for one, other in zip(parts_of(there), parts_of(back), strict=True):
        for forth, again in zip(one.metrics, other.metrics, strict=True):
            assert (again.gain, again.stderr) == (-forth.gain, forth.stderr)
            assert (again.low, again.high) == (-forth.high, -forth.low)
            if forth.stderr > 0:
                assert forth.p_value + again.p_value == pytest.approx(1)


@given(awkward_holdouts())
def test_json_gives_back_the_same_values(holdout):
    labels, champion, challenger, options = holdout
    comparison = compare(labels, champion, challenger, **options, slices=SLICES)
    evaluation = measure(labels, challenger, **options)

    for kind, value in ((Comparison, comparison), (Evaluation, evaluation)):
        assert restore(kind, plain(value)) == value
        assert restore(kind, json.loads(canonical_json(plain(value)))) == value


@given(awkward_holdouts())
def test_slices_partition_the_rows_and_each_is_a_comparison_of_its_own(holdout):
    labels, champion, challenger, options = holdout
    kept = (
        np.ones(len(labels), dtype=bool) if options["sample_weight"] is None else np.array(options["sample_weight"]) > 0
    )
    found = compare(labels, champion, challenger, **options, slices=["kind"])

    assert sum(part.rows for part in found.slices) == found.rows
    assert sum(part.positives or 0 for part in found.slices) == (found.positives or 0)
    for part in found.slices:
        kind = np.array([value or "(missing)" for value in options["columns"]["kind"]])
        chosen = kept & (kind == part.value)
        weights = None if options["sample_weight"] is None else np.array(options["sample_weight"])[chosen]
        alone = compare(
            *(np.array(each)[chosen] for each in (labels, champion, challenger)),
            metrics=options["metrics"],
            sample_weight=weights,
        )
        assert (part.rows, part.positives) == (alone.rows, alone.positives)
        assert (part.metrics, part.missing) == (alone.metrics, alone.missing)


@pytest.mark.slow
@given(plain_holdouts(), st.randoms())
def test_the_order_of_rows_does_not_matter(holdout, random):
    *arrays_of_rows, columns = holdout
    order = list(range(len(columns["kind"])))
    random.shuffle(order)
    metrics = ("roc_auc", "average_precision", *LOSSES)

    def compared(order):
        labels, champion, challenger, weights = (each[order] for each in arrays_of_rows)
        moved = {name: column[order] for name, column in columns.items()}
        return compare(
            labels, champion, challenger, metrics=metrics, sample_weight=weights, columns=moved, slices=SLICES
        )

    there, again = compared(np.arange(len(order))), compared(np.array(order))
    for one, other in zip(parts_of(there), parts_of(again), strict=True):
        assert_alike(one, other)
    assert [(part.name, part.rows, part.positives) for part in there.slices] == [
        (part.name, part.rows, part.positives) for part in again.slices
    ]
    assert there.scores.shift == pytest.approx(again.scores.shift)


@pytest.mark.slow
@given(plain_holdouts())
def test_rank_metrics_see_the_order_of_scores_only(holdout):
    labels, champion, challenger, weights, columns = holdout
    options = {"metrics": RANKED, "sample_weight": weights, "columns": columns, "slices": SLICES}

    there = compare(labels, champion, challenger, **options)
    again = compare(labels, np.exp(5 * champion) - 100, -1 / challenger, **options)

    assert (there.metrics, there.missing, there.slices) == (again.metrics, again.missing, again.slices)


@pytest.mark.slow
@given(plain_holdouts())
def test_weights_count_as_repeated_rows(holdout):
    labels, champion, challenger, weights, columns = holdout
    metrics = ("roc_auc", "average_precision", *LOSSES)

    weighted = compare(
        labels, champion, challenger, metrics=metrics, sample_weight=weights, columns=columns, slices=SLICES
    )
    repeated = compare(
        *(np.repeat(each, weights) for each in (labels, champion, challenger)),
        metrics=metrics,
        columns={name: np.repeat(column, weights) for name, column in columns.items()},
        slices=SLICES,
    )

    assert weighted.weight == repeated.weight
    assert [part.name for part in weighted.slices] == [part.name for part in repeated.slices]
    for one, other in zip(parts_of(weighted), parts_of(repeated), strict=True):
        for mine in one.metrics:  # the repeated rows may suffice for a metric where the weighted rows do not
            yours = next(each for each in other.metrics if each.metric == mine.metric)
            assert (mine.champion, mine.challenger) == pytest.approx((yours.champion, yours.challenger), abs=1e-12)
    assert weighted.scores.shift == pytest.approx(repeated.scores.shift)


@pytest.mark.slow
@given(plain_holdouts(scores=st.floats(0.0625, 0.9375, width=32)))
def test_single_and_double_precision_agree(holdout):
    labels, champion, challenger, weights, columns = holdout

    single, double = (
        compare(
            labels,
            champion.astype(precision),
            challenger.astype(precision),
            metrics=BINARY,
            sample_weight=weights,
            columns=columns,
            slices=SLICES,
        )
        for precision in (np.float32, np.float64)
    )

    for one, other in zip(parts_of(single), parts_of(double), strict=True):
        assert_alike(one, other)
    assert single.scores == double.scores


def test_rows_of_weight_zero_are_left_out(holdout):
    labels, champion, challenger = (column.copy() for column in holdout)
    weights = np.where(np.arange(1000) % 3 == 0, 0.0, 2.0)
    champion[0] = challenger[3] = np.nan

    scaled = [name for name in BINARY if not name.startswith("precision_at_k")]  # k counts weight
    weighted = compare(labels, champion, challenger, metrics=scaled, sample_weight=weights)
    kept = weights > 0
    alone = compare(labels[kept], champion[kept], challenger[kept], metrics=scaled)

    assert (weighted.rows, weighted.positives, weighted.weight) == (alone.rows, alone.positives, 2 * alone.weight)
    for one, other in zip(weighted.metrics, alone.metrics, strict=True):
        assert one.gain == pytest.approx(other.gain, abs=1e-12)
        assert one.stderr == pytest.approx(other.stderr, abs=1e-12)


def test_lists_series_booleans_and_single_precision_are_taken(holdout):
    labels, champion, challenger = holdout
    taken = compare(pd.Series(labels == 1), list(champion), pd.Series(challenger, dtype="float32"), metrics=["roc_auc"])

    assert taken["roc_auc"].gain == pytest.approx(compare(*holdout, metrics=["roc_auc"])["roc_auc"].gain, abs=1e-5)


def test_scores_that_are_not_finite_are_missing_and_name_the_side(holdout):
    labels, champion, challenger = holdout
    challenger[:3] = np.nan
    comparison = compare(labels, champion, challenger, metrics=["roc_auc", "log_loss"])

    reason = (
        "The challenger's scores must be finite, but include 3 NaN among 1,000. Find out why the challenger cannot score "
        "these rows."
    )
    assert comparison.metrics == ()
    assert comparison.missing == (MissingMetric("roc_auc", reason), MissingMetric("log_loss", reason))
    with pytest.raises(UnknownName) as caught:
        comparison["roc_auc"]
    assert str(caught.value) == f"There is no measured metric 'roc_auc'. {reason}"


def test_margins_are_missing_from_metrics_of_probabilities_and_both_sides_are_named():
    comparison = compare([0, 0, 1, 1], [-1, 0, 1, 2], [0, 1, 2, 3], metrics=["roc_auc", "brier_score"])

    assert [each.metric for each in comparison.metrics] == ["roc_auc"]
    (missing,) = comparison.missing
    assert missing.metric == "brier_score"
    assert "the champion's lie between -1 and 2" in missing.reason
    assert "the challenger's lie between 0 and 3" in missing.reason


def test_one_class_leaves_the_losses():
    comparison = compare([0, 0], [0.1, 0.2], [0.3, 0.1], metrics=("roc_auc", "average_precision", *LOSSES))

    assert [each.metric for each in comparison.metrics] == ["log_loss", "brier_score", "accuracy"]
    assert [each.reason for each in comparison.missing] == [
        f"{name} needs rows of both classes, but all 2 labels are 0. Use rows of both classes."
        for name in ("roc_auc", "average_precision")
    ]


@pytest.fixture
def holdout_with_columns(holdout):
    generator = np.random.default_rng(5)
    amounts = generator.lognormal(4, 1, 1000)
    frame = pd.DataFrame({"ProductCD": generator.choice(["W", "C"], 1000), "TransactionAmt": amounts})
    frame.loc[frame.index % 10 == 0, "ProductCD"] = None
    return *holdout, frame


def test_slices_are_named_and_follow_each_other_as_asked(holdout_with_columns):
    labels, champion, challenger, frame = holdout_with_columns
    by_amount = Slicing(by=("TransactionAmt",), bins=2)
    comparison = compare(
        labels, champion, challenger, metrics="roc_auc", slices=[by_amount, "ProductCD"], columns=frame, confidence=0.5
    )

    median = np.sort(frame["TransactionAmt"])[500]
    assert [part.name for part in comparison.slices[2:]] == ["ProductCD = C", "ProductCD = W", "ProductCD = (missing)"]
    assert [part.by for part in comparison.slices[:2]] == ["TransactionAmt in 2 bins"] * 2
    assert [part.rows for part in comparison.slices[:2]] == [500, 500]
    assert f", {median:.6g})" in comparison.slices[0].value
    assert comparison.slices[1].value.startswith(f"[{median:.6g}, ")
    for part in comparison.slices:
        (auc,) = part.metrics
        assert auc.high - auc.low == pytest.approx(2 * 0.6744898 * auc.stderr)


def test_slices_may_be_given_as_a_mapping_or_a_frame(holdout_with_columns):
    labels, champion, challenger, frame = holdout_with_columns
    products = frame[["ProductCD"]]
    named = compare(labels, champion, challenger, metrics=LOSSES, slices="ProductCD", columns=frame)

    assert compare(labels, champion, challenger, metrics=LOSSES, slices=products) == named
    assert (
        compare(labels, champion, challenger, metrics=LOSSES, slices={"ProductCD": list(frame["ProductCD"])}) == named
    )


def test_costs_and_bins_follow_the_rows_into_slices_whatever_their_weight(holdout_with_columns):
    labels, champion, challenger, frame = holdout_with_columns
    weights = np.arange(1000) % 3
    kept = (weights > 0) & (frame["ProductCD"] == "W").to_numpy()
    options = {"metrics": ['expected_cost(fp=5, fn="TransactionAmt")']}

    whole = compare(labels, champion, challenger, **options, sample_weight=weights, columns=frame, slices="ProductCD")
    alone = compare(
        labels[kept], champion[kept], challenger[kept], **options, sample_weight=weights[kept], columns=frame[kept]
    )

    (products,) = (part for part in whole.slices if part.value == "W")
    assert products.metrics == alone.metrics
    assert products.rows == np.count_nonzero(kept)
    assert products.missing == alone.missing == ()


def test_a_slice_of_one_class_says_so_and_the_others_stand(holdout):
    labels, champion, challenger = holdout
    comparison = compare(labels, champion, challenger, metrics=["roc_auc", "log_loss"], slices={"fraud": labels})

    for part, label in zip(comparison.slices, (0, 1), strict=True):
        assert [each.metric for each in part.metrics] == ["log_loss"]
        (missing,) = part.missing
        assert missing.metric == "roc_auc"
        assert f"all {part.rows} are {label}" in missing.reason or f"but all {part.rows:,}" in missing.reason
    assert [part.positives for part in comparison.slices] == [0, 100]
    assert [each.metric for each in comparison.metrics] == ["roc_auc", "log_loss"]


def test_an_unknown_column_is_told_before_anything_is_measured(holdout_with_columns):
    labels, champion, challenger, frame = holdout_with_columns

    with pytest.raises(UnknownName, match=r"^There is no column 'ProductCd'\. Did you mean 'ProductCD'\?$"):
        compare(labels, champion, challenger, metrics="roc_auc", slices=["ProductCd"], columns=frame)
    with pytest.raises(
        DataError, match=r"^The column 'ProductCD' must hold one value for each of the 1,000 labels, but"
    ):
        compare(labels, champion, challenger, metrics="roc_auc", slices=["ProductCD"], columns=frame[:10])


def test_the_task_follows_from_the_input_and_only_two_classes_have_a_summary_of_scores(holdout):
    labels, champion, challenger = holdout
    of_classes = [np.column_stack([1 - each, each]) for each in (champion, challenger)]

    found = {
        Task.BINARY: compare(*holdout, metrics=["accuracy"], slices={"label": labels}),
        Task.MULTICLASS: compare(labels, *of_classes, metrics=["accuracy"], slices={"label": labels}),
        Task.REGRESSION: compare(*holdout, metrics=["rmse"], slices={"label": labels}),
    }

    for task, comparison in found.items():
        assert comparison.task is task
        assert (comparison.scores is not None) == (task is Task.BINARY)
        assert comparison.positives == (100 if task is Task.BINARY else None)
        assert [part.positives for part in comparison.slices] == ([0, 100] if task is Task.BINARY else [None, None])
    assert measure(labels, of_classes[0], metrics=["accuracy"]).task is Task.MULTICLASS


def test_numbers_too_large_to_compare_are_missing():
    comparison = compare([0.0, 0.0, 0.0], [1e308, 1e308, 1e307], [-1e308, 0, 0], metrics=["mae"])

    (missing,) = comparison.missing
    assert missing.metric == "mae"
    assert "far larger than others" in missing.reason or "Look for huge numbers" in missing.reason


def test_asking_for_what_was_not_compared_names_what_was(holdout):
    labels, champion, challenger = holdout

    for found in (
        compare(labels, champion, challenger, metrics=["log_loss", "accuracy"]),
        measure(labels, challenger, metrics=["log_loss", "accuracy"]),
    ):
        with pytest.raises(UnknownName) as caught:
            found["roc_auc"]
        assert str(caught.value) == "There is no measured metric 'roc_auc'. Available: log_loss, accuracy."


@pytest.mark.parametrize(
    ("labels", "champion", "weights", "message"),
    [
        (
            [],
            [],
            None,
            "The holdout must have at least one labelled row, but has none. Use a holdout with rows.",
        ),
        (
            [0, 1, 2, -1],
            [0.1] * 4,
            None,
            (
                "Every label must be 0 or 1, but 2 of 4 are not (for example -1, 2). "
                "Map the labels to 0 and 1, and leave out the rows that have none."
            ),
        ),
        (
            [0, 1, None],
            [0.1] * 3,
            None,
            (
                "Every label must be 0 or 1, but 1 of 3 are not (for example nan). "
                "Map the labels to 0 and 1, and leave out the rows that have none."
            ),
        ),
        (
            ["ok", "fraud"],
            [0.1, 0.2],
            None,
            "The labels must be numbers, but cannot be read as numbers: could not convert string to float: 'ok'.",
        ),
        (
            [0, 1],
            np.full((2, 2), 0.5),
            None,
            (
                "The champion's scores must have the shape (n_rows,), but have the shape (2, 2). "
                "Give the column of class 1, scores[:, 1]."
            ),
        ),
        ([0, 1], 0.5, None, "The champion's scores must have the shape (n_rows,), but have the shape ()."),
        (
            [0, 1],
            [0.1],
            None,
            (
                "The champion's scores must have one number for each of the 2 labels, but have 1. "
                "Score and weight the labelled rows."
            ),
        ),
        (
            [0, 1],
            [1j, 2j],
            None,
            "The champion's scores must be numbers, but cannot be read as numbers: they are of type complex128.",
        ),
        (
            [0, 1, 1],
            [0.1] * 3,
            [-1, np.nan, 1],
            (
                "Every weight must be a number from 0 up, but 2 of 3 are negative, NaN or infinite. "
                "Fix them, or leave those rows out."
            ),
        ),
        (
            [0, 1],
            [0.1] * 2,
            [0, 0],
            "The weights must add up to a number above 0, but their sum is 0. Scale them, or leave them out.",
        ),
        (
            [0, 1],
            [0.1] * 2,
            [1e308, 1e308],
            "The weights must add up to a number above 0, but their sum is inf. Scale them, or leave them out.",
        ),
        (
            [0, 1],
            [0.1] * 2,
            [1],
            (
                "The weights must have one number for each of the 2 labels, but have 1. "
                "Score and weight the labelled rows."
            ),
        ),
    ],
)
def test_rows_that_cannot_judge_are_a_sentence(labels, champion, weights, message):
    with pytest.raises(DataError) as caught:
        compare(labels, champion, np.zeros(len(labels)), metrics=["roc_auc"], sample_weight=weights)

    assert str(caught.value) == message


RAGGED = {"lists": [[0.1, 0.9], [0.5]], "a number and a list": [1, [2]], "deep": [[[1, 2], [3]], [[1], [2]]]}
HUGE = [10**400, 1]


@pytest.mark.parametrize("ragged", RAGGED.values(), ids=list(RAGGED))
@pytest.mark.parametrize("place", ["y_true", "champion", "challenger", "sample_weight", "groups", "time", "slices"])
def test_ragged_lists_are_data_errors(ragged, place):
    given = {"y_true": [0, 1], "champion": [0, 1], "challenger": [0, 1]}
    given |= {place: {"a": ragged} if place == "slices" else ragged}
    with pytest.raises(DataError):
        compare(metrics=["roc_auc"], **given)


@pytest.mark.parametrize(
    "asked",
    [
        {"y_true": HUGE},
        {"champion": HUGE},
        {"sample_weight": HUGE},
        {"time": HUGE},
        {"slices": [Slicing(by="a", bins=2)], "columns": {"a": HUGE}},
        {"slices": [Slicing(by="a", window=7)], "columns": {"a": HUGE}},
    ],
    ids=["labels", "scores", "weights", "times", "bins", "windows"],
)
def test_integers_that_no_double_holds_are_data_errors(asked):
    given = {"y_true": [0, 1], "champion": [0, 1], "challenger": [0, 1], **asked}
    with pytest.raises(DataError, match=r"double precision cannot hold|too large|must hold finite numbers") as told:
        compare(metrics=["roc_auc"], **given)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize("confidence", ["0.95", None, True, [0.95]])
def test_confidence_is_a_number(confidence):
    with pytest.raises(
        ConfigError, match=r"^The confidence must be a number between 0 and 1, for example 0\.95, but is "
    ):
        compare([0, 1], [0, 1], [0, 1], metrics=["roc_auc"], confidence=confidence)


@pytest.mark.parametrize("metrics", [[1], 5, [["roc_auc"]], [None], [b"roc_auc"]])
def test_metrics_are_named_by_texts(metrics):
    with pytest.raises(
        ConfigError, match=r"^Each metric must be named by a string, for example 'roc_auc', but one is "
    ):
        compare([0, 1], [0, 1], [0, 1], metrics=metrics)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, math.nan])
def test_confidence_lies_between_0_and_1(confidence):
    with pytest.raises(ConfigError) as caught:
        compare([0, 1], [0, 1], [0, 1], metrics=["roc_auc"], confidence=confidence)

    assert str(caught.value) == (
        f"The confidence must be above 0 and below 1, but is {confidence:g}."
        f"{' Did you mean 0.95?' if confidence == 95 else ' Write 5 % as 0.05.'}"
    )


def test_alpha_lies_between_0_and_1(comparison):
    with pytest.raises(ConfigError, match=r"^The alpha must be above 0 and below 1, but is 5\."):
        comparison["roc_auc"].lower_bound(5)


def test_metrics_are_named_and_known(holdout):
    with pytest.raises(ConfigError, match=r"^No metric is named\. Name at least one"):
        compare(*holdout, metrics=[])
    with pytest.raises(UnknownName, match=r"^There is no metric 'roc'\. Did you mean 'roc_auc'\?$"):
        compare(*holdout, metrics=["log_loss", "roc"])
    assert [each.metric for each in compare(*holdout, metrics="roc_auc").metrics] == ["roc_auc"]
    assert len(compare(*holdout, metrics=["roc_auc", "roc_auc"]).metrics) == 1


@pytest.mark.slow
def test_noise_is_promoted_at_about_the_nominal_rate():
    """One-sided, nominal 5 %; 3 standard errors of a rate from 2,000 rounds are 1.5 points."""
    generator, rounds = np.random.default_rng(27), 2000
    metrics = ("roc_auc", "average_precision", "log_loss", "brier_score")
    promoted = dict.fromkeys(metrics, 0)
    for _ in range(rounds):
        comparison = compare(*two_equally_good_models(generator, 2000, 100), metrics=metrics)
        for each in comparison.metrics:
            promoted[each.metric] += each.lower_bound(0.05) > 0

    rates = {name: count / rounds for name, count in promoted.items()}
    assert all(0.035 <= rate <= 0.065 for rate in rates.values()), rates


@pytest.mark.parametrize("weights", [None, np.arange(10.0)])
@pytest.mark.parametrize("n_costs", [2, 9, 11])
def test_costs_of_other_rows_are_missing_whatever_the_weights(weights, n_costs):
    labels, costs = np.arange(10) % 2, {"c": np.ones(n_costs)}
    cost = 'expected_cost(fp=5, fn="c")'
    comparison = compare(labels, labels / 2, labels / 3, metrics=cost, columns=costs, sample_weight=weights)
    (gap,) = comparison.missing
    said = f"there must be one for each of 10 rows, but the shape is ({n_costs},)"
    plain = f"needs a cost in the column 'c' for each of 10 rows, but the column's shape is ({n_costs},)"
    assert (plain if weights is None else said) in gap.reason


@pytest.mark.parametrize("name", ["recall", "accuracy", "f1", "balanced_accuracy", "expected_cost(fp=1, fn=10)"])
def test_models_that_agree_on_every_row_are_not_known_to_agree_on_all(name):
    """Scores that differ and say the same class of each row: the gain is 0, and its error is not."""
    labels = np.repeat([0, 1], 100)
    champion = np.where(labels == 1, 0.8, 0.3)
    differs = compare(labels, champion, champion * 0.9, metrics=[name])[name]
    same = compare(labels, champion, champion.copy(), metrics=[name])[name]
    assert (differs.gain, same.gain, same.stderr) == (0.0, 0.0, 0.0)
    assert differs.low < 0 < differs.high


def test_a_rounded_effective_number_is_the_same_in_every_order_of_the_rows():
    weights, orders = np.array([2, 2, 2, 1, 1, 3, 3]), np.random.default_rng(5)  # 196 / 32 = 6.125
    told = set()
    for _ in range(50):
        weighed = orders.permutation(weights)
        comparison = compare(np.zeros(7), np.full(7, 0.1), np.full(7, 0.1), metrics=["log_loss"], sample_weight=weighed)
        told.add(comparison.missing[0].reason)
    assert len(told) == 1
    assert "unequal weights reduce it to 6.12" in told.pop()
