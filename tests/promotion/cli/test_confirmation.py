"""Manual changes: a dry run shows the same and changes nothing; a user overtaken during the prompt is told so."""

import json
import re
from pathlib import Path

import pytest
from recipes import synthetic_rows
from situation import contents

pytestmark = pytest.mark.integration

OVERRIDE = ("--reason", "r", "--override", "--yes")


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
                assert err.startswith(
                    "Error: The promotion recorded in entry 7 of 'toy' was interrupted. To complete it, run"
                )
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
            f"Error: config:bob wrote entry {length + 1} to the ledger of 'toy' while this command ran, so "
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
        assert re.search(r"config:bob wrote entry \d+ to the ledger of 'toy' while this command ran", err)
        assert command("approve", "toy:weak", "--reason", "once more")[0] == 0
        assert json.loads(command("status", "--json")[1])["models"][0]["champion"]["tag"] == "toy:weak"
