"""What the gate's figures are worth, by simulation: false promotions, coverage, reuse of a holdout, power, an attacker.

    python benchmarks/decisions.py [--runs 10000] [--only a,c] [--workers 2] [--seed 27]

Every judgement goes the real way, `promotion.compare` and `promotion.decide`. Two models are *equally good* when they are
exchangeable: two views of the same rows whose errors have one joint law, whichever comes first. Each such draw is judged
both ways round: with no margin, a rejection is what the same two models, swapped, would have as a promotion. A figure
stands beside its Monte-Carlo error (one standard error). It is `within` its target, `within error` (outside by at most
two of these errors), `conservative` (off to the side that errs towards caution), `held` (the gate finds too little
evidence and decides nothing) or `MISSED`; any `MISSED` ends the command with exit code 1.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from multiprocessing import Pool
from statistics import NormalDist
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

import promotion
from promotion.errors import UnknownName
from promotion.evidence import Comparison, measure, metric
from promotion.judgement import Decision, Kind
from promotion.judgement.budget import Budget, Sketch, Trial, count_use
from promotion.vocabulary import Direction, Outcome, Verdict

Floats = NDArray[np.float64]
Outcomes = dict[tuple[str, ...], float]

ALPHA = 0.05
MLFLOW_CHANGE = 0.001
BINARY = (
    *("roc_auc", "average_precision", "log_loss", "brier_score", "accuracy", "balanced_accuracy", "f1", "precision"),
    *("recall", "recall_at_fpr(0.05)", "precision_at_k(100)", "recall_at_precision(0.5)", "expected_cost(fp=1, fn=10)"),
)
REGRESSION = ("rmse", "mae", "r2")
REUSED = ("roc_auc", "average_precision", "log_loss")
FEW = 200
"""Judgements below which a share is not worth showing."""


# ---------------------------------------------------------------- two models


@dataclass(frozen=True, kw_only=True)
class World:
    """Rows, and two models that score them.

    Each model sees `strength * label + error`; errors have variance 1, one joint law, and correlate within a class as
    those of two retrains of one model do. Its score is the probability of class 1, exact for Gaussian errors.
    """

    rows: int
    prevalence: float = 0.5
    tails: str = "Gaussian"
    correlation: float = 0.9
    strength: tuple[float, float] = (1.8, 1.8)

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Labels, and the scores of champion and challenger, each of shape (rows,)."""
        labels = self.labels(rng)
        common, before, after = self.errors(rng, 3)
        mix = partial(mixed, common, self.correlation)
        return labels, self.score(labels, mix(before), 0), self.score(labels, mix(after), 1)

    def labels(self, rng: np.random.Generator) -> Floats:
        """0.0 or 1.0, each row by itself."""
        return (rng.random(self.rows) < self.prevalence).astype(np.float64)

    def errors(self, rng: np.random.Generator, count: int) -> Floats:
        """Shape (count, rows); heavy tails are Student's t with 3 degrees of freedom."""
        if self.tails == "Gaussian":
            return rng.standard_normal((count, self.rows))
        return rng.standard_t(3, (count, self.rows)) / math.sqrt(3)

    def score(self, labels: Floats, error: Floats, side: int) -> Floats:
        """Probability of class 1 given what the model sees (Bayes, two normal classes)."""
        strength = self.strength[side]
        odds = math.log(self.prevalence / (1 - self.prevalence)) - strength**2 / 2
        return 1 / (1 + np.exp(-(odds + strength * (strength * labels + error))))

    def __str__(self) -> str:
        return f"n = {self.rows:,}, {100 * self.prevalence:g} %"


@dataclass(frozen=True, kw_only=True)
class Regression(World):
    """Rows whose target is a number, and two models whose predictions are off it."""

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        signal, chance, common, before, after = self.errors(rng, 5)
        views = [signal + 0.5 * mixed(common, self.correlation, own) for own in (before, after)]
        return signal + chance, views[0], views[1]

    def __str__(self) -> str:
        return f"n = {self.rows:,}"


def mixed(common: Floats, correlation: float, own: Floats) -> Floats:
    """An error of variance 1, of which `correlation` is common."""
    return math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own


# ---------------------------------------------------------------- rules


