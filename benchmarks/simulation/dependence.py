"""(g) False promotions of equally good models if rows depend on each other: within groups, or over time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

import promotion
from promotion.comparison import Comparison, Measurement, measure
from promotion.metrics.bounds import Error
from promotion.vocabulary import Direction
from simulation.bench import Bench, Figure, Outcomes, Results, Target, heading, table
from simulation.worlds import Floats, mixed

LEVELS = (0.05, 0.0304, 0.0076, 0.001)
"""Levels of the other checks, and of the primary metric at about the first, second and fifth use of the same rows."""

OF_FLOORS = (0.05, 0.01)
"""Levels of floors, which are judged at the policy's own level."""

FEWEST = 5
"""Minimum number of effective groups; with fewer, the gate is inconclusive and the draw is not counted."""

BINARY, REGRESSION = ("roc_auc", "average_precision", "log_loss"), ("rmse",)


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """Rows in groups: part of a model's error is common to the group, part is the row's own.

    Attributes:
        groups: number of groups.
        sizes: `equal`, `Zipf` (the k-th has 1 / k of the first's rows), or `top`: five groups hold half of all rows.
        within: correlation of two rows' errors in one group.
        rows: approximate total number of rows.
        prevalence: share of positives.
        holding: number of groups that hold positives; None for all.
    """

    groups: int
    sizes: str = "equal"
    within: float = 0.0
    rows: int = 2_000
    prevalence: float = 0.1
    holding: int | None = None

    def codes(self) -> np.ndarray:
        """Return the group of each row."""
        place = np.arange(1, self.groups + 1)
        share = {
            "equal": np.ones(self.groups),
            "Zipf": 1 / place,
            "top": np.where(place <= 5, 0.1, 0.5 / max(self.groups - 5, 1)),
        }[self.sizes]
        return np.repeat(place - 1, np.maximum(1, np.round(share / share.sum() * self.rows)).astype(int))

    def errors(self, rng: np.random.Generator, codes: np.ndarray) -> Floats:
        """Return one error per row, with variance 1."""
        return mixed(rng.standard_normal(int(codes[-1]) + 1)[codes], self.within, rng.standard_normal(len(codes)))

    def __str__(self) -> str:
        few = "" if self.holding is None else f", positives in {self.holding}"
        return f"{self.groups} {self.sizes}, {self.within:g}{few}"


@dataclass(frozen=True, kw_only=True)
class Stream(Grouped):
    """Rows in time order over `groups` days; `within` is common to a day, or to a stretch of `stretch` days.

    One time can be wrong, `early` days too early.
    """

    stretch: float = 1.0
    early: float = 0.0

    def codes(self) -> np.ndarray:
        """Return the stretch of each row."""
        return (self._true() / self.stretch).astype(int)

    def times(self) -> Floats:
        """Return the time of each row, in days."""
        times = self._true()
        times[0] -= self.early
        return times

    def _true(self) -> Floats:
        return np.linspace(0, self.groups, self.rows, endpoint=False)

    def __str__(self) -> str:
        wrong = ", one wrong time" if self.early else ""
        return f"{self.groups} days, {self.within:g} within {self.stretch:g} d{wrong}"


def judge(world: Grouped, rng: np.random.Generator) -> Outcomes:
    """Judge one draw in both directions, by groups (or blocks) and by rows; each direction counts half."""
    codes = world.codes()
    drawn = {"time": world.times(), "day": 1.0} if isinstance(world, Stream) else {"groups": codes}
    outcomes: Outcomes = {}
    for truth, models, names in _models(world, rng, codes):
        outcomes |= _of(promotion.compare(truth, *models, metrics=names, **drawn))
    return outcomes


def judge_alone(world: Grouped, rng: np.random.Generator) -> Outcomes:
    """Compare a single model's bounds on one draw with its true values."""
    codes, true = world.codes(), _true_values(world.prevalence)
    outcomes: Outcomes = {}
    for truth, (model, _), names in _models(world, rng, codes):
        for found in measure(truth, model, metrics=names, groups=codes).metrics:
            rows = measure(truth, model, metrics=[found.metric])[found.metric]
            for level, (each, *ways) in product(OF_FLOORS, ((found,), (rows, "rows"))):
                too_good = each.direction.gain(true[found.metric], _better_end(each, level)) > 0
                outcomes[(found.metric, str(level), *ways)] = float(too_good)
    return outcomes


def _better_end(found: Measurement, level: float) -> float:
    """Return the bound that a floor is compared with."""
    return found.lower_bound(level) if found.direction is Direction.HIGHER else found.upper_bound(level)


@cache
def _true_values(prevalence: float) -> dict[str, float]:
    """Return the true values of either model, from a million ungrouped rows; grouping does not change them."""
    world = Grouped(groups=1_000_000, rows=1_000_000, prevalence=prevalence)
    found = _models(world, np.random.default_rng(27), world.codes())
    each = (measure(truth, model, metrics=names) for truth, (model, _), names in found)
    return {one.metric: one.value for evaluation in each for one in evaluation.metrics}


