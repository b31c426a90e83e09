"""Raw transactions of a request, as in the data file without its label, and as the recipe loads rows."""

import json
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from promotion import DataError
from registry_flows.fraud.profiles import profiles

if TYPE_CHECKING:
    import pandas as pd


def transactions(records: Sequence[Mapping[str, Any]], *, amount: str, categories: Sequence[str]) -> "pd.DataFrame":
    """Return the amount and the categories of transactions; a category that is missing or null is NaN.

    Raises:
        DataError: a transaction has no amount, or one that is not a number from 0; a category is
            not a text; or a name is not a column of the data file.
    """
    import numpy as np
    import pandas as pd

    for number, record in enumerate(records, start=1):
        _check(record, f"Transaction {number}", amount, categories)
    columns = {name: [_text(record.get(name)) for record in records] for name in categories}
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    frame[amount] = np.array([record[amount] for record in records], dtype=np.float64)
    return frame


def _check(record: Mapping[str, Any], what: str, amount: str, categories: Sequence[str]) -> None:
    for name in record.keys() - _columns():
        near = get_close_matches(name, _columns(), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else " Leave it out."
        raise DataError(f"{what} has the field '{name}', which is not a column of transactions.{hint}", column=name)
    found = record.get(amount)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= sys.float_info.max:
        shown = "has none" if found is None else f"has {json.dumps(found)[:40]}"
        raise DataError(f"{what} needs '{amount}', a number from 0, but {shown}.", column=amount)
    for name in categories:
        if not isinstance(record.get(name), str | None):
            shown = json.dumps(record[name])[:40]
            raise DataError(f"{what} needs a text or null in '{name}', but has {shown}.", column=name)


def _text(value: str | None) -> Any:
    """Return a category; like an empty field of a file, an empty text is missing."""
    return value or float("nan")


@cache
def _columns() -> frozenset[str]:
    """Return the columns of the data file."""
    return frozenset(profiles().header)
