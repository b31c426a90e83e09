import io
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import recipes
from recipes import synthetic_rows
from situation import contents

from promotion.adapters.bento import BentoStore
from promotion.cli import applying, run

OVERRIDE = ("--reason", "r", "--override", "--yes")


class Killed(BaseException):
    """What a kill looks like from inside: no `except Exception` sees it."""


@pytest.fixture
def by(monkeypatch):
    """Let somebody else act from here on."""
    return lambda name: monkeypatch.setenv("PROMOTION_ACTOR", name)


@pytest.fixture
def two_must_approve(here, configuration):
    (here / "promotion.toml").write_text(
        configuration
        + 'approval = "required"\napprovers = ["config:tests", "config:bob", "config:carol"]\nmin_approvals = 2\n'
    )
    return here


@pytest.fixture
def interrupted(with_champion, capsys, monkeypatch):
    """`toy:good` is champion by the ledger, and no label says so yet."""
    with monkeypatch.context() as patch:

        def die(*_):
            raise Killed

        patch.setattr(BentoStore, "write_stage", die)
        with pytest.raises(Killed):
            run(["promote", "toy:good", *OVERRIDE])
    capsys.readouterr()
    return with_champion


@pytest.fixture
def meanwhile(monkeypatch, by):
    """Let config:bob run a command between what another one shows and the answer to its question."""

    def arm(*words):
        confirmed = applying.confirmed

        def first(*asked, **options):
            monkeypatch.setattr(applying, "confirmed", confirmed)
            with monkeypatch.context() as patch:
                patch.setenv("PROMOTION_ACTOR", "bob")
                with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # those of a terminal of bob's
                    assert run(list(words)) == 0
            confirmed(*asked, **options)

        monkeypatch.setattr(applying, "confirmed", first)

    return arm


class TestPromote:
    def test_it_shows_who_serves_what_was_decided_and_what_will_move(self, with_champion, command):
        command("gate", "toy:good")
        command("rollback", "toy", "--reason", "complaints", "--yes")
        command("readmit", "toy:good", "--reason", "they were wrong")
        code, out, err = command("promote", "toy:good", "--reason", "they were wrong", "--yes")
        assert (code, err) == (0, "")
        shown = " ".join(out.split())
        assert shown.startswith("Promotion of toy:good champion toy:weak since 2")
        assert "UTC by config:tests, by hand, on no decision" in shown
        assert "last decision promote, asked by config:tests at 2" in shown
        assert "The gain in roc_auc is +0.0868, at least +0.0638 (one-sided 96.96 % bound)" in shown
        assert "judged by 1,200 rows (358 positive) of rows.csv." in shown
        assert "moves toy:good archived → prod, toy:weak prod → archived reason they were wrong" in shown
        assert shown.endswith(
            "Promotion done: toy:good is the champion (toy:good archived → prod, toy:weak prod → archived)."
        )

    def test_without_a_terminal_it_wants_yes_before_it_does_anything(self, here, command):
        before = contents(here)
        for words in (["promote", "toy:weak", "--override"], ["rollback", "toy"], ["promote", "toy:weak", "--json"]):
            assert command(*words, "--reason", "r") == (
                2,
                "",
                "Error: This asks for confirmation and there is no terminal to ask at; add --yes.\n",
            )
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
            "Note: rows.csv, whose rows judged toy:good, has changed since, so it is judged again.\n",
        )
        assert json.loads(out)["decision"] != json.loads(out)["judged"]["policy"]
        assert json.loads(out)["judged"]["challenger"]["tag"] == "toy:good"


