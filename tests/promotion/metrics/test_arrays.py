"""The numbers do not depend on the container that holds them."""

from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from promotion import Policy, decide
from promotion.comparison import compare
from promotion.errors import DataError

RNG = np.random.default_rng(5)
LABELS = (RNG.random(240) < 0.4).astype(np.int64)
GRID = [np.clip(np.round(8 * (0.3 * LABELS + RNG.random(240))) / 8, 0, 1) for _ in range(2)]
"""Eighths: every precision holds them; 0 and 1 among them, which log_loss clips."""
METRICS = [
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier_score",
    "accuracy",
    "f1",
    "expected_cost(fp=1, fn='cost')",
]
WEIGHTS = RNG.integers(1, 4, 240)


def read_only(values):
    copy = values.copy()
    copy.setflags(write=False)
    return copy


def unaligned(values):
    rows = np.zeros(len(values), dtype=[("pad", "u1"), ("value", "f8")])
    rows["value"] = values
    return rows["value"]


FRACTIONS = {
    "float16": lambda v: v.astype(np.float16),
    "float32": lambda v: v.astype(np.float32),
    "longdouble": lambda v: v.astype(np.longdouble),
    "big-endian": lambda v: v.astype(">f8"),
    "big-endian single": lambda v: v.astype(">f4"),
    "read-only": read_only,
    "unaligned": unaligned,
    "strided": lambda v: np.repeat(v, 3)[::3],
    "backwards": lambda v: v[::-1].copy()[::-1],
    "column of a table": lambda v: np.column_stack([v, v])[:, 1],
    "column of a Fortran table": lambda v: np.asfortranarray(np.column_stack([v, v]))[:, 0],
    "nothing masked": np.ma.MaskedArray,
    "list": list,
    "objects": lambda v: np.array(v.tolist(), dtype=object),
    "decimals": lambda v: [Decimal(str(each)) for each in v],
    "fractions": lambda v: [Fraction(each) for each in v],
    "texts": lambda v: [str(each) for each in v],
    "Float64": lambda v: pd.Series(v, dtype="Float64"),
    "Float32": lambda v: pd.Series(v, dtype="Float32"),
    "Arrow in pandas": lambda v: pd.Series(v, dtype="double[pyarrow]"),
    "Arrow": pa.array,
    "Arrow in chunks": lambda v: pa.chunked_array([v[:100], v[100:]]),
    "categories": pd.Categorical,
    "another index": lambda v: pd.Series(v, index=np.arange(len(v))[::-1]),
}
WHOLE = {
    "int8": lambda v: v.astype(np.int8),
    "uint64": lambda v: v.astype(np.uint64),
    "big-endian integers": lambda v: v.astype(">i4"),
    "Int64": lambda v: pd.Series(v, dtype="Int64"),
    "Int8": lambda v: pd.Series(v, dtype="Int8"),
    "integers in Arrow": lambda v: pa.array(v, pa.int16()),
    "Python's integers": lambda v: [int(each) for each in v],
}
TRUTHS = {
    "bool": lambda v: v.astype(bool),
    "boolean": lambda v: pd.Series(v.astype(bool), dtype="boolean"),
    "bool in Arrow": lambda v: pa.array(v.astype(bool)),
}


def compared(labels, champion, challenger, weights, cost):
    return compare(
        labels, champion, challenger, metrics=METRICS, sample_weight=weights, columns={"cost": cost}, confidence=0.9
    )


PLAIN = compared(LABELS.astype(float), *GRID, WEIGHTS.astype(float), WEIGHTS.astype(float))


@pytest.mark.parametrize("kind", [FRACTIONS[name] for name in FRACTIONS], ids=list(FRACTIONS))
def test_scores_are_the_same_to_the_last_bit_in_every_container(kind):
    for sides in ((kind(GRID[0]), GRID[1]), (GRID[0], kind(GRID[1])), map(kind, GRID)):
        assert asdict(compared(LABELS, *sides, WEIGHTS, WEIGHTS)) == asdict(PLAIN)


@pytest.mark.parametrize("kind", [*FRACTIONS.values(), *WHOLE.values()], ids=[*FRACTIONS, *WHOLE])
def test_weights_and_costs_are_the_same_in_every_container(kind):
    given = kind(WEIGHTS.astype(float)) if kind in FRACTIONS.values() else kind(WEIGHTS)
    assert asdict(compared(LABELS, *GRID, given, given)) == asdict(PLAIN)


@pytest.mark.parametrize(
    "kind", [*FRACTIONS.values(), *WHOLE.values(), *TRUTHS.values()], ids=[*FRACTIONS, *WHOLE, *TRUTHS]
)
def test_labels_are_the_same_in_every_container(kind):
    given = kind(LABELS.astype(float)) if kind in FRACTIONS.values() else kind(LABELS)
    assert asdict(compared(given, *GRID, WEIGHTS, WEIGHTS)) == asdict(PLAIN)


