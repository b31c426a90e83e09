"""(c) Many equally good challengers on one holdout, and (d) on rolling holdouts that half overlap."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import promotion
from promotion.policy.budget import Budget, HoldoutSketch, Trial, count_use
from promotion.vocabulary import Verdict
from simulation.bench import Bench, Figure, Outcomes, Results, Target, heading, table
from simulation.rules import ALPHA, gate
from simulation.worlds import Floats, World, mixed

METRICS = ("roc_auc", "average_precision", "log_loss")
RULES = {"budget": "gate with budget", "fixed": "fixed 95 % bound", "plain": "new > old"}
AT_MOST = Target(low=0.0, high=0.05)
WORLD = World(rows=1_000, prevalence=0.2)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A sequence of equally good challengers; each is judged on a window of rows that starts `step` rows later.

    Attributes:
        world: the data of one window.
        challengers: number of challengers.
        step: rows between two windows.
        family: `tweaks` of the champion are independent given the champion, so their gains are nearly independent;
            `siblings` share an error with the champion and each other: a lucky champion is lucky against all of them.
    """

    world: World
    challengers: int
    step: int
    family: str

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats, Iterator[Floats]]:
        """Return labels, the champion's scores, and the scores of each challenger, on all rows."""
        world = replace(self.world, rows=self.world.rows + self.step * (self.challengers - 1))
        labels, (common, own) = world.labels(rng), world.errors(rng, 2)
        tweaks, close = self.family == "tweaks", world.correlation
        champion, shared = (common, close**2) if tweaks else (mixed(common, close, own), close)
        others = (mixed(common, shared, world.errors(rng, 1)[0]) for _ in range(self.challengers))
        return labels, world.score(labels, champion, 0), (world.score(labels, error, 1) for error in others)


def judge(row: Row, rng: np.random.Generator) -> Outcomes:
    """Return the number of promoted challengers, by metric and rule."""
    labels, champion, challengers = row.draw(rng)
    fingerprints = rng.integers(0, 2**64, len(labels), dtype=np.uint64)
    promoted: Outcomes = {(name, rule): 0.0 for name in METRICS for rule in RULES}
    trials: list[Trial] = []
    for number, challenger in enumerate(challengers):
        window = slice(number * row.step, number * row.step + row.world.rows)
        trials.append(_trial(number, window, fingerprints))
        level = Budget(alpha=ALPHA, use=count_use(trials[-1], trials[:-1])).level
        comparison = promotion.compare(labels[window], champion[window], challenger[window], metrics=METRICS)
        for found in comparison.metrics:
            decisions = (gate(comparison, found.metric, alpha) for alpha in (level, ALPHA))
            rules = (*(decision.verdict is Verdict.PROMOTE for decision in decisions), found.gain > 0)
            for rule, yes in zip(RULES, rules, strict=True):
                promoted[found.metric, rule] += yes
    return promoted


def _trial(number: int, window: slice, fingerprints: NDArray[np.uint64]) -> Trial:
    return Trial(
        challenger=f"challenger {number}",
        champion="champion",
        metric="all of them",
        holdout=f"rows from {window.start}",
        sketch=HoldoutSketch.of(fingerprints[window]),
    )


def one_holdout(bench: Bench) -> None:
    """Print the table of (c)."""
    shares = {"tweaks": 0.1, "siblings": 0.05}
    rows = {Row(world=WORLD, challengers=100, step=0, family=family): share for family, share in shares.items()}
    found = bench.simulate(judge, rows.items())
    heading(
        f"(c) 100 equally good challengers on one holdout ({WORLD}), share of runs that promote any, in %: "
        "target of the budget at most 5"
    )
    lines = [_line(bench, row, results, name) for row, results in found.items() for name in METRICS]
    table(["challengers", "metric", *RULES.values(), "runs", "verdict"], lines)


def _line(bench: Bench, row: Row, results: Results, name: str) -> list[str]:
    figures = [Figure.of(float(count > 0) for count in results[name, rule]) for rule in RULES]
    verdict = bench.note(AT_MOST.judge(figures[0]), f"(c) {name}, {row.family}: {figures[0]} %")
    return [f"{row.family} of the champion", name, *map(str, figures), f"{figures[0].runs:,}", verdict]


def rolling_holdouts(bench: Bench) -> None:
    """Print the table of (d)."""
    row = Row(world=WORLD, challengers=20, step=WORLD.rows // 2, family="tweaks")
    holdouts = 1 + (row.challengers - 1) * row.step / row.world.rows
    results = bench.simulate(judge, [(row, 0.25)])[row]
    runs = len(results[METRICS[0], "budget"])
    heading(
        f"(d) {row.challengers} equally good challengers in a row, each on a holdout ({WORLD}) that shares half of its "
        f"rows with the one before, in %, {runs:,} runs. In all there are {holdouts:g} holdouts' worth of rows; the "
        f"target of the budget is at most 5 promotions per 100 of those. ({holdouts:g} fresh holdouts, used once each "
        f"at 5 %, promote any in {1 - (1 - ALPHA) ** holdouts:.1%} of runs.)"
    )
    lines = [_rolling(bench, row, results[name, rule], name, rule) for name in METRICS for rule in RULES]
    header = ["metric", "rule", "per decision", "per holdout's worth of rows", f"any of {row.challengers}", "verdict"]
    table(header, lines)


def _rolling(bench: Bench, row: Row, promoted: list[float], name: str, rule: str) -> list[str]:
    holdouts = 1 + (row.challengers - 1) * row.step / row.world.rows
    per_decision, per_holdout = (Figure.of(count / of for count in promoted) for of in (row.challengers, holdouts))
    any_of_them = Figure.of(float(count > 0) for count in promoted)
    verdict = ""
    if rule == "budget":
        verdict = bench.note(AT_MOST.judge(per_holdout), f"(d) {name}: {per_holdout} %")
    return [name, RULES[rule], *map(str, (per_decision, per_holdout, any_of_them)), verdict]