class TestRollback:
    def test_to_a_moment_says_which_moment_in_utc(self, with_champion, command, monkeypatch):
        since = json.loads(command("status", "--json")[1])["models"][0]["champion"]["since"]
        command("promote", "toy:good", *OVERRIDE)
        command("promote", "toy:twin", *OVERRIDE)
        asked = []
        monkeypatch.setattr(applying, "confirmed", lambda question, **_: asked.append(question))
        assert command("rollback", "toy", "--reason", "r", "--at", since, "--yes")[0] == 0
        assert asked == [f"Roll toy back to toy:weak, which served at {since[:19].replace('T', ' ')} UTC?"]

    def test_it_stays_and_every_command_says_so(self, with_champion, command):
        command("gate", "toy:good")
        decided = json.loads(command("status", "--json")[1])["models"][0]["champion"]["decision"]
        command("rollback", "toy", "--reason", "merchants complain", "--yes")
        said = r"config:tests rolled back from toy:good at 2\d{3}-\d\d-\d\d \d\d:\d\d UTC: 'merchants complain'"
        for words, code in (
            (["gate", "toy:good", "--dry-run"], 4),
            (["gate", "toy:good"], 4),
            (["promote", "toy:good", "--reason", "r", "--yes"], 1),
            (["promote", "toy:good", "--reason", "r", "--yes", "--dry-run"], 1),
            (["promote", "toy:good", "--reason", "r", "--yes", "--rejudge"], 4),
            (["promote", "toy:good", "--reason", "r", "--override", "--dry-run"], 0),
            (["rollback", "toy", "--to", "toy:good", "--reason", "r", "--dry-run"], 0),
            (["status"], 0),
        ):
            found, out, err = command(*words)
            assert found == code, words
            assert re.search(said, " ".join(f"{out} {err}".split())), words
        shown = " ".join(command("show", "toy:good")[1].split())
        assert "'merchants complain'; the gate holds it until `promotion readmit toy:good --reason …`" in shown
        assert re.search(r" hold \w{12} toy:weak no rows config:tests ", shown)
        (kept_out,) = json.loads(command("status", "--json")[1])["models"][0]["rolled_back"]
        assert (kept_out["tag"], kept_out["reason"]) == ("toy:good", "merchants complain")
        for form in ((), ("--markdown",)):
            page = " ".join(command("show", decided[:12], *form)[1].split())
            assert "No longer serving: config:tests rolled back to toy:weak at 2" in page
        ended = json.loads(command("show", decided[:12], "--json")[1])["no_longer_serving"]
        assert (ended["champion"], ended["cause"], ended["reason"]) == ("toy:weak", "rollback", "merchants complain")
        code, out, _ = command("readmit", "toy:good", "--reason", "the shop was down", "--json")
        assert (code, json.loads(out)) == (0, {"readmitted": "toy:good", "reason": "the shop was down"})
        assert command("gate", "toy:good")[0] == 0

    def test_a_readmission_says_where_the_same_files_are_kept_out_still(self, with_champion, command):
        for name in ("good", "twin"):
            command("promote", f"toy:{name}", "--override", "--reason", "r", "--yes")
            command("rollback", "toy", "--reason", f"{name} is bad", "--yes")
        code, out, _ = command("readmit", "toy:good", "--reason", "r")
        assert code == 0
        assert out.startswith(
            "toy:good is readmitted, and the gate still holds it. config:tests rolled back from toy:twin"
        )
        assert command("gate", "toy:good", "--dry-run")[0] == 4
        assert command("readmit", "toy:twin", "--reason", "r")[1] == (
            "toy:twin is readmitted: `promotion gate toy:twin` judges it again like any other version.\n"
        )

    @pytest.mark.parametrize(
        ("words", "code", "sentence"),
        [
            (["--at", "yesterday"], 2, "'yesterday' is no moment in time: expected one like 2026-11-22"),
            (["--at", "9000-01-01"], 2, "9000-01-01 00:00:00 UTC is yet to come"),
            (
                ["--at", "2020-01-01T00:00Z"],
                1,
                "Nobody served as 'toy' at 2020-01-01T00:00:00+00:00: the first champion",
            ),
            (["--to", "toy:weak", "--at", "2020-01-01"], 2, "--to and --at both say whom to bring back; give one"),
            (["--to", "weak"], 1, "toy:weak serves already, since 2"),
            (["--to", "toy:noisy"], 1, "There is no registered version 'toy:noisy'."),
            (["--to", "other:weak"], 1, "other:weak is a version of 'other', and 'toy' is to be rolled back."),
            (["--to", "toy:weak"], 1, "toy:weak serves already, since 2"),
            (["--to", "toy:spoilt"], 1, "toy:spoilt never served, so there is nothing to roll back to."),
        ],
    )
    def test_whom_it_cannot_bring_back_is_one_sentence(self, with_champion, command, words, code, sentence):
        command("gate", "toy:spoilt")
        found, out, err = command("rollback", "toy", "--reason", "r", "--yes", *words)
        assert (found, out) == (code, "")
        assert err.startswith(f"Error: {sentence}")


