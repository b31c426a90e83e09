import json
import math
from dataclasses import fields

import pytest

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import ConfigError
from promotion.metrics.usual import USUAL
from promotion.policy import Floor, Guardrail, Policy, Primary, Require
from promotion.policy.rules import Limits, SliceRule
from promotion.toml import Number, WholeNumber
from promotion.vocabulary import Task

DESCRIBED = {
    "primary": {"metric": "average_precision", "min_gain": 0.01, "min_gain_relative": 0.02},
    "confidence": 0.9,
    "guardrails": [
        {"metric": "roc_auc", "max_loss": 0.005},
        {"metric": "log_loss", "max_loss": 1, "require": "not_worse"},
    ],
    "floors": [{"metric": "roc_auc", "min": 0.6}, {"metric": "brier_score", "max": 0.2}],
    "min_rows": 10,
    "min_positives": 5,
}
WRITTEN = """
primary    = { metric = "average_precision", min_gain = 0.01, min_gain_relative = 0.02 }
confidence = 0.9
guardrails = [ { metric = "roc_auc", max_loss = 0.005 }, { metric = "log_loss", max_loss = 1, require = "not_worse" } ]
floors     = [ { metric = "roc_auc", min = 0.6 }, { metric = "brier_score", max = 0.2 } ]
min_rows   = 10
min_positives = 5
"""


def changed(**keys):
    return {**DESCRIBED, **keys}


def test_a_policy_is_the_same_from_a_dict_a_file_and_a_table(tmp_path):
    (tmp_path / "whole.toml").write_text(WRITTEN)
    (tmp_path / "table.toml").write_text(f"[policy]\n{WRITTEN}")
    policy = Policy.from_toml(DESCRIBED)

    assert policy == Policy.from_toml(tmp_path / "whole.toml") == Policy.from_toml(str(tmp_path / "table.toml"))
    assert policy == Policy(
        primary=Primary(metric="average_precision", min_gain=0.01, min_gain_relative=0.02),
        confidence=0.9,
        guardrails=(
            Guardrail(metric="roc_auc", max_loss=0.005),
            Guardrail(metric="log_loss", max_loss=1, require=Require.NOT_WORSE),
        ),
        floors=(Floor(metric="roc_auc", min=0.6), Floor(metric="brier_score", max=0.2)),
        min_rows=10,
        min_positives=5,
    )
    assert policy.guardrails[0].require is Require.PROVEN
    assert policy.names() == ("average_precision", "roc_auc", "log_loss", "brier_score")
    assert policy.alpha == pytest.approx(0.1)


def test_the_least_policy_compares_the_usual_metrics():
    policy = Policy.from_toml({"primary": {"metric": "accuracy"}})
    assert policy.names() == ("accuracy", *USUAL[Task.BINARY])
    assert policy.names(Task.MULTICLASS) == ("accuracy", "log_loss", "brier_score", "balanced_accuracy")
    assert (policy.confidence, policy.min_rows, policy.min_positives) == (0.95, 500, 50)


def test_every_key_that_a_reviewer_may_write(tmp_path):
    (tmp_path / "policy.toml").write_text("""
primary            = { metric = "roc_auc" }
rule               = "point"
first_model        = "manual"
unknown_provenance = "assume_clean"
approval           = "required"
holdout_reuse      = "ignore"
limits             = { max_size_mb = 50, max_size_ratio = 2, max_scoring_ratio = 1.5 }
slices             = [
    { by = "ProductCD", metric = "roc_auc", max_loss = 0.02, min_positives = 20 },
    { by = ["ProductCD", "card4"], metric = "brier_score", max_loss = 0.01, require = "proven" },
    { by = "TransactionAmt", bins = 4, metric = "roc_auc", max_loss = 0.02 },
    { by = "TransactionDT", window = 86400, metric = "roc_auc", max_loss = 0.02 },
]
""")
    policy = Policy.from_toml(tmp_path / "policy.toml")
    assert [one.name for one in policy.slicings] == [
        "ProductCD",
        "ProductCD x card4",
        "TransactionAmt in 4 bins",
        "TransactionDT in windows of 86400",
    ]
    assert policy.columns == ("ProductCD", "card4", "TransactionAmt", "TransactionDT")
    assert [rule.require for rule in policy.slices] == ["not_worse", "proven", "not_worse", "not_worse"]
    assert (policy.slices[0].by, policy.slices[0].min_positives, policy.slices[0].min_rows) == (("ProductCD",), 20, 100)
    assert policy.required == ("roc_auc", "brier_score")
    assert (policy.alpha, policy.budgeted) == (0.5, False)
    assert restore(Policy, json.loads(canonical_json(plain(policy)))) == policy


def test_a_cost_by_column_needs_the_column():
    policy = Policy.from_toml({"primary": {"metric": 'expected_cost(fp=5, fn="TransactionAmt")'}})
    assert policy.columns == ("TransactionAmt",)


