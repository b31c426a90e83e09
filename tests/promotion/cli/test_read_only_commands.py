"""Read-only commands leave nothing behind, and name a mistake correctly."""

import json
from pathlib import Path

import pytest

LOOKING = [
    ["status"],
    ["history", "nosuch"],
    ["history", "toy", "--champions"],
    ["champion", "toy"],
    ["champion", "toy", "--at", "2026-01-01"],
    ["show", "toy:good"],
    ["show", "abcdef"],
    ["metrics", "toy"],
    ["report", "toy:good"],
    ["audit", "nosuch"],
    ["compare", "toy:weak", "toy:good"],
    ["gate", "toy:good", "--dry-run"],
    ["rollback", "nosuch", "--reason", "r", "--dry-run"],
    ["repair", "--dry-run"],
    ["ledger", "export"],
]

REASON = ("--reason", "r")
MISSING = (
    "There is no ledger at {} yet. If there should be one, check `ledger` in promotion.toml and PROMOTION_LEDGER. "
    "Otherwise the first `promotion gate`, `retrain` or `adopt` creates it."
)
LATER = [
    ["rollback", "toy", *REASON, "--yes"],
    ["rollback", "toy", *REASON, "--dry-run"],
    ["promote", "toy:good", *REASON, "--yes"],
    ["approve", "toy:good", *REASON],
    ["deny", "toy:good", *REASON],
    ["readmit", "toy:good", *REASON],
    ["gc", "toy", "--yes"],
    ["gc", "toy", "--dry-run"],
]


@pytest.mark.parametrize("arguments", LATER, ids=" ".join)
def test_a_change_that_needs_an_earlier_entry_says_that_the_ledger_is_missing_and_creates_none(
    here, command, monkeypatch, arguments
):
    monkeypatch.setenv("PROMOTION_LEDGER", f"sqlite:///{here}/nomount/ledger.db")
    code, out, err = command(*arguments)
    assert (code, out, err) == (1, "", f"Error: {MISSING.format(f'sqlite:///{here}/nomount/ledger.db')}\n")
    assert not (here / "nomount").exists()


def test_the_status_says_that_the_ledger_is_missing_and_praises_nothing(here, command, configuration):
    missing = MISSING.format(f"sqlite:///{here}/ledger.db")
    out = command("status", "toy")[1]
    assert out.startswith(f"{missing}\ntoy has no champion yet.\n")
    assert "No problems found" not in out
    assert command("show", "abcdef")[2] == f"Error: There is no decision 'abcdef'. {missing}\n"
    assert command("report", "--site", "site")[0] == 0
    assert "There is no ledger at sqlite:///" in (here / "site" / "index.html").read_text()
    assert json.loads(command("status", "--json")[1])["notes"] == [missing]
    (here / "promotion.toml").write_text(
        configuration + configuration[configuration.index("[models.toy]") :].replace("toy", "other")
    )
    assert f"! {missing}" in command("status")[1]
    assert command("ledger", "export")[::2] == (
        1,
        f"Error: There is no ledger at sqlite:///{here}/ledger.db. Check `ledger` in promotion.toml and PROMOTION_LEDGER.\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["status", "--problems"], ["status", "--json"], ["audit"], ["sync"], ["repair", "--yes"], ["report", "--site", "s"]],
    ids=" ".join,
)  # fmt: skip
def test_without_a_model_a_command_on_all_of_them_is_a_mistake(tmp_path, command, monkeypatch, arguments):
    monkeypatch.setenv("PROMOTION_LEDGER", "sqlite:///none.db")
    (tmp_path / "promotion.toml").touch()
    sentence = f"No model is configured or recorded in {tmp_path}. Run the command in the folder of promotion.toml, or name a model."
    code, out, err = command(*arguments)
    assert (code, err) == (2, f"Error: {sentence}\n")
    if "--json" in arguments:
        assert json.loads(out) == {"error": {"kind": "Misuse", "message": sentence, "exit_code": 2}}
    else:
        assert out == ""
    for named in (["history", "toy"], ["metrics", "toy"], ["gc", "toy", "--yes"], ["status", "toy"]):
        code, out, err = command(*named)
        assert (code, out) == (1, "")
        assert err.startswith(
            f"Error: There is no model 'toy'. No model is configured or recorded in {tmp_path}. Run the"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["promotion.toml"]


@pytest.mark.slow
@pytest.mark.parametrize("ledger", ["sqlite:///ledger.db", "sqlite:///state/of/it/ledger.db"])
@pytest.mark.parametrize("arguments", LOOKING, ids=" ".join)
def test_a_command_that_looks_creates_nothing(here, command, monkeypatch, ledger, arguments):
    monkeypatch.setenv("PROMOTION_LEDGER", ledger)
    before = sorted(here.rglob("*"))
    assert command(*arguments)[0] in {0, 1, 4}
    assert [path for path in sorted(here.rglob("*")) if path not in before and "__pycache__" not in path.parts] == []


def test_what_was_looked_at_first_is_recorded_in_all_the_same(here, command, monkeypatch):
    monkeypatch.setenv("PROMOTION_LEDGER", "sqlite:///state/ledger.db")
    code, out, err = command("history", "toy")
    assert (code, out) == (0, "The ledger has no entries for 'toy' yet.\n")
    assert err == f"Note: {MISSING.format(f'sqlite:///{here}/state/ledger.db')}\n"
    assert command("gate", "toy:weak")[0] == 0
    assert Path("state/ledger.db").exists()
    assert command("champion", "toy")[1].startswith("toy:weak has served since ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rollback", "nosuch", "--reason", "r", "--yes"], "There is no model 'nosuch'. Available: toy.\n"),
        (["rollback", "toy", "--reason", "r", "--yes"], "There is no ledger at sqlite:///"),
        (["gate", "Toy:GOOD"], "There is no tag 'Toy:GOOD'. Did you mean 'toy:good'? A tag is MODEL:VERSION in lower"),
        (["gate", "toy:goood"], "There is no version 'toy:goood'. Did you mean 'toy:good'? The model store is "),
        (["gate", "other:good"], "There is no version of 'other'. Available: toy. The model store is "),
    ],
    ids=lambda one: one if isinstance(one, str) else one[1],
)
def test_the_real_mistake_is_named(here, command, arguments, said):
    code, out, err = command(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {said}")


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["status", "toy"], ["adopt", "toy:good", "--assume-clean", "--reason", "r"], ["gate", "toy:good"]],
)
def test_of_a_configured_model_without_versions_none_says_that_there_is_no_such_model(
    here, command, monkeypatch, arguments
):
    monkeypatch.setenv("BENTOML_HOME", str(here / "empty"))
    _, out, err = command(*arguments)
    assert "no model" not in out + err
    assert "There is no version of 'toy'. The model store is " in err or arguments[0] == "status"