CLASSES = RNG.integers(0, 3, 240)
SHARES = [RNG.dirichlet(np.ones(3), 240).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize(
    "kind",
    [np.asfortranarray, lambda v: v.tolist(), lambda v: pd.DataFrame(v).astype("Float32"), lambda v: v.astype(">f8")],
)
def test_a_table_of_probabilities_is_the_same_in_every_container(kind):
    plain = compare(CLASSES, *SHARES, metrics=["log_loss", "brier_score", "roc_auc_ovr", "f1_macro"])
    assert not plain.missing
    other = compare(CLASSES, *map(kind, SHARES), metrics=["log_loss", "brier_score", "roc_auc_ovr", "f1_macro"])
    assert asdict(other) == asdict(plain)


@pytest.mark.parametrize("precision", [np.float16, np.float32, np.float64])
def test_log_loss_clips_both_sides_alike_whatever_their_precision(precision):
    """A certain miss costs -log(2.2e-16) = 36.04, as scikit-learn says in double precision."""
    labels, scores = np.tile([1, 0], 50), np.tile([0.0, 1.0], 50)
    found = compare(labels, scores, scores.astype(precision), metrics=["log_loss"])["log_loss"]
    assert (found.gain, found.stderr) == (0.0, 0.0)
    assert found.challenger == pytest.approx(36.0437, abs=1e-4)


@pytest.mark.parametrize("precision", [np.float16, np.float32])
def test_one_set_of_predictions_gives_one_verdict_in_every_precision(precision):
    r = np.random.default_rng(8)
    labels = (r.random(4000) < 0.2).astype(int)
    champion, challenger = (
        np.round(5 / (1 + np.exp(-(3 * labels - 2 + noise * r.normal(size=4000))))) / 5 for noise in (1.5, 1.2)
    )
    policy = Policy.from_toml({"primary": {"metric": "log_loss"}})
    verdicts = {
        decide(compare(labels, champion, challenger.astype(t), metrics=["log_loss"]), policy).verdict
        for t in (precision, np.float64)
    }
    assert verdicts == {"promote"}


GAPS = {
    "masked": lambda v: np.ma.MaskedArray(v, np.arange(len(v)) == 3),
    "NA": lambda v: pd.Series(v, dtype="Float64").where(pd.Series(np.arange(len(v)) != 3)),
    "None": lambda v: [None if place == 3 else each for place, each in enumerate(v)],
    "null": lambda v: pa.array(v, mask=np.arange(len(v)) == 3),
    "NaN": lambda v: np.where(np.arange(len(v)) == 3, np.nan, v),
}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_what_is_masked_or_missing_is_as_nan(gap):
    labels = LABELS.astype(float)
    with pytest.raises(DataError, match=r"^Every label must be 0 or 1, but 1 of 240 are not \(for example nan\)\."):
        compare(gap(labels), *GRID, metrics=["roc_auc"])
    with pytest.raises(DataError, match=r"^Every weight must be a number from 0 up, but 1 of 240 are negative, NaN or"):
        compare(labels, *GRID, metrics=["roc_auc"], sample_weight=gap(labels))
    (missing,) = compare(labels, gap(GRID[0]), GRID[1], metrics=["roc_auc"]).missing
    assert missing.reason.startswith("The champion's scores must be finite, but include 1 NaN among 240.")
    parts = compare(labels, *GRID, metrics=["roc_auc"], slices={"part": gap(labels)}).slices
    assert [(part.value, part.rows) for part in parts][-1] == ("(missing)", 1)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (np.array([2**53, 2**53 + 1]), "9007199254740993"),
        (np.array([0, 2**64 - 1], dtype=np.uint64), "18446744073709551615"),
        (pd.Series([2**53 + 1, None], dtype="Int64"), "9007199254740993"),
        ([2**53 + 1, 0.5], "9007199254740993"),
        ([2**63 + 1, -1], "9223372036854775809"),
        (["9007199254740993", "1"], "9007199254740993"),
        ([10**400, 1], "10000000000000000000… (401 digits)"),
        ([Decimal("1e400"), 1], "1E+400"),
        (np.array(["1e400", "1"]).astype(np.longdouble), "1e+400"),
    ],
)
def test_a_number_that_no_double_holds_is_a_sentence(given, shown):
    with pytest.raises(DataError) as caught:
        compare(given, [1.0, 2.0], [1.0, 3.0], metrics=["mae"])
    assert str(caught.value) == (
        "The labels must be numbers, but cannot be read as numbers: double precision cannot hold "
        f"{shown}; scale or shorten the numbers."
    )


def test_whole_numbers_beyond_2_to_53_that_doubles_hold_are_read():
    found = compare([2**60, 3 * 2**60], [2**60, 2.0**60], [2**61, 2**61], metrics=["mae"])["mae"]
    assert (found.champion, found.challenger) == (2.0**60, 2.0**60)
