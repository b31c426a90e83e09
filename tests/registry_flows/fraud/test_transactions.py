"""Raw transactions of a request are checked, and become the rows that the recipe scores."""

import json

import pandas as pd
import pytest

from promotion import DataError
from registry_flows.fraud.data import write
from registry_flows.fraud.recipe import AMOUNT, CATEGORIES, FraudRecipe

RAW = {"TransactionAmt": 59, "ProductCD": "W", "card4": None}


def test_the_rows_of_a_file_are_those_that_the_recipe_loads(tmp_path):
    write(tmp_path / "rows.csv", 300)
    loaded = FraudRecipe().load(tmp_path / "rows.csv")[[*CATEGORIES, AMOUNT]]
    raw = json.loads(pd.read_csv(tmp_path / "rows.csv").drop(columns="isFraud").to_json(orient="records"))
    pd.testing.assert_frame_equal(FraudRecipe().rows_from(raw), loaded.astype(dict.fromkeys(CATEGORIES, object)))


def test_what_is_missing_or_null_or_empty_is_nan():
    (row,) = FraudRecipe().rows_from([RAW | {"M1": ""}]).to_dict("records")
    assert row.pop("ProductCD") == "W"
    assert row.pop(AMOUNT) == 59
    assert pd.isna(list(row.values())).all()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"TransactionAmt": None}, "Transaction 2 needs 'TransactionAmt', a number from 0, but has none."),
        ({"TransactionAmt": "59"}, "Transaction 2 needs 'TransactionAmt', a number from 0, but has \"59\"."),
        ({"TransactionAmt": -1}, "Transaction 2 needs 'TransactionAmt', a number from 0, but has -1."),
        ({"TransactionAmt": True}, "Transaction 2 needs 'TransactionAmt', a number from 0, but has true."),
        ({"TransactionAmt": float("nan")}, "Transaction 2 needs 'TransactionAmt', a number from 0, but has NaN."),
        ({"TransactionAmt": 10**400}, "Transaction 2 needs 'TransactionAmt', a number from 0, but has 1000000000"),
        ({"card4": 4}, "Transaction 2 needs a text or null in 'card4', but has 4."),
        ({"card4": ["visa"]}, "Transaction 2 needs a text or null in 'card4', but has [\"visa\"]."),
        ({"Card4": "visa"}, "Transaction 2 has the field 'Card4', which is not a column of transactions. Did you mean 'card4'?"),
        ({"": 1}, "Transaction 2 has the field '', which is not a column of transactions. Leave it out."),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence(wrong, expected):
    with pytest.raises(DataError) as raised:
        FraudRecipe().rows_from([RAW, RAW | wrong])
    assert str(raised.value).startswith(expected)
