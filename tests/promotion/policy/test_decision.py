from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.canonical import canonical_json, digest, plain, restore
from promotion.comparison import MissingMetric, compare, measure
from promotion.policy import Budget, Check, Decision, HoldoutUsed, Judged, Kind, Policy, decide
from promotion.policy.decision import verdict_of
from promotion.vocabulary import Outcome, Verdict

LABELS = (np.arange(4000) < 800).astype(int)
METRICS = ("roc_auc", "brier_score", "log_loss")


def scores(skill, seed=1, *, shift=0.0):
    """The higher the skill, the better the ranking; the shift ruins probabilities and keeps the ranking."""
    return 1 / (1 + np.exp(-(skill * LABELS - 1.5 + shift + np.random.default_rng(seed).normal(size=len(LABELS)))))


def policy(**keys):
    return Policy.from_toml(
        {"primary": {"metric": "roc_auc"}, "metrics": list(METRICS), "min_rows": 100, "min_positives": 50} | keys
    )


def against(champion, challenger):
    return compare(LABELS, champion, challenger, metrics=METRICS)


def alone(challenger):
    return measure(LABELS, challenger, metrics=METRICS)


EQUAL = against(scores(1), scores(1))
BETTER = against(scores(1), scores(2))
WORSE = against(scores(2), scores(1))
NOISE_APART = against(scores(1, seed=1), scores(1, seed=2))
RUINED_PROBABILITIES = against(scores(1), scores(2, shift=4))
UNMEASURED = replace(
    BETTER,
    metrics=tuple(found for found in BETTER.metrics if found.metric != "roc_auc"),
    missing=(MissingMetric("roc_auc", "It is not defined here."),),
)
RAIL = {"guardrails": [{"metric": "brier_score", "max_loss": 0.01}]}
FLOOR = {"floors": [{"metric": "roc_auc", "min": 0.6}]}

SITUATIONS = {
    "equal models are held": (EQUAL, {}, Verdict.HOLD, "primary roc_auc: inconclusive"),
    "equally good models are held": (NOISE_APART, {}, Verdict.HOLD, "primary roc_auc: inconclusive"),
    "clearly better is promoted": (BETTER, RAIL | FLOOR, Verdict.PROMOTE, "primary roc_auc: passed"),
    "clearly worse is rejected": (WORSE, {}, Verdict.REJECT, "primary roc_auc: failed"),
    "better by less than asked is rejected": (
        BETTER,
        {"primary": {"metric": "roc_auc", "min_gain": 0.3}},
        Verdict.REJECT,
        "primary roc_auc: failed",
    ),
    "better by less than asked relatively is rejected": (
        BETTER,
        {"primary": {"metric": "roc_auc", "min_gain_relative": 0.4}},
        Verdict.REJECT,
        "primary roc_auc: failed",
    ),
    "a loss metric improves downwards": (
        BETTER,
        {"primary": {"metric": "log_loss"}},
        Verdict.PROMOTE,
        "primary log_loss: passed",
    ),
    "a guardrail that fails rejects": (RUINED_PROBABILITIES, RAIL, Verdict.REJECT, "guardrail brier_score: failed"),
    "a guardrail must be proven": (
        NOISE_APART,
        {"guardrails": [{"metric": "roc_auc", "max_loss": 0.0}]},
        Verdict.HOLD,
        "primary roc_auc: inconclusive",
    ),
    "a floor that fails rejects": (
        BETTER,
        {"floors": [{"metric": "roc_auc", "min": 0.99}]},
        Verdict.REJECT,
        "floor roc_auc: failed",
    ),
    "a ceiling that is cleared lets pass": (
        BETTER,
        {"floors": [{"metric": "brier_score", "max": 0.3}]},
        Verdict.PROMOTE,
        "primary roc_auc: passed",
    ),
    "a ceiling that fails rejects": (
        BETTER,
        {"floors": [{"metric": "brier_score", "max": 0.01}]},
        Verdict.REJECT,
        "floor brier_score: failed",
    ),
    "the first model above its floor is promoted": (alone(scores(1)), FLOOR, Verdict.PROMOTE, "floor roc_auc: passed"),
    "the first model below its floor is rejected": (alone(scores(0)), FLOOR, Verdict.REJECT, "floor roc_auc: failed"),
    "the first model without floors is held": (alone(scores(2)), RAIL, Verdict.HOLD, "floor: missing"),
    "few rows hold, however good": (BETTER, {"min_rows": 4001}, Verdict.HOLD, "evidence rows: inconclusive"),
    "few positives hold, however good": (
        BETTER,
        {"min_positives": 801},
        Verdict.HOLD,
        "evidence positives: inconclusive",
    ),
    "few positives hold, however bad": (
        WORSE,
        {"min_positives": 801},
        Verdict.HOLD,
        "evidence positives: inconclusive",
    ),
    "a primary that could not be measured holds": (UNMEASURED, {}, Verdict.HOLD, "primary roc_auc: missing"),
    "a floor that could not be measured holds": (
        UNMEASURED,
        {"primary": {"metric": "brier_score"}} | FLOOR,
        Verdict.HOLD,
        "floor roc_auc: missing",
    ),
    "a guardrail that could not be measured holds": (
        UNMEASURED,
        {"primary": {"metric": "brier_score"}, "guardrails": [{"metric": "roc_auc", "max_loss": 1}]},
        Verdict.HOLD,
        "guardrail roc_auc: missing",
    ),
    "something missing outweighs something failed": (
        UNMEASURED,
        {"floors": [{"metric": "brier_score", "max": 0.01}]},
        Verdict.HOLD,
        "primary roc_auc: missing",
    ),
}


