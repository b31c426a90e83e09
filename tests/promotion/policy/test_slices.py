import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.comparison import Comparison, MetricComparison, MissingMetric, SliceComparison
from promotion.policy import Kind, Policy, decide
from promotion.policy.slices import slice_checks
from promotion.vocabulary import Direction, Outcome, Verdict

RULE = {"by": "country", "metric": "roc_auc", "max_loss": 0.02}


def found(gain, stderr=0.01):
    return MetricComparison("roc_auc", Direction.HIGHER, 0.8, 0.8 + gain, gain, stderr, gain, gain, 0.5, 0.01, 0.01)


def part(value, *metrics, rows=1000, positives=100, missing=(), by="country"):
    return SliceComparison(by, value, rows, positives, metrics, missing)


def comparison(*parts):
    return Comparison(10_000, 1000, 10_000.0, 0.95, (found(0.1),), slices=parts)


def policy(*rules, **keys):
    return Policy.from_toml({"primary": {"metric": "roc_auc"}, "slices": list(rules or (RULE,)), **keys})


def outcomes(*parts, rules=(RULE,), **keys):
    return {check.subject: check.outcome for check in slice_checks(comparison(*parts), policy(*rules, **keys))}


def test_a_rule_blocks_a_loss_that_is_shown_and_says_where():
    checks = slice_checks(comparison(part("NL", found(-0.2)), part("DE", found(0.01))), policy())
    assert [(check.name, check.outcome) for check in checks] == [
        ("slice roc_auc where country = NL", Outcome.FAILED),
        ("slice roc_auc where country = DE", Outcome.PASSED),
    ]
    assert checks[0].reason == (
        "The gain in roc_auc where country = NL is -0.2000 (one-sided 95 % upper bound -0.1836); the policy allows a "
        "loss of at most 0.02. A loss above 0.02 is statistically significant (Holm's correction for 2 slices)."
    )
    assert decide(comparison(part("NL", found(-0.2))), policy()).verdict is Verdict.REJECT


def test_a_rule_lets_pass_what_is_not_shown_unless_it_must_be_proven():
    doubtful = part("NL", found(-0.02, stderr=0.02))
    assert outcomes(doubtful) == {"roc_auc where country = NL": Outcome.PASSED}
    (check,) = slice_checks(comparison(doubtful), policy())
    assert check.reason == (
        "The gain in roc_auc where country = NL is -0.0200 (one-sided 95 % bounds -0.0529 and +0.0129); the policy "
        "allows a loss of at most 0.02. A loss above 0.02 is not statistically significant, so this slice does not "
        "block."
    )
    proven = (RULE | {"require": "proven"},)
    assert outcomes(doubtful, rules=proven) == {"roc_auc where country = NL": Outcome.INCONCLUSIVE}
    assert outcomes(part("NL", found(0.05)), rules=proven) == {"roc_auc where country = NL": Outcome.PASSED}
    assert decide(comparison(doubtful), policy(*proven)).verdict is Verdict.HOLD


def test_of_many_slices_one_that_looks_worse_by_chance_does_not_block():
    # 1.8 standard errors below the margin: significant at 5 % alone, not among twenty.
    odd = part("NL", found(-0.02 - 1.8 * 0.01))
    others = [part(f"C{place}", found(0.0)) for place in range(19)]
    assert outcomes(odd)["roc_auc where country = NL"] is Outcome.FAILED
    assert outcomes(odd, *others)["roc_auc where country = NL"] is Outcome.PASSED


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_a_rule_corrects_as_holm_does(p_values):
    """Against the definition: the smallest p-values one by one, until one exceeds alpha by the number still open."""
    from statistics import NormalDist

    p_values = [min(max(p, 1e-9), 1 - 1e-9) for p in p_values]
    parts = [part(str(place), found(-0.02 + 0.01 * NormalDist().inv_cdf(p))) for place, p in enumerate(p_values)]
    given_back = [0.5 * math.erfc(-(one.metrics[0].gain + 0.02) / 0.01 / math.sqrt(2)) for one in parts]
    rejected = set()
    for step, place in enumerate(np.argsort(given_back, kind="stable")):
        if given_back[place] > 0.05 / (len(parts) - step):
            break
        rejected.add(f"roc_auc where country = {place}")
    shown = {subject for subject, outcome in outcomes(*parts, confidence=0.95).items() if outcome is Outcome.FAILED}
    assert shown == rejected


def test_small_slices_are_named_and_do_not_count():
    assert outcomes(part("NL", found(-0.5), positives=49), part("DE", found(0.0)), part("LU", found(0.0), rows=99)) == {
        "roc_auc where country = NL": Outcome.NOT_APPLICABLE,
        "roc_auc where country = DE": Outcome.PASSED,
        "roc_auc where country = LU": Outcome.NOT_APPLICABLE,
    }


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((), "The policy has a rule for roc_auc by country, but the comparison has no such slices."),
        (
            (part("NL", found(0.1), by="city"),),
            "The policy has a rule for roc_auc by country, but the comparison has no such slices.",
        ),
        (
            (part("NL", found(0.1), positives=3),),
            "The policy has a rule for roc_auc by country, but its only slice is too small to judge.",
        ),
        ((part("NL", missing=(MissingMetric("roc_auc", "All labels are 1."),)),), "All labels are 1."),
        ((part("NL"),), "The slice has no result for roc_auc."),
    ],
    ids=["no slices", "other slices", "only small ones", "undefined there", "not measured there"],
)
def test_nothing_to_judge_by_never_promotes(parts, said):
    decision = decide(comparison(*parts), policy())
    assert decision.verdict is Verdict.HOLD
    (check,) = [check for check in decision.missing if check.kind is Kind.SLICE]
    assert check.reason == said


def test_slices_of_one_class_are_too_small():
    parts = part("NL", found(-0.5), rows=200, positives=200), part("DE", found(0.0))
    assert outcomes(*parts)["roc_auc where country = NL"] is Outcome.NOT_APPLICABLE
    (check, _) = slice_checks(comparison(*parts), policy())
    assert check.reason == "The slice has only 0 negatives; the policy judges only slices with at least 50."


def test_slices_of_numbers_have_no_positives():
    assert outcomes(part("NL", found(0.0), positives=None)) == {"roc_auc where country = NL": Outcome.PASSED}


def test_the_plain_rule_knows_no_chance():
    assert outcomes(part("NL", found(-0.021)), part("DE", found(-0.019)), rule="point") == {
        "roc_auc where country = NL": Outcome.FAILED,
        "roc_auc where country = DE": Outcome.PASSED,
    }


def test_a_loss_without_error_is_what_it_is():
    assert outcomes(part("NL", found(-0.021, stderr=0.0)), part("DE", found(-0.02, stderr=0.0))) == {
        "roc_auc where country = NL": Outcome.FAILED,
        "roc_auc where country = DE": Outcome.PASSED,
    }
