"""(b) Coverage: how often the 95 % interval contains the true gain, if that is not zero."""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

import promotion
from promotion.comparison import measure
from simulation.bench import Bench, Figure, Outcomes, Results, Target, heading, marked, table, worst
from simulation.false_promotions import Case
from simulation.rules import RESAMPLED, SMOOTH, enough, gate
from simulation.worlds import World

COVERED = Target(low=0.94, high=0.96, cautious="high")
STRENGTHS = (1.6, 1.8)
SMOOTH_SHARES = {
    (1_000, 0.5): 0.5,
    (10_000, 0.005): 0.3,
    (10_000, 0.035): 0.3,
    (10_000, 0.5): 0.3,
    (100_000, 0.035): 0.05,
}
RESAMPLED_SHARES = {(1_000, 0.1): 0.1, (2_000, 0.035): 0.1, (10_000, 0.035): 0.03}


@lru_cache
def true_gains(case: Case) -> dict[str, float]:
    """Return the population gains: both models measured on many quantiles of each class, weighted by its share."""
    from scipy.special import ndtri

    points = 20_000 if case.names == RESAMPLED else 200_000
    error = np.tile(ndtri((np.arange(points) + 0.5) / points), 2)
    labels, prevalence = np.repeat([0.0, 1.0], points), case.world.prevalence
    weights = case.world.rows * np.repeat([1 - prevalence, prevalence], points) / points
    before, after = (
        measure(labels, case.world.score(labels, error, side), metrics=case.names, sample_weight=weights)
        for side in (0, 1)
    )
    return {name: before[name].direction.gain(before[name].value, after[name].value) for name in case.names}


def judge(case: Case, rng: np.random.Generator) -> Outcomes:
    """Return per metric whether the interval contains the true gain; no answer if the gate has too little evidence."""
    comparison, truth = promotion.compare(*case.world.draw(rng), metrics=case.names), true_gains(case)
    return {
        (found.metric,): float(found.low <= truth[found.metric] <= found.high)
        if enough(gate(comparison, found.metric))
        else math.nan
        for found in comparison.metrics
    }


def part(bench: Bench) -> None:
    """Print the tables of (b)."""
    heading("(b) Coverage of the 95 % interval of a gain that is not zero, in %: target 94 to 96")
    for names, shares in ((SMOOTH, SMOOTH_SHARES), (RESAMPLED, RESAMPLED_SHARES)):
        worlds = {World(rows=rows, prevalence=part, strength=STRENGTHS): runs for (rows, part), runs in shares.items()}
        cells = bench.simulate(judge, [(Case(world, names), runs) for world, runs in worlds.items()])
        found = {case.world: results for case, results in cells.items()}
        header = [f"{world} ({max(map(len, results.values())):,} runs)" for world, results in found.items()]
        table(["metric", *header, "verdict"], [[name, *_row(bench, found, name)] for name in names])
        print()


def _row(bench: Bench, found: dict[World, Results], name: str) -> Iterator[str]:
    verdicts = []
    for world, results in found.items():
        figure = Figure.of(results.get((name,), ()))
        verdict = COVERED.judge(figure) if figure.runs else "held"
        verdicts.append(bench.note(verdict, f"(b) {name}, {world}: {figure} %"))
        yield marked(figure, verdict) if figure.runs else "held"
    yield worst(verdicts)
