"""(e) Power: how often a better challenger is promoted, next to DeLong's test at the same level on the same draws."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np

import promotion
from promotion.vocabulary import Verdict
from simulation.bench import Bench, Figure, Outcomes, Results, Target, heading, table
from simulation.rules import ALPHA, enough, gate
from simulation.worlds import Floats, World, population_auc

NEAR = Target(low=-0.02, high=0.02)
CHAMPION = 1.6
BETTER = {  # gain in strength of the challenger
    World(rows=1_000, prevalence=0.07): (0.0, 0.1, 0.2, 0.35),
    World(rows=2_000, prevalence=0.5): (0.0, 0.03, 0.07, 0.12),
    World(rows=10_000, prevalence=0.035): (0.0, 0.05, 0.1, 0.15),
}


def delong(labels: Floats, champion: Floats, challenger: Floats) -> float:
    """Return the gain in AUC over its standard error, by DeLong, DeLong and Clarke-Pearson (1988), from placements."""
    is_positive = labels == 1
    of_positives = [placements(scores[is_positive], scores[~is_positive]) for scores in (champion, challenger)]
    of_negatives = [1 - placements(scores[~is_positive], scores[is_positive]) for scores in (champion, challenger)]
    covariance = sum(np.cov(structural) / np.shape(structural)[1] for structural in (of_positives, of_negatives))
    contrast = np.array([-1.0, 1.0])
    gain = contrast @ np.mean(of_positives, axis=1)
    return float(gain / math.sqrt(contrast @ covariance @ contrast))


def placements(scores: Floats, others: Floats) -> Floats:
    """Return for each score the share of the others below it; ties count half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")) / 2 / len(others)


def judge(world: World, rng: np.random.Generator) -> Outcomes:
    """Return whether the gate and DeLong's test call the challenger better; empty if the gate does not decide."""
    labels, champion, challenger = world.draw(rng)
    decision = gate(promotion.compare(labels, champion, challenger, metrics=["roc_auc"]), "roc_auc")
    if not enough(decision):
        return {}
    ours = float(decision.verdict is Verdict.PROMOTE)
    theirs = float(delong(labels, champion, challenger) > NormalDist().inv_cdf(1 - ALPHA))
    return {("gate",): ours, ("delong",): theirs, ("difference",): ours - theirs}


def part(bench: Bench) -> None:
    """Print the table of (e)."""
    worlds = [replace(world, strength=(CHAMPION, CHAMPION + by)) for world, steps in BETTER.items() for by in steps]
    found = bench.simulate(judge, [(world, 0.2) for world in worlds])
    heading(
        "(e) Share of better challengers that are promoted by ROC AUC at 5 %, in %, beside DeLong's test: "
        "target within 2 points"
    )
    lines = [_line(bench, world, results) for world, results in found.items()]
    table(["holdout", "true gain", "gate", "DeLong", "difference in points", "runs", "verdict"], lines)


def _line(bench: Bench, world: World, results: Results) -> list[str]:
    ours, theirs, difference = (Figure.of(results[key,]) for key in ("gate", "delong", "difference"))
    gain = population_auc(world.strength[1]) - population_auc(world.strength[0])
    verdict = bench.note(NEAR.judge(difference), f"(e) {world}, true gain {gain:+.4f}: {difference} points")
    return [str(world), f"{gain:+.4f}", str(ours), str(theirs), str(difference), f"{ours.runs:,}", verdict]