def test_the_digest_is_of_the_content():
    policy = Policy.from_toml({"primary": {"metric": "roc_auc"}})
    assert policy.digest == Policy.from_toml({"primary": {"metric": "roc_auc", "min_gain": 0}}).digest
    assert policy.digest != Policy.from_toml({"primary": {"metric": "roc_auc", "min_gain": 0.01}}).digest


@pytest.mark.parametrize(("champion", "margin"), [(0.1, 0.01), (0.8, 0.016), (-0.8, 0.016)])
def test_the_margin_is_the_larger_of_the_absolute_and_the_relative(champion, margin):
    assert Policy.from_toml(DESCRIBED).primary.margin(champion) == pytest.approx(margin)


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        (changed(guardrail=[]), "the policy has an unknown key 'guardrail'; did you mean 'guardrails'?"),
        (
            changed(primary={"metric": "roc_auc", "min_gian": 1}),
            "the policy has an unknown key 'min_gian' in [primary]; did you mean 'min_gain'?",
        ),
        (
            changed(guardrails=[{"metric": "roc_auc", "zzz": 1, "max_loss": 0}]),
            "the policy has an unknown key 'zzz' in guardrails[0]; known are metric, max_loss, require.",
        ),
        ({}, "the policy is missing the key 'primary'."),
        (changed(guardrails=[{"metric": "roc_auc"}]), "the policy is missing the key 'max_loss' in guardrails[0]."),
        (
            changed(confidence="high"),
            "the policy, 'confidence': Input should be a number, without quotes, found 'high'.",
        ),
        (changed(confidence=95), "'confidence' must be at least 0.5 and below 1, but is 95.0."),
        (changed(confidence=math.nan), "'confidence' must be at least 0.5 and below 1, but is nan."),
        (
            changed(primary={"metric": "roc_auc", "min_gain": -0.1}),
            "'primary.min_gain' must be a finite number and at least 0, but is -0.1.",
        ),
        (
            changed(primary={"metric": "roc_auc", "min_gain_relative": math.nan}),
            "'primary.min_gain_relative' must be a finite number and at least 0, but is nan.",
        ),
        (
            changed(guardrails=[{"metric": "roc_auc", "max_loss": math.inf}]),
            "'guardrails.max_loss' must be a finite number and at least 0, but is inf.",
        ),
        (
            changed(floors=[{"metric": "roc_auc"}]),
            "The floor of 'roc_auc' must have either 'min' or 'max', and not both.",
        ),
        (
            changed(floors=[{"metric": "roc_auc", "min": 0, "max": 1}]),
            "The floor of 'roc_auc' must have either 'min' or 'max', and not both.",
        ),
        (
            changed(floors=[{"metric": "roc_auc", "min": math.nan}]),
            "The floor of 'roc_auc' must be a finite number, but is nan.",
        ),
        (
            changed(slices=[{"by": "a", "metric": "roc_auc", "max_loss": -1}]),
            "'slices.max_loss' must be a finite number and at least 0, but is -1.0.",
        ),
        (
            changed(slices=[{"by": "a", "metric": "roc_auc", "max_los": 1}]),
            "the policy has an unknown key 'max_los' in slices[0]; did you mean 'max_loss'?",
        ),
        (changed(limits={"max_size_mb": 0}), "'limits.max_size_mb' must be a finite number above 0, but is 0.0."),
        (
            changed(limits={"max_size": 1}),
            "the policy has an unknown key 'max_size' in [limits]; did you mean 'max_size_mb'?",
        ),
        (changed(min_rows=-1), "'min_rows' must be a finite number and at least 0, but is -1."),
        (
            changed(floors=[{"metric": "roc_auc", "max": 0.6}]),
            "The floor of 'roc_auc' must have 'min', because higher values are better.",
        ),
        (
            changed(floors=[{"metric": "brier_score", "min": 0.1}]),
            "The floor of 'brier_score' must have 'max', because lower values are better.",
        ),
        (
            changed(slices=[{"by": ["a", "b"], "bins": 3, "metric": "roc_auc", "max_loss": 0.1}]),
            "'slices': Bins and windows divide a single column, but 'a x b in 3 bins' names 2.",
        ),
        (changed(rule="best"), "the policy, 'rule': Input should be 'confident' or 'point', found 'best'."),
        (
            changed(metrics=["rmse"]),
            "The policy's metrics must apply to the same task, but apply to different ones: average_precision (binary), ",
        ),
    ],
)
def test_a_policy_that_cannot_be_followed_is_one_sentence(described, sentence):
    with pytest.raises(ConfigError) as raised:
        Policy.from_toml(described)
    assert str(raised.value).startswith(sentence)


