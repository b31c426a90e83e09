"""I6: for any rows, an unmeasured requirement never promotes, and the decision names it."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.canonical import canonical_json, plain, restore
from promotion.comparison import compare, measure
from promotion.policy import Budget, Decision, Policy, decide
from promotion.vocabulary import Outcome, Verdict

N_ROWS = 600
METRICS = ["roc_auc", "brier_score", "recall_at_fpr(0.1)", 'expected_cost(fp=1, fn="amount")', "f1", "accuracy"]
SPOILT = {
    "NaN": lambda scores, rows: _with(scores, rows, np.nan),
    "infinite": lambda scores, rows: _with(scores, rows, np.inf),
    "minus infinite": lambda scores, rows: _with(scores, rows, -np.inf),
}


def _with(scores, rows, value):
    spoilt = scores.copy()
    spoilt[rows] = value
    return spoilt


@st.composite
def holdouts(draw):
    """Labels, a fair champion, and a challenger that knows every label: nothing but a fault can hold it."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = (generator.random(N_ROWS) < draw(st.floats(0.2, 0.8))).astype(float)
    champion = np.clip(0.3 * labels + 0.7 * generator.random(N_ROWS), 0.01, 0.99)
    perfect = np.where(labels == 1, 0.99, 0.01)
    return (
        labels,
        champion,
        perfect,
        {"amount": generator.lognormal(size=N_ROWS), "kind": generator.integers(0, 3, N_ROWS)},
    )


def policy(metric, **keys):
    return Policy.from_toml({"primary": {"metric": metric}, "metrics": [metric], "min_rows": 100, **keys})


def verdict(holdout, challenger, rules, champion=None):
    labels, fair, _, columns = holdout
    champion = fair if champion is None else champion
    names, slices = rules.names(), rules.slicings
    evidence = compare(labels, champion, challenger, metrics=names, slices=slices, columns=columns)
    return decide(evidence, rules, budget=Budget(alpha=rules.alpha, use=1))


@given(holdouts(), st.sampled_from(METRICS))
def test_without_a_fault_the_perfect_one_is_promoted(holdout, metric):
    assert verdict(holdout, holdout[2], policy(metric)).verdict is Verdict.PROMOTE


@given(
    holdouts(),
    st.sampled_from(METRICS),
    st.sampled_from(list(SPOILT)),
    st.sets(st.integers(0, N_ROWS - 1), min_size=1, max_size=20),
    st.booleans(),
    st.sampled_from(["confident", "point"]),
)
def test_one_score_that_is_no_number_holds(holdout, metric, kind, rows, spoil_champion, rule):
    labels, champion, perfect, _ = holdout
    sides = {"champion": SPOILT[kind](champion, list(rows)) if spoil_champion else champion}
    challenger = perfect if spoil_champion else SPOILT[kind](perfect, list(rows))
    decision = verdict(holdout, challenger, policy(metric, rule=rule), **sides)
    assert decision.verdict is Verdict.HOLD
    (check,) = decision.missing
    assert check.subject == metric
    assert f"The {'champion' if spoil_champion else 'challenger'}'s scores must be finite" in check.reason

    alone = decide(
        measure(labels, challenger, metrics=["roc_auc"]), policy("roc_auc", floors=[{"metric": "roc_auc", "min": 0.1}])
    )
    assert (alone.verdict is Verdict.PROMOTE) is spoil_champion


@given(holdouts(), st.sampled_from(METRICS), st.sampled_from([0.0, 1.0]), st.sampled_from(["confident", "point"]))
def test_rows_of_one_class_promote_nothing(holdout, metric, label, rule):
    _, champion, perfect, columns = holdout
    labels = np.full(N_ROWS, label)
    decision = verdict((labels, champion, perfect, columns), labels.clip(0.01, 0.99), policy(metric, rule=rule))
    assert decision.verdict is Verdict.HOLD


@given(holdouts(), st.sampled_from(METRICS), st.floats(0, 1), st.sampled_from(["confident", "point"]))
def test_a_constant_challenger_gains_nothing_on_an_equal_one(holdout, metric, score, rule):
    constant = np.full(N_ROWS, score)
    decision = verdict(holdout, constant, policy(metric, rule=rule), champion=constant)
    assert decision.verdict is not Verdict.PROMOTE


@given(holdouts(), st.sampled_from(["roc_auc", "f1", "log_loss", "brier_score", "recall_at_fpr(0.05)", "accuracy"]))
def test_a_guardrail_slice_or_floor_that_cannot_be_measured_holds_even_the_perfect_one(holdout, metric):
    perfect = holdout[2]
    beyond = perfect * 3 - 1  # no longer probabilities, but still the perfect ranking
    needs_probabilities = {"metric": "log_loss"}
    for rules in (
        {"guardrails": [needs_probabilities | {"max_loss": 1.0}]},
        {"guardrails": [needs_probabilities | {"max_loss": 1.0, "require": "not_worse"}]},
        {"floors": [needs_probabilities | {"max": 100.0}]},
        {"slices": [needs_probabilities | {"by": "kind", "max_loss": 1.0, "min_positives": 5}]},
    ):
        decision = verdict(holdout, beyond, policy("roc_auc", **rules))
        assert decision.verdict is Verdict.HOLD
        assert decision.missing
        assert "It takes scores from 0 to 1" in decision.summary
    rare = policy("roc_auc", slices=[{"by": "kind", "metric": metric, "max_loss": 0.1, "min_positives": 10_000}])
    decision = verdict(holdout, perfect, rare)
    assert (decision.verdict, decision.deciding.outcome) == (Verdict.HOLD, Outcome.MISSING)


@given(holdouts(), st.sampled_from(METRICS), st.sampled_from([*SPOILT, None]))
def test_every_decision_is_written_down_exactly(holdout, metric, kind):
    _, _, perfect, _ = holdout
    challenger = SPOILT[kind](perfect, [0]) if kind else perfect
    slices = [
        {"by": "kind", "metric": metric, "max_loss": 0.1},
        {"by": "amount", "bins": 3, "metric": metric, "max_loss": 0.1},
    ]
    decision = verdict(holdout, challenger, policy(metric, slices=slices, limits={"max_size_mb": 5.0}))
    again = restore(Decision, json.loads(canonical_json(plain(decision))))
    assert again == decision
    assert again.digest == decision.digest


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, float("nan")])
def test_a_level_that_is_none_is_a_sentence(alpha):
    from promotion.errors import ConfigError

    labels = np.arange(N_ROWS) % 2
    evidence = compare(labels, labels * 0.5, labels * 0.6, metrics=["roc_auc"])
    with pytest.raises(ConfigError, match=r"^The alpha must lie between 0 and 1, without them, but is"):
        decide(evidence, policy("roc_auc"), alpha=alpha)
