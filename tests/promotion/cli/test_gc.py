"""`promotion gc`: shows what it deletes and why the others stay, and asks."""

import json

import pytest
from situation import contents, toy

from promotion.adapters.bento import BentoStore

pytestmark = pytest.mark.integration


def unwrapped(text):
    return " ".join(text.split())


class TestGc:
    @pytest.fixture
    def rejected(self, with_champion, command):
        """`spoilt` and `noisy` are rejected."""
        for name in ("spoilt", "noisy"):
            assert command("gate", f"toy:{name}")[0] == 3
        return BentoStore(with_champion / "bentoml")

    def test_it_shows_what_goes_and_why_the_others_stay_and_a_dry_run_ends_there(
        self, rejected, with_champion, command
    ):
        before = contents(with_champion)
        code, out, err = command("gc", "toy", "--keep", "1", "--older-than", "0d", "--dry-run")
        assert (code, err) == (0, "")
        assert [line.split() for line in out.splitlines() if line.strip() and "─" not in line] == [
            ["Dry", "run:", "nothing", "was", "changed."],
            ["toy:", "1", "version", "to", "delete."],
            ["version", "what", "why"],
            ["spoilt", "delete", "judged,", "never", "served,", "and", "neither", "new", "nor", "recent"],
            ["good", "keep", "not", "registered,", "so", "its", "origin", "is", "unknown"],
            ["noisy", "keep", "one", "of", "the", "newest", "1", "deletable", "versions"],
            ["twin", "keep", "not", "registered,", "so", "its", "origin", "is", "unknown"],
            ["weak", "keep", "serves"],
        ]
        assert contents(with_champion) == before

    def test_yes_deletes_and_show_still_tells_the_life(self, rejected, command):
        code, out, _ = command(
            "gc", "toy", "--keep", "1", "--older-than", "0d", "--yes", "--reason", "the disk is full"
        )
        assert (code, out.splitlines()[-1]) == (0, "Deleted toy:spoilt.")
        assert not rejected.path(toy("spoilt")).exists()
        code, out, _ = command("show", "toy:spoilt")
        assert code == 0
        assert "the disk is full" in unwrapped(out)
        assert "deleted toy:spoilt" in command("history", "toy")[1]
        code, _, err = command("gate", "toy:spoilt")
        assert code == 1
        assert "toy:spoilt was deleted at " in err
        assert ": the disk is full. Run `promotion show toy:spoilt` to see its history" in err

    def test_json_is_one_value(self, rejected, command):
        code, out, _ = command("gc", "toy", "--keep", "0", "--older-than", "0d", "--yes", "--json")
        data = json.loads(out)
        assert (code, data["gone"], data["dry_run"]) == (0, ["toy:spoilt", "toy:noisy"], False)
        assert data["kept"]["toy:weak"] == "serves"
        assert json.loads(command("gc", "toy", "--json")[1])["gone"] == []

    def test_by_default_the_young_stay(self, rejected, command):
        code, out, err = command("gc", "toy", "--keep", "0")
        assert (code, err) == (0, "")
        assert out.startswith("toy: no version to delete.\n")
        assert out.count("registered after 2") == 2

    def test_without_a_terminal_it_asks_for_yes_and_nothing_goes(self, rejected, with_champion, command):
        before = contents(with_champion)
        code, _, err = command("gc", "toy", "--keep", "0", "--older-than", "0d")
        assert (code, err) == (
            2,
            "Error: The command must ask for confirmation, but there is no terminal. Add --yes.\n",
        )
        assert contents(with_champion) == before

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "age",
        ["", "30", "-1d", "d", "1.5d", "30 days", "1y", "٣d", "9999999999d", "999999999w", "999999999d", "1000000w"],
    )
    def test_an_age_that_is_none_is_a_sentence(self, rejected, with_champion, command, age):
        before = contents(with_champion)
        expected = f"Error: '{age}' is not a valid age: expected hours, days or weeks, like 12h, 30d or 2w.\n"
        assert command("gc", "toy", f"--older-than={age}", "--yes") == (2, "", expected)
        assert contents(with_champion) == before

    def test_other_mistakes_are_sentences_too(self, rejected, command):
        assert command("gc", "tooy")[::2] == (1, "Error: There is no model 'tooy'. Did you mean 'toy'?\n")
        code, _, err = command("gc", "toy", "--keep", "-1")
        assert code == 2
        assert "Invalid value for '--keep'" in err
        code, _, err = command("gc", "toy", "--keep", "0", "--older-than", "0d", "--yes", "--reason", " ")
        assert (code, err) == (1, "Error: A manual change needs a reason. Add --reason 'why'.\n")