@pytest.mark.parametrize(("evidence", "keys", "verdict", "deciding"), SITUATIONS.values(), ids=list(SITUATIONS))
def test_situation(evidence, keys, verdict, deciding):
    decision = decide(evidence, policy(**keys))
    assert decision.verdict is verdict
    assert f"{decision.deciding.name}: {decision.deciding.outcome}" == deciding
    assert decision.summary == decision.deciding.reason
    assert restore(Decision, plain(decision)) == decision


def test_a_guardrail_may_ask_only_that_no_loss_is_shown():
    noise = against(scores(1, seed=1), scores(1, seed=2))
    rails = [{"metric": "roc_auc", "max_loss": 0.0, "require": require} for require in ("proven", "not_worse")]
    proven, not_worse = (decide(noise, policy(guardrails=[rail])).checks[-1] for rail in rails)

    assert proven.outcome is Outcome.INCONCLUSIVE
    assert not_worse.outcome is Outcome.PASSED
    found, _, power = proven.reason.partition(", so the holdout is not conclusive. ")
    said = "A loss above 0 is not statistically significant, so this guardrail does not block."
    assert not_worse.reason == f"{found}. {said}"
    assert power.startswith("These rows cannot rule out losses below 0.0")
    assert power.endswith(
        ", so even a challenger equal to the champion could not pass; no number of rows can rule out every loss. "
        "Set max_loss above 0."
    )
    strict = policy(guardrails=[{"metric": "roc_auc", "max_loss": 0, "require": "not_worse"}])
    assert decide(WORSE, strict).checks[-1].outcome is Outcome.FAILED


def test_no_evidence_and_no_checks_hold():
    nothing = decide(None, policy())
    assert (nothing.verdict, nothing.summary) == (Verdict.HOLD, "Nothing was checked, so nothing is promoted.")
    unscored = Check(kind=Kind.SCORED, subject="", outcome=Outcome.MISSING, reason="The champion is deaf.")
    held = decide(None, policy(), before=(unscored,))
    assert (held.verdict, held.summary, held.missing) == (Verdict.HOLD, "The champion is deaf.", (unscored,))
    clean = Check(kind=Kind.CLEAN, subject="", outcome=Outcome.PASSED, reason="Clean.")
    assert decide(None, policy(), before=(clean,)).verdict is Verdict.HOLD


def test_the_reason_tells_gain_bound_and_what_was_asked():
    decision = decide(BETTER, policy(guardrails=[{"metric": "brier_score", "max_loss": 0.01}]))
    gain = BETTER["roc_auc"]
    assert decision.summary == (
        f"The gain in roc_auc is {gain.gain:+.4f} (one-sided 95 % lower bound {gain.lower_bound(0.05):+.4f}); "
        "the policy requires a gain above 0."
    )
    assert decision.deciding.bound == pytest.approx(gain.lower_bound(0.05))
    few = decide(BETTER, policy(min_positives=801))
    assert few.summary == "The holdout has only 800 positives; the policy requires at least 801."


def test_only_the_primary_is_made_at_the_level_given():
    strict = decide(BETTER, policy(**RAIL), alpha=0.001)
    usual = decide(BETTER, policy(**RAIL))
    assert strict.deciding.bound < usual.deciding.bound
    assert strict.checks[-1] == usual.checks[-1]
    assert (strict.alpha, usual.alpha) == (0.001, pytest.approx(0.05))


