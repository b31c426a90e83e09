"""(h) Holdouts of fresh rows of the same customers: the budget counts rows, but the customers' errors persist."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

import promotion
from promotion.vocabulary import Verdict
from simulation.bench import Bench, Figure, Outcomes, Target, heading, table
from simulation.rules import ALPHA, policy
from simulation.worlds import Floats, mixed

METRIC, HOLDOUTS, ENTRANTS = "rmse", 10, 20
NEW, SAME, BEST = "a new challenger on each", "one challenger on each", f"the best of {ENTRANTS} on the rows before"
FRESH = promotion.Budget(alpha=ALPHA, use=1.0)


@dataclass(frozen=True, kw_only=True)
class Customers:
    """Customers with equally many rows in every holdout; part of a model's error is common to all rows of a customer.

    Attributes:
        stay: whether every holdout has the same customers.
        count: number of customers.
        rows: rows per holdout.
        within: correlation of two rows' errors of one customer.
    """

    stay: bool
    count: int = 100
    rows: int = 1_000
    within: float = 0.4

    @property
    def codes(self) -> np.ndarray:
        """Return the customer of each row."""
        return np.arange(self.rows) % self.count

    def model(self, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield a model's errors on one holdout after the other; all models are equally good."""
        tastes = rng.standard_normal(self.count)
        while True:
            yield mixed(tastes[self.codes], self.within, rng.standard_normal(self.rows))
            tastes = tastes if self.stay else rng.standard_normal(self.count)


def judge(world: Customers, rng: np.random.Generator) -> Outcomes:
    """Return the share of holdouts that promote; each has fresh rows and so counts as a first use."""
    new_model = partial(world.model, rng)
    champion = new_model()
    new = np.mean([_gain(world, rng, next(champion), next(new_model()))[1] for _ in range(HOLDOUTS)])
    one = new_model()
    same = [_gain(world, rng, next(champion), next(one))[1] for _ in range(HOLDOUTS)]
    entrants, before = [new_model() for _ in range(ENTRANTS)], next(champion)
    gains = [_gain(world, rng, before, next(entrant))[0] for entrant in entrants]
    best = _gain(world, rng, next(champion), next(entrants[int(np.argmax(gains))]))[1]
    return {(NEW,): float(new), (SAME,): float(np.mean(same)), (SAME, "any"): float(any(same)), (BEST,): float(best)}


def _gain(world: Customers, rng: np.random.Generator, champion: Floats, challenger: Floats) -> tuple[float, bool]:
    """Return the gain of the challenger over the champion, and whether the gate promotes."""
    truth = rng.standard_normal(world.rows)
    found = promotion.compare(truth, truth + champion, truth + challenger, metrics=[METRIC], groups=world.codes)
    verdict = promotion.decide(found, policy(METRIC), budget=FRESH).verdict
    return found[METRIC].gain, verdict is Verdict.PROMOTE


def part(bench: Bench) -> None:
    """Print the table of (h)."""
    found = bench.simulate(judge, [(Customers(stay=stay), 0.05) for stay in (False, True)])
    heading(
        f"(h) {HOLDOUTS} holdouts of fresh rows ({next(iter(found)).rows} rows, 100 customers, {METRIC}), share "
        "of them that promotes an equally good challenger, in %: at most 5, but where the challenger was chosen by "
        "its luck with the same customers"
    )
    at_most, lines = Target(low=0.0, high=ALPHA), []
    for world, results in found.items():
        whose = "the same customers" if world.stay else "other customers"
        for what in (NEW, SAME, BEST):
            figure = Figure.of(results[(what,)])
            chosen = what == BEST and world.stay
            verdict = "" if chosen else bench.note(at_most.judge(figure), f"(h) {whose}, {what}: {figure} %")
            ever = str(Figure.of(results[(what, "any")])) if (what, "any") in results else ""
            lines.append([whose, what, str(figure), ever, verdict])
    table(["holdouts of", "judged", "per holdout", f"any of {HOLDOUTS}", "verdict"], lines)
