import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from situation import snapshot

from promotion.cli.predictions import parse_slicing
from promotion.comparison import Slicing, compare
from promotion.errors import ConfigError

POLICY = """
primary = { metric = "average_precision" }
slices = [ { by = "card", metric = "roc_auc", max_loss = 0.02 } ]
metrics = ["average_precision", "roc_auc", "expected_cost(fp=5, fn='amount')"]
"""
ASKED = ("--label", "y", "--champion", "old", "--challenger", "new")


@pytest.fixture
def predictions(tmp_path):
    """`p.csv` with the scores of two models on 2,000 rows, without settings or a store."""
    rng = np.random.default_rng(3)
    y = (rng.random(2000) < 0.3).astype(int)
    rows = pd.DataFrame(
        {
            "y": y,
            "old": 1 / (1 + np.exp(1 - y + rng.normal(size=2000))),
            "new": 1 / (1 + np.exp(2 - 4 * y + rng.normal(size=2000))),
            "card": rng.choice(["visa", "amex", None], size=2000),
            "amount": rng.lognormal(4, 1, 2000).round(2),
            "t": np.arange(2000) * 100,
            "w": rng.integers(0, 3, 2000),
        }
    )
    rows.to_csv("p.csv", index=False)
    return rows


class TestFile:
    def test_needs_nothing_and_leaves_nothing(self, predictions, command, tmp_path):
        before = snapshot(tmp_path)
        code, out, err = command("compare", "p.csv", *ASKED)
        assert (code, err) == (0, "")
        assert [line.strip() for line in out.splitlines()[:3]] == [
            "new against old",
            "new is significantly better by average_precision, roc_auc, log_loss, brier_score (95 % confidence each).",
            f"Compared as binary models on 2,000 rows ({predictions['y'].sum()} positive) of p.csv.",
        ]
        assert "Shift of the scores (population stability index)" in out
        assert snapshot(tmp_path) == before

    def test_says_the_numbers_of_the_library(self, predictions, command):
        words = ("--metric", "roc_auc", "--slice", "card", "--slice", "amount:4", "--slice", "t/86400", "--weight", "w")
        found = json.loads(command("compare", "p.csv", *ASKED, *words, "--confidence", "0.9", "--json")[1])
        p = predictions
        wanted = compare(
            p["y"],
            p["old"],
            p["new"],
            metrics=["roc_auc"],
            sample_weight=p["w"],
            slices=["card", Slicing(by=("amount",), bins=4), Slicing(by=("t",), window=86400.0)],
            columns=p,
            confidence=0.9,
        )
        assert found["compared"] == {"champion": "old", "challenger": "new"}
        assert found["metrics"][0]["gain"] == pytest.approx(wanted["roc_auc"].gain, abs=1e-12)
        assert found["metrics"][0]["low"] == pytest.approx(wanted["roc_auc"].low, abs=1e-12)
        assert [(part["by"], part["value"], part["rows"]) for part in found["slices"]] == [
            (part.by, part.value, part.rows) for part in wanted.slices
        ]
        assert len({part["by"] for part in found["slices"]}) == 3

    def test_a_parquet_file_and_markdown_say_the_same(self, predictions, command):
        predictions.to_parquet("p.parquet")
        markdown = command("compare", "p.csv", *ASKED, "--slice", "card,t/86400", "--slice", "card", "--markdown")
        assert markdown[0] == 1  # 't/86400' crossed with a column is not a window
        csv = command("compare", "p.csv", *ASKED, "--slice", "card", "--markdown")[1]
        parquet = command("compare", "p.parquet", *ASKED, "--slice", "card", "--markdown")[1]
        assert parquet == csv.replace("p.csv", "p.parquet")
        assert csv.startswith("### new against old\n\nnew is significantly better by ")
        assert "| (missing) | " in csv

    def test_several_columns_are_classes_and_other_labels_are_numbers(self, command):
        rng = np.random.default_rng(4)
        y = rng.integers(0, 3, 1500)
        sharp, dull = (np.exp(s * np.eye(3)[y] + rng.normal(size=(1500, 3))) for s in (3.0, 1.0))
        frame = {f"n{i}": (sharp / sharp.sum(1, keepdims=True))[:, i] for i in range(3)}
        frame |= {f"o{i}": (dull / dull.sum(1, keepdims=True))[:, i] for i in range(3)}
        pd.DataFrame({"y": y, **frame}).to_csv("m.csv", index=False)
        price = rng.normal(1e5, 3e4, 1500)
        wrong = rng.normal(size=1500)
        pd.DataFrame({"y": price, "o": price + 5e3 * wrong, "n": price + 1e3 * wrong}).to_csv("r.csv", index=False)

        classes = command("compare", "m.csv", "--label", "y", "--champion", "o0,o1,o2", "--challenger", "n0,n1,n2")
        numbers = command("compare", "r.csv", "--label", "y", "--champion", "o", "--challenger", "n")
        assert classes[1].splitlines()[:2] == [
            "n0 … n2 against o0 … o2",
            "n0 … n2 is significantly better by log_loss, brier_score, accuracy, balanced_accuracy (95 % confidence each).",
        ]
        assert numbers[1].splitlines()[2] == "Compared as regression models on 1,500 rows of r.csv."

    @pytest.mark.parametrize(
        ("sides", "code", "head"),
        [(("old", "new"), 0, "PROMOTE  new against old"), (("new", "old"), 3, "REJECT  old against new")],
    )
    def test_a_policy_gives_a_verdict_by_exit_code(self, predictions, command, tmp_path, sides, code, head):
        (tmp_path / "policy.toml").write_text(POLICY)
        asked = ("--label", "y", "--champion", sides[0], "--challenger", sides[1], "--policy", "policy.toml")
        found, out, _ = command("compare", "p.csv", *asked)
        assert (found, out.splitlines()[0]) == (code, head)
        assert "The primary metric was tested at the 5 % level. This command uses no holdout budget." in out
        assert json.loads(command("compare", "p.csv", *asked, "--json")[1])["alpha"] == pytest.approx(0.05)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["p.csv", "policy.toml"]

    def test_too_little_evidence_is_held(self, predictions, command, tmp_path):
        (tmp_path / "policy.toml").write_text('min_rows = 5000\nprimary = { metric = "roc_auc" }')
        code, out, _ = command("compare", "p.csv", *ASKED, "--policy", "policy.toml")
        assert (code, out.splitlines()[0]) == (4, "HOLD  new against old")

    def test_scores_that_are_missing_are_named_and_fail(self, predictions, command):
        predictions.assign(new=predictions["new"].where(predictions["t"] > 500)).to_csv("p.csv", index=False)
        code, out, _ = command("compare", "p.csv", *ASKED)
        assert (code, out.splitlines()[1]) == (1, "Nothing could be compared.")
        assert "What could not be compared" in out


