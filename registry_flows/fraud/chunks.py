"""A chunk of 10,000 synthetic transactions, drawn by its number.

1. **Profiles.** `profiles` has a table of 2,048 equally likely values for each column, the inverse of its
   distribution, with one more entry for a missing value.
2. **Codes.** A row is 394 positions in those tables. Columns that are missing together in the real file are
   missing together here, and C, D and V columns of one such family mostly move together.
3. **Fraud.** The columns of the fraud recipe add up to a logit. The intercept is solved for every 1,000 rows,
   so the share of fraud stays at 3.5 % at any time.
4. **Drift.** A part of each category's effect is permanent. The rest rotates, at ``drift = 1`` by 90 degrees in
   80 days: what was risky becomes harmless, and a model trained on the first months grows stale. At ``drift = 0``
   nothing rotates.

A chunk depends only on the seed, its number and the seconds per row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from registry_flows.fraud.profiles import EFFECTS, SIZE, profiles

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.uint16]

CHUNK = 10_000
FIRST_ID = 2_987_000
DAY = 86_400  # seconds; also where the real file's TransactionDT starts

_FRAUD_SHARE = 0.035
_BLOCK = 1_000  # rows that share one intercept
_TOGETHER = 22  # of 32 rows, those where a column follows its family instead of its own draw
_NESTED = 0.5  # share of rows with nested missing values
_NIGHT = 0.6  # how much slower than average the quietest hour is
_QUARTER_TURN = 80 * DAY  # seconds in which effects turn by 90 degrees at drift = 1
_STAYS, _TURNS = 0.85, 0.55  # amplitudes of the permanent and of the rotating part of an effect
_AMOUNT_EFFECT = 0.9
_AMOUNT_LOG_MEAN, _AMOUNT_LOG_SD = 4.4, 1.0
_FRAUD_ELSEWHERE = frozenset({"C1", "C13", "C14", "V258"})
_MARKED = 0.5  # share of the frauds marked in these columns, by values in their upper half


@dataclass(frozen=True, eq=False)
class Chunk:
    """Rows as positions in the tables, with the columns that have no table."""

    ids: npt.NDArray[np.int64]  # (n_rows,)
    fraud: npt.NDArray[np.bool_]  # (n_rows,)
    seconds: npt.NDArray[np.int64]  # (n_rows,)
    amounts: Floats  # (n_rows,)
    codes: Codes  # (n_columns, n_rows)

    def head(self, rows: int) -> Chunk:
        """Return the first `rows` rows."""
        return Chunk(self.ids[:rows], self.fraud[:rows], self.seconds[:rows], self.amounts[:rows], self.codes[:, :rows])


def draw(number: int, step: float, seed: int, drift: float) -> Chunk:
    """Draw chunk `number`: 10,000 rows, `step` seconds apart on average."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    index = np.arange(number * CHUNK, (number + 1) * CHUNK)
    even = (index + rng.random(CHUNK)) * step
    elapsed = _elapsed(np.where(index == 0, 0.0, even))  # the first row starts the first day
    codes = _codes(rng)
    amounts = _amounts(rng, _products(codes))
    logit = _logit(codes, amounts, angle=drift * elapsed * (math.pi / 2 / _QUARTER_TURN))
    fraud = rng.random(CHUNK) < _calibrated(logit)
    _mark(codes, fraud & (rng.random(CHUNK) < _MARKED))
    return Chunk(index + FIRST_ID, fraud, DAY + elapsed.astype(np.int64), amounts, codes)


def _elapsed(even: Floats) -> Floats:
    """Warp evenly spread seconds to a daily rhythm, keeping their order; 9 o'clock is the quietest hour."""
    turn = 2 * math.pi / DAY
    quiet = turn * 9 * 3600
    return even + _NIGHT / turn * (np.sin(turn * even - quiet) + math.sin(quiet))


def _codes(rng: np.random.Generator) -> Codes:
    """Draw positions in every column's table, shape (n_columns, 10000)."""
    table = profiles()
    draws = rng.integers(0, 2**16, size=(len(table.columns), CHUNK), dtype=np.uint16)
    codes: Codes = draws % SIZE
    follows = draws // SIZE < _TOGETHER
    leaders: dict[str, int] = {}
    for i, column in enumerate(table.columns):
        leader = leaders.setdefault(column.family, i) if column.family else i
        codes[i] = np.where(follows[i], codes[leader], codes[i])
    missing = _missing(rng, _products(codes))
    for i, column in enumerate(table.columns):
        codes[i, missing[column.gap]] = SIZE
    return codes


def _missing(rng: np.random.Generator, products: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Draw missing values, shape (n_gaps, n_rows). In nested rows, rare gaps occur only with the common ones."""
    shares = profiles().gaps[:, products]
    own, shared = rng.random(shares.shape), rng.random(len(products))
    return np.where(rng.random(shares.shape) < _NESTED, shared, own) < shares


def _products(codes: Codes) -> npt.NDArray[np.intp]:
    """Return the position of each row's ProductCD among the products, shape (n_rows,)."""
    table = profiles()
    products: npt.NDArray[np.intp] = table.products[codes[table.position("ProductCD")]]
    return products


def _amounts(rng: np.random.Generator, products: npt.NDArray[np.intp]) -> Floats:
    """Draw amounts in dollars: lognormal per product, with the product's usual cents; shape (n_rows,)."""
    table = profiles()
    mean, deviation = table.amounts[products].T
    whole = np.floor(np.exp(rng.normal(mean, deviation)))
    fraction = table.fractions[products, rng.integers(0, table.fractions.shape[1], len(products))]
    amounts: Floats = np.round(np.maximum(whole + fraction, 1.0), 3)
    return amounts


def _logit(codes: Codes, amounts: Floats, *, angle: Floats) -> Floats:
    """Return each row's logit of fraud before the intercept: the sum of its effects after rotation by `angle`."""
    table = profiles()
    size = np.clip((np.log(amounts) - _AMOUNT_LOG_MEAN) / _AMOUNT_LOG_SD, -2, 2)
    logit: Floats = _AMOUNT_EFFECT * (np.cos(angle) * size + np.abs(size) - 1)
    for name, weight in EFFECTS.items():
        i = table.position(name)
        phase = table.columns[i].phases[codes[i]]
        logit += weight * (_STAYS * np.cos(phase) + _TURNS * np.cos(2 * phase + angle))
    return logit


def _calibrated(logit: Floats) -> Floats:
    """Return probabilities of fraud that average `_FRAUD_SHARE` in every block of 1,000 rows, by bisection."""
    blocks = logit.reshape(-1, _BLOCK)
    low, high = np.full((2, len(blocks), 1), [[[-30.0]], [[30.0]]])
    for _ in range(40):
        middle = (low + high) / 2
        above = (1 / (1 + np.exp(-blocks - middle))).mean(axis=1, keepdims=True) > _FRAUD_SHARE
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    probabilities: Floats = 1 / (1 + np.exp(-blocks - low))
    return probabilities.ravel()


def _mark(codes: Codes, rows: npt.NDArray[np.bool_]) -> None:
    """Move the counters of these rows to the upper half of their range, so that they carry a weak signal."""
    for i, column in enumerate(profiles().columns):
        if column.name in _FRAUD_ELSEWHERE:
            codes[i, rows & (codes[i] < SIZE)] |= SIZE // 2
