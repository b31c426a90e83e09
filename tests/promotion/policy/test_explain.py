import pytest

from promotion.policy import Policy
from promotion.policy.explain import explain

PLAIN = {"primary": {"metric": "average_precision"}}


def demands(**keys):
    return explain(Policy.from_toml({**PLAIN, **keys}))


def test_the_least_policy_in_full():
    assert demands() == (
        "The challenger's average_precision must be shown to exceed the champion's (one-sided, 95 %; stricter with every further use of the same rows).",
        "With fewer than 500 rows or 50 rows of either class left to judge by, it is held.",
        "Where the model or its recipe names a `group`, errors are those of groups, and with fewer than 5 effective groups it is held. Without one, blocks of the recipe's time are asked beside single rows; without a time, each row counts as a draw of its own.",
        "All decisions on the same rows together let noise pass with a chance of at most 5 %: the first asks at level 3.04 %, the second at 0.76 %, the third at 0.338 %. Fresh rows reset the count.",
        "The first model has no champion to beat and there are no floors, so a person has to promote it (--override).",
        "If the training rows of one of the two models are unknown, the challenger is held until a person vouches for them (`promotion adopt`).",
        "A challenger that passes everything is promoted immediately.",
        "Also compared and recorded, without a requirement: roc_auc, log_loss, brier_score.",
    )


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            {"primary": {"metric": "log_loss", "min_gain": 0.01}},
            "The challenger's log_loss must be shown to be below the champion's by more than 0.01 (one-sided, 95 %; stricter with every further use of the same rows).",
        ),
        (
            {"primary": {"metric": "roc_auc", "min_gain": 0.01, "min_gain_relative": 0.02}, "holdout_reuse": "ignore"},
            "The challenger's roc_auc must be shown to exceed the champion's by more than 0.01 or 2 % of it, whichever is more (one-sided, 95 %).",
        ),
        (
            {"holdout_reuse": "ignore"},
            "Repeated use of the same rows makes no difference, so noise passes in the end.",
        ),
        (
            {"rule": "point"},
            "The challenger's average_precision must exceed the champion's (plain values; chance is not considered).",
        ),
        (
            {"guardrails": [{"metric": "roc_auc", "max_loss": 0.005}], "confidence": 0.9995},
            "It must be shown to lose no more than 0.005 in roc_auc (one-sided, 99.95 %).",
        ),
        (
            {"guardrails": [{"metric": "roc_auc", "max_loss": 0.005, "require": "not_worse"}]},
            "It is rejected when it is shown to lose more than 0.005 in roc_auc (one-sided, 95 %).",
        ),
        (
            {"guardrails": [{"metric": "roc_auc", "max_loss": 0.005}], "rule": "point"},
            "It must lose no more than 0.005 in roc_auc.",
        ),
        (
            {"slices": [{"by": ["a", "b"], "metric": "roc_auc", "max_loss": 0.02}]},
            "It is rejected when it is shown to lose more than 0.02 in roc_auc in any slice by a x b (95 % for all such slices together, by Holm's correction). A slice of fewer than 100 rows or 50 of either class is not judged; when none can be, it is held.",
        ),
        (
            {"slices": [{"by": "a", "bins": 4, "metric": "roc_auc", "max_loss": 0.02, "require": "proven"}]},
            "It must be shown to lose no more than 0.02 in roc_auc in every slice by a in 4 bins (one-sided, 95 %). A slice of fewer than 100 rows or 50 of either class is not judged; when none can be, it is held.",
        ),
        (
            {"floors": [{"metric": "log_loss", "max": 0.6}]},
            "The challenger's own log_loss must be shown to be below 0.6 (one-sided, 95 %).",
        ),
        (
            {"floors": [{"metric": "roc_auc", "min": 0.6}]},
            "The first model, which has no champion to beat, is promoted if it passes the floors and everything else here.",
        ),
        (
            {"first_model": "manual"},
            "The first model, which has no champion to beat, must be promoted by a person (with --override).",
        ),
        ({"limits": {"max_size_mb": 50}}, "Its files may hold at most 50 MB."),
        ({"limits": {"max_size_ratio": 1.5}}, "Its files may hold at most 1.5 times as much as the champion's."),
        (
            {"limits": {"max_scoring_ratio": 2}},
            "To score the same rows it may take at most 2 times as long as the champion, measured side by side.",
        ),
        (
            {"unknown_provenance": "assume_clean"},
            "If the training rows of one of the two models are unknown, the holdout is assumed to be clean.",
        ),
        (
            {"approval": "required"},
            "A challenger that passes everything waits until a person approves it (`promotion approve`); the person who trained it or had it judged is not enough. What is not approved within 7d is denied.",
        ),
        (
            {"approval": "required", "min_approvals": 2, "approvers": ["os:a", "os:b"]},
            "A challenger that passes everything waits until 2 people approve it (`promotion approve`), of os:a, os:b; the person who trained it or had it judged is not enough. What is not approved within 7d is denied.",
        ),
        (
            {
                "metrics": ["expected_cost(fp=5, fn='amount')"],
                "slices": [{"by": "a", "metric": "roc_auc", "max_loss": 0}],
            },
            "The rows must have the columns a, amount.",
        ),
        ({"primary": {"metric": "rmse"}}, "With fewer than 500 rows left to judge by, it is held."),
        (
            {"primary": {"metric": "rmse"}},
            "Also compared and recorded, without a requirement: mae, r2.",
        ),
        (
            {"primary": {"metric": "roc_auc_ovr"}},
            "Also compared and recorded, without a requirement: log_loss, brier_score, accuracy, balanced_accuracy.",
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
