"""The effect of groups, blocks and Student's t on a decision; and that nothing changes without them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import promotion
from promotion.canonical import restore
from promotion.comparison import Comparison, MetricComparison, compare
from promotion.errors import ConfigError
from promotion.ledger.entries import Judgement
from promotion.metrics import Error
from promotion.metrics.bounds import Dependence, DrawnAs
from promotion.policy import Budget, Kind, Policy, decide
from promotion.policy.power import equal_could_not_pass, times_needed
from promotion.vocabulary import Direction, Outcome, Verdict

PAST = Path(__file__).parent.parent / "ledger" / "ledger_of_0_1_0.jsonl"


def judged(groups, *, better=2.0, **keys):
    """A challenger that is much better, on 1,200 rows of so many equal groups."""
    rng = np.random.default_rng(groups)
    labels = (np.arange(1200) % 3 == 0).astype(int)
    sides = [1 / (1 + np.exp(-(skill * labels - 1 + rng.normal(size=1200)))) for skill in (1.0, better)]
    slices = {"half": np.arange(1200) * groups // 1200 % 2}
    codes = np.arange(1200) * groups // 1200
    found = compare(labels, *sides, metrics=["roc_auc"], groups=codes, slices=slices if "slices" in keys else None)
    return decide(found, Policy.from_toml({"primary": {"metric": "roc_auc"}} | keys))


def named(decision, kind):
    return [check for check in decision.checks if check.kind is kind]


def test_fewer_than_five_groups_leave_it_open_however_clear_the_gain():
    decision = judged(4)
    assert decision.verdict is Verdict.HOLD
    (check,) = [check for check in named(decision, Kind.EVIDENCE) if check.subject == "groups"]
    assert (check.outcome, check.required) == (Outcome.INCONCLUSIVE, 5.0)
    assert check.reason == (
        "The rows come from 4 groups, effective number 4 (Kish), too few to estimate a standard error; the policy "
        "requires at least 5. Use rows from more groups."
    )
    assert judged(6).verdict is Verdict.PROMOTE
    assert judged(6, min_groups=7).verdict is Verdict.HOLD
    assert judged(4, rule="point").verdict is Verdict.PROMOTE


def test_a_slice_of_too_few_groups_is_not_judged():
    rule = [{"by": "half", "metric": "roc_auc", "max_loss": 0.02}]
    assert {check.outcome for check in named(judged(8, slices=rule), Kind.SLICE)} == {
        Outcome.NOT_APPLICABLE,
        Outcome.MISSING,
    }
    assert {check.outcome for check in named(judged(12, slices=rule), Kind.SLICE)} == {Outcome.PASSED}


def gained(gain, stderr, dof=None, beside=None):
    return MetricComparison(
        "roc_auc", Direction.HIGHER, 0.8, 0.8 + gain, gain, stderr, gain, gain, 0.5, 0.01, 0.01, dof, beside
    )


def of(found, drawn=None):
    return Comparison(10_000, 1000, 10_000.0, 0.95, (found,), dependence=drawn)


@pytest.mark.parametrize("level", [0.05, 0.0304, 0.0076, 0.001])
def test_every_bound_is_students_where_there_are_degrees_of_freedom(level):
    """A gain a hair on either side of the bound by t; by the normal distribution both would pass."""
    edge = stats.t(6).ppf(1 - level) * 0.01
    policy = Policy.from_toml({"primary": {"metric": "roc_auc"}})
    for gain, outcome in ((edge * 1.001, Outcome.PASSED), (edge * 0.999, Outcome.INCONCLUSIVE)):
        (check,) = named(decide(of(gained(gain, 0.01, 6.0)), policy, alpha=level), Kind.PRIMARY)
        assert check.outcome is outcome
        assert named(decide(of(gained(gain, 0.01)), policy, alpha=level), Kind.PRIMARY)[0].outcome is Outcome.PASSED


def test_holm_asks_students_t_of_each_slice():
    part = compare(
        [0, 1] * 600, np.linspace(0, 1, 1200), np.linspace(0, 1, 1200), metrics=["roc_auc"], slices={"a": [1] * 1200}
    ).slices[0]
    policy = Policy.from_toml(
        {"primary": {"metric": "roc_auc"}, "slices": [{"by": "a", "metric": "roc_auc", "max_loss": 0}]}
    )
    for dof, outcome in ((None, Outcome.FAILED), (4.0, Outcome.PASSED)):
        loss = replace(of(gained(0.1, 0.01)), slices=(replace(part, metrics=(gained(-0.0190, 0.01, dof),)),))
        (check,) = named(decide(loss, policy), Kind.SLICE)
        assert check.outcome is outcome


def test_a_guardrail_that_an_equal_challenger_could_not_pass_says_so():
    drawn = Dependence(drawn_as=DrawnAs.BLOCKS, count=14, effective=14.0, days=1)
    policy = Policy.from_toml(
        {"primary": {"metric": "roc_auc"}, "guardrails": [{"metric": "roc_auc", "max_loss": 0.005}]}
    )
    found = gained(0.0, 0.007, 13.0, Error(0.003))
    (check,) = named(decide(of(found, drawn), policy), Kind.GUARDRAIL)
    assert check.reason.endswith(
        "These rows cannot rule out losses below 0.0124, so even a challenger equal to the champion could not pass; "
        "about 76 days like these (now 14) would be enough."
    )
    assert "could not pass" not in named(decide(of(gained(0.0, 0.001, 13.0), drawn), policy), Kind.GUARDRAIL)[0].reason
    assert equal_could_not_pass(of(gained(0.0, 0.007)), gained(0.0, 0.007), 0.005, 0.05).endswith(
        "about 53,000 rows like these (now 10,000) would be enough."
    )
    assert equal_could_not_pass(of(found), found, 0.0, 0.05).endswith(
        "no number of rows can rule out every loss. Set max_loss above 0."
    )
    assert equal_could_not_pass(of(found), found, 0.005, 0.5) == ""  # plain values


@pytest.mark.parametrize("found", [gained(0, 0.02), gained(0, 0.02, 4.0), gained(0, 0.02, 4.0, Error(0.03))])
def test_times_needed_is_how_much_more_would_do(found):
    times = times_needed(found, 0.005, 0.0304)
    grown = replace(
        found,
        stderr=found.stderr / times**0.5,
        dof=found.dof and (found.dof + 1) * times - 1,
        beside=found.beside and Error(found.beside.stderr / times**0.5),
    )
    assert grown.half_width(0.0304) == pytest.approx(0.005, rel=1e-6)


def test_a_notebook_judges_as_the_gate_does():
    found = of(gained(0.0175, 0.01))  # a p-value of 4 %: enough at 5 %, not at 3.04 %
    policy = promotion.Policy.from_toml({"primary": {"metric": "roc_auc"}})
    assert promotion.decide(found, policy).verdict is Verdict.PROMOTE
    gate = promotion.decide(found, policy, budget=promotion.Budget(alpha=policy.alpha, use=1.0))
    assert gate.verdict is Verdict.HOLD
    assert gate.alpha == pytest.approx(0.0304, abs=1e-4)
    trial = promotion.Trial(challenger="b", champion="a", metric="roc_auc", holdout="h", sketch=None)
    assert promotion.count_use(trial, [replace(trial, challenger="c")]) == 2.0
    assert Budget is promotion.Budget


def test_what_earlier_releases_wrote_keeps_its_digest():
    policy = Policy.from_toml({"primary": {"metric": "roc_auc"}})
    assert policy.digest == "48348bf21bab5be27271fb80aa4d93f5b525d69bf3f54659efc447d2d99767c6"
    bodies = [json.loads(line).get("body", {}) for line in PAST.read_text().splitlines()]
    decisions = [restore(Judgement, body) for body in bodies if "decision_digest" in body]
    assert decisions
    for each in decisions:
        assert each.decision.digest == each.decision_digest


@pytest.mark.parametrize("use", [0.3, 0, -1, float("nan")])
def test_a_budget_counts_from_its_first_use(use):
    with pytest.raises(ConfigError, match=r"must be at least 1 \(1 on new rows\), but is"):
        Budget(alpha=0.05, use=use)
