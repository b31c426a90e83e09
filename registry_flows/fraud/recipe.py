"""The fraud recipe: seven one-hot encoded categories and the amount, balanced classes, gradient-boosted trees.

The rows are those of Kaggle's IEEE-CIS `train_transaction.csv`. The model is the tutorial's, with two changes for fair
judging: the holdout is later in time and keeps its natural share of fraud, and the sampling is seeded.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from promotion import DataError, Split, Step, Trained, read_rows, repeatable, split_by_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from sklearn.preprocessing import OneHotEncoder
    from xgboost import XGBClassifier

CATEGORIES = ("ProductCD", "P_emaildomain", "R_emaildomain", "card4", "M1", "M2", "M3")
AMOUNT = "TransactionAmt"
_SCORED_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True)
class FraudRecipe:
    """The `promotion.Recipe` of `fraud_classifier`.

    Attributes:
        seed: random seed of the undersampling and of the trees.
        holdout: share of the rows, the latest ones, that judge.
        n_estimators, learning_rate, max_depth: hyperparameters of XGBoost.
        owner: the Bento label `owner`.
        group: column that groups dependent rows, such as `card1`; None if not set.
    """

    seed: int = 27
    holdout: float = 0.25
    n_estimators: int = 100
    learning_rate: float = 0.1
    max_depth: int = 3
    owner: str = "Cerebrium"

    key: str = "TransactionID"
    label: str = "isFraud"
    time: str | None = "TransactionDT"
    group: str | None = None

    @repeatable
    def load(self, path: Path) -> "pd.DataFrame":
        """Load the eleven columns that are needed of the file's 394, and the group column."""
        return read_rows(
            path,
            {
                **({self.group: "text"} if self.group else {}),
                "TransactionID": "key",
                "isFraud": "number",
                "TransactionDT": "number",
                AMOUNT: "number",
                **dict.fromkeys(CATEGORIES, "text"),
            },
        )

    def split(self, rows: "pd.DataFrame") -> Split:
        """Hold out the latest rows."""
        return split_by_time(rows, time="TransactionDT", holdout=self.holdout)

    def train(self, training: "pd.DataFrame", *, step: Step) -> Trained:
        """Balance the classes, fit the encoder, fit the trees."""
        balanced = balance(training, self.seed)
        encoder = step(train_ohe, balanced)
        classifier = step(train_xgb, balanced, encoder, self)
        return Trained(model=classifier, custom_objects={"ohe_encoder": encoder}, labels={"owner": self.owner})

    def score(self, trained: Trained, rows: "pd.DataFrame") -> NDArray[np.floating[Any]]:
        """Return the probability of fraud, shape (n_rows,)."""
        encoder = trained.custom_objects["ohe_encoder"]
        return np.concatenate([trained.model.predict_proba(features(part, encoder))[:, 1] for part in _parts(rows)])

    def rows_from(self, records: "Sequence[Mapping[str, Any]]") -> "pd.DataFrame":
        """Return raw transactions, as a service receives them, as `score` takes them."""
        from registry_flows.fraud.transactions import transactions

        return transactions(records, amount=AMOUNT, categories=CATEGORIES)


def balance(rows: "pd.DataFrame", seed: int) -> "pd.DataFrame":
    """Return all frauds and as many legitimate rows, drawn at random; in the order of the file.

    Raises:
        DataError: there is no fraud among the rows, or more fraud than other rows.
    """
    import pandas as pd

    frauds, legitimate = (pd.Series(np.flatnonzero(rows["isFraud"] == label)) for label in (1, 0))
    if not 0 < len(frauds) <= len(legitimate):
        raise DataError(
            f"The training rows must contain at least one fraud, and no more frauds than legitimate rows, but "
            f"{len(frauds):,} of the {len(rows):,} training rows are frauds. Use a file with more rows."
        )
    return rows.iloc[np.sort(pd.concat([frauds, legitimate.sample(n=len(frauds), random_state=seed)]))]


@repeatable
def train_ohe(rows: "pd.DataFrame") -> "OneHotEncoder":
    """Fit the one-hot encoder of the categories; it encodes an unseen category as zeros."""
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(handle_unknown="ignore").fit(_categories(rows))


def train_xgb(rows: "pd.DataFrame", encoder: "OneHotEncoder", recipe: FraudRecipe) -> "XGBClassifier":
    """Fit the gradient-boosted trees."""
    from xgboost import XGBClassifier

    classifier = XGBClassifier(
        n_estimators=recipe.n_estimators,
        learning_rate=recipe.learning_rate,
        max_depth=recipe.max_depth,
        min_child_weight=1,
        gamma=0,
        subsample=0.8,
        colsample_bytree=0.8,
        objective="binary:logistic",
        nthread=4,
        scale_pos_weight=1,
        seed=recipe.seed,
    )
    return classifier.fit(features(rows, encoder), rows["isFraud"].astype(int))


def features(rows: "pd.DataFrame", encoder: "OneHotEncoder") -> "pd.DataFrame":
    """Return the trees' input: one column per category value, and the amount; shape (n_rows, n_values + 1).

    `rows` are as loaded, with categories. Rows with the same categories are encoded once, because
    the encoder is slow on missing values.
    """
    import pandas as pd

    kinds = rows.groupby(list(CATEGORIES), observed=True, sort=False, dropna=False).ngroup().to_numpy()
    _, firsts = np.unique(kinds, return_index=True)
    distinct = encoder.transform(_categories(rows.iloc[firsts])).toarray().astype("float32")  # as the trees take them
    encoded = pd.DataFrame(distinct[kinds], columns=encoder.get_feature_names_out())
    encoded[AMOUNT] = rows[AMOUNT].to_numpy()
    return encoded


def _categories(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the categories as objects with NaN for missing values, as in a service that builds its rows by hand."""
    return rows[list(CATEGORIES)].astype(object)


def _parts(rows: "pd.DataFrame") -> "Iterator[pd.DataFrame]":
    """Yield the rows in parts, because encoded rows are wide."""
    for start in range(0, max(len(rows), 1), _SCORED_AT_ONCE):
        yield rows.iloc[start : start + _SCORED_AT_ONCE]
