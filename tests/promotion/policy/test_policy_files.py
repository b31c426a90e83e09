import numpy as np
import pytest

import promotion
from promotion.errors import ConfigError


@pytest.fixture
def comparison():
    rng = np.random.default_rng(27)
    labels = (rng.random(4000) < 0.2).astype(int)
    old, new = (weight * labels + rng.normal(size=4000) for weight in (1, 2))
    return promotion.compare(labels, old, new, metrics=["roc_auc"])


ONE = '[models.toy]\nrecipe = "recipes:ToyRecipe"\n[models.toy.policy]\nprimary = { metric = "roc_auc", min_gain = 0.5 }\n'


def test_decide_reads_a_policy_file_or_the_configuration_of_one_model(comparison, tmp_path, monkeypatch):
    (tmp_path / "policy.toml").write_text('primary = { metric = "roc_auc", min_gain = 0.5 }')
    (tmp_path / "promotion.toml").write_text(ONE)
    expected = promotion.decide(comparison, {"primary": {"metric": "roc_auc", "min_gain": 0.5}})
    assert expected.verdict == "reject"
    assert promotion.decide(comparison, tmp_path / "policy.toml") == expected
    assert promotion.decide(comparison, str(tmp_path / "promotion.toml")) == expected
    monkeypatch.setenv("PROMOTION_MODELS__TOY__POLICY__PRIMARY__MIN_GAIN", "0")
    assert promotion.decide(comparison, tmp_path / "promotion.toml").verdict == "promote"
    (tmp_path / "promotion.toml").write_text(ONE + ONE.replace("toy", "boy"))
    with pytest.raises(
        ConfigError, match=r"promotion\.toml must contain one policy, but contains those of toy, boy\. "
    ):
        promotion.decide(comparison, tmp_path / "promotion.toml")
    monkeypatch.undo()
    (tmp_path / "promotion.toml").write_text("")
    with pytest.raises(ConfigError, match=r"promotion\.toml configures no model, so it contains no policy\. "):
        promotion.decide(comparison, tmp_path / "promotion.toml")
