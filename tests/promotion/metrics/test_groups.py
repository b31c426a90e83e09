"""Grouped rows: errors by group, compared with independent implementations."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, log_loss, recall_score, roc_auc_score

from promotion.canonical import plain, restore
from promotion.comparison import Comparison, compare, measure
from promotion.errors import ConfigError, DataError, UnknownName
from promotion.metrics import register_metric
from promotion.metrics.bounds import Error, half_width, quantile, tail

METRICS = ("roc_auc", "average_precision", "log_loss", "brier_score", "accuracy", "recall_at_fpr(0.1)")


def clustered(seed, sizes, *, within=0.4, prevalence=0.3):
    """Labels, both models' scores and group codes; errors within a group correlate."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)

    def errors():
        of_group, own = rng.normal(size=len(sizes)), rng.normal(size=len(codes))
        return math.sqrt(within) * of_group[codes] + math.sqrt(1 - within) * own

    labels = (rng.random(len(codes)) < prevalence).astype(int)
    shared = errors() + 1.5 * labels - 1.0
    champion, challenger = (1 / (1 + np.exp(-shared - 0.4 * errors()))), (1 / (1 + np.exp(-shared - 0.4 * errors())))
    return labels, champion, challenger, codes


def obuchowski(labels, scores, others, codes):
    """Variance of the difference of two clustered AUCs: Obuchowski (1997), Biometrics 53, written out.

    With I clusters, S10 = I / (I - 1) / m * sum (sum of a cluster's V10 - its positives * AUC)^2 and so on.
    """
    positive, negative = labels == 1, labels == 0
    clusters = np.unique(codes)
    parts = []
    for values in (scores, others):
        kernel = (values[positive][:, None] > values[negative]) + 0.5 * (values[positive][:, None] == values[negative])
        auc = kernel.mean()
        of_positives = [(kernel.mean(axis=1) - auc)[codes[positive] == each].sum() for each in clusters]
        of_negatives = [(kernel.mean(axis=0) - auc)[codes[negative] == each].sum() for each in clusters]
        parts.append((np.array(of_positives), np.array(of_negatives)))
    (x10, x01), (y10, y01) = parts
    m, n, unbiased = positive.sum(), negative.sum(), len(clusters) / (len(clusters) - 1)
    d10, d01 = x10 - y10, x01 - y01
    s10, s01, s11 = (unbiased * (a * b).sum() for a, b in ((d10, d10), (d01, d01), (d10, d01)))
    return s10 / m**2 + s01 / n**2 + 2 * s11 / (m * n)


def test_the_clustered_auc_is_obuchowskis_where_no_group_is_heavier_than_another():
    sizes = np.full(12, 20)
    labels, champion, challenger, codes = clustered(1, sizes)
    labels = np.tile((np.arange(20) < 6).astype(int), 12)  # equally many positives in each
    found = compare(labels, champion, challenger, metrics=["roc_auc"], groups=codes)["roc_auc"]
    assert found.stderr**2 == pytest.approx(obuchowski(labels, champion, challenger, codes), rel=1e-10)
    assert found.dof <= 11


def test_unequal_groups_are_obuchowskis_but_for_each_groups_leverage():
    sizes = np.arange(3, 40)
    labels, champion, challenger, codes = clustered(2, sizes)
    found = compare(labels, champion, challenger, metrics=["roc_auc"], groups=codes)["roc_auc"]
    influence = {}
    for label in (0, 1):
        of_class = labels == label
        u = compare(labels, champion, challenger, metrics=["roc_auc"]).influence("roc_auc") * of_class
        u *= math.sqrt(1 - 1 / of_class.sum())  # without the factor for small samples of rows
        influence[label] = np.bincount(codes, u)
    count = len(sizes)
    raw = count / (count - 1) * np.square(influence[0] + influence[1]).sum()
    assert raw == pytest.approx(obuchowski(labels, champion, challenger, codes), rel=1e-10)
    corrected = 0.0
    for label in (0, 1):
        share = np.bincount(codes, labels == label) / (labels == label).sum()
        corrected = corrected + influence[label] * math.sqrt(1 - (share**2).sum()) / (1 - share)
    assert found.stderr**2 == pytest.approx(np.square(corrected).sum(), rel=1e-10)


