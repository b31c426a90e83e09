"""`promotion status` and `audit`: the answer first, the way back that works, and many models by pattern."""

import json
import re
import shlex
import shutil

import pytest
from ledgers import record_history
from rich.cells import cell_len

import promotion
from promotion.adapters.sql import SqlLedger
from promotion.vocabulary import Stage, Tag

pytestmark = pytest.mark.integration

TEAMS = ("team_1a", "team_1b", "team_2")


def last_lines(out, count=2):
    return out.splitlines()[-count:]


@pytest.fixture
def teams(here):
    """Three models beside `toy`, each with a champion whose files are lost."""
    ledger = SqlLedger(f"sqlite:///{here}/ledger.db")
    for number, model in enumerate(TEAMS):
        record_history(ledger, model, 1, seed=number, reason="商店投诉 " * 30, rows=300)
    return here


class TestWayBack:
    def test_the_command_that_it_names_rolls_back(self, with_champion, command):
        assert last_lines(command("status", "toy")[1], 1) == ["There is no previous champion to roll back to."]
        assert command("gate", "toy:good")[0] == 0
        told = last_lines(command("status", "toy")[1])
        assert told == ["To roll back to toy:weak:", "  promotion rollback toy --reason …"]
        assert command(*shlex.split(told[1].replace("…", "complaints"))[1:], "--yes")[0] == 0
        assert promotion.open().champion("toy").tag == Tag("toy", "weak")

    def test_after_a_rollback_to_the_first_champion_it_names_the_version_that_was_removed(
        self, three_champions, command
    ):
        first, *told = last_lines(command("status", "toy")[1], 3)
        assert first == "There is no previous champion to roll back to."
        assert re.fullmatch(
            r"To bring back toy:good, which was rolled back by config:tests at 2\S+ \d\d:\d\d UTC:", told[0]
        )
        assert command(*shlex.split(told[1].replace("…", "complaints"))[1:], "--yes")[0] == 0
        assert promotion.open().champion("toy").tag == Tag("toy", "good")

    def test_no_command_is_named_that_would_be_refused(self, with_champion, store, command):
        assert command("gate", "toy:good")[0] == 0
        shutil.rmtree(store.path(Tag("toy", "weak")))
        assert command("rollback", "toy", "--reason", "r", "--yes")[0] == 1
        out = command("status", "toy")[1]
        assert "The previous champion cannot be brought back. toy:weak was registered at " in out
        assert "promotion rollback" not in out

    def test_a_version_that_the_last_audit_found_broken_is_not_proposed(self, with_champion, store, command):
        assert command("gate", "toy:good")[0] == 0
        assert command("promote", "toy:twin", "--override", "--reason", "r", "--yes")[0] == 0
        assert command("rollback", "toy", "--reason", "r", "--yes")[0] == 0
        (store.path(Tag("toy", "weak")) / "extra").touch()
        assert command("audit", "toy")[0] == 5
        out = command("status", "toy")[1]
        assert re.search(
            r"^The previous champion cannot be brought back\. The last audit, at 2\S+ \S+ UTC, found that files of toy:weak "
            r"are missing or have changed\. Restore them, and run `promotion audit toy`\.$",
            out,
            re.MULTILINE,
        )
        told = last_lines(out)
        assert re.fullmatch(r"To bring back toy:twin, which was rolled back by config:tests at 2\S+ \S+ UTC:", told[0])
        assert command(*shlex.split(told[1].replace("…", "complaints"))[1:], "--yes")[0] == 0
        assert last_lines(command("status", "toy")[1])[0] == "To roll back to toy:good:"

    def test_of_a_model_of_another_ledger_no_way_back_is_named(self, with_champion, second, at):
        _, out, _ = at(second, "status", "toy")
        assert "belongs to the ledger at" in out
        assert "roll back" not in out


