"""The selection-adjusted estimate of a gain that passed, compared with simulated draws above the bound."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.comparison import Comparison, MetricComparison
from promotion.metrics import Error
from promotion.policy import Policy, decide
from promotion.policy.selected import allow_for_selection, selected_gain
from promotion.vocabulary import Direction

PASSED = 1.875
"""Standard errors of a gain that passes at 3.04 %."""


def allowed(gain, threshold=PASSED, stderr=1.0):
    return allow_for_selection("roc_auc", gain, stderr, threshold)


@pytest.mark.parametrize("true", [0.2, 1.0, 2.0, 4.0])
def test_of_the_gains_that_pass_half_are_estimated_too_high(true):
    """The gains themselves are all too high at 0.2 and 1.0; and the interval holds the true one in 95 %."""
    drawn = np.random.default_rng(27).normal(true, 1, 100_000)
    passed = drawn[drawn > PASSED][:800]
    found = [allowed(gain) for gain in passed]
    assert np.mean([each.estimate > true for each in found]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([(each.low or 0.0) <= true <= each.high for each in found]) >= 0.93
    assert np.mean([each.high < true for each in found]) == pytest.approx(0.025, abs=0.017)
    naive = np.mean(passed > true)
    assert naive == 1 if true < PASSED else naive > 0.5
    assert abs(np.mean([each.estimate for each in found]) - true) < max(np.mean(passed) - true, 0.12)


positive = st.floats(1e-6, 1e6)


@given(positive, st.floats(0, 60), st.floats(1e-9, 40), st.floats(1e-3, 5))
def test_what_is_to_be_expected_grows_with_the_gain_and_lies_between_nothing_and_the_gain(stderr, margin, above, more):
    threshold = (margin + PASSED) * stderr
    one, other = (allowed(threshold + each * stderr, threshold, stderr) for each in (above, above + more))
    assert 0 <= one.estimate <= threshold + above * stderr
    assert one.estimate <= one.high
    assert (one.low or 0.0) <= one.estimate
    slack = 1e-9 * (threshold + stderr)
    for field in ("estimate", "low", "high"):
        assert (getattr(one, field) or 0.0) <= (getattr(other, field) or 0.0) + slack


def test_far_above_the_threshold_it_is_the_gain_with_its_usual_interval():
    found = allowed(9.0)
    assert (found.estimate, found.low, found.high) == pytest.approx((9.0, 9.0 - 1.96, 9.0 + 1.96), abs=1e-3)
    just = allowed(PASSED + 1e-3)
    assert (just.estimate, just.low) == (0, None)


def gained(gain, stderr=0.01, dof=None, beside=None):
    return MetricComparison(
        "roc_auc", Direction.HIGHER, 0.8, 0.8 + gain, gain, stderr, gain, gain, 0.5, 0.01, 0.01, dof, beside
    )


def decided(found, **keys):
    evidence = Comparison(10_000, 1000, 10_000.0, 0.95, (found,))
    return decide(evidence, Policy.from_toml({"primary": {"metric": "roc_auc"} | keys}), alpha=0.0304)


def test_only_a_gain_that_was_promoted_was_selected():
    promoted = decided(gained(0.025))
    assert selected_gain(promoted).estimate == pytest.approx(allowed(0.025, PASSED * 0.01, 0.01).estimate, rel=1e-2)
    assert selected_gain(decided(gained(0.01))) is None
    assert selected_gain(replace(promoted, evidence=None)) is None
    plain = Policy.from_toml({"primary": {"metric": "roc_auc"}, "rule": "point"})
    assert selected_gain(decide(promoted.evidence, plain)) is None
    assert selected_gain(decided(gained(0.025, stderr=0.0))) is None


def test_a_margin_and_few_groups_raise_the_threshold():
    """So what passed just above it says less."""
    without, with_margin = (selected_gain(decided(gained(0.03), min_gain=least)) for least in (0.0, 0.01))
    assert with_margin.estimate < without.estimate < 0.03
    few = selected_gain(decided(gained(0.03, dof=6.0)))
    beside = selected_gain(decided(gained(0.03, beside=Error(0.01, 6.0))))
    assert few == beside
    assert few.estimate < without.estimate
    assert few.high > without.high
