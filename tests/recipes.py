"""A recipe small enough for tests: a logistic regression on two columns of synthetic rows."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from promotion import Trained, read_rows, split_by_hash, split_by_time

Skill = Literal["good", "weak", "noisy", "spoilt"]


@dataclass(frozen=True, kw_only=True)
class ToyRecipe:
    """Learns `y` from `a` and `b`.

    Attributes:
        skill: `good` uses both columns, `weak` only the first, `noisy` sees shuffled labels, `spoilt` inverted ones.
        seed: of the shuffle.
    """

    skill: Skill = "good"
    seed: int = 27
    key: str = "id"
    label: str = "y"
    time: str | None = "t"

    def load(self, path):
        return read_rows(path, {"id": "key", "y": "number", "t": "number", "a": "number", "b": "number"})

    def split(self, rows):
        return split_by_time(rows, time="t", holdout=0.5)

    def train(self, training, *, step):
        return Trained(model=step(fit, training, self), labels={"owner": "tests"})

    def score(self, trained, rows):
        return trained.model.predict_proba(rows[["a", "b"]].to_numpy())[:, 1]


@dataclass(frozen=True, kw_only=True)
class TimelessRecipe(ToyRecipe):
    """The same without a time order of rows."""

    time: str | None = None


@dataclass(frozen=True, kw_only=True)
class DatedRecipe(ToyRecipe):
    """The same, but `t` may be a datetime."""

    def load(self, path):
        return read_rows(path, {"id": "key", "y": "number", "t": "time", "a": "number", "b": "number"})


@dataclass(frozen=True, kw_only=True)
class NumberRecipe(ToyRecipe):
    """Predicts the number `b` from `a`."""

    label: str = "b"
    task: str = "regression"

    def train(self, training, *, step):
        from sklearn.linear_model import LinearRegression

        rows = training.iloc[:: 1 if self.skill == "good" else 400]
        return Trained(model=LinearRegression().fit(rows[["a", "y"]].to_numpy(), rows["b"]))

    def score(self, trained, rows):
        return trained.model.predict(rows[["a", "y"]].to_numpy())


@dataclass(frozen=True, kw_only=True)
class ClassesRecipe(ToyRecipe):
    """Predicts one of three classes: the sum of `a` and `b`, in thirds."""

    label: str = "third"
    task: str = "multiclass"

    def load(self, path):
        rows = super().load(path)
        return rows.assign(third=np.digitize(rows["a"] + rows["b"], [-0.5, 0.5]))

    def score(self, trained, rows):
        return trained.model.predict_proba(rows[["a", "b"]].to_numpy())


class MuteRecipe(ToyRecipe):
    """Scores nothing."""

    def score(self, trained, rows):
        raise ZeroDivisionError("no scores today")


class NanRecipe(ToyRecipe):
    """Scores every row as NaN."""

    def score(self, trained, rows):
        return np.full(len(rows), np.nan)


def fit(training, recipe):
    from sklearn.linear_model import LogisticRegression

    features, labels = training[["a", "b"]].to_numpy(copy=True), training[recipe.label].to_numpy(copy=True)
    if recipe.skill == "weak":
        features[:, 1] = 0
    if recipe.skill == "noisy":
        np.random.default_rng(recipe.seed).shuffle(labels)
    if recipe.skill == "spoilt":
        labels = 1 - labels
    return LogisticRegression().fit(features, labels)


def synthetic_rows(n_rows=2400, *, seed=7, first_id=1000, first_t=0):
    """Return rows with 30 % positives, which both columns predict."""
    generator = np.random.default_rng(seed)
    labels = (generator.random(n_rows) < 0.3).astype(int)
    return pd.DataFrame(
        {
            "id": np.arange(first_id, first_id + n_rows),
            "y": labels,
            "t": np.arange(first_t, first_t + n_rows),
            "a": labels + generator.normal(size=n_rows),
            "b": labels + generator.normal(size=n_rows),
        }
    )


@dataclass(frozen=True, kw_only=True)
class CustomerRecipe(ToyRecipe):
    """The same for customers, whose numbers have leading zeros, in countries of two letters; one is `NA`.

    Attributes:
        by: whether rows are divided by `time`, or by the `hash` of their key.
    """

    by: Literal["time", "hash"] = "hash"

    def load(self, path):
        numbers = dict.fromkeys(("y", "t", "a", "b"), "number")
        return read_rows(path, {"id": "key", "country": "text", **numbers})

    def split(self, rows):
        return super().split(rows) if self.by == "time" else split_by_hash(rows, key="id", holdout=0.5)


@dataclass(frozen=True, kw_only=True)
class DaysRecipe(ToyRecipe):
    """Learns `y` from `a` and one of two equally good forecasts of the day, `p` or `q`."""

    uses: Literal["p", "q"] = "p"

    def load(self, path):
        numbers = dict.fromkeys(("y", "a", "p", "q"), "number")
        return read_rows(path, {"id": "key", "t": "time", "card": "text", **numbers})

    def train(self, training, *, step):
        from sklearn.linear_model import LogisticRegression

        return Trained(model=LogisticRegression().fit(training[["a", self.uses]].to_numpy(), training["y"]))

    def score(self, trained, rows):
        return trained.model.predict_proba(rows[["a", self.uses]].to_numpy())[:, 1]


@dataclass(frozen=True, kw_only=True)
class GroupedRecipe(DaysRecipe):
    """The same, and declares that rows of a day depend on each other."""

    group: str | dict[str, str] = "card"


@dataclass(frozen=True, kw_only=True)
class TimelessDaysRecipe(DaysRecipe):
    """The same without a time order of rows."""

    time: str | None = None


@dataclass(frozen=True, kw_only=True)
class HashedDaysRecipe(DaysRecipe):
    """The same, split by a hash, so that a time may be missing."""

    def split(self, rows):
        return split_by_hash(rows, key="id", holdout=0.5)


class MisgroupedRecipe(DaysRecipe):
    """Declares an invalid group."""

    group = {"window": "1d"}  # noqa: RUF012 - as somebody may write it


def rows_of_days(n_days=56, *, a_day=60, seed=51):
    """Return rows in time order, in seconds; the rows of a day share a probability of positives and two forecasts of it.

    `card` has one value per day, on all rows of that day, with as many values as days.
    """
    generator = np.random.default_rng(seed)
    day = np.repeat(np.arange(n_days), a_day)
    share = generator.normal(size=n_days)
    p, q = (share + generator.normal(size=n_days) for _ in "pq")
    a = generator.normal(size=len(day))
    labels = generator.random(len(day)) < 1 / (1 + np.exp(-(a + share[day])))
    return pd.DataFrame(
        {
            "id": np.arange(len(day)),
            "y": labels.astype(int),
            "t": day * 86400 + np.tile(np.linspace(0, 86399, a_day).astype(int), n_days),
            "card": [f"c{one}" for one in day],
            "a": a,
            "p": p[day],
            "q": q[day],
        }
    )
