"""Completion as bash does it, with the script of `promotion --show-completion`: it splits words at spaces and colons."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import promotion
from promotion.adapters.sql import SqlLedger
from promotion.cli.completion import tags, tags_and_decisions
from promotion.ledger.checkpoint import checkpoint_of

SCRIPT = """
eval "$(_PROMOTION_COMPLETE=source_bash promotion)"
while IFS= read -r line; do
    eval "COMP_WORDS=($line)"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _promotion_completion promotion
    echo "${COMPREPLY[*]}"
done
"""


@pytest.fixture
def bash():
    """Completes words in this folder; returns the completions of each line, and what was written to standard error."""

    def complete(*lines):
        done = subprocess.run(
            [shutil.which("bash"), "--norc", "-c", SCRIPT],
            input="".join(f"{line}\n" for line in lines),
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [line.split() for line in done.stdout.splitlines()], done.stderr

    return complete


@pytest.mark.slow
def test_bash_completes_commands_models_versions_and_decisions(with_champion, command, bash):
    decision = json.loads(command("gate", "toy:spoilt", "--json")[1])["decision_id"]
    first = json.loads(command("champion", "toy", "--json")[1])["decision_id"]
    versions = {"good", "noisy", "spoilt", "twin", "weak"}
    found, err = bash(
        "promotion stat",
        "promotion history t",
        "promotion history x",
        "promotion retrain t",
        "promotion promote t",
        "promotion promote toy :",
        "promotion gate toy : s",
        "promotion compare toy : weak toy : t",
        "promotion compare ''",
        "promotion rollback toy --to toy : w",
        f"promotion show {decision[:5]}",
        f"promotion report {first[:5]}",
        "promotion ledger ta",
    )
    assert err == ""
    assert found[:4] == [["status"], ["toy"], [], ["toy"]]
    assert set(found[4]) == {f"toy:{one}" for one in versions}
    assert set(found[5]) == versions
    assert found[6:] == [["spoilt"], ["twin"], [], ["weak"], [decision], [first], ["take"]]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "promotion.toml").write_text("nonsense = "),
        lambda folder: (folder / "ledger.db").write_bytes(b"SQLite format 3\0 and nothing more"),
        lambda folder: (folder / "promotion.toml").unlink(),
    ],
)
def test_what_cannot_be_read_completes_nothing_and_says_nothing(with_champion, capsys, damage):
    damage(with_champion)
    assert not {*tags("toy:w"), *tags_and_decisions("0")} - {"toy:weak"}  # which the store has without a ledger
    assert capsys.readouterr() == ("", "")


def test_of_several_models_a_text_without_a_colon_completes_their_names(with_champion, configuration):
    second = configuration[configuration.index("[models.toy]") :].replace("models.toy", "models.toys")
    (with_champion / "promotion.toml").write_text(configuration + second)
    assert tags("t") == ["toy:", "toys:"]
    assert tags("toy:w") == ["toy:weak"]


def test_only_the_checkpoint_and_the_entries_after_it_are_read(with_champion, monkeypatch):
    entries, read = SqlLedger.entries, []

    def counting(ledger, model, **named):
        read.append(named.get("after", 0))
        return entries(ledger, model, **named)

    ledger = SqlLedger("sqlite:///ledger.db")
    ledger.keep(checkpoint_of(promotion.open().state("toy")))
    monkeypatch.setattr(SqlLedger, "entries", counting)
    assert "toy:weak" in tags("toy")
    assert all(after >= ledger.head("toy").seq - 1 for after in read)
