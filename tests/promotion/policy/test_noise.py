"""I5: noise is not promoted, however many equally good challengers one holdout judges. Seeded; `benchmarks/decisions.py` measures it precisely."""

import numpy as np
import pytest

from promotion.comparison import compare
from promotion.policy import Budget, HoldoutSketch, Policy, Trial, count_use, decide
from promotion.vocabulary import Verdict

pytestmark = pytest.mark.slow

RUNS, CHALLENGERS, ROWS = 60, 40, 600


def runs_that_promote(metric, *, budgeted):
    """In how many runs any of the challengers, all as good as the champion, is promoted on the same rows."""
    policy = Policy.from_toml({"primary": {"metric": metric}, "metrics": [metric], "min_rows": ROWS})
    promoted = 0
    for run in range(RUNS):
        rng = np.random.default_rng([27, run])
        labels = (rng.random(ROWS) < 0.3).astype(float)
        seen = 1.5 * labels + rng.normal(size=ROWS)
        champion = probabilities(seen + 0.5 * rng.normal(size=ROWS))
        rows = HoldoutSketch.of(rng.integers(0, 2**64, ROWS, dtype=np.uint64))
        trials = []
        for number in range(CHALLENGERS):
            challenger = probabilities(seen + 0.5 * rng.normal(size=ROWS))
            trial = Trial(challenger=str(number), champion="c", metric=metric, holdout=str(run), sketch=rows)
            budget = Budget(alpha=policy.alpha, use=count_use(trial, trials)) if budgeted else None
            trials.append(trial)
            evidence = compare(labels, champion, challenger, metrics=[metric])
            if decide(evidence, policy, budget=budget).verdict is Verdict.PROMOTE:
                promoted += 1
                break
    return promoted


def probabilities(odds):
    return 1 / (1 + np.exp(0.8 - odds))


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "f1"])
def test_a_budget_keeps_noise_out_where_a_fixed_level_does_not(metric):
    # At 5 %, three of sixty runs are expected to promote; nine or more happen by chance once in 350.
    assert runs_that_promote(metric, budgeted=True) <= 8
    assert runs_that_promote(metric, budgeted=False) >= 15
