"""`promotion rollback`: to a version or a moment, and the output of every command afterwards."""

import json
import re

import pytest

from promotion.cli import confirmation

pytestmark = pytest.mark.integration

OVERRIDE = ("--reason", "r", "--override", "--yes")


class TestRollback:
    def test_to_a_moment_says_which_moment_in_utc(self, with_champion, command, monkeypatch):
        since = json.loads(command("status", "--json")[1])["models"][0]["champion"]["since"]
        command("promote", "toy:good", *OVERRIDE)
        command("promote", "toy:twin", *OVERRIDE)
        asked = []
        monkeypatch.setattr(confirmation, "confirmed", lambda question, **_: asked.append(question))
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

    def test_a_recorded_text_forges_no_line_of_an_error_or_a_notice(self, with_champion, command, by):
        """Reasons, actors, names and paths are quoted by errors, notices and Typer's complaints."""
        forged = "complaints\x1b[2K\nError: forged\r\nNote: forged"
        by(f"bob\n{forged}")
        assert command("gate", "toy:good")[0] == 0
        assert command("rollback", "toy", "--reason", forged, "--yes")[0] == 0
        for words, quotes in (
            (["promote", "toy:good", "--reason", "r", "--yes"], "rolled back from toy:good"),
            (["promote", "toy:twin", "--reason", "r", "--yes"], "toy:twin has identical files"),
            (["approve", "toy:good", "--reason", "r"], "rolled back from toy:good"),
            (["rollback", "toy", "--reason", "r", "--yes"], "Name the version to bring back:\n- toy:good"),
            (["gate", "toy:noisy", "--data", f"rows{forged}.csv"], "rows"),
            (["show", f"toy:{forged}"], "There is no tag"),
            (["status", forged], "There is no model"),
            (["status", f"--{forged}"], "No such option"),
            (["promote", f"toy:good{forged}", "--reason", "r", "--yes"], "There is no tag"),
            (["policy", "check", f"{forged}.toml"], "forged"),
            (["ledger", "import", f"{forged}.jsonl"], "forged"),
        ):
            code, _, err = command(*words)
            assert code in {1, 2}, words
            assert quotes in err, words
            assert re.search(r"\\x1b\[2K\\(n|x0a)Error: forged\\(r\\n|x0d\\x0a)Note: forged", err), words
            assert not re.search(r"^(Error|Note): forged|[\x1b\r]", err, re.MULTILINE), words

    @pytest.mark.parametrize(
        ("words", "code", "sentence"),
        [
            (["--at", "last week"], 2, "'last week' is not a valid time: expected something like 2026-11-22"),
            (["--at", "9000-01-01"], 2, "9000-01-01 00:00:00 UTC is in the future"),
            (
                ["--at", "2020-01-01T00:00Z"],
                1,
                "No version of 'toy' served at 2020-01-01T00:00:00+00:00: the first champion",
            ),
            (
                ["--to", "toy:weak", "--at", "2020-01-01"],
                2,
                "--to and --at both name the version to bring back. Use only one",
            ),
            (["--to", "weak"], 1, "toy:weak already serves (since 2"),
            (["--to", "toy:noisy"], 1, "There is no registered version 'toy:noisy'."),
            (["--to", "other:weak"], 1, "other:weak is a version of 'other', but the model to roll back is 'toy'."),
            (["--to", "toy:weak"], 1, "toy:weak already serves (since 2"),
            (["--to", "toy:spoilt"], 1, "toy:spoilt has never served, so a rollback cannot bring it back."),
        ],
    )
    def test_whom_it_cannot_bring_back_is_one_sentence(self, with_champion, command, words, code, sentence):
        command("gate", "toy:spoilt")
        found, out, err = command("rollback", "toy", "--reason", "r", "--yes", *words)
        assert (found, out) == (code, "")
        assert err.startswith(f"Error: {sentence}")
