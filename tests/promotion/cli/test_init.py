"""`promotion init`: writes a file that loads, or a recipe that runs, and keeps existing ones."""

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sources import web

import promotion
from promotion.config import load_config

__all__ = ["web"]


class TestInit:
    def test_writes_a_file_that_loads_and_keeps_one_that_is_there(self, command, tmp_path):
        code, out, _ = command("init")
        assert (code, out.split(".")[0]) == (0, "Wrote promotion")
        config = load_config()
        assert config.models["fraud_classifier"].recipe == "registry_flows.fraud:FraudRecipe"
        (tmp_path / "promotion.toml").write_text("# mine")
        code, out, err = command("init")
        assert (code, out) == (1, "")
        assert err == "Error: promotion.toml already exists and was not changed. Remove it first to start over.\n"
        assert (tmp_path / "promotion.toml").read_text() == "# mine"

    def test_a_folder_that_is_not_there_is_one_sentence(self, command):
        assert command("init", "absent") == (
            1,
            "",
            "Error: There is no folder absent. For a model named absent, run `promotion init absent --data DATA`.\n",
        )


def orders(n_rows=3000):
    generator = np.random.default_rng(3)
    rows = pd.DataFrame(
        {
            "CustomerID": generator.integers(0, 900, n_rows),
            "orderId": np.arange(n_rows) + 5,
            "orderDate": pd.date_range("2024-01-01", periods=n_rows, freq="h").strftime("%Y-%m-%d"),
            "amount": generator.normal(size=n_rows).round(3),
            "country": generator.choice(["de", "fr", "it", ""], n_rows),
            "zip": [f"0{number}" for number in generator.integers(1000, 9000, n_rows)],
            "one": 1,
            "vip": generator.integers(0, 2, n_rows),
        }
    )
    rows["isChurned"] = (rows["amount"] + (rows["country"] == "de") + generator.normal(size=n_rows) > 1).astype(int)
    rows.loc[::7, "amount"] = np.nan
    return rows


GUESSED = {"key": "orderId", "label": "isChurned", "time": "orderDate", "group": "CustomerID"}