def test_equal_groups_give_the_paired_t_test_on_the_groups_means():
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(9), 30)
    truth = rng.normal(size=270)
    champion, challenger = (truth + rng.normal(size=9)[codes] / 2 + rng.normal(size=270) for _ in range(2))
    found = compare(truth, champion, challenger, metrics=["mse"], groups=codes)["mse"]
    before, after = (np.square(each - truth).reshape(9, 30).mean(axis=1) for each in (champion, challenger))
    test = stats.ttest_rel(before, after, alternative="greater")
    assert found.gain / found.stderr == pytest.approx(test.statistic, rel=1e-10)
    assert found.dof == pytest.approx(8)
    assert found.p_value == pytest.approx(test.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(
        (found.gain - stats.t(8).ppf(0.975) * found.stderr, found.gain + stats.t(8).ppf(0.975) * found.stderr)
    )


REFITTED = {
    "roc_auc": roc_auc_score,
    "average_precision": average_precision_score,
    "log_loss": log_loss,
    "accuracy": lambda labels, scores: (labels == (scores > 0.5)).mean(),
    "recall": lambda labels, scores: recall_score(labels, scores > 0.5),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFITTED)
def test_a_jackknife_that_leaves_out_each_group_agrees_to_one_percent(name):
    """No group holds more than 1 % of a class."""
    labels, champion, challenger, codes = clustered(4, np.full(200, 15), within=0.3)
    value = REFITTED[name]
    without = np.array(
        [[value(labels[codes != each], side[codes != each]) for side in (champion, challenger)] for each in range(200)]
    )
    moved = without[:, 1] - without[:, 0]
    jackknife = math.sqrt(199 / 200 * np.square(moved - moved.mean()).sum())
    found = compare(labels, champion, challenger, metrics=[name], groups=codes)[name]
    assert found.stderr == pytest.approx(jackknife, rel=0.01)
    alone = measure(labels, challenger, metrics=[name], groups=codes)[name]
    of_value = math.sqrt(199 / 200 * np.square(without[:, 1] - without[:, 1].mean()).sum())
    assert alone.stderr == pytest.approx(of_value, rel=0.01)


def test_average_precision_is_refitted_where_groups_are_heavy():
    """Groups that hardly count keep their influence; by that alone the error would be a quarter smaller."""
    labels, champion, challenger, codes = clustered(5, np.full(10, 60), within=0.8, prevalence=0.15)
    without = [
        average_precision_score(labels[codes != each], challenger[codes != each])
        - average_precision_score(labels[codes != each], champion[codes != each])
        for each in range(10)
    ]
    found = compare(labels, champion, challenger, metrics=["average_precision"], groups=codes)["average_precision"]
    moved = np.array(without) - found.gain
    share = np.bincount(codes, labels == 0) / (labels == 0).sum()
    assert found.stderr**2 == pytest.approx((1 - (share**2).sum()) * np.square(moved).sum(), rel=0.02)


def test_neither_the_order_of_rows_nor_the_names_of_groups_matter():
    labels, champion, challenger, codes = clustered(6, [5, 9, 14, 30, 60, 8, 22])
    names = np.array(["visa", "amex", "ünion", "", "nan", "7", "7.0"], dtype=object)
    before = compare(labels, champion, challenger, metrics=METRICS, groups=codes)
    order = np.random.default_rng(7).permutation(len(labels))
    for groups, rows in (
        (names[codes], slice(None)),
        ((100 - 7 * codes)[order], order),
        (list(names[codes][order]), order),
    ):
        after = compare(labels[rows], champion[rows], challenger[rows], metrics=METRICS, groups=groups)
        for one, other in zip(before.metrics, after.metrics, strict=True):
            for field in ("gain", "stderr", "dof", "p_value", "challenger_stderr", "challenger_dof"):
                assert getattr(one, field) == pytest.approx(getattr(other, field), rel=1e-9), (one.metric, field)


def test_rows_that_are_groups_of_their_own_give_the_error_of_rows():
    labels, champion, challenger, _ = clustered(8, np.ones(900, dtype=int))
    rows = compare(labels, champion, challenger, metrics=METRICS)
    groups = compare(labels, champion, challenger, metrics=METRICS, groups=np.arange(900))
    for one, other in zip(rows.metrics, groups.metrics, strict=True):
        assert (one.stderr, one.champion_stderr) == pytest.approx((other.stderr, other.champion_stderr), rel=1e-9)
        assert one.dof is None
        assert other.dof > 10


def test_a_doubled_row_tells_nothing_new_when_its_copies_are_one_group():
    labels, champion, challenger, codes = clustered(9, np.ones(500, dtype=int))
    once = compare(labels, champion, challenger, metrics=("roc_auc", "log_loss"), groups=codes)
    twice = [np.repeat(each, 2) for each in (labels, champion, challenger, codes)]
    doubled = compare(*twice[:3], metrics=("roc_auc", "log_loss"), groups=twice[3])
    for one, other in zip(once.metrics, doubled.metrics, strict=True):
        assert (one.gain, one.stderr, one.dof) == pytest.approx((other.gain, other.stderr, other.dof), rel=1e-9)


def test_weights_count_as_copies_of_rows_do():
    labels, champion, challenger, codes = clustered(10, [30, 40, 50, 60, 70, 80])
    weights = np.random.default_rng(10).integers(0, 4, len(labels))
    weighed = compare(
        labels, champion, challenger, metrics=("roc_auc", "log_loss"), sample_weight=weights, groups=codes
    )
    copied = [np.repeat(each, weights) for each in (labels, champion, challenger, codes)]
    plain_rows = compare(*copied[:3], metrics=("roc_auc", "log_loss"), groups=copied[3])
    for one, other in zip(weighed.metrics, plain_rows.metrics, strict=True):
        assert (one.gain, one.dof) == pytest.approx((other.gain, other.dof), rel=1e-9)
        assert one.stderr == pytest.approx(other.stderr, rel=2e-3)  # the factor that is undone counts rows


def test_a_group_with_a_class_to_itself_is_no_evidence():
    labels, champion, challenger, codes = clustered(11, [50, 50, 50])
    labels[codes > 0] = 0
    found = compare(labels, champion, challenger, metrics=["roc_auc", "brier_score"], groups=codes)
    assert [each.metric for each in found.metrics] == ["brier_score"]
    assert found.missing[0].reason.startswith(
        "roc_auc needs rows from at least two groups (in a classification, for each class)"
    )
    one = compare(labels, champion, challenger, metrics=["brier_score"], groups=np.zeros(150))
    assert one.metrics == ()
    assert one.dependence.effective == pytest.approx(1)


def test_a_metric_of_ones_own_is_judged_by_groups_too():
    """With an influence by its sums, without one by leaving out each group; both are the same for a mean."""
    profit = lambda labels, scores, weights: float(np.average((scores > 0.5) * (2 * labels - 1), weights=weights))  # noqa: E731

    def influence(labels, scores, weights):
        each = (scores > 0.5) * (2 * labels - 1)
        return weights * (each - np.average(each, weights=weights)) / weights.sum()

    register_metric("profit_by_jackknife", direction="higher", value=profit)
    register_metric("profit_by_influence", direction="higher", value=profit, influence=influence)
    labels, champion, challenger, codes = clustered(12, np.full(40, 25))
    names = ["profit_by_jackknife", "profit_by_influence"]
    found = compare(labels, champion, challenger, metrics=names, groups=codes)
    one, other = found.metrics
    assert one.stderr == pytest.approx(other.stderr, rel=0.03)
    assert one.challenger_stderr == pytest.approx(other.challenger_stderr, rel=0.03)
    many = compare(labels, champion, challenger, metrics=names[:1], groups=np.arange(1000) // 2)  # drawn, not left out
    again = compare(labels, champion, challenger, metrics=names[1:], groups=np.arange(1000) // 2)
    assert many.metrics[0].stderr == pytest.approx(again.metrics[0].stderr, rel=0.15)
    with pytest.raises(
        DataError,
        match=r"^The standard error of profit_by_jackknife is estimated by resampling, so there are no influence",
    ):
        found.influence("profit_by_jackknife")


def test_slices_have_the_groups_of_their_rows():
    labels, champion, challenger, codes = clustered(13, np.full(30, 30))
    side = codes % 2
    found = compare(labels, champion, challenger, metrics=["roc_auc"], slices={"side": side}, groups=codes)
    for part, value in zip(found.slices, (0, 1), strict=True):
        kept = side == value
        alone = compare(labels[kept], champion[kept], challenger[kept], metrics=["roc_auc"], groups=codes[kept])
        assert part.metrics[0].stderr == pytest.approx(alone["roc_auc"].stderr, rel=1e-12)
        assert (part.dependence.count, part.metrics[0].dof) == (15, pytest.approx(alone["roc_auc"].dof))


def test_what_is_kept_reads_back_and_what_was_never_asked_leaves_no_trace():
    labels, champion, challenger, codes = clustered(14, np.full(30, 10))
    columns = {"card": codes, "when": np.arange(300.0)}
    for asked in ({"groups": "card"}, {"time": "when"}, {"time": "when", "dependence": "independent"}):
        found = compare(labels, champion, challenger, metrics=METRICS, columns=columns, **asked)
        again = restore(Comparison, plain(found))
        assert again == found
        assert again["roc_auc"].lower_bound(0.0076) == found["roc_auc"].lower_bound(0.0076)
        with pytest.raises(DataError, match=r"^A comparison restored from a record has no influence values"):
            again.influence("roc_auc")
    before = plain(compare(labels, champion, challenger, metrics=METRICS))
    assert "dependence" not in before
    assert not {"dof", "beside", "challenger_dof", "challenger_beside"} & set(before["metrics"][0])


def test_the_influence_of_rows_adds_up_to_the_error():
    labels, champion, challenger, _ = clustered(15, np.full(30, 30))
    weights = np.r_[0.0, np.ones(899)]
    found = compare(labels, champion, challenger, metrics=["roc_auc", "log_loss"], sample_weight=weights)
    for name in ("roc_auc", "log_loss"):
        influence = found.influence(name)
        assert influence.shape == (900,)
        assert influence[0] == 0
        assert math.sqrt(np.square(influence).sum()) == pytest.approx(found[name].stderr, rel=1e-12)
        raised = challenger.copy()
        raised[1] = 0.999999 if labels[1] else 1e-6  # a better score of one row raises its influence on the gain
        better = compare(labels, champion, raised, metrics=[name], sample_weight=weights).influence(name)
        assert better[1] > influence[1]


def test_what_cannot_be_grouped_is_a_sentence():
    labels, champion, challenger, codes = clustered(16, [20, 20])
    rows = (labels, champion, challenger)
    with pytest.raises(
        DataError, match=r"^The groups must hold one value for each of the 40 labels, but the shape is \(39,\)"
    ):
        compare(*rows, metrics=["roc_auc"], groups=codes[1:])
    with pytest.raises(
        DataError, match=r"^Groups must be hashable values, such as text or numbers, but one is not \(.*unhashable type"
    ):
        compare(*rows, metrics=["roc_auc"], groups=np.array([*([[1]] * 39), [1, 2]], dtype=object))
    with pytest.raises(UnknownName, match=r"^There is no column 'crad'. Did you mean 'card'"):
        compare(*rows, metrics=["roc_auc"], groups="crad", columns={"card": codes})
    with pytest.raises(
        ConfigError, match=r"^Groups and dependence = 'independent' contradict each other. Leave out one of the two"
    ):
        compare(*rows, metrics=["roc_auc"], groups=codes, dependence="independent")
    with pytest.raises(ConfigError, match=r"^The dependence must be auto or independent, but is 'rows'"):
        compare(*rows, metrics=["roc_auc"], dependence="rows")
    with pytest.raises(DataError, match=r"^The times must be finite, but 1 of 40 are infinite"):
        compare(*rows, metrics=["roc_auc"], time=np.r_[np.inf, np.arange(39)])


def test_missing_values_are_one_group_whatever_kind_they_are_of():
    labels, champion, challenger, codes = clustered(17, [40, 30, 30])
    names = [None if code == 0 else f"g{code}" for code in codes]
    names[:3] = [float("nan"), np.float64("nan"), None]
    found = compare(labels, champion, challenger, metrics=["log_loss"], groups=names)
    assert found.dependence.count == 3
    assert found["log_loss"].stderr == pytest.approx(
        compare(labels, champion, challenger, metrics=["log_loss"], groups=codes)["log_loss"].stderr, rel=1e-12
    )


@pytest.mark.parametrize("dof", [1.0, 2.5, 7.0, 29.0, 4000.0])
def test_bounds_and_p_values_are_students(dof):
    error = Error(0.02, dof)
    for alpha in (0.05, 0.0304, 0.001, 1e-6):
        assert quantile(alpha, dof) == pytest.approx(-stats.t(dof).ppf(alpha), rel=1e-9)
        assert error.tail(quantile(alpha, dof) * 0.02) == pytest.approx(alpha, rel=1e-9)
    assert error.half_width(0.5) == pytest.approx(0, abs=1e-12)


def test_the_larger_half_width_counts_at_each_level():
    """With few degrees of freedom the smaller error is the larger one at a small level."""
    rows, blocks = Error(0.012), Error(0.010, 6.0)
    assert half_width(0.05, rows, blocks) == rows.half_width(0.05)
    assert half_width(0.001, rows, blocks) == blocks.half_width(0.001)
    assert half_width(0.95, rows, blocks) == pytest.approx(-half_width(0.05, rows, blocks), rel=1e-12)
    for gain in (0.001, 0.02, 0.05, 0.2, -0.03):
        p = tail(gain, rows, blocks)
        assert gain - half_width(p, rows, blocks) == pytest.approx(0, abs=1e-12)
