"""Recipes for regression and for several classes, on data sets that come with scikit-learn."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from promotion import Split, Trained, split_by_hash


def write_diabetes(path):
    """Write 442 patients: ten measurements, and the progression of the disease after a year (Efron et al. 2004)."""
    from sklearn.datasets import load_diabetes

    rows = load_diabetes(as_frame=True, scaled=False).frame
    rows.insert(0, "patient", np.arange(len(rows)))
    rows.to_csv(path, index=False)


def write_digits(path):
    """Write 1,797 handwritten digits of 8 x 8 pixels (UCI)."""
    from sklearn.datasets import load_digits

    rows = load_digits(as_frame=True).frame.astype(int)
    rows.insert(0, "image", np.arange(len(rows)))
    rows.to_csv(path, index=False)


@dataclass(frozen=True, kw_only=True)
class DiabetesRecipe:
    """Predicts the progression of the disease; with few `measurements` it is a weak model."""

    measurements: int = 10
    key: str = "patient"
    label: str = "target"
    time: str | None = None
    task: str = "regression"

    def load(self, path):
        return pd.read_csv(path)

    def split(self, rows) -> Split:
        return split_by_hash(rows, key="patient", holdout=0.5)

    def train(self, training, *, step) -> Trained:
        from sklearn.linear_model import Ridge

        model = Ridge(alpha=1.0)
        return Trained(model=step(model.fit, self._features(training), training["target"]))

    def score(self, trained, rows):
        wanted = trained.model.n_features_in_
        return trained.model.predict(rows.drop(columns=["patient", "target"]).to_numpy()[:, :wanted])

    def _features(self, rows):
        return rows.drop(columns=["patient", "target"]).to_numpy()[:, : self.measurements]


@dataclass(frozen=True, kw_only=True)
class DigitsRecipe:
    """Classifies the ten digits; with few `neighbours` among few `images` it is a weak model."""

    images: int = 2000
    key: str = "image"
    label: str = "target"
    time: str | None = None
    task: str = "multiclass"

    def load(self, path):
        return pd.read_csv(path)

    def split(self, rows) -> Split:
        return split_by_hash(rows, key="image", holdout=0.5)

    def train(self, training, *, step) -> Trained:
        from sklearn.linear_model import LogisticRegression

        some = training.head(self.images)
        model = LogisticRegression(C=0.001, max_iter=1000)
        return Trained(model=step(model.fit, _pixels(some), some["target"]))

    def score(self, trained, rows):
        return trained.model.predict_proba(_pixels(rows))


def _pixels(rows):
    return rows.filter(like="pixel").to_numpy() / 1.0