class TestLastAudit:
    def test_the_last_audit_on_this_computer_and_what_it_found(self, weak_alone, with_champion, store, command):
        assert "last audit         none on this computer\n" in command("status")[1]
        assert command("audit")[0] == 0
        assert re.search(r"last audit +2\d{3}-\d\d-\d\d \d\d:\d\d UTC, \d+ s ago: no findings\n", command("status")[1])
        store.write_stage(Tag("toy", "weak"), Stage.ARCHIVED)
        assert command("audit")[0] == 5
        out = command("status")[1]
        assert re.search(r"last audit +2\d{3}-\d\d-\d\d \d\d:\d\d UTC, \d+ s ago: 1 finding \(AUD010\)\n", out)
        assert (
            "! The label of the champion toy:weak in the model store must be stage: prod, but is stage: archived."
            in out
        )

    def test_its_findings_are_problems_in_every_form_until_an_audit_finds_nothing(
        self, weak_alone, with_champion, store, command
    ):
        extra = store.path(Tag("toy", "weak")) / "extra"
        extra.touch()
        assert command("audit", "toy")[0] == 5
        told = (
            r"The last audit of toy, at 2\S+ \d\d:\d\d UTC, had 1 finding \(AUD020\)\. To see what is still wrong, run "
        )
        out = command("status", "toy")[1]
        assert re.search(rf"^! {told}`promotion audit toy`\.$", out, re.MULTILINE)
        assert "No problems found" not in out
        for words in (("status", "t*", "--problems"), ("status", "--problems", "--json"), ("report", "--site", "site")):
            assert command(*words)[0] == 0
        assert last_lines(command("status", "toy", "--problems")[1], 1) != ["1 model, none with problems."]
        (note,) = json.loads(command("status", "--problems", "--json")[1])["notes"]
        assert re.match(told, note)
        for page in ("index.html", "model-toy.html"):
            assert "had 1 finding (AUD020)" in (with_champion / "site" / page).read_text()
        extra.unlink()
        assert command("audit", "toy")[0] == 0
        assert "No problems found in the ledger" in command("status", "toy")[1]
        assert command("status", "--problems")[1] == "1 model, none with problems.\n"

    @pytest.mark.parametrize("kept", ["", "[]", '{"at": 1}', "\x00"])
    def test_a_damaged_note_of_it_counts_as_none(self, with_champion, command, kept):
        assert command("audit")[0] in {0, 5}
        (note,) = (with_champion / ".promotion" / "cache" / "audits").iterdir()
        note.write_text(kept)
        code, out, _ = command("status")
        assert (code, "last audit         none on this computer\n" in out) == (0, True)


class TestSeveral:
    def test_a_pattern_chooses_models_and_a_total_ends_the_table(self, teams, command):
        code, out, _ = command("status", "team_1*")
        assert (code, last_lines(out, 1)) == (0, ["2 models, 2 with problems."])
        assert re.findall(r"^(\w+) +\w+ +\d+ days +promotion +files, MLflow$", out, re.MULTILINE) == [
            "team_1a",
            "team_1b",
        ]
        told = json.loads(command("status", "team_1*", "--json")[1])
        assert [one["model"] for one in told["models"]] == ["team_1a", "team_1b"]

    def test_problems_leaves_out_models_without(self, weak_alone, teams, command):
        assert command("gate", "toy:weak")[0] == 0
        assert last_lines(command("status", "--problems")[1], 1) == ["4 models, 3 with problems."]
        told = json.loads(command("status", "--problems", "--json")[1])
        assert [one["model"] for one in told["models"]] == list(TEAMS)
        assert command("status", "toy", "--problems")[1] == "1 model, none with problems.\n"

    def test_an_audit_shows_models_with_findings_and_counts_the_others(self, weak_alone, teams, command):
        assert command("gate", "toy:weak")[0] == 0
        code, out, _ = command("audit")
        assert (code, re.findall(r"^(\w+) +\d+ +AUD", out, re.MULTILINE)) == (5, list(TEAMS))
        assert re.fullmatch(r"4 models, 3 with problems: \d+ findings\.", last_lines(out)[0])
        every, amiss = (json.loads(command("audit", *words, "--json")[1]) for words in ((), ("--problems",)))
        assert (list(every), list(amiss)) == (["toy", *TEAMS], list(TEAMS))
        assert every["toy"] == []
        assert command("audit", "to*", "--problems", "--json")[:2] == (0, "{}\n")

    @pytest.mark.parametrize("words", [["status"], ["audit"], ["repair", "--dry-run"], ["sync"], ["ledger", "export"]])
    def test_a_pattern_that_matches_nothing_is_a_mistake(self, teams, command, words):
        code, out, err = command(*words, "nosuch_*")
        assert (code, out) == (1, "")
        assert err.startswith("Error: There is no model that matches 'nosuch_*'. Available: ")

    @pytest.mark.parametrize("width", [40, 80])
    @pytest.mark.parametrize(
        "words", [["status"], ["status", "team_2"], ["history", "team_2"], ["audit"]], ids=" ".join
    )
    def test_a_pipe_has_the_width_that_columns_says(self, teams, command, monkeypatch, words, width):
        monkeypatch.setenv("COLUMNS", str(width))
        out = command(*words)[1]
        champion = promotion.open().champion("team_2").tag
        assert str(champion) in out or champion.version in out
        assert max(map(cell_len, out.splitlines())) <= width
        monkeypatch.delenv("COLUMNS")
        free = command(*words)[1]
        assert max(map(cell_len, free.splitlines())) > 100