@lru_cache
def policy(name: str) -> promotion.Policy:
    """A policy of the primary only."""
    return promotion.Policy.from_toml({"primary": {"metric": name}, "metrics": [name]})


def gate(comparison: Comparison, name: str, alpha: float = ALPHA) -> Decision:
    """Our decision."""
    return promotion.decide(comparison, policy(name), alpha=alpha)


def enough(decision: Decision) -> bool:
    """Whether the gate found evidence enough to decide at all."""
    return not decision.missing and all(
        check.outcome is Outcome.PASSED for check in decision.checks if check.kind is Kind.EVIDENCE
    )


@lru_cache
def mlflow_rule(direction: Direction) -> Callable[[float, float], bool]:
    """MLflow's own validation of a candidate against a baseline with `min_absolute_change`."""
    from mlflow import validate_evaluation_results
    from mlflow.models import EvaluationResult, MetricThreshold
    from mlflow.models.evaluation.validation import ModelValidationFailedException

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    higher = direction is Direction.HIGHER
    threshold = {"metric": MetricThreshold(min_absolute_change=MLFLOW_CHANGE, greater_is_better=higher)}

    def passes(baseline: float, candidate: float) -> bool:
        sides = (EvaluationResult({"metric": value}, {}, run_id="") for value in (candidate, baseline))
        try:
            validate_evaluation_results(threshold, *sides)
        except ModelValidationFailedException:
            return False
        return True

    return passes


# ---------------------------------------------------------------- figures


