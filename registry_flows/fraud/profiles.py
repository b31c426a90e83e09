"""Profiles of the real file's columns, read from `columns.json` into tables that the generator of `data` draws from.

Summary statistics of 1,500 rows, without any row: shares of missing values by product, and for each column the counts
of its values or a few quantiles. `data/derive_columns.py` makes the file from the real one.
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

SIZE = 2_048  # entries of a table; the one after the last stands for a missing value
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))  # spreads the categories' phases evenly
# Weight of each column's effect in the logit. Together they let a matched model reach a ROC AUC of about 0.87.
EFFECTS = {
    "ProductCD": 1.0,
    "P_emaildomain": 1.5,
    "R_emaildomain": 0.8,
    "card4": 0.9,
    "M1": 0.4,
    "M2": 0.6,
    "M3": 0.7,
}


@dataclass(frozen=True, eq=False)
class ColumnProfile:
    """Profile of one column: its table of values, typed and as text."""

    name: str
    entries: npt.NDArray[Any]  # (2049,) float64, int64 or str objects; the last stands for a missing value
    texts: npt.NDArray[np.object_]  # (2049,) str, "" for a missing value
    phases: Floats  # (2049,) each category's initial phase, in radians
    gap: int  # row of `Profiles.gaps`
    family: str  # columns of one family are drawn together; "" for a column on its own


@dataclass(frozen=True, eq=False)
class Profiles:
    """The content of ``columns.json``, ready to draw from."""

    header: tuple[str, ...]
    columns: tuple[ColumnProfile, ...]  # in the header's order, without those that the generator computes
    gaps: Floats  # (n_gaps, n_products) share of missing values
    products: npt.NDArray[np.intp]  # (2048,) the product of each entry of ProductCD's table
    amounts: Floats  # (n_products, 2) mean and standard deviation of the log amount
    fractions: Floats  # (n_products, n_fractions) equally likely cents

    def position(self, name: str) -> int:
        """Return the position of the column `name` among `columns`."""
        return [column.name for column in self.columns].index(name)


@functools.cache
def profiles() -> Profiles:
    """Read ``columns.json`` once."""
    raw = json.loads(resources.files("registry_flows.fraud").joinpath("columns.json").read_text("ascii"))
    products = list(raw["amounts"])
    columns = tuple(_column(name, spec, raw["probabilities"]) for name, spec in raw["columns"].items() if spec)
    of_product = columns[0].entries[:SIZE]
    return Profiles(
        header=tuple(raw["columns"]),
        columns=columns,
        gaps=np.array(raw["gaps"]),
        products=np.array([products.index(product) for product in of_product]),
        amounts=np.array([(amount["log_mean"], amount["log_sd"]) for amount in raw["amounts"].values()]),
        fractions=np.array([amount["fractions"] for amount in raw["amounts"].values()]),
    )


def _column(name: str, spec: dict[str, Any], probabilities: list[float]) -> ColumnProfile:
    """Expand a column's summary into a table of equally likely values."""
    at = (np.arange(SIZE) + 0.5) / SIZE
    rank = np.zeros(SIZE + 1, np.intp)
    if "counts" in spec:
        rank[:-1] = np.searchsorted(np.cumsum(spec["counts"]) / sum(spec["counts"]), at)
        rank[-1] = len(spec["values"])
        table = np.array(spec["values"], object)[rank[:-1]]
    else:
        table = np.expm1(np.interp(at, probabilities, np.log1p(spec["knots"])))
    entries = _typed(table, spec.get("unit", "whole"))
    start = float(list(EFFECTS).index(name)) if name in EFFECTS else 0.0
    return ColumnProfile(
        name=name,
        entries=entries,
        texts=np.array([*map(str, entries[:-1].tolist()), ""], object),
        phases=start + _GOLDEN_ANGLE * rank.astype(np.float64),
        gap=spec["gap"],
        family=f"{name[0]}{spec['gap']}" if name[0] in "CDV" and name[1:].isdigit() else "",
    )


def _typed(table: npt.NDArray[Any], unit: str) -> npt.NDArray[Any]:
    """Return the values in their column's type and rounding, with the entry for a missing value at the end."""
    if unit == "text":
        return np.array([*table, np.nan], object)
    numbers = table.astype(np.float64)
    if unit == "int":
        return np.append(np.rint(numbers).astype(np.int64), 0)  # such columns have no missing values
    if unit == "hours":  # the real file stores days in 24ths, cut to six digits, in single precision
        numbers = np.floor(np.rint(numbers * 24) / 24 * 1e6) / 1e6
    numbers = np.rint(numbers) if unit == "whole" else np.round(numbers, 6).astype(np.float32).astype(np.float64)
    return np.append(numbers, np.nan)
