"""`promotion promote`: its preview, prompt and messages, also if somebody else was first."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import recipes
from recipes import synthetic_rows
from situation import contents

pytestmark = pytest.mark.integration

OVERRIDE = ("--reason", "r", "--override", "--yes")


class TestPromote:
    def test_it_shows_who_serves_what_was_decided_and_what_will_move(self, with_champion, command):
        command("gate", "toy:good")
        command("rollback", "toy", "--reason", "complaints", "--yes")
        command("readmit", "toy:good", "--reason", "they were wrong")
        code, out, err = command("promote", "toy:good", "--reason", "they were wrong", "--yes")
        assert (code, err) == (0, "")
        shown = " ".join(out.split())
        assert shown.startswith("Promotion of toy:good champion toy:weak since 2")
        assert "UTC by config:tests, by hand, without a decision" in shown
        assert "last decision promote, requested by config:tests at 2" in shown
        assert "The gain in roc_auc is +0.0868 (one-sided 96.96 % lower bound +0.0638)" in shown
        assert "judged by 1,200 rows (358 positive) of rows.csv." in shown
        assert "moves toy:good archived → prod, toy:weak prod → archived reason they were wrong" in shown
        assert shown.endswith(
            "Promotion done: toy:good is the champion (toy:good archived → prod, toy:weak prod → archived)."
        )

    def test_without_a_terminal_it_wants_yes_before_it_does_anything(self, here, command):
        before = contents(here)
        for words in (["promote", "toy:weak", "--override"], ["rollback", "toy"]):
            assert command(*words, "--reason", "r") == (
                2,
                "",
                "Error: The command must ask for confirmation, but there is no terminal. Add --yes.\n",
            )
        code, out, _ = command("promote", "toy:weak", "--json", "--reason", "r")
        assert (code, json.loads(out)["error"]["kind"]) == (2, "Misuse")
        assert contents(here) == before

    def test_judged_again_as_asked_it_exits_as_the_gate_would_and_json_says_both(self, with_champion, command):
        code, out, _ = command("promote", "toy:good", "--reason", "r", "--rejudge", "--yes", "--json")
        data = json.loads(out)
        assert (code, data["champion"], data["judged"]["verdict"], data["reason"]) == (0, "toy:good", "promote", "r")
        held = command("promote", "toy:twin", "--reason", "r", "--rejudge", "--yes")
        worse = command("promote", "toy:spoilt", "--reason", "r", "--rejudge", "--yes", "--json")
        assert (held[0], worse[0]) == (4, 3)
        assert held[1].splitlines()[0].strip() == "HELD  toy:twin against toy:good"
        assert (json.loads(worse[1])["verdict"], json.loads(worse[1])["dry_run"]) == ("reject", False)
        history = json.loads(command("history", "toy", "--json")[1])
        assert [entry["body"]["tag"] for entry in history if entry["kind"] == "decision"][-2:] == [
            "toy:twin",
            "toy:spoilt",
        ]

    def test_a_holdout_that_changed_is_judged_again_by_itself(self, with_champion, command):
        command("gate", "toy:good")
        command("rollback", "toy", "--reason", "complaints", "--yes")
        command("readmit", "toy:good", "--reason", "they were wrong")
        synthetic_rows(seed=8).to_csv("rows.csv", index=False)
        code, out, err = command("promote", "toy:good", "--reason", "they were wrong", "--yes", "--json")
        assert (code, err) == (
            0,
            "Note: rows.csv, on whose rows the gate judged toy:good, has changed since then, so the gate judges the version again.\n",
        )
        assert json.loads(out)["decision"] != json.loads(out)["judged"]["policy"]
        assert json.loads(out)["judged"]["challenger"]["tag"] == "toy:good"


class AtTerminal:
    """`promotion …` as a process of its own at a terminal of its own."""

    def __init__(self, *words, actor):
        self.terminal, inside = pty.openpty()
        environment = {
            **os.environ,
            "PROMOTION_ACTOR": actor,
            "PYTHONPATH": str(Path(recipes.__file__).parent),
            "NO_COLOR": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "promotion", *words],
            stdin=inside,
            stdout=subprocess.PIPE,
            stderr=inside,
            env=environment,
            text=True,
        )
        os.close(inside)
        self.said = ""

    def wait_for(self, text):
        while text not in self.said:
            self.said += self._read()
        return self

    def answer(self, text):
        os.write(self.terminal, f"{text}\n".encode())
        out, _ = self.process.communicate(timeout=120)
        while chunk := self._read():
            self.said += chunk
        os.close(self.terminal)
        return self.process.returncode, out, " ".join(self.said.split())

    def _read(self):
        try:
            return os.read(self.terminal, 4096).decode()
        except OSError:  # the other end is closed
            return ""


def test_at_a_terminal_it_asks_and_of_two_who_say_yes_the_second_is_told(with_champion):
    """Real processes: both have shown the same champion before either answers."""
    tags = {"bob": "toy:good", "carol": "toy:twin", "dave": "toy:noisy"}
    asked = {
        actor: AtTerminal("promote", tag, "--reason", "r", "--override", actor=actor) for actor, tag in tags.items()
    }
    for actor, terminal in asked.items():
        terminal.wait_for(f"Promote {tags[actor]} without a passing decision? [y/N]")

    no, yes, late = (asked[actor].answer(word) for actor, word in (("dave", "n"), ("bob", "y"), ("carol", "y")))
    assert no[0] == 130
    assert no[2].endswith("Stopped. Nothing more was changed.")
    assert "toy:weak since" in no[1]
    assert (yes[0], yes[1].splitlines()[-1].split(":")[0].strip()) == (0, "Promotion done")
    assert late[0] == 6
    assert "config:bob wrote entry 5 to the ledger of 'toy' while this command ran" in late[2]
