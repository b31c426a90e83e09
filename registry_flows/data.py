"""Make files that look like Kaggle's IEEE-CIS ``train_transaction.csv``, of any length.

The real file (590,540 rows, 394 columns, 3.5 % fraud, 182 days) may not be shipped, so this module draws
one like it. The way of a chunk of 10,000 rows:

1. **Profiles.** ``columns.json`` tells of each real column its gap shares per product and either the counts of
   its values or a few quantiles (summary statistics of 1,500 rows, never a row). Each becomes a table of
   2,048 equally likely values, the inverse of its distribution, with one more entry for a gap.
2. **Codes.** A row is 394 positions in those tables. Columns that are missing together in the real file are
   missing together here, and C, D and V columns of one such family mostly move together.
3. **Fraud.** The columns of the fraud recipe add up to a logit. The intercept is solved for every 1,000 rows,
   so the share of fraud stays at 3.5 % at any time.
4. **Drift.** A part of each category's effect is for good. The rest turns like the hand of a clock, at ``drift = 1``
   by 90 degrees in 80 days: what was risky becomes harmless, and a model learned on the first months grows stale.
   At ``drift = 0`` the hands stand still.

A chunk depends on the seed, its number and the seconds per row, on nothing else. Two files of the same rate are
therefore prefixes of one another: 40,000 rows over 80 days are the first 40,000 rows of 60,000 over 120 days.

    python -m registry_flows.data --rows 60000 --days 120 --drift 1 --out data/train_transaction.csv
"""

from __future__ import annotations

import errno
import math
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import numpy as np
import typer

from registry_flows.profiles import EFFECTS, SIZE, profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.uint16]

__all__ = ["FRAUD_SHARE", "ROWS_PER_DAY", "generate", "write"]

FRAUD_SHARE = 0.035
ROWS_PER_DAY = 3245  # the real file: 590,540 rows in 182 days

_CHUNK = 10_000
_BLOCK = 1_000  # rows that share one intercept
_FIRST_ID = 2_987_000
_DAY = 86_400  # seconds; also where the real file's TransactionDT starts
_TOGETHER = 22  # of 32 rows, those where a column follows its family rather than its own draw
_NESTED = 0.5  # share of rows whose gaps are nested
_NIGHT = 0.6  # how much slower than average the quietest hour is
_QUARTER_TURN = 80 * _DAY  # seconds in which effects turn by 90 degrees at drift = 1
_STAYS, _TURNS = 0.85, 0.55  # how much of an effect is for good, and how much turns

_AMOUNT_EFFECT = 0.9
_AMOUNT_LOG_MEAN, _AMOUNT_LOG_SD = 4.4, 1.0
_FRAUD_ELSEWHERE = frozenset({"C1", "C13", "C14", "V258"})
_MARKED = 0.5  # share of the frauds that these columns tell: they lie in their upper half


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Rows as positions in the tables, with the columns that have no table."""

    ids: npt.NDArray[np.int64]  # (n_rows,)
    fraud: npt.NDArray[np.bool_]  # (n_rows,)
    seconds: npt.NDArray[np.int64]  # (n_rows,)
    amounts: Floats  # (n_rows,)
    codes: Codes  # (n_columns, n_rows)

    def head(self, rows: int) -> _Chunk:
        """The first `rows` rows."""
        return _Chunk(
            self.ids[:rows], self.fraud[:rows], self.seconds[:rows], self.amounts[:rows], self.codes[:, :rows]
        )


def generate(rows: int, *, days: float | None = None, seed: int = 27, drift: float = 0.0) -> Iterator[pd.DataFrame]:
    """Yield `rows` transactions as frames of at most 10,000 rows, typed as ``pandas.read_csv`` would type them.

    Args:
        rows: how many transactions.
        days: how long they take; by default as many as in the real file, ``rows / 3245``.
        seed: another seed gives other rows of the same kind.
        drift: speed at which the pattern of fraud turns, in quarter turns per 80 days; 0 is stationary.

    Raises:
        ValueError: if a number is out of its range; nothing has been drawn then.
    """
    return map(_frame, _chunks(rows, days=days, seed=seed, drift=drift))


def write(
    path: str | Path,
    rows: int,
    *,
    days: float | None = None,
    seed: int = 27,
    drift: float = 0.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write what `generate` yields to `path` as CSV, whole or not at all.

    The rows go to a temporary file in the same folder, which takes the final name at the end.

    Args:
        path: the CSV file; its folder must exist.
        rows: see `generate`, also for `days`, `seed` and `drift`.
        days: see there.
        seed: see there.
        drift: see there.
        on_progress: called after each chunk with the number of rows and of frauds written so far.

    Raises:
        ValueError: if a number is out of its range; nothing has been written then.
        OSError: if the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    chunks = _chunks(rows, days=days, seed=seed, drift=drift)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="ascii", newline="") as file:
            file.write(",".join(profiles().header) + "\n")
            written = frauds = 0
            for chunk in chunks:
                file.writelines(_lines(chunk))
                written, frauds = written + len(chunk.ids), frauds + int(chunk.fraud.sum())
                if on_progress is not None:
                    on_progress(written, frauds)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _frame(chunk: _Chunk) -> pd.DataFrame:
    """The rows as a frame, its columns in the header's order."""
    import pandas as pd

    data: dict[str, Any] = {
        "TransactionID": chunk.ids,
        "isFraud": chunk.fraud.astype(np.int64),
        "TransactionDT": chunk.seconds,
        "TransactionAmt": chunk.amounts,
    }
    for column, codes in zip(profiles().columns, chunk.codes, strict=True):
        drawn = column.entries[codes]
        data[column.name] = pd.array(drawn, dtype="str") if drawn.dtype == object else drawn
    return pd.DataFrame(data, index=pd.RangeIndex(chunk.ids[0] - _FIRST_ID, chunk.ids[-1] - _FIRST_ID + 1))


