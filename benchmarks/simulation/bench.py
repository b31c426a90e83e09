"""Simulation runs, figures with their Monte-Carlo errors, targets, and tables."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Outcomes = dict[tuple[str, ...], float]
"""Results of one run, by name; NaN means no answer."""

Results = dict[tuple[str, ...], list[float]]
"""Results of all runs of a cell, by name."""

SEVERITY = ("MISSED", "conservative", "within error", "within", "held")
BLOCKS = 16


@dataclass(frozen=True)
class Figure:
    """A share, its Monte-Carlo standard error, and the number of runs behind it.

    If all runs agree, the error is 1.5 / runs instead of zero: twice that is the 95 % bound of the rule of three.
    """

    share: float
    error: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figure":
        """Return the mean of the runs' results."""
        given = np.asarray([value for value in values if not math.isnan(value)])
        if not len(given):
            return cls(math.nan, math.nan, 0)
        error = float(given.std()) / math.sqrt(len(given))
        return cls(float(given.mean()), error or 1.5 / len(given), len(given))

    def __str__(self) -> str:
        return f"{100 * self.share:.2f} ± {100 * self.error:.2f}" if self.runs else "-"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The range that a figure should lie in; beyond it on the `cautious` side (`low` or `high`), only power is lost.

    A deviation of at most `errors` standard errors counts as chance: of some hundred figures, a few are off by two.
    """

    low: float
    high: float
    cautious: str = ""
    errors: float = 2.0

    def judge(self, figure: Figure) -> str:
        """Return the verdict on a figure; a figure without data is missed."""
        if self.low <= figure.share <= self.high:
            return "within"
        low = figure.share < self.low
        if (self.low - figure.share if low else figure.share - self.high) <= self.errors * figure.error:
            return "within error"
        return "conservative" if self.cautious == ("low" if low else "high") else "MISSED"


@dataclass(frozen=True)
class Block:
    """Some runs of one cell, with their own stream of random numbers."""

    run: Callable[[Any, np.random.Generator], Outcomes]
    cell: Any
    runs: int
    seed: tuple[int, ...]

    def __call__(self) -> list[Outcomes]:
        """Run them."""
        rng = np.random.default_rng(self.seed)
        return [self.run(self.cell, rng) for _ in range(self.runs)]

    def split(self) -> Iterator["Block"]:
        """Yield the same runs in blocks that do not depend on the number of workers."""
        for number in range(min(BLOCKS, self.runs)):
            runs = self.runs // BLOCKS + (number < self.runs % BLOCKS)
            yield replace(self, runs=runs, seed=(*self.seed, number))


@dataclass
class Bench:
    """Runs the parts, and remembers figures off target.

    Attributes:
        pool: pool of processes.
        runs: number of runs of the cheapest figures; each part takes a share of it.
        seed: seed of all draws.
        noted: verdict and figure of everything off target.
    """

    pool: Any
    runs: int
    seed: int
    noted: list[tuple[str, str]] = field(default_factory=list)

    def simulate(
        self, run: Callable[[Any, np.random.Generator], Outcomes], cells: Iterable[tuple[Any, float]]
    ) -> dict[Any, Results]:
        """Run each cell as often as its share of the runs says."""
        blocks = [
            block
            for cell, share in cells
            for block in Block(run, cell, max(round(self.runs * share), 2), self._seed_of(cell)).split()
        ]
        found: dict[Any, Results] = {}
        for block, outcomes in zip(blocks, self.pool.imap(call, blocks), strict=True):
            results = found.setdefault(block.cell, {})
            for key, value in (item for outcome in outcomes for item in outcome.items()):
                results.setdefault(key, []).append(value)
        return found

    def note(self, verdict: str, what: str) -> str:
        """Remember the verdict if it is off target, and return it."""
        if verdict in {"MISSED", "conservative"}:
            self.noted.append((verdict, what))
        return verdict

    def _seed_of(self, cell: Any) -> tuple[int, ...]:
        """Return the seed of a cell, which depends only on the bench's seed and the cell."""
        return (self.seed, *repr(cell).encode())


def call(block: Block) -> list[Outcomes]:
    """Run a block; a pool requires a named function."""
    return block()


def worst(verdicts: Iterable[str]) -> str:
    """Return the gravest verdict."""
    return min(verdicts, key=SEVERITY.index)


def marked(figure: Figure, verdict: str) -> str:
    """Return a figure with its verdict, for a table."""
    return str(figure) if verdict == "within" else f"{figure}, {verdict}"


def heading(text: str) -> None:
    """Print a line between tables."""
    print(f"\n{text}\n", flush=True)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        print("| " + " | ".join(cells) + " |", flush=True)
