"""Make `registry_flows/fraud/columns.json` from a real train_transaction.csv: summary statistics, no rows.

python data/derive_columns.py data/train_transaction.csv > registry_flows/fraud/columns.json
"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

ROWS = 1_500
COMPUTED = ("TransactionID", "isFraud", "TransactionDT", "TransactionAmt")  # the generator has its own ways for these
PROBABILITIES = (0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1)
COUNTED = ("card5", "addr1")  # codes, though they look like amounts
HOURS = ("D8", "D9")  # days in 24ths


def main(path: Annotated[Path, typer.Argument(help="The real file.")]) -> None:
    """Print the profiles of the first rows."""
    rows = pd.read_csv(path, nrows=ROWS)
    products = list(rows["ProductCD"].value_counts().index)
    patterns: dict[bytes, int] = {}
    gaps: list[list[float]] = []
    columns: dict[str, dict[str, Any]] = {}
    for name in rows:
        if name in COMPUTED:
            columns[name] = {}
            continue
        pattern = rows[name].isna().to_numpy().tobytes()
        if pattern not in patterns:
            patterns[pattern] = len(gaps)
            gaps.append([round(float(rows[name].isna()[rows["ProductCD"] == one].mean()), 4) for one in products])
        columns[name] = {"gap": patterns[pattern], **_profile(rows[name].dropna(), name)}
    amounts = {one: _amount(rows["TransactionAmt"][rows["ProductCD"] == one]) for one in products}
    _print(len(rows), amounts, gaps, columns)


def _profile(values: "pd.Series[Any]", name: str) -> dict[str, Any]:
    """The counts of a column's values, or its quantiles where there are many."""
    if values.dtype.kind not in "if":
        counts = values.value_counts()
        return {"values": list(counts.index), "counts": [int(one) for one in counts], "unit": "text"}
    whole = bool((values % 1 == 0).all())
    if values.nunique() <= 12 or name in COUNTED:
        counts = values.value_counts().sort_index()
        profile: dict[str, Any] = {
            "values": [_short(one) for one in counts.index],
            "counts": [int(one) for one in counts],
        }
    else:
        knots = np.quantile(values, PROBABILITIES, method="inverted_cdf")
        profile = {"knots": [_short(one if whole else round(float(one), 3)) for one in knots]}
    unit = "hours" if name in HOURS else "int" if values.dtype.kind == "i" else "whole" if whole else "cents"
    return profile if unit == "whole" else {**profile, "unit": unit}


def _amount(amounts: "pd.Series[float]") -> dict[str, Any]:
    logs, cents = np.log(amounts), np.round(amounts % 1, 3)
    usual = np.quantile(cents, np.linspace(0, 1, 21), method="inverted_cdf")
    return {
        "log_mean": round(float(logs.mean()), 3),
        "log_sd": round(float(logs.std()), 3),
        "fractions": [_short(one) for one in usual],
    }


def _short(number: float) -> float:
    number = float(number)
    return int(number) if number == int(number) else round(number, 4)


def _print(rows: int, amounts: object, gaps: object, columns: dict[str, Any]) -> None:
    tight = (",", ":")
    lines = [f"{json.dumps(name)}:{json.dumps(one, separators=tight)}" for name, one in columns.items()]
    print("{")
    print(f'"source": "counts, knots and gap shares of the first {rows} rows of train_transaction.csv; no rows",')
    print(f'"amounts": {json.dumps(amounts)},')
    print(f'"probabilities": {json.dumps(PROBABILITIES)},')
    print(f'"gaps": {json.dumps(gaps, separators=tight)},')
    print('"columns": {\n' + ",\n".join(lines) + "\n}\n}")


if __name__ == "__main__":
    typer.run(main)