def _lines(chunk: _Chunk) -> Iterator[str]:
    """The rows as lines of CSV: every text but four is looked up, not made."""
    ids = map(str, chunk.ids.tolist())
    frauds = map(str, chunk.fraud.astype(int).tolist())
    seconds = map(str, chunk.seconds.tolist())
    amounts = map(str, chunk.amounts.tolist())
    texts = (column.texts[codes].tolist() for column, codes in zip(profiles().columns, chunk.codes, strict=True))
    return (",".join(cells) + "\n" for cells in zip(ids, frauds, seconds, amounts, *texts, strict=True))


def _chunks(rows: int, *, days: float | None, seed: int, drift: float) -> Iterator[_Chunk]:
    """Check the numbers, then return the chunks. Each is drawn whole and cut, so `rows` changes no row."""
    _check(rows, days, seed, drift)
    # As a fraction, so that 80 days / 40,000 rows and 120 days / 60,000 rows are the very same float.
    step = float(Fraction(_DAY, ROWS_PER_DAY) if days is None else Fraction(str(days)) * _DAY / rows)
    return (_draw(number, step, seed, drift).head(rows - number * _CHUNK) for number in range(math.ceil(rows / _CHUNK)))


def _check(rows: int, days: float | None, seed: int, drift: float) -> None:
    """Raise ValueError with one sentence for the first number that is out of its range."""
    if rows < 1:
        message = f"rows must be at least 1, got {rows}"
    elif days is not None and not 0 < days < math.inf:
        message = f"days must be more than 0, got {days:g}"
    elif seed < 0:
        message = f"seed must be 0 or more, got {seed}"
    elif not 0 <= drift < math.inf:
        message = f"drift must be 0 (stationary) or more, got {drift:g}"
    else:
        return
    raise ValueError(message)


def _draw(number: int, step: float, seed: int, drift: float) -> _Chunk:
    """Draw chunk `number`: 10,000 rows, `step` seconds apart on average."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    index = np.arange(number * _CHUNK, (number + 1) * _CHUNK)
    even = (index + rng.random(_CHUNK)) * step
    elapsed = _elapsed(np.where(index == 0, 0.0, even))  # the first row opens the first day
    codes = _codes(rng)
    amounts = _amounts(rng, _products(codes))
    logit = _logit(codes, amounts, angle=drift * elapsed * (math.pi / 2 / _QUARTER_TURN))
    fraud = rng.random(_CHUNK) < _calibrated(logit)
    _mark(codes, fraud & (rng.random(_CHUNK) < _MARKED))
    return _Chunk(index + _FIRST_ID, fraud, _DAY + elapsed.astype(np.int64), amounts, codes)


def _elapsed(even: Floats) -> Floats:
    """Bend evenly spread seconds to a day's rhythm, keeping their order: the quietest hour is 9."""
    turn = 2 * math.pi / _DAY
    quiet = turn * 9 * 3600
    return even + _NIGHT / turn * (np.sin(turn * even - quiet) + math.sin(quiet))


def _codes(rng: np.random.Generator) -> Codes:
    """Positions in every column's table, shape (n_columns, 10000)."""
    known = profiles()
    draws = rng.integers(0, 2**16, size=(len(known.columns), _CHUNK), dtype=np.uint16)
    codes: Codes = draws % SIZE
    follows = draws // SIZE < _TOGETHER
    leaders: dict[str, int] = {}
    for i, column in enumerate(known.columns):
        leader = leaders.setdefault(column.family, i) if column.family else i
        codes[i] = np.where(follows[i], codes[leader], codes[i])
    missing = _missing(rng, _products(codes))
    for i, column in enumerate(known.columns):
        codes[i, missing[column.gap]] = SIZE
    return codes