def of_one(asked, command):
    """The file compared by one metric with more options, as the library's own numbers."""
    code, out, err = command("compare", "p.csv", *ASKED, "--metric", "roc_auc", *asked, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


DAY = ("--time-unit", "s")
DRAWS = {
    "column": (("--group", "card"), lambda p: {"groups": p["card"]}, "2 groups by card"),
    "windows in the column's unit": (("--group", "t/86400"), lambda p: {"groups": p["t"] // 86400}, "12 groups by t in windows of 86400"),
    "windows in days": (("--group", "t/1d", *DAY), lambda p: {"groups": p["t"] // 86400}, "12 groups by t in windows of 1d"),
    "days": (("--time", "t", *DAY), lambda p: {"time": p["t"], "day": 86400.0}, "12 blocks of 1 day"),
    "parts": (("--time", "t"), lambda p: {"time": p["t"]}, "20 equal parts of the time span"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "drawn", "said"), DRAWS.values(), ids=DRAWS)
def test_what_is_a_draw_gives_the_numbers_of_the_library(predictions, command, asked, drawn, said):
    """Groups that share an error of their own, so that each way of drawing comes to another error."""
    p = predictions.assign(t=predictions["t"] * 5, card=predictions["card"].fillna("visa"))
    p["new"] = (p["new"] + (p["t"] // 86400 % 3) / 4).clip(upper=1)
    p.to_csv("p.csv", index=False)
    (found,) = of_one(asked, command)["metrics"]
    wanted = compare(p["y"], p["old"], p["new"], metrics=["roc_auc"], **drawn(p))["roc_auc"]
    assert (found["stderr"], found["dof"], found["low"]) == pytest.approx((wanted.stderr, wanted.dof, wanted.low))
    assert found["stderr"] != pytest.approx(of_one((), command)["metrics"][0]["stderr"], rel=1e-3)
    page = command("compare", "p.csv", *ASKED, *asked)[1]
    assert said in page.split("Standard errors ")[1]


def test_a_policy_judges_by_groups_and_holds_where_they_are_few(predictions, command, tmp_path):
    (tmp_path / "policy.toml").write_text('primary = { metric = "roc_auc" }')
    by_policy = ("compare", "p.csv", *ASKED, "--policy", "policy.toml")
    assert command(*by_policy)[0] == 0
    code, out, _ = command(*by_policy, "--group", "card")  # two cards, and no card
    assert code == 4
    assert "The rows come from 3 groups by card, effective number 3 (Kish), too few to estimate a standard error" in out


class TestTags:
    def test_two_versions_are_compared_on_rows_that_trained_neither(self, with_champion, command):
        code, out, err = command("compare", "toy:weak", "toy:good")
        assert (code, err) == (0, "")
        assert out.splitlines()[0].strip() == "toy:good against toy:weak"
        assert "Compared as binary models on 1,200 rows" in out
        found = json.loads(command("compare", "toy:weak", "toy:good", "--json")[1])
        assert found["compared"] == {"champion": "toy:weak", "challenger": "toy:good"}
        back = json.loads(command("compare", "toy:good", "toy:weak", "--json")[1])
        assert back["metrics"][0]["gain"] == pytest.approx(-found["metrics"][0]["gain"])

    def test_nothing_is_recorded(self, with_champion, command):
        before = command("history", "toy", "--json")[1]
        command("compare", "toy:weak", "toy:good", "--data", "rows.csv")
        assert command("history", "toy", "--json")[1] == before


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_slices_are_by_the_text_that_is_written(predictions, command, kind):
    codes = {
        "branch": ["01", "1", "2", "10"],
        "country": ["NA", "ZA", "null", ""],
        "part": ["1e2", "100", "0x1", "1.0"],
    }
    rows = predictions.assign(**{name: np.resize(values, 2000) for name, values in codes.items()})
    if kind == "csv":
        rows.to_csv("p.csv", index=False)
    else:
        rows.replace({"country": {"": None}}).to_parquet("p.parquet")
    words = [word for name in codes for word in ("--slice", name)]
    found = json.loads(command("compare", f"p.{kind}", *ASKED, "--metric", "roc_auc", *words, "--json")[1])
    by = {name: [part["value"] for part in found["slices"] if part["by"] == name] for name in codes}
    assert by == {
        "branch": ["01", "1", "2", "10"],
        "country": ["NA", "ZA", "null", "(missing)"],
        "part": ["1.0", "100", "0x1", "1e2"],
    }
    assert {part["rows"] for part in found["slices"]} == {500}


def test_whole_numbers_of_any_type_are_the_slices_that_a_csv_file_gives(predictions, command):
    predictions = predictions.assign(amount=predictions["w"] + 1)
    predictions.to_csv("p.csv", index=False)
    pages = [command("compare", "p.csv", *ASKED, "--slice", "amount", "--json")[1].replace("p.csv", "p.parquet")]
    for dtype in ("int8", "uint64", "Int64", "float64", str):
        predictions.astype({"amount": dtype}).to_parquet("p.parquet")
        pages.append(command("compare", "p.parquet", *ASKED, "--slice", "amount", "--json")[1])
    assert [part["value"] for part in json.loads(pages[0])["slices"]] == ["1", "2", "3"]
    assert len(set(pages)) == 1


@pytest.mark.parametrize(
    ("column", "asker", "words"),
    [
        ("old", "--champion", ()),
        ("y", "--label", ()),
        ("w", "--weight", ("--weight", "w")),
        ("card", "--slice", ("--slice", "t/86400", "--slice", "card")),
        ("amount", "the metric expected_cost(fp=1, fn='amount')", ("--metric", "expected_cost(fp=1, fn='amount')")),
        ("amount", "the policy", ("--policy", "p.toml")),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_two_columns_of_one_name_are_refused_where_they_are_asked_for(
    predictions, command, tmp_path, kind, column, asker, words
):
    (tmp_path / "p.toml").write_text(POLICY)
    place = predictions.columns.get_loc(column) + 1
    if kind == "csv":
        pd.concat([predictions, predictions[column]], axis=1).to_csv("two.csv", index=False)
    else:
        table = pa.Table.from_pandas(predictions)
        pq.write_table(table.append_column(column, table.column(column)), "two.parquet")
    code, out, err = command("compare", f"two.{kind}", *ASKED, *words)
    assert (code, out) == (1, "")
    assert err == (
        f"Error: two.{kind}, {asker}: the file has 2 columns named '{column}' (columns {place} and 8), so it is not clear "
        "which one is meant. Rename or remove all but one of them.\n"
    )
    if column in {"w", "card"}:
        assert command("compare", f"two.{kind}", *ASKED)[0] == 0  # these columns are not used


MISTAKES = {
    "options of tags": (("p.csv", *ASKED, "--data", "x"), 2, "Error: --data can only be used with two versions (promotion compare"),
    "options of a file": (("toy:a", "toy:b", "--metric", "mae"), 2, "Error: --metric can only be used with a file of predictions"),
    "three": (("a", "b", "c"), 2, "Error: The command takes one file of predictions or two versions, but 3 arguments were given."),
    "no columns": (("p.csv", "--label", "y"), 2, "Error: 'p.csv' alone is read as a file of predictions, which needs --champion, --challenger:"),
    "both forms": (("p.csv", *ASKED, "--json", "--markdown"), 2, "Error: --json and --markdown both set the output format"),
    "no file": (("q.csv", *ASKED), 1, "Error: There is no data file at q.csv. Two versions are compared by their tags"),
    "a folder": (("nothing", *ASKED), 1, "Error: The folder nothing contains no Parquet or CSV file. Put the files there"),
    "a pattern": (("nothing/*", *ASKED), 1, "Error: No file matches nothing/*. Put the files there, or correct the pattern."),
    "a query and a file": (("p.csv", "--sql", "select 1", *ASKED), 2, "The command has --sql and p.csv."),
    "a database alone": (("--url", "sqlite:///p.db", *ASKED), 2, "The command has --url, but no --sql."),
    "nothing": (ASKED, 2, "Error: Name a file of predictions or two versions, or give --sql."),
    "a device": (("/dev/null", *ASKED), 1, "Error: /dev/null is a pipe or a device, not a data file. Two versions"),
    "no name of a file": (("a" * 300, *ASKED), 1, f"Error: {'a' * 300} cannot be used (File name too long)."),
    "no column": (("p.csv", *ASKED[:-1], "neww"), 1, "Error: p.csv, --challenger: There is no column 'neww'. Did you mean 'new'?"),
    "per cent": (("p.csv", *ASKED, "--confidence", "95"), 1, "Error: The confidence must be above 0 and below 1, but is 95. Did you mean 0.95?"),
    "no slice": (("p.csv", *ASKED, "--slice", "cards"), 1, "Error: p.csv, --slice: There is no column 'cards'. Did you mean 'card'?"),
    "no window": (("p.csv", *ASKED, "--slice", "amount/30D"), 1, "Error: p.csv, --slice: 'amount/30D' divides column 'amount', but '30D' is not a valid window"),
    "window below 0": (("p.csv", *ASKED, "--slice", "amount/-5"), 1, "Error: p.csv, --slice: 'amount/-5' divides column 'amount', but '-5' is not a valid window"),
    "no bins": (("p.csv", *ASKED, "--slice", "amount:x"), 1, "Error: p.csv, --slice: 'amount:x' divides column 'amount', but 'x' is not a valid number of bins"),
    "no group": (("p.csv", *ASKED, "--group", "crad"), 1, "Error: p.csv, --group: There is no column 'crad'. Did you mean 'card'?"),
    "no time": (("p.csv", *ASKED, "--time", "tt"), 1, "Error: p.csv, --time: There is no column 'tt'. Did you mean 't'?"),
    "windows of words": (("p.csv", *ASKED, "--group", "card/1d"), 1, "Error: Column 'card' of p.csv is read as times and must"),
    "windows of no unit": (("p.csv", *ASKED, "--group", "t/1d"), 1, 'whose unit is unknown. Set the unit, like time_unit = "s" in the configuration or --time-unit s'),
    "windows of nothing": (("p.csv", *ASKED, "--group", "t/0"), 1, "Error: The window of 'group' must be longer than 0, found 0."),
    "a unit of nothing": (("p.csv", *ASKED, "--time-unit", "s"), 2, "Error: --time-unit applies to --time or --group, but neither was given."),
    "an unknown unit": (("p.csv", *ASKED, "--time", "t", "--time-unit", "sec"), 2, "Error: --time-unit must be one of ns, us, ms, s, min, h, d, but is 'sec'."),
    "groups and times": (("p.csv", *ASKED, "--group", "card", "--time", "t"), 2, "Error: --group and --time both set which rows depend on each other."),
    "two groups": (("p.csv", *ASKED, "--group", "card", "--group", "t"), 2, "Error: --group takes one column or window, but 2 were given: card, t."),
    "crossed groups": (("p.csv", *ASKED, "--group", "card,t"), 2, "Error: --group takes one column or window, but 2 were given: card, t."),
    "bins": (("p.csv", *ASKED, "--group", "t:4"), 1, "Error: A group must be a column (card1) or time windows (t/1d), but 't:4' divides column 't' into bins."),
    "groups of tags": (("toy:a", "toy:b", "--group", "card"), 2, "Error: --group can only be used with a file of predictions"),
    "no cost": (("p.csv", *ASKED, "--metric", "expected_cost(fp=1, fn='amnt')"), 1, "There is no column 'amnt'. Did you mean 'amount'?"),
    "text scores": (("p.csv", *ASKED[:-1], "card"), 1, "Error: Column 'card' of p.csv must hold numbers, but row"),
    "no words": (("structs.parquet", *ASKED, "--slice", "m"), 1, "Error: Column 'm' of structs.parquet must hold text or numbers, but also holds other values (unhashable"),
    "one column twice": (("p.csv", *ASKED[:-1], "old"), 2, "Error: --champion and --challenger must name the scores of two models, but name the same column."),
    "unlike classes": (("p.csv", *ASKED[:-1], "new,w"), 2, "Error: --champion and --challenger must name the same number of columns (one, or one for each class), but name 1 and 2."),
    "one bin": (("p.csv", *ASKED, "--slice", "amount:1"), 1, "Error: The bins of a slice must be a whole number from 2"),
    "bins of words": (("p.csv", *ASKED, "--slice", "card:3"), 1, "Error: Column 'card' of p.csv must hold numbers, but row"),
    "confidence": (("p.csv", *ASKED, "--confidence", "95"), 1, "Error: The confidence must be above 0 and below 1"),
    "unknown metric": (("p.csv", *ASKED, "--metric", "rocauc"), 1, "Error: There is no metric 'rocauc'. Did you mean 'roc_auc'?"),
    "unlike metrics": (("p.csv", *ASKED, "--metric", "roc_auc", "--metric", "rmse"), 1, "Error: The metric 'rmse' applies to regression models"),
    "policy and metric": (("p.csv", *ASKED, "--policy", "p.toml", "--metric", "mae"), 2, "Error: --metric and --policy both set what"),
    "no policy": (("p.csv", *ASKED, "--policy", "p.toml"), 1, "Error: p.toml cannot be read (No such file or directory)."),
    "missing label": (("gap.csv", *ASKED), 1, "Error: Column 'y' of gap.csv must have a label in every row, but row 6 is empty."),
    "other classes": (("two.csv", *ASKED), 1, "Error: Column 'y' of two.csv must contain 0 and 1 for two classes, but contains -1 and 1."),
    "missing weight": (("w.csv", *ASKED, "--weight", "w"), 1, "Error: Every weight must be a number from 0 up, but 1 of 2,000"),
    "no rows": (("none.csv", *ASKED), 1, "Error: "),
    "no content": (("empty.csv", *ASKED), 1, "Error: empty.csv is empty; its first line should name the columns."),
    "no parquet": (("bad.parquet", *ASKED), 1, "Error: bad.parquet cannot be read as Parquet"),
    "no tag": (("toy:a", "b"), 1, "Error: There is no tag 'b'."),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_sentence(name, predictions, command, tmp_path):
    predictions.assign(y=predictions["y"].where(predictions.index != 5)).to_csv("gap.csv", index=False)
    predictions.assign(y=predictions["y"] * 2 - 1).to_csv("two.csv", index=False)
    predictions.assign(w=predictions["w"].where(predictions.index != 5)).to_csv("w.csv", index=False)
    predictions[:0].to_csv("none.csv", index=False)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "nothing").mkdir()
    predictions.assign(m=[{"a": 1}] * len(predictions)).to_parquet("structs.parquet")
    (tmp_path / "bad.parquet").write_text("no parquet")
    before = snapshot(tmp_path)
    arguments, expected, sentence = MISTAKES[name]
    code, out, err = command("compare", *arguments)
    assert code == expected
    assert not out or "--json" in arguments
    assert sentence in err
    assert err.count("\n") == 1
    assert snapshot(tmp_path) == before


def test_a_column_of_any_name_can_be_named(predictions, command):
    """As a whole where the file has it, or in double quotes beside others; also where a part of it is a column too."""
    odd = {"card": "card,t", "w": "w:3", "amount": "amount/7d", "y": 'the "y", here', "old": "old, one", "new": "new:2"}
    predictions.rename(columns=odd).assign(card="x", amount=1).to_csv("odd.csv", index=False)
    words = ("--label", odd["y"], "--champion", odd["old"], "--challenger", odd["new"])
    slices = ("card,t", "w:3", '"w:3":2', '"amount/7d":3', '"card,t","w:3"')
    code, out, err = command(
        "compare", "odd.csv", *words, *(word for one in slices for word in ("--slice", one)), "--json"
    )
    assert (code, err) == (0, "")
    plain_words = [("--slice", one) for one in ("card", "w", "w:2", "amount:3", "card,w")]
    plain = json.loads(command("compare", "p.csv", *ASKED, *(w for one in plain_words for w in one), "--json")[1])
    told = json.loads(out)
    assert [one["gain"] for one in told["metrics"]] == [one["gain"] for one in plain["metrics"]]
    assert [(one["value"], one["rows"]) for one in told["slices"]] == [
        (one["value"], one["rows"]) for one in plain["slices"]
    ]
    assert {one["by"] for one in told["slices"]} == {
        "card,t", "w:3", "w:3 in 2 bins", "amount/7d in 3 bins", "card,t x w:3"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "slicing"),
    [
        ("a", Slicing(by=("a",))),
        ("a, b", Slicing(by=("a", "b"))),
        ("a:4", Slicing(by=("a",), bins=4)),
        ("t/86400", Slicing(by=("t",), window=86400.0)),
        ("t/0.5", Slicing(by=("t",), window=0.5)),
        ("t/1e5", Slicing(by=("t",), window=1e5)),
        ("t/7d", Slicing(by=("t",), window="7d")),
        ("a:four", Slicing(by=("a:four",))),
        ('"a:4"', Slicing(by=("a:4",))),
        ('"a:4":4', Slicing(by=("a:4",), bins=4)),
        ('"a,b"/7d', Slicing(by=("a,b",), window="7d")),
        ('"a,b",c', Slicing(by=("a,b", "c"))),
        ('c, "say ""a,b"""', Slicing(by=("c", 'say "a,b"'))),
        ("a/b", Slicing(by=("a/b",))),
    ],
)
def test_slices_are_written_short(text, slicing):
    assert parse_slicing(text) == slicing


@pytest.mark.parametrize(
    ("text", "sentence"), [(",", "needs at least one column"), ("t/0", "must be a number above 0")]
)
def test_slices_that_are_none(text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parse_slicing(text)
