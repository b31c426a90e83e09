import pytest
from situation import toy

from promotion.history.metric_history import metric_history

pytestmark = pytest.mark.integration


def test_only_the_decision_that_made_a_champion_crowns_and_no_rollback_does(registry_after_three_champions):
    registry = registry_after_three_champions
    registry.rollback("toy", reason="complaints")  # `twin`, set by hand, is replaced by `good` again
    registry.gate(toy("spoilt"))
    found = [one for one in metric_history(registry.state("toy"), registry.history("toy")) if one.metric == "roc_auc"]
    assert [(one.tag, one.role, one.stage, one.verdict, one.crowned, one.of_champion) for one in found] == [
        ("toy:weak", "challenger", "staging", "promote", True, True),
        ("toy:good", "challenger", "staging", "promote", True, True),
        ("toy:weak", "champion", "prod", "promote", False, True),
        ("toy:spoilt", "challenger", "staging", "reject", False, False),
        ("toy:good", "champion", "prod", "reject", False, True),
    ]
    assert [one.gain is None for one in found] == [True, False, True, False, True]
    decision = registry.state("toy").versions["toy:spoilt"].decision
    assert found[3].value == decision.evidence["roc_auc"].challenger
    assert found[3].gain.low == decision.evidence["roc_auc"].low
    assert (found[3].rows, found[3].data) == (decision.evidence.rows, "rows.csv")


def test_a_decision_that_measured_nothing_is_no_row(registry_with_champion, monkeypatch):
    registry = registry_with_champion
    before = metric_history(registry.state("toy"), registry.history("toy"))
    monkeypatch.setattr("recipes.ToyRecipe.score", lambda *_: 1 / 0)
    assert registry.gate(toy("good")).evidence is None
    assert metric_history(registry.state("toy"), registry.history("toy")) == before