def _missing(rng: np.random.Generator, products: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Which gaps each row has, shape (n_gaps, n_rows); in nested rows, rare gaps come only with the common ones."""
    shares = profiles().gaps[:, products]
    own, shared = rng.random(shares.shape), rng.random(len(products))
    return np.where(rng.random(shares.shape) < _NESTED, shared, own) < shares


def _products(codes: Codes) -> npt.NDArray[np.intp]:
    """The position of each row's ProductCD among the products, shape (n_rows,)."""
    known = profiles()
    products: npt.NDArray[np.intp] = known.products[codes[known.position("ProductCD")]]
    return products


def _amounts(rng: np.random.Generator, products: npt.NDArray[np.intp]) -> Floats:
    """Dollars: lognormal per product, with the cents that are usual for it; shape (n_rows,)."""
    known = profiles()
    mean, deviation = known.amounts[products].T
    whole = np.floor(np.exp(rng.normal(mean, deviation)))
    fraction = known.fractions[products, rng.integers(0, known.fractions.shape[1], len(products))]
    amounts: Floats = np.round(np.maximum(whole + fraction, 1.0), 3)
    return amounts


def _logit(codes: Codes, amounts: Floats, *, angle: Floats) -> Floats:
    """How suspicious each row is, before the intercept: the sum of its effects after turning by `angle`."""
    known = profiles()
    size = np.clip((np.log(amounts) - _AMOUNT_LOG_MEAN) / _AMOUNT_LOG_SD, -2, 2)
    logit: Floats = _AMOUNT_EFFECT * (np.cos(angle) * size + np.abs(size) - 1)
    for name, weight in EFFECTS.items():
        i = known.position(name)
        phase = known.columns[i].phases[codes[i]]
        logit += weight * (_STAYS * np.cos(phase) + _TURNS * np.cos(2 * phase + angle))
    return logit


def _calibrated(logit: Floats) -> Floats:
    """Probabilities of fraud that average `FRAUD_SHARE` in every block of 1,000 rows, by bisection."""
    blocks = logit.reshape(-1, _BLOCK)
    low, high = np.full((2, len(blocks), 1), [[[-30.0]], [[30.0]]])
    for _ in range(40):
        middle = (low + high) / 2
        above = (1 / (1 + np.exp(-blocks - middle))).mean(axis=1, keepdims=True) > FRAUD_SHARE
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    probabilities: Floats = 1 / (1 + np.exp(-blocks - low))
    return probabilities.ravel()


def _mark(codes: Codes, rows: npt.NDArray[np.bool_]) -> None:
    """Move the counters of these rows to the upper half of what is usual, so that they say a little, too."""
    for i, column in enumerate(profiles().columns):
        if column.name in _FRAUD_ELSEWHERE:
            codes[i, rows & (codes[i] < SIZE)] |= SIZE // 2


_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@_app.command()
def _main(
    rows: Annotated[int, typer.Option(help="How many transactions to write.")],
    out: Annotated[Path, typer.Option(help="The CSV file; its folder is made when absent.")],
    days: Annotated[float | None, typer.Option(help="How many days they take.", show_default="rows / 3245")] = None,
    seed: Annotated[int, typer.Option(help="Another seed gives other rows.")] = 27,
    drift: Annotated[float, typer.Option(help="How fast the pattern of fraud turns; 0 is stationary.")] = 0.0,
) -> None:
    """Write a made-up train_transaction.csv: 394 columns as in IEEE-CIS, 3.5 % fraud, any number of rows.

    Example: python -m registry_flows.data --rows 60000 --days 120 --drift 1 --out data/train_transaction.csv
    """
    try:
        _check(rows, days, seed, drift)
        out.parent.mkdir(parents=True, exist_ok=True)
        frauds = _write_with_bar(out, rows, days=days, seed=seed, drift=drift)
    except ValueError as error:
        _fail(str(error), code=2)
    except OSError as error:
        _fail(f"cannot write {str(out)!r}: {error.strerror}", code=1)
    span = rows / ROWS_PER_DAY if days is None else days
    size = out.stat().st_size / 1e6
    typer.echo(f"{out}: {rows:,} rows over {span:.4g} days, {frauds / rows:.2%} fraud, {size:,.1f} MB")


def _write_with_bar(out: Path, rows: int, *, days: float | None, seed: int, drift: float) -> int:
    """Write the file behind a progress bar on stderr, and return the number of frauds."""
    from rich.console import Console
    from rich.progress import Progress

    frauds = 0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"Writing {out.name}", total=rows)

        def on_progress(written: int, frauds_written: int) -> None:
            nonlocal frauds
            frauds = frauds_written
            progress.update(task, completed=written)

        write(out, rows, days=days, seed=seed, drift=drift, on_progress=on_progress)
    return frauds


def _fail(sentence: str, *, code: int) -> NoReturn:
    """Say what went wrong on stderr, and end with `code`."""
    typer.echo(f"Error: {sentence}.", err=True)
    raise typer.Exit(code) from None


if __name__ == "__main__":
    _app()
