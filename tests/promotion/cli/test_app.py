import json
import os
import re
import subprocess
import sys
from pathlib import Path
from platform import python_version

import pytest
import typer
from recipes import synthetic_rows
from situation import bentoml_at, snapshot

import promotion
from promotion.adapters.sql import SqlLedger
from promotion.cli.app import app_for
from promotion.config import load_config
from promotion.registry import judge

pytestmark = pytest.mark.integration


def leaves(group, before=""):
    """Every command by its words, those of groups too."""
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from leaves(found, f"{before}{name} ")
        else:
            yield f"{before}{name}", found


COMMANDS = dict(leaves(typer.main.get_command(app_for())))


def recorded():
    ledger = SqlLedger(load_config().url(load_config().ledger))
    return {model: ledger.entries(model) for model in ledger.models()}


class TestHelp:
    def test_every_command_of_the_design_is_there(self):
        design = {"init", "retrain", "gate", "promote", "rollback", "adopt", "status", "history", "show", "audit"}
        assert design | {"repair", "sync", "compare", "replay", "policy check", "approve", "deny"} <= set(COMMANDS)

    @pytest.mark.parametrize("name", sorted(COMMANDS))
    def test_every_command_and_option_has_help_and_an_example(self, name, command):
        found = COMMANDS[name]
        assert found.help
        assert found.epilog.startswith(f"Example: promotion {name}")
        for parameter in found.params:
            assert parameter.name == "help" or parameter.help, f"{name} {parameter.name}"
        assert "--json" in {option for parameter in found.params for option in parameter.opts}
        code, out, _ = command(*name.split(), "--help")
        assert code == 0
        assert found.epilog in " ".join(out.split())

    def test_the_release_needs_no_settings(self, command, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert command("--version") == (0, f"promotion {promotion.__version__} (Python {python_version()})\n", "")

    @pytest.mark.parametrize(("given", "used"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
    def test_threads_that_wait_leave_their_core_to_others_unless_somebody_says_otherwise(self, given, used):
        shows = "import atexit, os; atexit.register(lambda: print(os.environ['OMP_WAIT_POLICY']))"
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
        words = [sys.executable, "-c", f"{shows}\nfrom promotion.cli import main\nmain(['--version'])"]
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
        assert done.stdout.splitlines()[1:] == [used]

    def test_as_a_module_it_is_the_same_command(self):
        asked = subprocess.run(
            [sys.executable, "-m", "promotion", "--help"], capture_output=True, text=True, check=True
        )
        for name in COMMANDS:
            assert f"\n  {name.split()[0]} " in asked.stdout


class TestChange:
    def test_promote_rollback_and_adopt_tell_the_moves(self, with_champion, command):
        code, out, err = command("promote", "toy:good", "--reason", "weekly review", "--override", "--yes")
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == (
            "Promotion done: toy:good is the champion (toy:good staging → prod, toy:weak prod → archived)."
        )
        code, out, err = command("rollback", "toy", "--reason", "complaints", "--yes")
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == (
            "Rollback done: toy:weak is the champion (toy:weak archived → prod, toy:good prod → archived)."
        )
        assert command("adopt", "toy:twin", "--assume-clean", "--reason", "trained elsewhere") == (
            0,
            "Recorded what you know about toy:twin. It can be judged now.\n",
            "",
        )
        assert {entry.actor for entry in recorded()["toy"]} == {"config:tests"}

    def test_json_is_json_and_has_what_the_words_have(self, here, command, monkeypatch):
        decision = json.loads(command("gate", "toy:weak", "--json")[1])
        assert (decision["verdict"], len(decision["decision_id"])) == ("promote", 12)
        assert (
            json.loads(command("promote", "toy:good", "--reason", "r", "--override", "--yes", "--json")[1])["champion"]
            == "toy:good"
        )
        assert json.loads(command("rollback", "toy", "--reason", "r", "--yes", "--json")[1])["cause"] == "rollback"
        assert json.loads(command("adopt", "toy:twin", "--assume-clean", "--reason", "r", "--json")[1]) == {
            "dry_run": False,
            "adopted": "toy:twin",
        }
        (model,) = json.loads(command("status", "--json")[1])["models"]
        assert (model["champion"]["tag"], model["waiting"]) == ("toy:weak", ["toy:twin"])
        history = json.loads(command("history", "toy", "--json")[1])
        assert [entry["seq"] for entry in history] == list(range(1, len(history) + 1))
        shown = json.loads(command("show", "toy:good", "--json")[1])
        assert (shown["registration"]["tag"], shown["stage"]) == ("toy:good", "archived")
        assert {finding["code"] for finding in json.loads(command("audit", "--json")[1])["toy"]} == {"AUD015"}
        assert json.loads(command("repair", "--json")[1])["models"] == {
            "toy": {"completes": None, "moves": [], "aliases": {}, "claims": False}
        }
        assert json.loads(command("sync", "--json")[1]) == {"toy": True}
        monkeypatch.chdir(Path.home())
        assert json.loads(command("init", "--json")[1]) == {"written": "promotion.toml"}


class TestMarkdown:
    def test_gate_and_show_write_a_table_that_github_shows(self, with_champion, command):
        code, out, err = command("gate", "toy:good", "--markdown")
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[0] == "### PROMOTED: toy:good against toy:weak"
        assert "| metric | champion | challenger | gain | 95 % interval of the gain |" in lines
        assert "| --- | --: | --: | --: | --: |" in lines
        assert any(
            re.match(r"- decision [0-9a-f]{12}, judged by 1,200 rows \(\d+ positive\) of rows", line) for line in lines
        )
        shown = command("show", "toy:good", "--markdown")[1]
        assert "| stage | prod |" in shown
        assert out in shown


class TestHoldout:
    def test_status_tells_how_often_the_last_holdout_was_used_and_what_comes_next(self, with_champion, command):
        assert json.loads(command("status", "--json")[1])["models"][0]["holdout"] is None
        command("gate", "toy:twin")
        once = command("status")[1]
        assert (
            "toy: decisions have used the rows of rows.csv once. The next decision on them is tested at the 0.76 % level "
            "(on fresh rows: 3.04 %)." in once
        )
        command("gate", "toy:spoilt")
        assert (
            "toy: decisions have used the rows of rows.csv 2 times. The next decision on them is tested at the 0.338 % level"
            in (command("status")[1])
        )
        holdout = json.loads(command("status", "--json")[1])["models"][0]["holdout"]
        assert holdout["data"] == "rows.csv"
        assert holdout["use"] == 2
        assert [round(holdout[key], 6) for key in ("level", "next_level", "fresh_level")] == [
            0.007599,
            0.003377,
            0.030396,
        ]

    def test_a_file_of_its_own_judges_whole(self, with_champion, command):
        synthetic_rows(700, seed=8, first_id=90_000).to_csv("fresh.csv", index=False)
        code, out, _ = command("gate", "toy:good", "--holdout", "fresh.csv")
        assert code == 0
        assert re.search(r"judged by 700 rows \(\d+ positive\) of fresh\.csv", out)


class TestLook:
    def test_status_history_and_show_tell_the_story(self, with_champion, command):
        command("gate", "toy:good")
        command("rollback", "toy", "--reason", "complaints [since] noon", "--yes")
        status, history, show = (command(*words) for words in (["status"], ["history", "toy"], ["show", "toy:good"]))
        assert [code for code, _, _ in (status, history, show)] == [0, 0, 0]
        assert re.match(
            r"toy:weak has served for \d+ (s|min), since 2\d{3}-\d\d-\d\d \d\d:\d\d UTC\.\n"
            r"config:tests rolled back from toy:good: 'complaints \[since\] noon'\.\n\nNo problems found in ",
            status[1],
        )
        assert re.search(r"last verdict +promote on toy:good, 2\d{3}-", status[1])
        assert "rollback: toy:weak archived → prod, toy:good prod → archived: complaints [since] noon" in history[1]
        assert "registered toy:good (training rows: 1,200)" in history[1]
        assert "config:tests" in history[1]
        assert re.search(r"stage +archived", show[1])
        assert "PROMOTED  toy:good against toy:weak" in show[1]
        assert "toy:spoilt" not in show[1]

    def test_status_names_what_serves_unrecorded_and_what_is_torn(self, here, store, command):
        from promotion.vocabulary import Stage, Tag

        store.write_stage(Tag("toy", "weak"), Stage.PROD)
        (store.path(Tag("toy", "good")) / "model.yaml").unlink()
        code, out, _ = command("status")
        assert code == 0
        assert (
            "! toy:weak is labelled prod, but the ledger has no champion. `promotion adopt toy:weak` makes it the champion."
            in out
        )
        assert "! toy:good has no model.yaml: its save was cut short" in out

    def test_an_audit_of_nothing_is_no_good_news(self, command, tmp_path):
        sentence = f"Error: No model is configured or recorded in {tmp_path}. "
        code, out, err = command("audit")
        assert (code, out) == (2, "")
        assert err.startswith(sentence)

    def test_audit_finds_an_edited_label_and_repair_mends_it(self, weak_alone, with_champion, command):
        assert command("audit", "toy") == (0, "toy: the ledger, the labels, the files and MLflow agree.\n", "")
        path = with_champion / "bentoml" / "models" / "toy" / "weak" / "model.yaml"
        path.write_text(path.read_text().replace("stage: prod", "stage: archived"))
        code, out, _ = command("audit")
        assert code == 5
        assert list(filter(None, out.splitlines()))[:2] == ["toy: 1 finding", "AUD010  toy:weak"]
        assert command("repair", "--yes") == (0, "toy: toy:weak archived → prod\nRepaired.\n", "")
        assert command("audit")[0] == 0
        assert command("repair") == (0, "toy: all labels agree with the ledger\n", "")

    def test_with_mlflow_away_a_promotion_stands_and_sync_catches_up(self, with_champion, command, monkeypatch):
        before = SqlLedger(load_config().url(load_config().ledger)).head("toy").seq
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////dev/null/mlflow.db")
        code, out, err = command("gate", "toy:good")
        assert (code, out.splitlines()[0].strip()) == (0, "PROMOTED  toy:good against toy:weak")
        assert err.startswith(
            "Note: MLflow at sqlite:////dev/null/mlflow.db cannot be reached: the file does not exist, and cannot"
        )
        assert err.endswith("The decision stands. Once MLflow answers, run `promotion sync` to send it.\n")
        assert f"MLflow shows toy as of entry {before} of {before + 4}; `promotion sync`" in command("status")[1]
        assert command("audit")[0] == 5
        assert command("sync")[:2] == (1, "toy: not updated\n")
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        assert command("sync") == (0, "toy: up to date\n", "")
        assert {found["code"] for found in json.loads(command("audit", "--json")[1])["toy"]} == {"AUD015"}


MISTAKES = {
    "no such command": (["gat", "toy:good"], 2, "No such command"),
    "no argument": (["gate"], 2, "Missing argument 'TAG'"),
    "no reason": (["rollback", "toy"], 2, "Missing option '--reason'"),
    "unknown option": (["status", "--jsn"], 2, "No such option: --jsn"),
    "an empty reason": (
        ["promote", "toy:good", "--reason", " ", "--override", "--yes"],
        1,
        "Error: A manual change needs a reason",
    ),
    "no tag": (["gate", "Toy"], 1, "Error: There is no tag 'Toy'. A tag is MODEL:VERSION in lower case, for example "),
    "the name of a model": (
        ["gate", "toy"],
        1,
        "Error: There is no tag 'toy'. 'toy' is a model. Name one of its versions, as toy:VERSION. `promotion history toy` "
        "lists them, and `promotion status toy` shows the model.\n",
    ),
    "the name of a model to show": (["show", "toy"], 1, "Error: There is no tag 'toy'. 'toy' is a model. Name one of "),
    "a placeholder as the reason": (
        ["rollback", "toy", "--reason", "…", "--yes"],
        1,
        "Error: The reason '…' is only a placeholder. Replace it with your reason.\n",
    ),
    "unknown tag": (["gate", "toy:goood"], 1, "Error: There is no version 'toy:goood'. Did you mean 'toy:good'?"),
    "tag of another model": (["gate", "fraud:good"], 1, "Error: There is no version of 'fraud'. Available: toy."),
    "never judged": (["promote", "toy:good", "--reason", "r", "--yes"], 1, "Error: toy:good has not been judged."),
    "unknown to the ledger": (
        ["show", "toy:good"],
        1,
        "Error: There is no registered version 'toy:good'. Did you mean 'toy:weak'?",
    ),
    "the champion": (["gate", "toy:weak"], 1, "Error: toy:weak is already the champion"),
    "first champion": (
        ["rollback", "toy", "--reason", "r", "--yes"],
        1,
        "Error: toy:weak is the first champion of 'toy'",
    ),
    "unknown model": (["history", "tooy"], 1, "Error: There is no model 'tooy'. Did you mean 'toy'?"),
    "adopt by halves": (
        ["adopt", "toy:good", "--reason", "r"],
        1,
        "Error: State what you know about its training rows: either",
    ),
    "two forms at once": (
        ["gate", "toy:good", "--json", "--markdown"],
        2,
        "Error: --json and --markdown both set the output format",
    ),
    "a holdout that is not there": (
        ["gate", "toy:good", "--holdout", "absent.csv"],
        1,
        "Error: There is no data file at ",
    ),
    "a moment that is none": (
        ["adopt", "toy:good", "--reason", "r", "--trained-before", "May"],
        2,
        "Invalid value for '--trained-before'",
    ),
    "missing file": (["gate", "toy:good", "--data", "absent.csv"], 1, "Error: There is no data file at "),
    "empty file": (["gate", "toy:good", "--data", "empty.csv"], 1, "Error: {here}/empty.csv is empty;"),
    "missing column": (["gate", "toy:good", "--data", "column.csv"], 1, "Error: {here}/column.csv has no column 'b'"),
    "wrong type": (
        ["gate", "toy:good", "--data", "type.csv"],
        1,
        "Error: Column 'a' of {here}/type.csv must hold numbers, but",
    ),
    "no positives": (
        ["gate", "toy:good", "--data", "negative.csv"],
        1,
        "Error: {here}/negative.csv holds no positive rows",
    ),
    "one row": (["gate", "toy:good", "--data", "one.csv"], 1, "Error: {here}/one.csv holds 1 row;"),
    "empty target": (
        ["gate", "toy:good", "--data", "target.csv"],
        1,
        "Error: Column 'y' of {here}/target.csv must hold 0 or 1",
    ),
    "repeated key": (
        ["gate", "toy:good", "--data", "key.csv"],
        1,
        "Error: Column 'id' identifies the rows of {here}/key.csv and must be unique, but",
    ),
    "cut short": (["gate", "toy:good", "--data", "cut.csv"], 1, "Error: {here}/cut.csv seems cut short:"),
    "unknown file of settings": (["--config", "absent.toml", "status"], 1, "Error: There is no configuration file at "),
    "unknown key": (
        ["--config", "key.toml", "status"],
        1,
        "Error: {here}/key.toml has an unknown key 'actr'; did you mean",
    ),
    "unknown metric": (
        ["--config", "metric.toml", "status"],
        1,
        "Error: {here}/metric.toml: 'primary.metric': There is no metric 'rocauc'.",
    ),
}


@pytest.fixture
def bad_files(with_champion, configuration):
    rows = synthetic_rows(600)
    changed = {
        "column": rows.drop(columns="b"),
        "type": rows.astype({"a": object}).assign(a="x"),
        "negative": rows.assign(y=0),
        "one": rows[:1],
        "target": rows.assign(y=rows["y"].where(rows.index != 5)),
        "key": rows.assign(id=1),
        "cut": rows,
    }
    for name, frame in changed.items():
        frame.to_csv(with_champion / f"{name}.csv", index=False)
    (with_champion / "empty.csv").touch()
    cut = with_champion / "cut.csv"
    cut.write_bytes(cut.read_bytes()[:-30])
    (with_champion / "key.toml").write_text("actr = 'ci'\n" + configuration)
    (with_champion / "metric.toml").write_text(configuration.replace('"roc_auc" }', '"rocauc" }'))
    return with_champion


@pytest.mark.slow
def test_a_mistake_is_one_sentence_and_changes_nothing(bad_files, command, monkeypatch, subtests):
    entries, files = recorded(), snapshot(bad_files / "bentoml")
    for name, (arguments, expected, sentence) in MISTAKES.items():
        with subtests.test(name):
            code, out, err = command(*arguments)
            monkeypatch.delenv("PROMOTION_CONFIG", raising=False)
            assert code == expected
            assert not out or "--json" in arguments
            assert sentence.format(here=bad_files) in err
            assert "Traceback" not in err
            if err.startswith("Error: "):
                assert err.count("\n") == 1
    assert recorded() == entries
    assert snapshot(bad_files / "bentoml") == files


def test_a_conflict_exits_by_its_own_code(with_champion, command, monkeypatch):
    decide = judge.decide

    def someone_else_first(*arguments, **options):
        monkeypatch.setattr(judge, "decide", decide)
        monkeypatch.setenv("PROMOTION_ACTOR", "bob")
        promotion.open().promote("toy:twin", reason="first", override=True)
        return decide(*arguments, **options)

    monkeypatch.setattr(judge, "decide", someone_else_first)
    code, _, err = command("gate", "toy:good")
    assert code == 6
    assert err == (
        "Error: config:bob wrote entry 5 to the ledger of 'toy' while this command ran, so nothing was "
        "changed. Look at `promotion history toy` and run the command again.\n"
    )
    assert {finding["code"] for finding in json.loads(command("audit", "--json")[1])["toy"]} == {"AUD015"}


def test_two_prod_labels_and_a_torn_folder_are_told_and_mended(here, store, command):
    from promotion.vocabulary import Stage, Tag

    for version in ("weak", "good"):
        store.write_stage(Tag("toy", version), Stage.PROD)
    code, _, err = command("gate", "toy:twin")
    assert code == 1
    assert err.startswith(
        "Error: 2 versions of 'toy' have the label stage: prod (toy:good, toy:weak), but only one can"
    )
    assert command("adopt", "toy:good", "--assume-clean", "--reason", "it is the one")[0] == 0
    with bentoml_at(store.home):
        import bentoml

        assert [str(model.tag) for model in bentoml.models.list() if model.info.labels["stage"] == "prod"] == [
            "toy:good"
        ]
    (store.path(Tag("toy", "twin")) / "model.yaml").unlink()
    assert command("gate", "toy:twin")[::2] == (
        1,
        "Error: toy:twin has no model.yaml: its save was cut short, and BentoML cannot list any model while it is "
        f"there. Move the folder {store.path(Tag('toy', 'twin'))} out of the store.\n",
    )
    assert command("audit")[0] == 5
