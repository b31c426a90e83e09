import pytest

from promotion.policy import Footprint, Limits
from promotion.policy.limits import limit_checks
from promotion.vocabulary import Outcome

ALL = Limits(max_size_mb=1.0, max_size_ratio=2.0, max_scoring_ratio=1.5)
STEADY = (1.2,) * 9


def outcomes(footprint, limits=ALL, *, alone=False):
    return [check.outcome.value for check in limit_checks(footprint, limits, alone=alone)]


def test_no_limits_no_checks():
    assert limit_checks(None, Limits(), alone=False) == ()


@pytest.mark.parametrize(
    ("footprint", "expected"),
    [
        (Footprint(size=900_000, champion_size=500_000, scoring_ratios=STEADY), ["passed", "passed", "passed"]),
        (Footprint(size=1_000_001, champion_size=500_000, scoring_ratios=STEADY), ["failed", "failed", "passed"]),
        (Footprint(size=1_000_000, champion_size=500_000, scoring_ratios=(1.6,) * 9), ["passed", "passed", "failed"]),
        (Footprint(size=900_000, champion_size=None), ["passed", "missing", "missing"]),
        (Footprint(size=900_000, champion_size=0), ["passed", "missing", "missing"]),
        (None, ["missing", "missing", "missing"]),
    ],
)
def test_each_limit_is_a_check(footprint, expected):
    assert outcomes(footprint) == expected


def test_the_first_model_is_only_limited_by_itself():
    assert outcomes(Footprint(size=900_000), alone=True) == ["passed", "not_applicable", "not_applicable"]


@pytest.mark.parametrize(
    ("above", "expected"), [(0, "passed"), (1, "passed"), (2, "inconclusive"), (7, "inconclusive"), (8, "failed")]
)
def test_times_that_vary_leave_the_limit_open(above, expected):
    ratios = (2.0,) * above + (1.0,) * (9 - above)
    assert outcomes(Footprint(size=1, champion_size=1, scoring_ratios=ratios))[2] == expected


def test_a_check_says_the_numbers():
    size, beside, time = limit_checks(
        Footprint(size=1_500_000, champion_size=500_000, scoring_ratios=(1.0, 1.1, 1.2, 1.3, 1.4, 1.4, 1.4, 1.4, 9.0)),
        ALL,
        alone=False,
    )
    assert size.reason == "The challenger's files take 1.5 MB; the policy allows at most 1 MB."
    assert (
        beside.reason == "The challenger's files are 3 times as large as the champion's; the policy allows at most 2."
    )
    assert time.reason == (
        "The challenger takes 1.4 times as long as the champion to score the same rows (1 to 9 in 9 runs); "
        "the policy allows at most 1.5."
    )
    assert (size.outcome, beside.outcome, time.outcome) == (Outcome.FAILED, Outcome.FAILED, Outcome.PASSED)