class TestApprove:
    def test_the_approval_that_completes_the_number_promotes(self, two_must_approve, command, by):
        code, out, _ = command("gate", "toy:weak")
        assert code == 4
        assert out.splitlines()[0].strip() == "PROMOTE, waits for approval  toy:weak (no champion yet)"
        assert out.splitlines()[2].strip() == "`promotion approve toy:weak --reason …` approves it, `deny` denies it."
        assert "toy:weak passed and waits for approval" in command("status")[1]
        code, out, err = command("promote", "toy:weak", "--reason", "r", "--yes")
        assert (code, out) == (1, "")
        assert re.fullmatch(
            r"Error: toy:weak passed and waits for approval: 2 approvals are missing, from config:tests or config:bob or "
            r"config:carol, and not only from config:tests \(`promotion approve toy:weak --reason …`, until [-0-9]+ [:0-9]+ "
            r"UTC\)\. With --override it is promoted without\.\n",
            err,
        )
        code, out, _ = command("approve", "toy:weak", "--reason", "looks good")
        assert code == 0
        assert (
            "Recorded: toy:weak passed and waits for approval (approved by config:tests; 1 approval is missing, from "
            "config:bob or config:carol): `promotion approve toy:weak --reason …`, until 20"
        ) in " ".join(out.split())
        assert "approved by config:tests; 1 approval is missing, from config:bob or config:carol" in " ".join(
            command("status")[1].split()
        )
        by("bob")
        data = json.loads(command("approve", "toy:weak", "--reason", "to me too", "--json")[1])
        assert (data["champion"], data["answer"]["approved"], data["dry_run"]) == ("toy:weak", True, False)
        assert data["reason"] == "Approved by config:tests and config:bob: to me too"
        assert "waits for approval" not in command("status")[1]
        history = command("history", "toy")[1]
        assert "approved toy:weak: looks good" in history
        assert "config:bob" in history

    def test_a_denial_rejects_and_says_so(self, two_must_approve, command, by):
        command("gate", "toy:weak")
        by("carol")
        code, out, _ = command("deny", "toy:weak", "--reason", "wrong month")
        assert (code, out.splitlines()[-1]) == (0, "Denial done (toy:weak staging → rejected).")
        by("bob")
        code, _, err = command("approve", "toy:weak", "--reason", "but I like it")
        assert code == 1
        assert err.startswith("Error: toy:weak was denied by config:carol at 2")
        assert err.endswith("wrong month. `promotion gate toy:weak` judges it again, which begins anew.\n")
        assert command("gate", "toy:weak")[0] == 4
        assert "reopening: toy:weak rejected → staging" in command("history", "toy")[1]


DRY = {
    "gate": (["gate", "toy:good"], 0),
    "gate that holds": (["gate", "toy:weak", "--data", "few.csv"], 4),
    "promote": (["promote", "toy:good", "--reason", "r", "--override"], 0),
    "promote, judged again": (["promote", "toy:good", "--reason", "r", "--rejudge"], 0),
    "promote, judged again and rejected": (["promote", "toy:spoilt", "--reason", "r", "--rejudge"], 3),
    "rollback": (["rollback", "toy", "--reason", "r"], 0),
    "rollback to one": (["rollback", "toy", "--reason", "r", "--to", "weak"], 0),
}


