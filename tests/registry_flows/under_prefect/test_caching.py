"""Rows and values that flows cache across runs."""

import importlib
import re

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from recipes import ToyRecipe, synthetic_rows

from promotion import repeatable
from promotion.errors import ConfigError, DataError
from promotion.policy import Policy
from promotion.registry.data import Reader
from promotion.registry.recipes import code_digest
from registry_flows.under_prefect.caching import KeptRows, inputs_key, kept_rows

KEY = "0" * 64


class TidyRecipe(ToyRecipe):
    """The toy recipe, which says that it reads repeatably."""

    @repeatable
    def load(self, path):
        return super().load(path)


@pytest.fixture
def notices():
    return []


@pytest.fixture
def kept(tmp_path, notices):
    return KeptRows(tmp_path / "rows", most=3, notice=notices.append)


def unread():
    pytest.fail("the rows were read again")


def typical():
    """A frame with every type that `read_rows` returns, and its own index."""
    return pd.DataFrame(
        {
            "key": pd.array(["a", "b", None], dtype="str"),
            "id": [1, 2, 3],
            "number": [0.1, np.nan, -0.0],
            "text": pd.Categorical(["x", None, "y"], categories=["z", "y", "x"]),
        },
        index=[5, 7, 6],
    )


class TestKeptRows:
    def test_they_come_back_as_they_were(self, kept, notices):
        assert_frame_equal(kept(KEY, typical), typical(), check_exact=True)
        assert kept.holds(KEY)
        assert_frame_equal(kept(KEY, unread), typical(), check_exact=True)
        assert notices == []

    @pytest.mark.parametrize("damage", [lambda old: old[:-1], lambda old: old[:400] + b"\0" + old[401:], lambda _: b""])
    def test_a_damaged_file_gives_a_notice_and_is_written_again(self, kept, notices, tmp_path, damage):
        kept(KEY, typical)
        path = tmp_path / "rows" / f"{KEY}.arrow"
        path.write_bytes(damage(path.read_bytes()))
        assert_frame_equal(kept(KEY, typical), typical())
        assert notices == [
            f"The cached rows in {path} cannot be used (the file is damaged or truncated), so the data file is read again."
        ]
        assert_frame_equal(kept(KEY, unread), typical())

    @pytest.mark.parametrize(
        "strange", [{"o": [1, "one"]}, {"o": pd.Series(["a", "b"], dtype=object)}, {"o": [{1}, {2}]}]
    )
    def test_rows_that_arrow_would_change_are_read_each_time(self, kept, notices, strange):
        rows = pd.DataFrame(strange)
        assert kept(KEY, lambda: rows) is rows
        assert not kept.holds(KEY)
        assert notices[0].startswith("The rows could not be cached (Arrow cannot store them unchanged:")

    def test_a_folder_that_cannot_be_written_stops_nothing(self, tmp_path, notices):
        (tmp_path / "rows").write_text("a file where the folder should be")
        kept = KeptRows(tmp_path / "rows", most=3, notice=notices.append)
        assert_frame_equal(kept(KEY, typical), typical())
        assert "so the next run reads the data file again." in notices[-1]

    def test_only_the_last_used_files_are_kept(self, kept, tmp_path):
        for name in "abcd":
            kept(name, typical)
            kept("a", unread)
        assert {path.stem for path in (tmp_path / "rows").iterdir()} == {"a", "c", "d"}


