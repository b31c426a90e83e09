"""Completion as bash, zsh and fish do it. Bash splits words at spaces and colons, with Typer's script for it."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
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


def in_fish(environment, lines):
    ask = "".join(f"complete -C {shlex.quote(line)}; echo;" for line in lines)
    said = subprocess.run(["fish", "-c", ask], env=environment, capture_output=True, text=True, check=True).stdout
    return [{one.partition("\t")[0] for one in part.splitlines()} - {""} for part in said.split("\n\n")[: len(lines)]]


def in_zsh(environment, lines):
    """What each line becomes at Tab. At the first Tab of a session, zsh only loads the completion."""
    terminal = pexpect.spawn("zsh", ["-i"], env=environment, encoding="utf-8", dimensions=(50, 200), timeout=60)
    terminal.sendline("PROMPT='READY%# '; setopt list_ambiguous")
    terminal.expect("READY[#%] ")
    terminal.send("promotion \t\x15")
    found = []
    for line in lines:
        terminal.send(f"{line}\t")
        terminal.send("\x01echo '<\x05>'\r")  # put it between quotes and show it
        terminal.expect("\n<(.*)>\r")
        found.append({terminal.match[1].strip()})
    terminal.close(force=True)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_after_installing_zsh_and_fish_complete_the_same(with_champion, command, tmp_path_factory, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    decision = json.loads(command("champion", "toy", "--json")[1])["decision_id"]
    home = tmp_path_factory.mktemp("home")
    ours = {"HOME": str(home), "ZDOTDIR": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "TERM": "dumb"}
    environment = {**os.environ, **ours, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    install = [shell, "-c", "promotion --install-completion; true"]  # the shell is asked from inside it
    said = subprocess.run(install, env=environment, capture_output=True, text=True, check=True)
    assert f"{shell} completion installed in {home}" in said.stdout
    lines = {
        "promotion stat": "status",
        "promotion history t": "toy",
        "promotion promote toy:w": "toy:weak",
        "promotion compare toy:weak toy:t": "toy:twin",
        "promotion rollback toy --to toy:w": "toy:weak",
        f"promotion show {decision[:4]}": decision,
        "promotion compare ro": "rows.csv",
        "promotion gate --da": "--data",
    }
    found = (in_zsh if shell == "zsh" else in_fish)(environment, lines)
    words = [{f"{line.rpartition(' ')[0]} {word}"} if shell == "zsh" else {word} for line, word in lines.items()]
    assert found == words


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
