"""`promotion gate`: the verdict, and its exit code."""

import re

import pytest

pytestmark = pytest.mark.integration


def test_gate_tells_the_verdict_and_exits_by_it(here, command):
    first = command("gate", "toy:weak")
    better = command("gate", "toy:good")
    equal = command("gate", "toy:twin")
    worse = command("gate", "toy:spoilt")

    assert [code for code, _, _ in (first, better, equal, worse)] == [0, 0, 4, 3]
    heads = [out.splitlines()[0].strip() for _, out, _ in (first, better, equal, worse)]
    assert heads == [
        "PROMOTED  toy:weak (no champion yet)",
        "PROMOTED  toy:good against toy:weak",
        "HELD  toy:twin against toy:good",
        "REJECTED  toy:spoilt against toy:good",
    ]
    assert (
        better[1].splitlines()[1].startswith("The gain in roc_auc is +0.0868 (one-sided 96.96 % lower bound +0.0638);")
    )
    assert re.search(
        r"guardrail brier_score +passed +The gain in brier_score \(lower is better\) is \+0\.0299", better[1]
    )
    assert re.search(r"decision [0-9a-f]{12}, judged by 1,200 rows \(\d+ positive\) of rows\.csv", better[1])
    assert {err for _, _, err in (first, better, equal, worse)} == {""}