class TestKeysOfRows:
    @pytest.fixture
    def key(self, settings_of_toy):
        def key(recipe="TidyRecipe", data=None, **options):
            toy = settings_of_toy.models["toy"].model_copy(update={"recipe": f"{__name__}:{recipe}"})
            config = settings_of_toy.model_copy(update={"models": {"toy": toy}})
            return Reader(config).key("toy", data, options=options)

        return key

    def test_file_options_recipe_and_code_make_the_key(self, key, rows_file, monkeypatch):
        first = key()
        rows_file.with_name("copy.csv").write_bytes(rows_file.read_bytes())
        assert first == key() == key(data="copy.csv")
        assert first != key(seed=28)
        text = rows_file.read_text()
        rows_file.write_text(text.replace("1", "2", 1))
        assert key() != first
        rows_file.write_text(text)
        assert key() == first
        monkeypatch.setattr("promotion.registry.loaded.code_digest", lambda kind: "edited")
        assert key() != first

    def test_the_modules_that_a_recipe_imports_make_the_key_too(self, tmp_path, monkeypatch):
        """Otherwise, a version would be trained and judged on rows that the recipe no longer makes."""
        package = tmp_path / "own_rows"
        package.mkdir()
        files = {
            "__init__": "",
            "recipe": "import pandas\nfrom own_rows import named\nfrom . import features\n\nclass Recipe:\n    pass\n",
            "named": "import own_missing\n",
            "features": "def derive(rows):\n    from own_rows.later import deeper\n    return deeper(rows)\n",
            "later": "def deeper(rows):\n    return rows\n",
            "unused": "",
        }
        for name, text in files.items():
            (package / f"{name}.py").write_text(text)
        (tmp_path / "own_missing.py").write_text("")
        monkeypatch.syspath_prepend(tmp_path)
        kind = importlib.import_module("own_rows.recipe").Recipe
        step = importlib.import_module("own_rows.features").derive
        first, first_step = code_digest(kind), inputs_key(step, {})
        for name in ("recipe", "named", "features", "later", "../own_missing"):
            (package / f"{name}.py").write_text(f"{files.get(name, '')}# edited\n")
            assert code_digest(kind) != first, name
            assert (inputs_key(step, {}) != first_step) == (name in {"features", "later"}), name
            (package / f"{name}.py").write_text(files.get(name, ""))
        (package / "unused.py").write_text("# edited")
        assert code_digest(kind) == first

    def test_an_unmarked_recipe_has_no_key(self, key):
        assert key("ToyRecipe") is None

    def test_every_reader_reads_what_was_kept_even_under_another_policy(self, settings_of_toy, kept, monkeypatch):
        toy = settings_of_toy.models["toy"].model_copy(update={"recipe": f"{__name__}:TidyRecipe"})
        aged = toy.model_copy(update={"mature_after": 100.0})
        config = settings_of_toy.model_copy(update={"models": {"toy": toy, "aged": aged}})
        _, data = Reader(config, kept).load("toy")
        monkeypatch.setattr("recipes.read_rows", lambda *_: unread())
        _, again = Reader(config, kept).load("toy")
        assert_frame_equal(again.rows, data.rows)
        assert again.digest == data.digest
        assert Reader(config, kept).load("aged")[1].immature == 100

    def test_a_policy_that_cannot_judge_the_recipe_is_found_before_a_row_is_read(self, settings_of_toy, monkeypatch):
        monkeypatch.setattr("recipes.read_rows", lambda *_: unread())
        losses = Policy.from_toml({"primary": {"metric": "rmse"}})
        toy = settings_of_toy.models["toy"].model_copy(update={"policy": losses})
        config = settings_of_toy.model_copy(update={"models": {"toy": toy}})
        Reader(settings_of_toy).fits("toy")
        told = "The policy's metrics apply to regression models, but the task of 'recipes:ToyRecipe' is 'binary'. Name"
        with pytest.raises(ConfigError, match=re.escape(told)):
            Reader(config).fits("toy")

    def test_a_file_that_changes_while_it_is_read_is_refused_and_not_kept(
        self, settings_of_toy, kept, rows_file, monkeypatch
    ):
        def growing(path, columns):
            with path.open("a") as file:
                file.write("9999,1,9999,0.5,0.5\n")
            return synthetic_rows()

        toy = settings_of_toy.models["toy"].model_copy(update={"recipe": f"{__name__}:TidyRecipe"})
        config = settings_of_toy.model_copy(update={"models": {"toy": toy}})
        monkeypatch.setattr("recipes.read_rows", growing)
        with pytest.raises(DataError) as raised:
            Reader(config, kept).load("toy")
        assert str(raised.value) == (
            f"{rows_file} changed while it was read. Wait until it is completely written, and run the command again."
        )
        assert list(rows_file.parent.glob("rows/*")) == []


class TestKeysOfInputs:
    def test_equal_inputs_have_one_key_and_others_another(self):
        def step(rows, number):
            return rows, number

        first = inputs_key(step, {"rows": typical(), "number": 1})
        assert first == inputs_key(step, {"rows": typical(), "number": 1})
        others = [
            {"rows": typical(), "number": 2},
            {"rows": typical().iloc[::-1], "number": 1},
            {"rows": typical().rename(columns={"id": "di"}), "number": 1},
            {"rows": typical().assign(number=[0.1, np.nan, 0.5]), "number": 1},
            {"rows": typical().assign(text="x"), "number": 1},
        ]
        assert len({first, *(inputs_key(step, other) for other in others)}) == 6
        assert inputs_key(step, {"rows": typical(), "number": object()}) is None
        assert inputs_key(step, {"rows": typical(), "number": float("nan")}) is None


def test_a_project_keeps_the_rows_of_two_files_a_model(settings_of_toy, tmp_path):
    keeper = kept_rows(settings_of_toy, print)
    for name in "abc":
        keeper(name, typical)
    assert {path.stem for path in (tmp_path / ".promotion/cache/rows").iterdir()} == {"b", "c"}
