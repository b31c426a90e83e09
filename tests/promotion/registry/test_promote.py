"""Manual promotions: when a decision stands, when it is repeated, and when none is needed."""

import shutil

import pytest
from recipes import synthetic_rows
from situation import kinds, stages, toy

from promotion.errors import (
    Refused,
)
from promotion.registry.register import Origin
from promotion.vocabulary import Verdict

pytestmark = pytest.mark.integration


@pytest.fixture
def good_may_come_back(registry_with_champion):
    """`toy:good` was promoted by its gain, rolled back from and readmitted: its decision stands."""
    registry = registry_with_champion
    registry.register(toy("good"), Origin(run_id="run-good"))
    registry.gate(toy("good"))
    registry.rollback("toy", reason="complaints")
    registry.readmit(toy("good"), reason="they were wrong")
    return registry


class TestPromotion:
    def test_a_holdout_that_has_not_changed_is_not_judged_again(self, good_may_come_back):
        before = len(kinds(good_may_come_back))
        good_may_come_back.promote(toy("good"), reason="they were wrong")
        assert kinds(good_may_come_back)[before:] == ["transition_planned", "transition_applied"]
        assert good_may_come_back.notices == []

    def test_one_that_changed_is_and_the_new_decision_decides(self, good_may_come_back, rows_file):
        registry, old = good_may_come_back, good_may_come_back.state("toy").versions["toy:good"].decision
        synthetic_rows(seed=8).to_csv(rows_file, index=False)
        plan = registry.promote(toy("good"), reason="they were wrong")
        new = registry.state("toy").versions["toy:good"].decision
        assert new.holdout.data_digest != old.holdout.data_digest
        assert (plan.decision, plan.reason) == (new.digest, "they were wrong")
        assert kinds(registry)[-3:] == ["decision", "transition_planned", "transition_applied"]

    def test_what_no_longer_passes_is_recorded_and_not_promoted(self, good_may_come_back, rows_file):
        registry = good_may_come_back
        rows = synthetic_rows(seed=8)
        rows.assign(b=-rows["b"]).to_csv(rows_file, index=False)
        with pytest.raises(
            Refused, match=r"^toy:good was judged again and not promoted: reject\. The gain in roc_auc is"
        ):
            registry.promote(toy("good"), reason="they were wrong")
        assert stages(registry) == {"weak": "prod", "good": "rejected"}
        assert registry.state("toy").versions["toy:good"].decision.verdict is Verdict.REJECT

    def test_a_file_that_is_gone_takes_no_decision_away(self, good_may_come_back, rows_file):
        rows_file.unlink()
        shutil.rmtree(good_may_come_back.config.path(good_may_come_back.config.cache) / "scored")
        plan = good_may_come_back.promote(toy("good"), reason="they were wrong")
        changed, scored = good_may_come_back.notices
        assert changed == (
            "rows.csv, on whose rows the gate judged toy:good, cannot be read, so it is unknown whether the file has changed since then. The decision stands."
        )
        assert scored == (
            f"toy:good was loaded but not scored, because no rows could be read: There is no data file at {rows_file}."
        )
        assert (plan.reason, plan.unseen) == ("they were wrong", scored)

    def test_one_judged_by_another_file_that_changed_is_for_a_person_to_say(self, registry_with_champion, tmp_path):
        fresh = tmp_path / "fresh.csv"
        synthetic_rows(seed=8, first_id=90_000).to_csv(fresh, index=False)
        registry_with_champion.gate(toy("good"), holdout=fresh)
        registry_with_champion.rollback("toy", reason="complaints")
        registry_with_champion.readmit(toy("good"), reason="they were wrong")
        synthetic_rows(seed=9, first_id=90_000).to_csv(fresh, index=False)
        before = kinds(registry_with_champion)
        with pytest.raises(Refused) as raised:
            registry_with_champion.promote(toy("good"), reason="they were wrong")
        assert str(raised.value) == (
            "fresh.csv, on whose rows the gate judged toy:good, has changed since then. To judge it again, run `promotion "
            "gate toy:good --data fresh.csv` (or --holdout). To judge it on rows.csv, use --rejudge."
        )
        assert kinds(registry_with_champion) == before
        registry_with_champion.promote(toy("good"), reason="they were wrong", rejudge=True)
        assert registry_with_champion.state("toy").versions["toy:good"].decision.holdout.data == "rows.csv"

    def test_judging_again_and_overriding_are_two_things(self, registry_with_champion):
        with pytest.raises(
            Refused, match=r"^--override promotes without a decision, and --rejudge makes a new one. Use only one"
        ):
            registry_with_champion.promote(toy("good"), reason="r", override=True, rejudge=True)

    def test_judged_against_another_champion_it_can_be_judged_again(self, registry_after_three_champions):
        registry = registry_after_three_champions
        with pytest.raises(
            Refused, match=r"^toy:good was judged against toy:weak, which no longer serves\. .*--rejudge"
        ):
            registry.promote(toy("good"), reason="r")
        with pytest.raises(Refused, match=r"^toy:good was judged again and not promoted: hold\."):
            registry.promote(toy("good"), reason="r", rejudge=True)
        assert registry.state("toy").versions["toy:good"].decision.champion.tag == "toy:twin"


def test_without_a_verdict_it_is_refused_and_nothing_is_recorded(registry_with_champion):
    before = kinds(registry_with_champion)
    with pytest.raises(Refused, match=r"^toy:good has not been judged\. Run `promotion gate toy:good`"):
        registry_with_champion.promote(toy("good"), reason="it is good")
    assert kinds(registry_with_champion) == before


def test_an_override_is_recorded_as_one(registry_with_champion):
    registry_with_champion.gate(toy("noisy"))
    registry_with_champion.promote(toy("noisy"), reason="the metric is wrong", override=True)

    override, planned = (entry.content() for entry in registry_with_champion.history("toy")[-3:-1])
    assert (override.tag, override.reason, override.verdict) == ("toy:noisy", "the metric is wrong", "reject")
    assert (planned.champion, planned.decision) == ("toy:noisy", None)
    assert registry_with_champion.history("toy")[-3].actor == "os:alice"
    assert registry_with_champion.champion("toy").decision_id is None
    assert stages(registry_with_champion) == {"weak": "archived", "noisy": "prod"}


def test_after_a_rollback_and_a_readmission_its_verdict_still_stands(registry_with_champion):
    decision = registry_with_champion.gate(toy("good"))
    registry_with_champion.rollback("toy", reason="complaints")
    registry_with_champion.readmit(toy("good"), reason="they were wrong")
    registry_with_champion.promote(toy("good"), reason="they were wrong")
    assert registry_with_champion.champion("toy").decision_id == decision.id