RULES = {
    "primary": {"metric": "roc_auc"},
    "guardrails": {"metric": "roc_auc", "max_loss": 0.1},
    "floors": {"metric": "roc_auc", "min": 0.5},
    "slices": {"by": "a", "metric": "roc_auc", "max_loss": 0.1},
    "limits": {},
}
NUMBERS = (
    *(("", key) for key in ("confidence", "min_rows", "min_positives", "min_groups", "min_approvals")),
    *(("primary", key) for key in ("min_gain", "min_gain_relative")),
    *(("guardrails", "max_loss"), ("floors", "min"), ("floors", "max")),
    *(("slices", key) for key in ("max_loss", "bins", "min_rows", "min_positives")),
    *(("limits", key) for key in ("max_size_mb", "max_size_ratio", "max_scoring_ratio")),
)


def test_the_list_of_numbers_is_whole():
    """A number that a later release adds must stand in the list."""
    kinds = (Policy, Primary, Guardrail, Floor, SliceRule, Limits)
    named = {field.name for kind in kinds for field in fields(kind) if field.type in {Number, WholeNumber}}
    optional = {
        field.name for kind in kinds for field in fields(kind) if field.type in {Number | None, WholeNumber | None}
    }
    assert named | optional == {key for _, key in NUMBERS}
    assert not [field.name for kind in kinds for field in fields(kind) if field.type in {int, float}]


@pytest.mark.parametrize("value", [True, False, "0.1", "1", ""])
@pytest.mark.parametrize(("table", "key"), NUMBERS)
def test_a_number_is_written_as_one(table, key, value):
    rule = {**RULES.get(table, {}), key: value}
    several = table in {"guardrails", "floors", "slices"}
    described = {"primary": RULES["primary"], **({table: [rule] if several else rule} if table else rule)}
    sentence = rf"'{key}'( in .*)?: Input should be a number, without quotes, found {value!r}\.$"
    with pytest.raises(ConfigError, match=sentence):
        Policy.from_toml(described)


@pytest.mark.parametrize("make", [
    lambda: Policy(primary=Primary(metric="roc_auc"), confidence="0.95"),
    lambda: Policy(primary=Primary(metric="roc_auc"), min_approvals=True),
    lambda: Primary(metric="roc_auc", min_gain="0.1"),
    lambda: Floor(metric="roc_auc", min=True),
    lambda: Limits(max_size_mb="3"),
])  # fmt: skip
def test_a_number_in_python_is_written_as_one(make):
    with pytest.raises(ConfigError, match=r"^'[a-z_.]+' must be a number, without quotes, but is ('|True)"):
        make()


@pytest.mark.parametrize(("given", "meant"), [(95, "0.95"), (99.9, "0.999"), (50, "0.5")])
def test_a_confidence_in_per_cent_suggests_the_share(given, meant):
    with pytest.raises(ConfigError, match=rf"below 1, but is {float(given)}\. Did you mean {meant}\?$"):
        Policy.from_toml(changed(confidence=given))


@pytest.mark.parametrize("given", [0.3, 5, 100, math.nan, math.inf])
def test_what_is_no_confidence_in_per_cent_suggests_none(given):
    with pytest.raises(ConfigError, match=rf"below 1, but is {float(given)}\.$"):
        Policy.from_toml(changed(confidence=given))


@pytest.mark.parametrize(
    "described",
    [
        changed(primary={"metric": "rocauc"}),
        changed(guardrails=[{"metric": "rocauc", "max_loss": 0}]),
        changed(floors=[{"metric": "rocauc", "min": 0}]),
        changed(metrics=["rocauc"]),
    ],
    ids=["primary", "guardrail", "floor", "metrics"],
)
def test_an_unknown_metric_names_the_key_and_the_nearest(described, request):
    key = {"primary": "primary.metric", "guardrail": "guardrails.metric", "floor": "floors.metric"}
    named = key.get(request.node.callspec.id, request.node.callspec.id)
    with pytest.raises(ConfigError) as raised:
        Policy.from_toml(described)
    assert str(raised.value) == f"'{named}': There is no metric 'rocauc'. Did you mean 'roc_auc'?"


def test_a_file_that_is_no_toml_or_not_there_is_one_sentence(tmp_path):
    (tmp_path / "bad.toml").write_text("primary = ]")
    with pytest.raises(ConfigError, match=r"bad\.toml is not valid TOML: Invalid value \(at line 1, column 11\)\.$"):
        Policy.from_toml(tmp_path / "bad.toml")
    with pytest.raises(ConfigError, match=r"absent\.toml cannot be read \(No such file or directory\)\.$"):
        Policy.from_toml(tmp_path / "absent.toml")


@pytest.mark.parametrize("given", [None, 3, [], b"x", Policy])
def test_what_cannot_be_a_policy_is_a_sentence(given):
    with pytest.raises(
        ConfigError, match=r"^A policy is a Policy, a dict or the path of a TOML file, but this is of type"
    ):
        Policy.from_toml(given)
