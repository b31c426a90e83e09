"""Simulated rows and two models that score them, with known true metric values."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class World:
    """Rows of two classes, and two models.

    Each model sees `strength * label + error`. The errors have variance 1 and one joint distribution, and correlate
    within a class like two retrains of one model. With equal strengths the models are exchangeable, and so equally good
    by any metric. The score is the probability of class 1, calibrated if the errors are Gaussian.

    Attributes:
        rows: number of rows.
        prevalence: probability of class 1.
        tails: `Gaussian`, or `heavy-tailed`: Student's t with 3 degrees of freedom.
        correlation: correlation of the two models' errors.
        strength: distance of the classes for champion and challenger, in standard deviations of the error.
    """

    rows: int
    prevalence: float = 0.5
    tails: str = "Gaussian"
    correlation: float = 0.9
    strength: tuple[float, float] = (1.8, 1.8)

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Return labels, and the scores of champion and challenger, each of shape (rows,)."""
        labels, (common, before, after) = self.labels(rng), self.errors(rng, 3)
        sides = (mixed(common, self.correlation, own) for own in (before, after))
        champion, challenger = (self.score(labels, error, side) for side, error in enumerate(sides))
        return labels, champion, challenger

    def labels(self, rng: np.random.Generator) -> Floats:
        """Return independent labels 0.0 or 1.0, shape (rows,)."""
        return (rng.random(self.rows) < self.prevalence).astype(np.float64)

    def errors(self, rng: np.random.Generator, count: int) -> Floats:
        """Return independent errors of variance 1, shape (count, rows)."""
        if self.tails == "Gaussian":
            return rng.standard_normal((count, self.rows))
        return rng.standard_t(3, (count, self.rows)) / math.sqrt(3)

    def score(self, labels: Floats, error: Floats, side: int) -> Floats:
        """Return P(class 1) given what the model sees (Bayes' rule for two normal classes), shape (rows,)."""
        strength = self.strength[side]
        odds = math.log(self.prevalence / (1 - self.prevalence)) - strength**2 / 2
        return 1 / (1 + np.exp(-(odds + strength * (strength * labels + error))))

    def __str__(self) -> str:
        return f"n = {self.rows:,}, {100 * self.prevalence:g} %"


@dataclass(frozen=True, kw_only=True)
class Regression(World):
    """Rows with a numeric target: a signal that both models see, and noise that neither sees."""

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Return targets, and the predictions of champion and challenger, each of shape (rows,)."""
        signal, chance, common, before, after = self.errors(rng, 5)
        champion, challenger = (signal + 0.5 * mixed(common, self.correlation, own) for own in (before, after))
        return signal + chance, champion, challenger

    def __str__(self) -> str:
        return f"n = {self.rows:,}"


def mixed(common: Floats, correlation: float, own: Floats) -> Floats:
    """Return an error of variance 1 that shares `common` with others."""
    return math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own


def population_auc(strength: float, added: float = 0.0) -> float:
    """Return the ROC AUC of two normal classes at this distance, with variance 1 plus added noise."""
    return NormalDist().cdf(strength / math.sqrt(2 * (1 + added)))
