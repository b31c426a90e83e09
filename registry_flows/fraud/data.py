"""Generate files that look like Kaggle's IEEE-CIS ``train_transaction.csv``, of any length.

The real file (590,540 rows, 394 columns, 3.5 % fraud, 182 days) may not be shipped, so this module
draws a similar one, chunk by chunk. Of two files with the same rate, one is a prefix of the other:
40,000 rows over 80 days are the first 40,000 rows of 60,000 over 120 days.

    python -m registry_flows.data --rows 60000 --days 120 --drift 1 --out data/train_transaction.csv
"""

from __future__ import annotations

import errno
import math
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import numpy as np
import typer

from registry_flows.fraud.chunks import CHUNK, DAY, FIRST_ID, Chunk, draw
from registry_flows.fraud.profiles import profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

__all__ = ["ROWS_PER_DAY", "generate", "write"]

ROWS_PER_DAY = 3245  # the real file: 590,540 rows in 182 days


def generate(rows: int, *, days: float | None = None, seed: int = 27, drift: float = 0.0) -> Iterator[pd.DataFrame]:
    """Yield `rows` transactions as frames of at most 10,000 rows, typed as ``pandas.read_csv`` would type them.

    Args:
        rows: number of transactions.
        days: days that they span; by default ``rows / 3245``, the rate of the real file.
        seed: another seed gives other rows of the same kind.
        drift: speed at which the pattern of fraud rotates, in quarter turns per 80 days; 0 is
            stationary.

    Raises:
        ValueError: a number is out of its range; nothing has been drawn then.
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
) -> int:
    """Write the output of `generate` to `path` as CSV, atomically, and return the number of frauds.

    The rows go to a temporary file in the same folder, which is renamed at the end. The folder must
    exist. Calls `on_progress` after each chunk with the number of rows and of frauds so far; see
    `generate` for the rest.

    Raises:
        ValueError: a number is out of its range; nothing has been written then.
        OSError: the folder cannot be written to, or the disk is full.
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
    return frauds


def _frame(chunk: Chunk) -> pd.DataFrame:
    """Return the rows as a frame, with columns in the header's order."""
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
    return pd.DataFrame(data, index=pd.RangeIndex(chunk.ids[0] - FIRST_ID, chunk.ids[-1] - FIRST_ID + 1))


def _lines(chunk: Chunk) -> Iterator[str]:
    """Yield the rows as lines of CSV; all but four texts per row are looked up in the tables."""
    ids = map(str, chunk.ids.tolist())
    frauds = map(str, chunk.fraud.astype(int).tolist())
    seconds = map(str, chunk.seconds.tolist())
    amounts = map(str, chunk.amounts.tolist())
    texts = (column.texts[codes].tolist() for column, codes in zip(profiles().columns, chunk.codes, strict=True))
    return (",".join(cells) + "\n" for cells in zip(ids, frauds, seconds, amounts, *texts, strict=True))


def _chunks(rows: int, *, days: float | None, seed: int, drift: float) -> Iterator[Chunk]:
    """Check the numbers, then return the chunks. Each chunk is drawn whole and then cut, so `rows` changes no row."""
    _check(rows, days, seed, drift)
    # As a fraction, so that 80 days / 40,000 rows and 120 days / 60,000 rows give exactly the same float.
    step = float(Fraction(DAY, ROWS_PER_DAY) if days is None else Fraction(str(days)) * DAY / rows)
    return (draw(number, step, seed, drift).head(rows - number * CHUNK) for number in range(math.ceil(rows / CHUNK)))


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


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def _main(
    rows: Annotated[int, typer.Option(help="Number of transactions to write.")],
    out: Annotated[Path, typer.Option(help="CSV file to write. Its folder is created if missing.")],
    days: Annotated[
        float | None, typer.Option(help="Number of days that the transactions span.", show_default="rows / 3245")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed. Each seed gives different rows.")] = 27,
    drift: Annotated[float, typer.Option(help="How fast the pattern of fraud changes; 0 keeps it constant.")] = 0.0,
) -> None:
    """Write a synthetic train_transaction.csv: 394 columns as in IEEE-CIS, 3.5 % fraud, any number of rows.

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
    """Write the file with a progress bar on stderr, and return the number of frauds."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"Writing {out.name}", total=rows)

        def on_progress(written: int, _frauds: int) -> None:
            progress.update(task, completed=written)

        return write(out, rows, days=days, seed=seed, drift=drift, on_progress=on_progress)


def _fail(sentence: str, *, code: int) -> NoReturn:
    """Print an error on stderr, and exit with `code`."""
    typer.echo(f"Error: {sentence}.", err=True)
    raise typer.Exit(code) from None
