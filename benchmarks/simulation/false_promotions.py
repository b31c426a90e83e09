"""(a) How often one of two equally good models is promoted over the other, by three rules on the same draws."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import promotion
from promotion.vocabulary import Verdict
from simulation.bench import Bench, Figure, Outcomes, Results, Target, heading, marked, table, worst
from simulation.rules import MLFLOW_CHANGE, REGRESSION, RESAMPLED, SMOOTH, enough, gate, mlflow_rule
from simulation.worlds import Regression, World

NOMINAL = Target(low=0.045, high=0.055, cautious="low")
DECIDES_NEXT_TO_NOTHING = 0.05  # share of the draws; below it a cell is `held`
RULES = {"plain": "Plain `new > old`", "mlflow": f"MLflow's `min_absolute_change = {MLFLOW_CHANGE}`"}
MAIN = {"tails": "Gaussian", "correlation": 0.9}
SMOOTH_RUNS = {  # draws by rows and prevalence, as a share of the runs; each draw is judged in both directions
    (1_000, 0.005): 0.1,
    (1_000, 0.035): 0.1,
    (1_000, 0.5): 0.5,
    (10_000, 0.005): 0.5,
    (10_000, 0.035): 0.5,
    (10_000, 0.5): 0.5,
    (100_000, 0.005): 0.1,
    (100_000, 0.035): 0.1,
    (100_000, 0.5): 0.1,
}
RESAMPLED_RUNS = {
    (1_000, 0.5): 0.1,
    (1_000, 0.1): 0.1,
    (2_000, 0.035): 0.1,
    (10_000, 0.005): 0.02,
    (10_000, 0.035): 0.02,
}


@dataclass(frozen=True)
class Case:
    """Metrics for judging the two models of a world."""

    world: World
    names: tuple[str, ...]


def judge(case: Case, rng: np.random.Generator) -> Outcomes:
    """Judge one draw in both directions; each counts half.

    Without a margin, a rejection is a promotion of the swapped models. `breach` is a promotion or rejection despite too
    little evidence to decide.
    """
    comparison = promotion.compare(*case.world.draw(rng), metrics=case.names)
    outcomes: Outcomes = {(name, "gate"): math.nan for name in case.names}
    for found in comparison.metrics:
        decision, passes = gate(comparison, found.metric), mlflow_rule(found.direction)
        settled, sides = (decision.verdict is not Verdict.HOLD) / 2, (found.champion, found.challenger)
        outcomes |= {
            (found.metric, "gate"): settled if enough(decision) else math.nan,
            (found.metric, "breach"): 0.0 if enough(decision) else settled,
            (found.metric, "plain"): (found.gain != 0) / 2,
            (found.metric, "mlflow"): (passes(*sides) + passes(*sides[::-1])) / 2,
        }
    return outcomes


def part(bench: Bench) -> None:
    """Print the tables of (a)."""
    heading("(a) False promotions of equally good models, in %, at a nominal 5 %: target 4.5 to 5.5")
    few = {(rows, share): runs / 4 for (rows, share), runs in SMOOTH_RUNS.items() if rows < 100_000}
    _tables(bench, SMOOTH, MAIN, SMOOTH_RUNS)
    _tables(bench, SMOOTH, {"tails": "Gaussian", "correlation": 0.6}, few)
    _tables(bench, SMOOTH, {"tails": "heavy-tailed", "correlation": 0.9}, few)
    _tables(bench, RESAMPLED, MAIN, RESAMPLED_RUNS)
    of_regression = {(1_000, 0.5): 0.5, (10_000, 0.5): 0.5, (100_000, 0.5): 0.2}
    for tails in ("Gaussian", "heavy-tailed"):
        _tables(bench, REGRESSION, {"tails": tails, "correlation": 0.9}, of_regression)


def _tables(bench: Bench, names: tuple[str, ...], law: dict, shares: dict[tuple[int, float], float]) -> None:
    kind = Regression if names == REGRESSION else World
    cells = [(Case(kind(rows=rows, prevalence=part, **law), names), share) for (rows, part), share in shares.items()]
    found = {case.world: results for case, results in bench.simulate(judge, cells).items()}
    said = f"{law['tails']} errors, correlation {law['correlation']}"
    header = [f"{world} ({2 * _draws(results):,} runs)" for world, results in found.items()]
    heading(f"Gate, {said}")
    table(["metric", *header, "verdict"], [[name, *_row(bench, said, found, name)] for name in names])
    for rule, title in RULES.items():
        heading(f"{title}, the same draws, {said}")
        table(["metric", *header], [[name, *_shares(found, name, rule)] for name in names])


def _row(bench: Bench, said: str, found: dict[World, Results], name: str) -> Iterator[str]:
    verdicts = []
    for world, results in found.items():
        figure = Figure.of(results[name, "gate"])
        verdict = _verdict(figure, results, name)
        verdicts.append(bench.note(verdict, f"(a) {name}, {world}, {said}: {figure} %"))
        held = 1 - figure.runs / _draws(results)
        aside = f" (held {held:.0%})" if held else ""
        yield verdict if verdict == "held" else marked(figure, verdict) + aside
    yield worst(verdicts)


def _verdict(figure: Figure, results: Results, name: str) -> str:
    if any(results.get((name, "breach"), ())):
        return "MISSED"
    return "held" if figure.runs < DECIDES_NEXT_TO_NOTHING * _draws(results) else NOMINAL.judge(figure)


def _shares(found: dict[World, Results], name: str, rule: str) -> Iterator[str]:
    for results in found.values():
        figure = Figure.of(results.get((name, rule), ()))
        yield f"{100 * figure.share:.1f}" if figure.runs else "undefined"


def _draws(results: Results) -> int:
    return max(map(len, results.values()))
