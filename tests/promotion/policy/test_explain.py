import pytest

from promotion.policy import Policy
from promotion.policy.explain import explain

PLAIN = {"primary": {"metric": "average_precision"}}


def demands(**keys):
    return explain(Policy.from_toml({**PLAIN, **keys}))


def test_the_least_policy_in_full():
    assert demands() == (
        "The challenger's average_precision must exceed the champion's (one-sided 96.96 % confidence on the first use of the rows, stricter with each further use).",
        "If the holdout has fewer than 500 rows or 50 rows of either class, the challenger is held.",
        "If the model or its recipe sets `group`, standard errors treat groups as independent, and with fewer than 5 effective groups, the challenger is held. Without `group`, standard errors are computed by row and by blocks of the recipe's time, and the larger one decides. Without a time, standard errors treat each row as independent.",
        "The probability that at least one of the decisions on the same rows promotes by chance alone is at most 5 %: the first decision is tested at the 3.04 % level, the second at 0.76 %, the third at 0.338 %. New rows reset the count.",
        "The first model has no champion to beat, and the policy has no floors. A person must promote it (with --override).",
        "If the training rows of either model are unknown, the challenger is held until a person vouches for them (`promotion adopt`).",
        "A challenger that meets every requirement is promoted immediately.",
        "Other metrics are compared and recorded, without a requirement: roc_auc, log_loss, brier_score.",
    )


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            {"primary": {"metric": "log_loss", "min_gain": 0.01}},
            "The challenger's log_loss must be below the champion's by more than 0.01 (one-sided 96.96 % confidence on the first use of the rows, stricter with each further use).",
        ),
        (
            {"primary": {"metric": "roc_auc", "min_gain": 0.01, "min_gain_relative": 0.02}, "holdout_reuse": "ignore"},
            "The challenger's roc_auc must exceed the champion's by more than 0.01 or 2 % of the champion's value, whichever is larger (one-sided 95 % confidence).",
        ),
        (
            {"holdout_reuse": "ignore"},
            "Repeated use of the same rows changes nothing, so a lucky challenger passes sooner or later.",
        ),
        (
            {"rule": "point"},
            "The challenger's average_precision must exceed the champion's (point estimates; sampling error is ignored).",
        ),
        (
            {"guardrails": [{"metric": "roc_auc", "max_loss": 0.005}], "confidence": 0.9995},
            "The challenger's loss in roc_auc must be at most 0.005 (one-sided 99.95 % confidence).",
        ),
        (
            {"guardrails": [{"metric": "roc_auc", "max_loss": 0.005, "require": "not_worse"}]},
            "The challenger is rejected if its loss in roc_auc is significantly above 0.005 (one-sided 95 % confidence).",
        ),
        (
            {"guardrails": [{"metric": "roc_auc", "max_loss": 0.005}], "rule": "point"},
            "The challenger's loss in roc_auc must be at most 0.005.",
        ),
        (
            {"slices": [{"by": ["a", "b"], "metric": "roc_auc", "max_loss": 0.02}]},
            "The challenger is rejected if its loss in roc_auc is significantly above 0.02 in any slice by a x b (95 % confidence for all slices together, by Holm's correction). A slice with fewer than 100 rows or 50 rows of either class is not judged; if no slice can be judged, the challenger is held.",
        ),
        (
            {"slices": [{"by": "a", "bins": 4, "metric": "roc_auc", "max_loss": 0.02, "require": "proven"}]},
            "The challenger's loss in roc_auc must be at most 0.02 in every slice by a in 4 bins (one-sided 95 % confidence). A slice with fewer than 100 rows or 50 rows of either class is not judged; if no slice can be judged, the challenger is held.",
        ),
        (
            {"floors": [{"metric": "log_loss", "max": 0.6}]},
            "The challenger's own log_loss must be below 0.6 (one-sided 95 % confidence).",
        ),
        (
            {"floors": [{"metric": "roc_auc", "min": 0.6}]},
            "The first model has no champion to beat. It is promoted if it passes the floors and every other requirement that needs no champion.",
        ),
        (
            {"first_model": "manual"},
            "The first model has no champion to beat. A person must promote it (with --override).",
        ),
        ({"limits": {"max_size_mb": 50}}, "The challenger's files may take at most 50 MB."),
        (
            {"limits": {"max_size_ratio": 1.5}},
            "The challenger's files may be at most 1.5 times as large as the champion's.",
        ),
        (
            {"limits": {"max_scoring_ratio": 2}},
            "The challenger may take at most 2 times as long as the champion to score the same rows, measured side by side.",
        ),
        (
            {"unknown_provenance": "assume_clean"},
            "If the training rows of either model are unknown, the holdout is assumed to be clean.",
        ),
        (
            {"approval": "required"},
            "A challenger that meets every requirement waits until a person approves it with `promotion approve`. Approval by the person who trained it or requested the decision is not enough on its own. After 7d, nobody can approve it any more.",
        ),
        (
            {"approval": "required", "min_approvals": 2, "approvers": ["os:a", "os:b"]},
            "A challenger that meets every requirement waits until 2 people approve it with `promotion approve` (allowed: os:a, os:b). Approval by the person who trained it or requested the decision is not enough on its own. After 7d, nobody can approve it any more.",
        ),
        (
            {
                "metrics": ["expected_cost(fp=5, fn='amount')"],
                "slices": [{"by": "a", "metric": "roc_auc", "max_loss": 0}],
            },
            "The rows must have the columns a, amount.",
        ),
        ({"primary": {"metric": "rmse"}}, "If the holdout has fewer than 500 rows, the challenger is held."),
        (
            {"primary": {"metric": "rmse"}},
            "Other metrics are compared and recorded, without a requirement: mae, r2.",
        ),
        (
            {"primary": {"metric": "roc_auc_ovr"}},
            "Other metrics are compared and recorded, without a requirement: log_loss, brier_score, accuracy, balanced_accuracy.",
        ),
    ],
)
def test_each_requirement_is_a_sentence(keys, sentence):
    assert sentence in demands(**keys)


def test_what_is_asked_otherwise_is_said_otherwise():
    """No two settings of a key read the same."""
    choices = {
        "rule": ("confident", "point"),
        "first_model": ("floors", "manual"),
        "unknown_provenance": ("hold", "assume_clean"),
        "approval": ("automatic", "required"),
        "holdout_reuse": ("budget", "ignore"),
        "confidence": (0.9, 0.95),
        "min_rows": (500, 501),
        "min_positives": (50, 51),
        "min_groups": (5, 6),
    }
    for key, (one, other) in choices.items():
        assert demands(**{key: one}) != demands(**{key: other}), key