class TestDryRun:
    @pytest.fixture
    def after_two_champions(self, with_champion, command):
        command("promote", "toy:noisy", *OVERRIDE)
        synthetic_rows(100).to_csv("few.csv", index=False)
        return with_champion

    def test_it_shows_and_exits_as_the_real_one_would_and_changes_nothing(self, after_two_champions, command, subtests):
        before = contents(after_two_champions)
        for name, (words, code) in DRY.items():
            with subtests.test(name):
                found, out, err = command(*words, "--dry-run")
                assert (found, err) == (code, "")
                assert out.startswith("Dry run: nothing was changed.\n")
                assert "PROMOTED" not in out
                assert "HELD" not in out
                assert " done" not in out
                data = json.loads(command(*words, "--dry-run", "--json")[1])
                assert data["dry_run"] is True
                assert contents(after_two_champions) == before

    def test_answers_too(self, two_must_approve, command, by):
        command("gate", "toy:weak")
        before = contents(two_must_approve)
        for words in (["approve", "toy:weak"], ["deny", "toy:weak"]):
            code, out, err = command(*words, "--reason", "r", "--dry-run")
            assert (code, err) == (0, "")
            assert out.startswith("Dry run: nothing was changed.\n")
        assert contents(two_must_approve) == before

    def test_what_was_interrupted_stays_so_and_is_named(self, interrupted, command, subtests):
        before = contents(interrupted)
        synthetic_rows(100).to_csv("few.csv", index=False)
        before["few.csv"] = Path("few.csv").read_bytes()
        for name, (words, _) in DRY.items():
            with subtests.test(name):
                code, out, err = command(*words, "--dry-run")
                assert (code, out) == (1, "")
                assert err.startswith("Error: The promotion of entry 7 of 'toy' was interrupted before all of it was")
                assert contents(interrupted) == before
        assert command("rollback", "toy", "--reason", "r", "--yes")[0] == 0
        labels = [path.read_text() for path in (interrupted / "bentoml/models/toy").glob("*/model.yaml")]
        assert sum("stage: prod" in label for label in labels) == 1
        assert json.loads(command("status", "--json")[1])["models"][0]["champion"]["tag"] == "toy:weak"


class TestConflict:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (["promote", "toy:good", *OVERRIDE], ["promote", "toy:spoilt", *OVERRIDE]),
            (["promote", "toy:good", *OVERRIDE], ["rollback", "toy", "--reason", "r", "--yes"]),
            (["rollback", "toy", "--reason", "r", "--yes"], ["promote", "toy:good", *OVERRIDE]),
            (["promote", "toy:good", "--reason", "r", "--rejudge", "--yes"], ["promote", "toy:spoilt", *OVERRIDE]),
        ],
        ids=["two promotions", "a rollback while asking", "a promotion while asking", "while judging again"],
    )
    def test_what_moves_on_between_showing_and_yes_is_a_conflict(self, with_champion, command, meanwhile, ours, theirs):
        command("promote", "toy:noisy", *OVERRIDE)
        length = len(json.loads(command("history", "toy", "--json")[1]))
        meanwhile(*theirs)
        code, _, err = command(*ours)
        assert code == 6
        assert err == (
            f"Error: The record of 'toy' moved on by config:bob while this command ran (entry {length + 1} was taken), so "
            "nothing was changed. Look at `promotion history toy` and run the command again.\n"
        )
        actors = [entry["actor"] for entry in json.loads(command("history", "toy", "--json")[1])][length:]
        assert set(actors) == {"config:bob"}

    def test_two_approvals_at_once_count_one_and_tell_the_other(self, two_must_approve, command, meanwhile, by):
        command("gate", "toy:weak")
        meanwhile("approve", "toy:weak", "--reason", "first")
        by("carol")
        code, _, err = command("approve", "toy:weak", "--reason", "second")
        assert code == 6
        assert "moved on by config:bob while this command ran" in err
        assert command("approve", "toy:weak", "--reason", "once more")[0] == 0
        assert json.loads(command("status", "--json")[1])["models"][0]["champion"]["tag"] == "toy:weak"


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
        terminal.wait_for(f"Promote {tags[actor]} against the rules? [y/N]")

    no, yes, late = (asked[actor].answer(word) for actor, word in (("dave", "n"), ("bob", "y"), ("carol", "y")))
    assert no[0] == 130
    assert no[2].endswith("Stopped; nothing more was changed.")
    assert "toy:weak since" in no[1]
    assert (yes[0], yes[1].splitlines()[-1].split(":")[0].strip()) == (0, "Promotion done")
    assert late[0] == 6
    assert "The record of 'toy' moved on by config:bob while this command ran (entry 5 was taken)" in late[2]
