"""`promotion replay`: which decisions would have been different."""

import json
import re

import pytest

pytestmark = pytest.mark.integration

POLICY = """
primary = { metric = "roc_auc", min_gain = 0.2 }
guardrails = [ { metric = "brier_score", max_loss = 0.02 } ]
"""


@pytest.fixture
def after_four_decisions(with_champion, command):
    """`toy` after four decisions: weak promoted first, good promoted, twin held, spoilt rejected."""
    for version in ("good", "twin", "spoilt"):
        command("gate", f"toy:{version}")
    return with_champion


class TestReplay:
    @pytest.mark.slow
    def test_tells_which_decisions_would_have_been_others_and_why(self, after_four_decisions, command):
        (after_four_decisions / "other.toml").write_text(POLICY)
        before = command("history", "toy", "--json")[1]
        code, out, err = command("replay", "toy", "--policy", "other.toml")
        assert (code, err) == (0, "")
        assert out.splitlines()[0].strip() == "toy  3 of 4 decisions would have been different."
        rows = [line.split() for line in out.splitlines() if re.match(r"\d+ ", line.strip())]
        assert [(row[3], row[4], row[5]) for row in rows] == [
            ("weak", "promote", "hold"),
            ("good", "promote", "reject"),
            ("twin", "hold", "reject"),
            ("spoilt", "reject", "the"),
        ]
        assert "Each decision is repeated on its own, with its stored comparison with the champion of that time." in out
        assert command("history", "toy", "--json")[1] == before

    def test_under_the_same_policy_nothing_differs_by_file_or_by_model(self, after_four_decisions, command):
        found = json.loads(command("replay", "--policy", "promotion.toml", "--json")[1])
        assert [each["differs"] for each in found["toy"]] == [False] * 4
        assert [each["now"]["alpha"] for each in found["toy"]] == [each["then"]["alpha"] for each in found["toy"]]
        assert found["toy"][2]["why"] == found["toy"][2]["now"]["checks"][3]["reason"]

    def test_before_any_decision(self, here, command):
        assert command("replay", "--policy", "promotion.toml") == (0, "toy\nNo decision is recorded yet.\n", "")

    def test_mistakes_are_sentences(self, here, command, tmp_path):
        (tmp_path / "one.toml").write_text("[models.b]\nrecipe='r:R'\npolicy = { primary = { metric = 'mae' } }")
        assert command("replay", "--policy", "absent.toml")[2] == (
            "Error: absent.toml cannot be read (No such file or directory).\n"
        )
        assert command("replay", "tooy", "--policy", "promotion.toml")[2] == (
            "Error: There is no model 'tooy'. Did you mean 'toy'?\n"
        )
        assert (
            "Note: one.toml configures no model 'toy', so its decisions were not replayed."
            in (command("replay", "--policy", "one.toml")[2])
        )
        code, _, err = command("replay")
        assert code == 2
        assert "Missing option '--policy'" in err