@dataclass(frozen=True)
class Figure:
    """A share over runs, and its Monte-Carlo error."""

    share: float
    error: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figure":
        """The mean of what the runs gave; NaN is no answer."""
        given = np.asarray([value for value in values if not math.isnan(value)])
        if not len(given):
            return cls(math.nan, math.nan, 0)
        return cls(float(given.mean()), float(given.std() / math.sqrt(len(given))), len(given))

    def __str__(self) -> str:
        return f"{100 * self.share:.2f} ± {100 * self.error:.2f}" if self.runs else "-"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a figure should lie; `cautious` is the side on which being off costs only power."""

    low: float
    high: float
    cautious: str

    def judge(self, figure: Figure) -> str:
        """One word on a figure."""
        if self.low <= figure.share <= self.high:
            return "within"
        off, side = (self.low - figure.share, "low") if figure.share < self.low else (figure.share - self.high, "high")
        if off <= 2 * figure.error:
            return "within error"
        return "conservative" if side == self.cautious else "MISSED"


NOMINAL = Target(low=0.045, high=0.055, cautious="low")
AT_MOST = Target(low=0.0, high=0.05, cautious="low")
COVERAGE = Target(low=0.94, high=0.96, cautious="high")
POWER = Target(low=-0.02, high=0.02, cautious="high")
SEVERITY = ("MISSED", "conservative", "within error", "within", "held")


@dataclass(frozen=True)
class Task:
    """Some runs of one cell of one part."""

    run: Callable[[Any, np.random.Generator], Outcomes]
    cell: Any
    runs: int
    seed: tuple[int, ...]

    def split(self, blocks: int) -> Iterator["Task"]:
        """The same runs in pieces, each with a stream of its own, whatever the number of workers."""
        for block in range(min(blocks, self.runs)):
            runs = self.runs // blocks + (block < self.runs % blocks)
            yield replace(self, runs=runs, seed=(*self.seed, block))

    def __call__(self) -> list[Outcomes]:
        rng = np.random.default_rng(self.seed)
        return [self.run(self.cell, rng) for _ in range(self.runs)]


@dataclass
class Bench:
    """Runs the parts, prints the tables, remembers what was missed and what was conservative."""

    pool: Any
    runs: int
    seed: int
    noted: list[tuple[str, str]]

    def simulate(self, run: Callable[..., Outcomes], cells: Iterable[tuple[Any, int]]) -> dict[Any, dict[Any, list]]:
        """Every cell's outcomes, one list over the runs for each key."""
        tasks = [
            block
            for number, (cell, runs) in enumerate(cells)
            for block in Task(run, cell, max(runs, 2), (self.seed, number, *run.__name__.encode())).split(16)
        ]
        found: dict[Any, dict[Any, list]] = {}
        for task, outcomes in zip(tasks, self.pool.imap(call, tasks), strict=True):
            of_cell = found.setdefault(task.cell, {})
            for key, value in (item for outcome in outcomes for item in outcome.items()):
                of_cell.setdefault(key, []).append(value)
        return found

    def note(self, verdict: str, what: str) -> str:
        """Remember a verdict worth telling at the end, and give it back."""
        if verdict in {"MISSED", "conservative"}:
            self.noted.append((verdict, what))
        return verdict

    def known(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those metrics that there are; the others are missed targets."""
        return tuple(name for name in names if exists(name) or self.note("MISSED", f"there is no metric {name}") == "")


def call(task: Task) -> list[Outcomes]:
    """A pool wants a function by name."""
    return task()


def exists(name: str) -> bool:
    try:
        metric(name)
    except UnknownName:
        return False
    return True


def heading(text: str) -> None:
    print(f"\n{text}\n")


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        print("| " + " | ".join(cells) + " |", flush=True)


# ---------------------------------------------------------------- (a) false promotions


def false_promotions(case: tuple[World, tuple[str, ...]], rng: np.random.Generator) -> Outcomes:
    """Two equally good models under three rules; one draw is judged both ways round and counts half each."""
    world, names = case
    labels, champion, challenger = world.draw(rng)
    comparison = promotion.compare(labels, champion, challenger, metrics=names)
    outcomes: Outcomes = {}
    for found in comparison.metrics:
        decision, passes = gate(comparison, found.metric), mlflow_rule(found.direction)
        verdict = (decision.verdict is not Verdict.HOLD) / 2
        counts = enough(decision)
        outcomes[found.metric, "gate"] = verdict if counts else math.nan
        outcomes[found.metric, "breach"] = 0.0 if counts else float(verdict > 0)
        outcomes[found.metric, "plain"] = float(found.gain != 0) / 2
        sides = (found.champion, found.challenger)
        outcomes[found.metric, "mlflow"] = (passes(*sides) + passes(*sides[::-1])) / 2
    return outcomes


def part_a(bench: Bench) -> None:
    heading("(a) False promotions of equally good models, in %, at a nominal 5 %. Target 4.5 to 5.5.")
    names, regression = bench.known(BINARY), bench.known(REGRESSION)
    for tails, correlation in (("Gaussian", 0.9), ("Gaussian", 0.6), ("heavy-tailed", 0.9)):
        share = {1_000: 1.0, 10_000: 0.5, 100_000: 0.1} if (tails, correlation) == ("Gaussian", 0.9) else {}
        share = share or {1_000: 0.5, 10_000: 0.25, 100_000: 0.02}
        laws = {"tails": tails, "correlation": correlation}
        worlds = [World(rows=rows, prevalence=part, **laws) for rows in share for part in (0.005, 0.035, 0.5)]
        cells = [((world, names), world.rows) for world in worlds]
        cells += [((Regression(rows=rows, **laws), regression), rows) for rows in share if regression]
        found = bench.simulate(
            false_promotions, [(case, round(bench.runs * share[rows] / 2)) for case, rows in cells]
        )
        said = f"{tails} errors, correlation {correlation}"
        for each in (names, regression):
            tables_of_a(bench, said, {case[0]: of for case, of in found.items() if case[1] == each}, each)


def tables_of_a(bench: Bench, said: str, found: dict[World, dict], names: tuple[str, ...]) -> None:
    if not names:
        return
    heading(f"Gate, {said}")
    header = [f"{world} ({2 * max(map(len, of.values())):,} runs)" for world, of in found.items()]
    rows = [[name, *(row_of_a(bench, said, found, name))] for name in names]
    table(["metric", *header, "verdict"], rows)
    for rule, title in (("plain", "Plain `new > old`"), ("mlflow", f"MLflow `min_absolute_change = {MLFLOW_CHANGE}`")):
        heading(f"{title}, the same draws, {said}")
        shares = {name: [f"{Figure.of(of.get((name, rule), ())).share:.1%}" for of in found.values()] for name in names}
        table(["metric", *header], [[name, *row] for name, row in shares.items()])


def row_of_a(bench: Bench, said: str, found: dict[World, dict], name: str) -> Iterator[str]:
    worst = "held"
    for world, of in found.items():
        figure, breaches = Figure.of(of.get((name, "gate"), ())), sum(of.get((name, "breach"), ()))
        draws = max(map(len, of.values()))
        verdict = "held" if 2 * figure.runs < FEW else NOMINAL.judge(figure)
        verdict = "MISSED" if breaches else verdict
        bench.note(verdict, f"(a) {name}, {world}, {said}: {figure} %")
        worst = min(worst, verdict, key=SEVERITY.index)
        held = f" (held {1 - figure.runs / draws:.0%})" if figure.runs < draws else ""
        yield "held" if verdict == "held" else f"{figure}{held}{'' if verdict == 'within' else ', ' + verdict}"
    yield worst


# ---------------------------------------------------------------- (b) coverage


@lru_cache
def true_gains(world: World, names: tuple[str, ...]) -> dict[str, float]:
    """The gain in the population: both models measured on a fine grid of quantiles of each class, weighted."""
    points = 200_000
    error = np.tile(grid(points), 2)
    labels = np.repeat([0.0, 1.0], points)
    weights = np.repeat([1 - world.prevalence, world.prevalence], points) * world.rows / points
    sides = [
        measure(labels, world.score(labels, error, side), metrics=names, sample_weight=weights) for side in (0, 1)
    ]
    return {name: sides[0][name].direction.gain(sides[0][name].value, sides[1][name].value) for name in names}


@lru_cache
def grid(points: int) -> Floats:
    """Standard normal quantiles at the middles of equal shares."""
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(points) + 0.5) / points))


def coverage(case: tuple[World, tuple[str, ...]], rng: np.random.Generator) -> Outcomes:
    """Whether each interval holds the gain of the population."""
    world, names = case
    labels, champion, challenger = world.draw(rng)
    comparison, truth = promotion.compare(labels, champion, challenger, metrics=names), true_gains(world, names)
    return {
        (found.metric,): float(found.low <= truth[found.metric] <= found.high)
        if enough(gate(comparison, found.metric))
        else math.nan
        for found in comparison.metrics
    }


def part_b(bench: Bench) -> None:
    names, shares = bench.known(BINARY), {(1_000, 0.5): 0.5, (10_000, 0.035): 0.3, (10_000, 0.5): 0.3}
    shares |= {(100_000, 0.005): 0.05, (100_000, 0.035): 0.05}
    worlds = {World(rows=rows, prevalence=part, strength=(1.6, 1.8)): share for (rows, part), share in shares.items()}
    found = bench.simulate(coverage, [((world, names), round(bench.runs * share)) for world, share in worlds.items()])
    heading("(b) Coverage of the 95 % interval of a gain that is not zero, in %. Target 94 to 96.")
    header = [f"{world} ({max(map(len, of.values())):,} runs)" for (world, _), of in found.items()]
    table(["metric", *header, "verdict"], [[name, *row_of_b(bench, found, name)] for name in names])


def row_of_b(bench: Bench, found: dict[Any, dict], name: str) -> Iterator[str]:
    worst = "within"
    for (world, _), of in found.items():
        figure = Figure.of(of.get((name,), ()))
        verdict = bench.note(COVERAGE.judge(figure), f"(b) {name}, {world}: {figure} %")
        worst = min(worst, verdict, key=SEVERITY.index)
        yield f"{figure}{'' if verdict == 'within' else ', ' + verdict}"
    yield worst


# ---------------------------------------------------------------- (c), (d) one holdout, rolling holdouts


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """Equally good challengers, one after the other; each sees a window of the rows that starts `step` further on."""

    world: World
    challengers: int
    step: int
    family: str

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats, Iterator[Floats]]:
        """Labels, the champion's scores, and those of each challenger, on all rows.

        `tweaks` correlate with the champion and, given it, are independent: their gains are all but independent too.
        `siblings` share an error with the champion and with one another: a lucky champion is lucky against them all.
        """
        world = replace(self.world, rows=self.world.rows + self.step * (self.challengers - 1))
        labels, (common, own) = world.labels(rng), world.errors(rng, 2)
        close = world.correlation
        champion, centre, shared = (
            (common, common, close**2) if self.family == "tweaks" else (mixed(common, close, own), common, close)
        )
        others = (mixed(centre, shared, world.errors(rng, 1)[0]) for _ in range(self.challengers))
        return labels, world.score(labels, champion, 0), (world.score(labels, error, 1) for error in others)


def reuse(cell: Reuse, rng: np.random.Generator) -> Outcomes:
    """Per metric and rule: whether any challenger was promoted, and how many."""
    labels, champion, challengers = cell.draw(rng)
    fingerprints = rng.integers(0, 2**64, len(labels), dtype=np.uint64)
    counts: Outcomes = {(name, rule): 0.0 for name in REUSED for rule in ("budget", "fixed", "plain")}
    trials: list[Trial] = []
    for number, challenger in enumerate(challengers):
        window = slice(number * cell.step, number * cell.step + cell.world.rows)
        comparison = promotion.compare(labels[window], champion[window], challenger[window], metrics=REUSED)
        trial = put(number, window, fingerprints)
        level = Budget(alpha=ALPHA, use=count_use(trial, trials)).level
        trials.append(trial)
        for found in comparison.metrics:
            promoted = [gate(comparison, found.metric, alpha).verdict is Verdict.PROMOTE for alpha in (level, ALPHA)]
            for rule, yes in zip(("budget", "fixed", "plain"), (*promoted, found.gain > 0), strict=True):
                counts[found.metric, rule] += yes
    return {**{(*key, "any"): float(count > 0) for key, count in counts.items()}, **counts}


def put(number: int, window: slice, fingerprints: NDArray[np.uint64]) -> Trial:
    """The record of one challenger put to one window of the rows."""
    return Trial(
        challenger=f"challenger {number}",
        champion="champion",
        metric="any",
        holdout=f"rows from {window.start}",
        sketch=Sketch.of(fingerprints[window]),
    )


def part_c(bench: Bench) -> None:
    world = World(rows=2_000, prevalence=0.1)
    cells = [Reuse(world=world, challengers=100, step=0, family=family) for family in ("tweaks", "siblings")]
    found = bench.simulate(reuse, [(cell, bench.runs // 10) for cell in cells])
    heading(
        f"(c) 100 equally good challengers on one holdout, {world}, {bench.runs // 10:,} runs: "
        "share of runs that promote any, in %. Target of the budget: at most 5."
    )
    rows = []
    for cell, name in ((cell, name) for cell in cells for name in REUSED):
        figures = [Figure.of(found[cell][name, rule, "any"]) for rule in ("budget", "fixed", "plain")]
        verdict = bench.note(AT_MOST.judge(figures[0]), f"(c) {name}, {cell.family}: {figures[0]} %")
        rows.append([f"{cell.family} of the champion", name, *map(str, figures), verdict])
    table(["challengers", "metric", "budget", "fixed 5 % bound", "new > old", "verdict"], rows)


def part_d(bench: Bench) -> None:
    world = World(rows=2_000, prevalence=0.1)
    cell = Reuse(world=world, challengers=20, step=world.rows // 2, family="tweaks")
    holdouts = 1 + (cell.challengers - 1) * cell.step / world.rows
    found = bench.simulate(reuse, [(cell, bench.runs // 4)])[cell]
    fresh = 1 - (1 - ALPHA) ** holdouts
    heading(
        f"(d) {cell.challengers} equally good challengers, each on a window that shares half of its rows with the one "
        f"before ({world}; {holdouts:g} holdouts' worth of rows), {bench.runs // 4:,} runs, in %. Target of the budget: "
        f"at most 5 promotions in 100 holdouts' worth of rows; {holdouts:g} fresh holdouts used once each at 5 % would "
        f"promote any in {fresh:.1%} of runs."
    )
    rows = []
    for name, rule in ((name, rule) for name in REUSED for rule in ("budget", "fixed", "plain")):
        counts = found[name, rule]
        per = [Figure.of(count / divisor for count in counts) for divisor in (cell.challengers, holdouts)]
        verdict = AT_MOST.judge(per[1]) if rule == "budget" else ""
        bench.note(verdict, f"(d) {name}: {per[1]} %")
        rows.append([name, rule, *map(str, per), str(Figure.of(found[name, rule, "any"])), verdict])
    table(["metric", "rule", "per decision", "per holdout's worth of rows", "any of 20", "verdict"], rows)


# ---------------------------------------------------------------- (e) power


def delong_z(labels: Floats, *models: Floats) -> float:
    """DeLong, DeLong and Clarke-Pearson (1988) by placements: the second model's gain in AUC over its standard error."""
    of_positives, of_negatives = [], []
    for scores in models:
        positives, negatives = np.sort(scores[labels == 1]), np.sort(scores[labels == 0])
        of_positives.append(placements(scores[labels == 1], negatives))
        of_negatives.append(1 - placements(scores[labels == 0], positives))
    (first, second), contrast = (values.mean() for values in of_positives), np.array([-1.0, 1.0])
    covariance = np.cov(of_positives) / len(positives) + np.cov(of_negatives) / len(negatives)
    return float((second - first) / math.sqrt(contrast @ covariance @ contrast))


def placements(scores: Floats, others: Floats) -> Floats:
    """The share of the others, sorted, that lie below each score; ties count half."""
    return (np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")) / 2 / len(others)


def power(world: World, rng: np.random.Generator) -> Outcomes:
    labels, champion, challenger = world.draw(rng)
    comparison = promotion.compare(labels, champion, challenger, metrics=["roc_auc"])
    decision = gate(comparison, "roc_auc")
    if not enough(decision):
        return {}
    ours = float(decision.verdict is Verdict.PROMOTE)
    theirs = float(delong_z(labels, champion, challenger) > NormalDist().inv_cdf(1 - ALPHA))
    return {("gate",): ours, ("delong",): theirs, ("difference",): ours - theirs}


def part_e(bench: Bench) -> None:
    bases = (World(rows=1_000, prevalence=0.07), World(rows=2_000, prevalence=0.5), World(rows=10_000, prevalence=0.035))
    steps = {1_000: (0.0, 0.1, 0.2, 0.35), 2_000: (0.0, 0.03, 0.07, 0.12), 10_000: (0.0, 0.05, 0.1, 0.15)}
    worlds = [replace(base, strength=(1.6, 1.6 + step)) for base in bases for step in steps[base.rows]]
    found = bench.simulate(power, [(world, bench.runs // 5) for world in worlds])
    heading("(e) Power for ROC AUC at 5 %, in %, beside DeLong's test on the same draws. Target: within 2 points.")
    rows = []
    for world in worlds:
        ours, theirs, difference = (Figure.of(found[world][key,]) for key in ("gate", "delong", "difference"))
        verdict = bench.note(POWER.judge(difference), f"(e) {world}, strength {world.strength}: {difference} points")
        gain = population_auc(world.strength[1]) - population_auc(world.strength[0])
        rows.append([str(world), f"{gain:+.4f}", str(ours), str(theirs), str(difference), f"{ours.runs:,}", verdict])
    table(["holdout", "true gain", "gate", "DeLong", "difference", "runs", "verdict"], rows)


def population_auc(strength: float, added: float = 0.0) -> float:
    """Of two normal classes that far apart, of variance 1 and what is added to it."""
    return NormalDist().cdf(strength / math.sqrt(2 * (1 + added)))


# ---------------------------------------------------------------- (f) an adaptive attacker


@dataclass(frozen=True, kw_only=True)
class Attack:
    """The boosting attack of Blum and Hardt ("The Ladder", 2015) on one holdout.

    Each challenger is the champion plus noise, drawn anew for any row, so that it is truly worse. The attacker keeps
    the noises that looked better, and now and then submits the champion plus all of these together.

    Attributes:
        reads: `verdict`, and it keeps what was not rejected; `gain`, and it keeps what had a gain above zero.
        scale: standard deviation of the noise of one challenger, in standard deviations of the champion's error.
        boost: that of the noises kept, together.
        every: one submission in so many is the boosted one.
    """

    world: World
    rule: str
    reads: str
    scale: float
    boost: float
    uses: int = 100
    every: int = 10


MARGIN = 0.005
GUARDED = promotion.Policy.from_toml(
    {
        "primary": {"metric": "average_precision"},
        "guardrails": [{"metric": "roc_auc", "max_loss": MARGIN}],
        "metrics": ["average_precision"],
    }
)


def attack(cell: Attack, rng: np.random.Generator) -> Outcomes:
    """How far the champion's true ROC AUC fell at worst, and how often the champion changed."""
    labels, strength = cell.world.labels(rng), cell.world.strength[0]
    base, noise = strength * labels + cell.world.errors(rng, 1)[0], rng.standard_normal((cell.uses, len(labels)))
    champion, kept = np.zeros(cell.uses), np.zeros(cell.uses, dtype=bool)
    scores, worst, promotions = base, 0.0, 0
    for use in range(cell.uses):
        boosted = (use + 1) % cell.every == 0 and kept.any()
        challenger = champion + (cell.boost * kept / math.sqrt(max(kept.sum(), 1)) if boosted else unit(use, cell))
        theirs = base + challenger @ noise
        comparison = promotion.compare(labels, scores, theirs, metrics=["average_precision", "roc_auc"])
        verdict = ruled(cell.rule, comparison, use)
        better = comparison["average_precision"].gain > 0 if cell.reads == "gain" else verdict is not Verdict.REJECT
        kept[use] = better and not boosted
        if verdict is Verdict.PROMOTE:
            champion, scores, promotions = challenger, theirs, promotions + 1
            worst = max(worst, population_auc(strength) - population_auc(strength, champion @ champion))
    return {("fall",): worst, ("promotions",): float(promotions)}


def unit(use: int, cell: Attack) -> Floats:
    """The noise of this use alone."""
    return cell.scale * (np.arange(cell.uses) == use)


def ruled(rule: str, comparison: Comparison, use: int) -> Verdict:
    """The verdict on the challenger of this use, counted from 0."""
    if rule == "plain":
        return Verdict.PROMOTE if comparison["average_precision"].gain > 0 else Verdict.REJECT
    if rule == "fixed":
        return gate(comparison, "average_precision").verdict
    level = Budget(alpha=ALPHA, use=use + 1.0).level
    return promotion.decide(comparison, GUARDED, alpha=level).verdict


def part_f(bench: Bench) -> None:
    world, runs = World(rows=4_000, prevalence=0.1), max(bench.runs // 50, 2)
    rules = [("plain", "gain"), ("fixed", "verdict"), ("fixed", "gain"), ("guarded", "verdict"), ("guarded", "gain")]
    scales = ((0.03, 0.1), (0.1, 0.3))
    cells = [
        Attack(world=world, rule=rule, reads=reads, scale=scale, boost=boost)
        for rule, reads in rules
        for scale, boost in scales
    ]
    found = bench.simulate(attack, [(cell, runs) for cell in cells])
    heading(
        f"(f) An attacker with {cells[0].uses} submissions to one holdout, {world}, {runs:,} runs: how far the "
        f"champion's true ROC AUC falls. Target of budget and guardrail: never more than the margin, {MARGIN}."
    )
    rows = []
    for cell in cells:
        falls, changes = np.array(found[cell]["fall",]), np.array(found[cell]["promotions",])
        missed = "MISSED" if falls.max() > MARGIN else "within"
        verdict = bench.note(missed, f"(f) {cell}") if cell.rule == "guarded" else ""
        figures = [f"{falls.max():.4f}", f"{falls.mean():.4f}", f"{(falls > 0).mean():.1%}", f"{changes.mean():.1f}"]
        rows.append([cell.rule, cell.reads, f"{cell.scale:g}, {cell.boost:g}", *figures, verdict])
    table(["rule", "reads", "noise, boosted", "worst fall", "mean fall", "runs with a fall", "changes", "verdict"], rows)


PARTS = {"a": part_a, "b": part_b, "c": part_c, "d": part_d, "e": part_e, "f": part_f}


def main(
    runs: Annotated[int, typer.Option(help="Runs of the cheapest figures; the others scale with it.")] = 10_000,
    only: Annotated[str, typer.Option(help="Parts to run, e.g. a,c.")] = ",".join(PARTS),
    workers: Annotated[int, typer.Option(help="Processes; figures do not depend on it.")] = 2,
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 27,
) -> None:
    noted: list[tuple[str, str]] = []
    with Pool(workers) as pool:
        for letter in only.split(","):
            start = time.perf_counter()
            PARTS[letter](Bench(pool, runs, seed, noted))
            print(f"\n({letter}) took {time.perf_counter() - start:.0f} s", flush=True)
    heading("Off target" if noted else "Every figure is on target.")
    for verdict, what in sorted(dict.fromkeys(noted), reverse=True):
        print(f"{verdict}: {what}")
    if any(verdict == "MISSED" for verdict, _ in noted):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