checks = st.builds(
    Check,
    kind=st.sampled_from(Kind),
    subject=st.sampled_from(["", "roc_auc"]),
    outcome=st.sampled_from(Outcome),
    reason=st.just("So."),
)


@given(st.lists(checks, max_size=7).map(tuple))
def test_nothing_is_promoted_unless_all_that_applies_passed_and_something_decisive_did(drawn):
    counted = [check for check in drawn if check.outcome is not Outcome.NOT_APPLICABLE]
    verdict = verdict_of(drawn)

    all_passed = all(check.outcome is Outcome.PASSED for check in counted)
    decisive = any(check.kind in {Kind.PRIMARY, Kind.FLOOR} for check in counted)
    assert (verdict is Verdict.PROMOTE) == (all_passed and decisive)
    if verdict is Verdict.REJECT:
        assert any(check.outcome is Outcome.FAILED for check in counted)
        assert not any(check.outcome is Outcome.MISSING for check in counted)
    decision = Decision(verdict=verdict, checks=drawn, evidence=None, policy="", alpha=0.05)
    assert decision.deciding is None or decision.deciding in counted
    assert verdict_of(drawn[::-1]) is verdict


finite = st.floats(allow_nan=False, allow_infinity=False)
decisions = st.builds(
    Decision,
    verdict=st.sampled_from(Verdict),
    checks=st.lists(
        st.builds(
            Check,
            kind=st.sampled_from(Kind),
            subject=st.text(max_size=9),
            outcome=st.sampled_from(Outcome),
            reason=st.text(max_size=9),
            value=st.none() | finite,
            bound=st.none() | finite,
            required=st.none() | finite,
        ),
        max_size=3,
    ).map(tuple),
    evidence=st.sampled_from([None, BETTER, UNMEASURED, alone(scores(1))]),
    policy=st.text(max_size=9),
    alpha=finite,
    challenger=st.none() | st.builds(Judged, tag=st.just("toy:a"), digest=st.none() | st.text(max_size=9)),
    holdout=st.none()
    | st.builds(
        HoldoutUsed,
        digest=st.text(max_size=9),
        data=st.text(max_size=9),
        data_digest=st.text(max_size=9),
        rows=st.integers(0, 9),
        positives=st.integers(0, 9),
        removed=st.integers(0, 9),
    ),
)


@pytest.mark.slow
@given(decisions)
def test_a_decision_survives_the_ledger_exactly(decision):
    import json

    text = canonical_json(plain(decision))
    back = restore(Decision, json.loads(text))
    assert back == decision
    assert canonical_json(plain(back)) == text
    assert decision.digest == digest(json.loads(text)) == back.digest
    assert decision.id == decision.digest[:12]


def test_nan_never_enters_a_digest():
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        digest({"value": float("nan")})


def test_a_hold_says_where_rows_that_no_decision_has_seen_would_pass():
    from statistics import NormalDist

    found = replace(BETTER["roc_auc"], gain=0.02, stderr=0.02 / NormalDist().inv_cdf(1 - 0.02))  # a p-value of 2 %
    evidence = replace(BETTER, metrics=(found,))
    first = decide(evidence, policy(metrics=["roc_auc"]), budget=Budget(alpha=0.05, use=1))
    third = decide(evidence, policy(metrics=["roc_auc"]), budget=Budget(alpha=0.05, use=3))
    assert (first.verdict, third.verdict) == (Verdict.PROMOTE, Verdict.HOLD)
    assert third.summary.endswith(
        "requires a gain above 0, so the holdout is not conclusive. On rows not used before, this gain would pass."
    )
    assert (third.alpha, third.budget.use) == (pytest.approx(0.05 * 6 / (9 * np.pi**2)), 3)


def test_the_plain_rule_compares_values_and_knows_no_chance():
    point = policy(rule="point", guardrails=[{"metric": "brier_score", "max_loss": 0.0}])
    assert decide(BETTER, point).verdict is Verdict.PROMOTE
    assert decide(BETTER, point).summary == "The gain in roc_auc is +0.1680; the policy requires a gain above 0."
    assert decide(EQUAL, point).verdict is Verdict.HOLD
    assert decide(WORSE, point).verdict is Verdict.REJECT


def test_few_rows_of_either_class_are_no_evidence():
    mostly_positive = compare(1 - LABELS, scores(1), scores(2), metrics=METRICS)
    decision = decide(mostly_positive, policy(min_positives=801))
    assert [check.reason for check in decision.checks if check.name == "evidence negatives"] == [
        "The holdout has only 800 negatives; the policy requires at least 801."
    ]
    assert decision.verdict is Verdict.HOLD
