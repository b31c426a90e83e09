"""`promotion policy check`: what a policy requires, and what is wrong with one."""

import json
import re

import pytest

POLICY = """
primary = { metric = "roc_auc", min_gain = 0.2 }
guardrails = [ { metric = "brier_score", max_loss = 0.02 } ]
"""


class TestCheck:
    def test_says_what_a_policy_demands_and_its_digest(self, command, tmp_path):
        (tmp_path / "other.toml").write_text(POLICY)
        code, out, err = command("policy", "check", "other.toml")
        assert (code, err) == (0, "")
        lines = [line.strip() for line in out.splitlines()]
        assert lines[0] == "valid  other.toml"
        assert "- The challenger's loss in brier_score must be at most 0.02 (one-sided 95 % confidence)." in lines
        assert re.fullmatch(r"digest [0-9a-f]{64}", lines[-1])
        found = json.loads(command("policy", "check", "other.toml", "--json")[1])["other.toml"]
        assert f"digest {found['digest']}" == lines[-1]
        assert f"- {found['demands'][1]}" in lines

    def test_without_a_file_it_checks_every_model_of_the_configuration(self, here, command):
        assert command("policy", "check")[1].splitlines()[0].strip() == "valid  toy"
        assert command("policy", "check")[1] == command("policy", "check", "promotion.toml")[1]

    @pytest.mark.parametrize(
        ("key", "sentence"),
        [
            (
                'group = "card1"',
                "Standard errors treat groups by card1 as independent; with fewer than 5 effective groups, the challenger is held.",
            ),
            (
                'group = { by = "t", window = "1d" }',
                "Standard errors treat groups by t in windows of 1d as independent; with fewer than 5 effective groups, the challenger is held.",
            ),
            (
                'dependence = "independent"',
                'Standard errors treat each row as independent, as configured (dependence = "independent").',
            ),
            ("", "If the model or its recipe sets `group`"),
        ],
    )
    def test_says_of_each_model_which_rows_depend_on_each_other(self, here, configuration, command, key, sentence):
        (here / "promotion.toml").write_text(configuration.replace("[models.toy]\n", f"[models.toy]\n{key}\n"))
        demands = json.loads(command("policy", "check", "--json")[1])["toy"]["demands"]
        assert len([each for each in demands if each.startswith(sentence)]) == 1

    def test_warns_of_a_guardrail_that_the_last_rows_cannot_show(self, with_champion, configuration, command):
        """Of the same margin that a challenger equal to the champion fails, no warning before the ledger has rows."""
        file = with_champion / "promotion.toml"
        command("gate", "toy:good")
        assert "Warning" not in command("policy", "check")[1]
        file.write_text(configuration.replace("max_loss = 0.02", "max_loss = 0.0002"))
        code, out, err = command("policy", "check")
        assert (code, err) == (0, "")
        (warned,) = json.loads(command("policy", "check", "--json")[1])["toy"]["warnings"]
        assert re.fullmatch(
            r"brier_score: These rows cannot rule out losses below \S+, so even a challenger equal to the champion could "
            r"not pass; .*about \S+ .* would be enough\.",
            warned,
        )
        assert f"Warning: {warned}"[:60] in out
        # a much worse challenger says nothing about an equal one
        assert command("gate", "toy:spoilt")[0] == 3
        assert json.loads(command("policy", "check", "--json")[1])["toy"]["warnings"] == [warned]

    def test_reads_no_ledger_that_is_not_there(self, here, command):
        assert command("policy", "check")[0] == 0
        assert not (here / "ledger.db").exists()

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("primry = { metric = 'mae' }", "other.toml has an unknown key 'primry'; did you mean 'primary'?"),
            (
                f"{POLICY}slices = [ {{ by = 'a', metric = 'roc_auc', max_los = 1 }} ]",
                "other.toml has an unknown key 'max_los' in slices[0]; did you mean 'max_loss'?",
            ),
            (
                f"{POLICY}[[slices]]\nby = 'a'\nmetric = 'roc_auc'",
                "other.toml is missing the key 'max_loss' in slices[0].",
            ),
            (
                f"{POLICY}slices = 'a'",
                "other.toml, 'slices': Input should be a list, [ … ], found 'a'.",
            ),
            ("primary = 'mae'", "other.toml, 'primary': Input should be a table, { key = value }, found 'mae'."),
            (f"{POLICY}rule = 'points'", "other.toml, 'rule': Input should be 'confident' or 'point', found 'points'."),
            (
                "primary = { metric = 'rocauc' }",
                "other.toml: 'primary.metric': There is no metric 'rocauc'. Did you mean 'roc_auc'?",
            ),
            (
                "[models]",
                "other.toml configures no model, so it contains no policy. `promotion init` writes an example.",
            ),
            (
                "[models.toy]\nrecipe = 'r:R'\n[models.toy.policy]\nprimary = { metrik = 'mae' }",
                "{here}/other.toml has an unknown key 'metrik' in [models.toy.policy.primary]; did you mean 'metric'?",
            ),
        ],
    )
    def test_one_that_is_not_valid_is_one_sentence(self, command, tmp_path, text, sentence):
        (tmp_path / "other.toml").write_text(text)
        code, out, err = command("policy", "check", "other.toml")
        assert (code, out) == (1, "")
        assert err == f"Error: {sentence.replace('{here}/', '')}\n"

    def test_no_file_is_a_sentence(self, command):
        assert command("policy", "check", "absent.toml") == (
            1,
            "",
            "Error: absent.toml cannot be read (No such file or directory).\n",
        )

    def test_the_name_of_a_model_is_a_sentence(self, command):
        told = "Error: There is no policy file 'toy'. To check the policies of all models, name no file.\n"
        assert command("policy", "check", "toy") == (1, "", told)

    def test_the_template_is_valid_with_all_its_comments_taken_away(self, command, tmp_path):
        command("init")
        text = (tmp_path / "promotion.toml").read_text()
        assert command("policy", "check")[0] == 0
        told = re.sub(r"(?m)^# (?=(    \{|\]|[a-z_]+ +=))", "", text)
        told = re.sub(r"(?m)^(ledger|mlflow_|bentoml_home|actor).*$", "", told)
        (tmp_path / "promotion.toml").write_text(told)
        code, out, err = command("policy", "check", "--json")
        assert (code, err) == (0, "")
        (found,) = json.loads(out).values()
        assert any("by TransactionAmt in 4 bins" in demand for demand in found["demands"])
        assert any("waits until 2 people approve it" in demand for demand in found["demands"])