def _models(
    world: Grouped, rng: np.random.Generator, codes: np.ndarray
) -> Iterator[tuple[Floats, list[Floats], tuple[str, ...]]]:
    """Return the true labels, the scores of two equally good models, and the metrics to judge them by."""
    among = (
        np.isin(codes, rng.choice(world.groups, world.holding, replace=False)) if world.holding else np.ones(len(codes))
    )
    labels = (rng.random(len(codes)) < among * world.prevalence / among.mean()).astype(float)
    common, signal, chance, *own = (world.errors(rng, codes) for _ in range(5))
    sides = [mixed(common, 0.9, each) for each in own]
    odds = math.log(world.prevalence / (1 - world.prevalence)) - 1.8**2 / 2
    scores = [1 / (1 + np.exp(-(odds + 1.8 * (1.8 * labels + each)))) for each in sides]
    yield signal + chance, [signal + each / 2 for each in sides], REGRESSION
    if labels.sum() > 10:
        yield labels, scores, BINARY


def _of(comparison: Comparison) -> Outcomes:
    enough = comparison.dependence.effective >= FEWEST
    found: Outcomes = {}
    for one in comparison.metrics:
        rows = Error(math.sqrt(np.square(comparison.influence(one.metric)).sum()))
        for level in LEVELS:
            asked = (one.metric, str(level))
            found[asked] = (abs(one.gain) > one.half_width(level)) / 2 if enough else math.nan
            found[(*asked, "rows")] = (abs(one.gain) > rows.half_width(level)) / 2
    return found


GROUPS = (
    *(Grouped(groups=count, within=within) for count in (6, 10, 30, 100) for within in (0.0, 0.2, 0.8)),
    *(Grouped(groups=1_000, within=within, rows=4_000) for within in (0.0, 0.2, 0.8)),
    *(Grouped(groups=count, sizes="Zipf", within=within) for count in (30, 100) for within in (0.0, 0.2, 0.8)),
    *(Grouped(groups=1_000, sizes="Zipf", within=within, rows=4_000) for within in (0.0, 0.2, 0.8)),
    *(Grouped(groups=100, sizes="top", within=within) for within in (0.0, 0.5)),
    *(Grouped(groups=100, within=within, holding=12) for within in (0.0, 0.4)),
)
STREAMS = tuple(
    Stream(groups=days, within=within, stretch=stretch)
    for days in (7, 14, 28)
    for within, stretch in ((0.0, 1.0), (0.2, 1.0), (0.2, 0.5))
) + tuple(Stream(groups=days, within=0.2, early=10_000) for days in (7, 28))

ALONE = (
    *(Grouped(groups=10, within=within) for within in (0.2, 0.6)),
    *(Grouped(groups=30, within=within) for within in (0.3, 0.8)),
    *(Grouped(groups=100, within=within) for within in (0.0, 0.3)),
    *(Grouped(groups=count, sizes="Zipf", within=0.4) for count in (30, 100)),
)


def part(bench: Bench) -> None:
    """Print the tables of (g)."""
    heading("(g) Rows that depend on each other: false promotions over the level; target at most 1.4, independent 1.0")
    for title, worlds in (("Named groups", GROUPS), ("Blocks of time", STREAMS)):
        heading(f"{title} (count, sizes, correlation within): by groups at 5, 3.04, 0.76, 0.1 %; single rows at 3.04 %")
        _table(bench, bench.simulate(judge, ((world, 0.2) for world in worlds)), LEVELS, by_rows=0.0304)
    heading("A floor at the true value passes: by groups at 5 and 1 %; single rows at 5 %")
    _table(bench, bench.simulate(judge_alone, ((world, 0.2) for world in ALONE)), OF_FLOORS, by_rows=0.05)


def _table(bench: Bench, found: dict[Grouped, Results], levels: tuple[float, ...], by_rows: float) -> None:
    rows = ([str(world), *_row(bench, world, results, levels, by_rows)] for world, results in found.items())
    table(["world", *BINARY, *REGRESSION], rows)


def _row(bench: Bench, world: Grouped, results: Results, levels: tuple[float, ...], by_rows: float) -> Iterator[str]:
    for name in (*BINARY, *REGRESSION):
        cells = []
        for level in levels:
            figure = Figure.of(results.get((name, str(level)), ()))
            high = level * (1.4 if world.within else 1.0)
            verdict = Target(low=0.0, high=high, errors=3.0).judge(figure) if figure.runs else "held"
            bench.note(verdict, f"(g) {name}, {world}, at {level}: {figure} %")
            cells.append(f"{figure.share / level:.2f}" if figure.runs else "held")
        rows = Figure.of(results.get((name, str(by_rows), "rows"), ()))
        yield f"{' '.join(cells)}; {rows.share / by_rows:.1f}"