class TestModel:
    @pytest.fixture(autouse=True)
    def no_terminal(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO())

    @pytest.fixture
    def data(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        orders().to_csv("orders.csv", index=False)
        return "orders.csv"

    @pytest.mark.slow
    def test_what_it_writes_trains_and_is_judged_as_it_is(self, data, command):
        code, out, err = command("init", "churn", "--data", data)
        assert (code, err) == (0, "")
        assert out == (
            "Wrote churn_recipe.py and the model 'churn' in promotion.toml.\n"
            "Key 'orderId', label 'isChurned', time 'orderDate', group 'CustomerID'. Guessed: correct them in the recipe, or "
            "start over with --key --label --time --group.\n"
            "Learns from 2 columns of numbers and 1 of text; left out (texts with many values, or one value only): zip, one.\n"
            "The holdout has 912 rows, 276 of them labelled 1; the policy in promotion.toml requires at least 500 rows, and 50 of each label.\n"
            "`promotion retrain churn` trains and judges a first version.\n"
        )
        retrain = [sys.executable, "-m", "promotion", "retrain", "churn"]
        trained = subprocess.run(retrain, capture_output=True, text=True, check=False)
        assert trained.returncode == 0, trained.stderr
        assert trained.stdout.startswith("PROMOTED  churn:")
        assert promotion.open().champion("churn") is not None

    @pytest.mark.parametrize("form", ["csv", "semicolons", "parquet"])
    def test_each_format_gives_the_same_guesses(self, data, command, form):
        path = {"csv": data, "semicolons": "semi.csv", "parquet": "orders.parquet"}[form]
        orders().to_csv("semi.csv", sep=";", decimal=",", index=False)
        orders().to_parquet("orders.parquet")
        found = json.loads(command("init", "churn", "--data", path, "--json")[1])
        assert found == {
            "written": ["churn_recipe.py", "promotion.toml"],
            **GUESSED,
            "guessed": list(GUESSED),
            "numbers": ["amount", "vip"],
            "texts": ["country"],
            "left_out": ["zip", "one"],
            "holdout_rows": 912,
        }

    @pytest.mark.parametrize("named", ["parts", "parts/*.parquet"])
    def test_of_several_files_the_first_gives_the_columns_and_all_are_the_data(self, data, command, tmp_path, named):
        (tmp_path / "parts").mkdir()
        orders()[:1000].to_parquet("parts/1.parquet")
        orders()[1000:].to_parquet("parts/2.parquet")
        found = json.loads(command("init", "churn", "--data", named, "--json")[1])
        assert ({role: found[role] for role in GUESSED}, found["holdout_rows"]) == (GUESSED, 912)
        assert load_config().models["churn"].data == named

    def test_of_a_url_the_address_is_the_data_and_errors_name_it(self, data, command, tmp_path, web):
        (tmp_path / data).rename(web.folder / "orders.csv")
        (web.folder / "none.csv").write_text("a,b\n")
        url = f"{web.url}/orders.csv"
        assert command("init", "churn", "--data", f"{web.url}/none.csv")[2] == (
            f"Error: {web.url}/none.csv has no rows below its header.\n"
        )
        assert command("init", "churn", "--data", url, "--key", "nope")[2] == (
            f"Error: There is no column 'nope'. Did you mean 'one'? Name a column of {url}.\n"
        )
        found = json.loads(command("init", "churn", "--data", url, "--json")[1])
        assert ({role: found[role] for role in GUESSED}, found["holdout_rows"]) == (GUESSED, 912)
        assert load_config().models["churn"].data == url

    def test_options_override_guesses_and_settings_are_added_to(self, data, command, tmp_path):
        command("init")
        before = (tmp_path / "promotion.toml").read_text()
        words = ("--key", "orderId", "--label", "vip", "--time", "none", "--group", "none")
        found = json.loads(command("init", "big-3.1", "--data", data, *words, "--json")[1])
        assert [found[role] for role in GUESSED] == ["orderId", "vip", None, None]
        assert found["guessed"] == []
        config = load_config()
        assert config.models["big-3.1"].recipe == "big_3_1_recipe:Big31Recipe"
        assert "fraud_classifier" in config.models
        assert (tmp_path / "promotion.toml").read_text().startswith(before)
        assert 'split_by_hash(rows, key="orderId", holdout=0.3)' in (tmp_path / "big_3_1_recipe.py").read_text()

    def test_at_a_terminal_it_asks_with_the_guess_as_default(self, data, command, monkeypatch):
        terminal = io.StringIO("\nvip\nnone\n\n")
        terminal.isatty = lambda: True
        monkeypatch.setattr("sys.stdin", terminal)
        code, out, err = command("init", "churn", "--data", data)
        assert (code, out.splitlines()[1]) == (0, "Key 'orderId', label 'vip', no time, group 'CustomerID'.")
        assert "Column that orders rows in time, or none [orderDate]:" in err

    def test_a_column_that_is_a_number_at_first_only_is_text(self, data, command, monkeypatch):
        monkeypatch.setattr("promotion.cli.columns.SAMPLE", 500)
        rows = orders().assign(size="7")
        rows.loc[::3, "size"] = "8"
        rows.loc[2500, "size"] = "large"
        rows.to_csv(data, index=False)
        assert json.loads(command("init", "churn", "--data", data, "--json")[1])["texts"] == ["country", "size"]

    def test_labels_with_a_fraction_or_as_truth_values_are_found_and_a_time_in_another_form_is_named(
        self, command, tmp_path
    ):
        rows = orders().drop(columns=["vip", "CustomerID"])
        rows["orderDate"] = pd.to_datetime(rows["orderDate"]).dt.strftime("%d/%m/%Y")
        rows.assign(isChurned=rows["isChurned"].astype(float)).to_csv(tmp_path / "floats.csv", index=False)
        rows.assign(isChurned=rows["isChurned"].astype(bool)).to_parquet(tmp_path / "truths.parquet")
        for model, name in (("one", "floats.csv"), ("two", "truths.parquet")):
            code, out, _ = command("init", model, "--data", tmp_path / name)
            assert code == 0
            assert "label 'isChurned', no time, no group." in out
            assert "'orderDate' may be a time, but is not in ISO 8601 (2024-12-31 or 2024-12-31T14:30)" in out

    def test_nothing_is_overwritten(self, data, command, tmp_path):
        (tmp_path / "churn_recipe.py").write_text("# mine")
        code, _, err = command("init", "churn", "--data", data)
        assert (code, err) == (
            1,
            "Error: churn_recipe.py already exists and was not changed. Remove it first to start over.\n",
        )
        assert (tmp_path / "churn_recipe.py").read_text() == "# mine"
        assert not (tmp_path / "promotion.toml").exists()
        (tmp_path / "promotion.toml").write_text("[models.churn]\n")
        assert command("init", "churn", "--data", data)[2] == (
            "Error: promotion.toml already has a model 'churn', so nothing was changed. Choose another name.\n"
        )
        assert (tmp_path / "promotion.toml").read_text() == "[models.churn]\n"

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--data", "orders.csv"], "Name the new model: `promotion init MODEL --data DATA`."),
            (["churn", "--key", "a"], "--key, --label, --time and --group describe the columns of data. Add --data DATA."),
            (["churn", "--data", "two.csv"], "two.csv has no column that is clearly the label: expected a single column of 0 and 1"),
            (["churn", "--data", "flags.csv"], "flags.csv has no column that is clearly the label: expected a single column of 0 and 1 that is named like a label. Name it with --label. Columns of 0 and 1 are: new, back."),
            (["churn", "--data", "orders.csv", "--key", "nope"], "There is no column 'nope'. Did you mean 'one'? Name a column of orders.csv."),
            (["churn", "--data", "orders.csv", "--label", "amount"], "Column 'amount' of orders.csv must hold 0 or 1, but row 1"),
            (["churn", "--data", "orders.csv", "--key", "one"], "Column 'one' identifies the rows of orders.csv and must be unique"),
            (["churn", "--data", "none.csv"], "none.csv has no rows below its header."),
            (["churn", "--data", "words.csv", "--label", "a"], "Column 'a' of words.csv must hold numbers, but row 1 holds 'yes'. The label says with 1 and 0 what to predict, in every row. Change the file,"),
            (["churn", "--data", "same.csv"], "same.csv has no column that is clearly the key: expected a unique column. Name it with --key, or add a column"),
            (["churn", "--data", "https://me:s3cret@host/a.csv?sig=s3cret"], "--data contains a password or parameters (https://***@host/a.csv?***), which the settings would keep. Name a file"),
            (["churn", "--data", "absent.csv"], "There is no data file at absent.csv."),
        ],
    )  # fmt: skip
    def test_a_mistake_is_one_sentence_and_writes_nothing(self, data, command, tmp_path, words, sentence):
        (tmp_path / "two.csv").write_text("a,b\n1,2\n")
        (tmp_path / "none.csv").write_text("a,b\n")
        (tmp_path / "flags.csv").write_text("id,new,back,n\n1,0,true,5\n2,1,false,6\n")
        (tmp_path / "same.csv").write_text("y,b\n1,2\n0,2\n")
        (tmp_path / "words.csv").write_text("id,a,b\n1,yes,2\n2,no,3\n")
        code, out, err = command("init", *words)
        assert (code in {1, 2}, out) == (True, "")
        assert err.startswith(f"Error: {sentence}")
        assert not (tmp_path / "promotion.toml").exists()
