"""Read-only commands leave nothing behind, and name a mistake correctly."""

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
    assert command("history", "toy") == (0, "Nothing is recorded of 'toy' yet.\n", "")
    assert command("gate", "toy:weak")[0] == 0
    assert Path("state/ledger.db").exists()
    assert command("champion", "toy")[1].startswith("toy:weak serves since ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rollback", "nosuch", "--reason", "r", "--yes"], "There is no model 'nosuch'. There is: toy.\n"),
        (["rollback", "toy", "--reason", "r", "--yes"], "There is no champion of 'toy', so there is nothing to roll"),
        (["gate", "Toy:GOOD"], "There is no tag 'Toy:GOOD'. Did you mean 'toy:good'? A tag is MODEL:VERSION in lower"),
        (["gate", "toy:goood"], "There is no version 'toy:goood'. Did you mean 'toy:good'? The Bento store is "),
        (["gate", "other:good"], "There is no version of 'other'. There is: toy. The Bento store is "),
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
    assert "There is no version of 'toy'. The Bento store is " in err or arguments[0] == "status"
