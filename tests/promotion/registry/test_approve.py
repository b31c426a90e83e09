"""Approvals: who may answer, how many are required, and until when."""

from datetime import UTC, datetime, timedelta

import pytest
from situation import NOON, kinds, settings_at, stages, toy

from promotion.errors import Refused, UnknownName
from promotion.registry.consent import approvals_sentence

pytestmark = pytest.mark.integration


class TestApproval:
    @pytest.fixture
    def people(self, opened, tmp_path):
        """A registry per person; two must approve. Alice trained `toy:good` and requested its decision."""
        keys = {"approval": "required", "approvers": ["os:alice", "os:bob", "os:carol"], "min_approvals": 2}
        config = settings_at(tmp_path, policy=keys)
        made = {name: opened(config=config, actor=lambda name=name: f"os:{name}") for name in ("alice", "bob", "carol")}
        made["dave"] = opened(config=config, actor=lambda: "os:dave")
        made["other alice"] = opened(config=config, actor=lambda: "config:alice")
        made["alice"].promote(toy("weak"), reason="to begin with", override=True)
        made["alice"].gate(toy("good"))
        return made

    def test_two_of_three_promote_and_the_record_says_who(self, people):
        alice, bob = people["alice"], people["bob"]
        decision = alice.state("toy").versions["toy:good"].decision
        assert alice.approve(toy("good"), reason="mine") is None
        plan = bob.approve(toy("good"), reason="and I agree")
        assert (plan.champion, plan.decision) == ("toy:good", decision.digest)
        assert plan.reason == "Approved by os:alice and os:bob: and I agree"
        assert kinds(bob)[-4:] == ["approval", "approval", "transition_planned", "transition_applied"]
        assert stages(bob) == {"weak": "archived", "good": "prod"}

    @pytest.mark.parametrize(
        ("who", "sentence"),
        [
            (
                "alice",
                r"^You \(os:alice\) have already approved toy:good; 1 approval is missing, from os:bob or os:c",
            ),
            ("dave", r"^The approvers of 'toy' are os:alice, os:bob, os:carol, but you are os:dave\.$"),
            ("other alice", r"^The approvers of 'toy' are os:alice, os:bob, os:carol, but you are config:alice\.$"),
        ],
    )
    def test_who_cannot_approve_is_told(self, people, who, sentence):
        people["alice"].approve(toy("good"), reason="mine")
        before = kinds(people["alice"])
        with pytest.raises(Refused, match=sentence):
            people[who].approve(toy("good"), reason="r")
        assert kinds(people["alice"]) == before

    @pytest.mark.parametrize(
        ("version", "sentence"),
        [
            ("weak", r"^toy:weak already serves \(since .* UTC\), so no decision on it waits for approval\.$"),
            ("noisy", r"^The last decision on toy:noisy is reject, which does not need approval\.$"),
            (
                "twin",
                r"^toy:twin has not been judged, so no decision on it waits for approval\. Run `promotion gate toy:twin`\.$",
            ),
            ("spoilt", r"^There is no registered version 'toy:spoilt'\. "),
            ("goood", r"^There is no version 'toy:goood'\. Did you mean 'toy:good'\?"),
        ],
    )
    def test_what_does_not_wait_cannot_be_answered(self, people, version, sentence):
        people["alice"].gate(toy("noisy"))
        people["alice"].register(toy("twin"))
        for answer in (people["bob"].approve, people["bob"].deny):
            with pytest.raises((Refused, UnknownName), match=sentence):
                answer(toy(version), reason="r")

    def test_one_denial_ends_it_and_only_a_new_decision_begins_anew(self, people):
        people["bob"].approve(toy("good"), reason="fine")
        plan = people["bob"].deny(toy("good"), reason="on second thoughts not")
        assert (plan.cause, plan.champion, stages(people["bob"])["good"]) == ("denial", "toy:weak", "rejected")
        for act in (
            lambda: people["carol"].approve(toy("good"), reason="r"),
            lambda: people["carol"].deny(toy("good"), reason="r"),
            lambda: people["alice"].promote(toy("good"), reason="r"),
        ):
            with pytest.raises(
                Refused, match=r"^toy:good was denied by os:bob at .*: on second thoughts not\. Run `promotion"
            ):
                act()
        assert people["alice"].gate(toy("good")).waits
        assert stages(people["alice"])["good"] == "staging"
        assert people["alice"].state("toy").versions["toy:good"].votes == ()
        people["bob"].approve(toy("good"), reason="now it is right")
        people["carol"].approve(toy("good"), reason="so it is")
        assert stages(people["bob"]) == {"weak": "archived", "good": "prod"}

    def test_a_new_decision_voids_what_was_said_to_the_one_before(self, people):
        people["bob"].approve(toy("good"), reason="fine")
        people["alice"].gate(toy("good"))
        assert people["carol"].approve(toy("good"), reason="fine") is None

    def test_it_counts_only_against_the_champion_that_it_was_judged_against(self, people):
        people["bob"].approve(toy("good"), reason="fine")
        people["alice"].promote(toy("twin"), reason="in a hurry", override=True)
        with pytest.raises(
            Refused, match=r"^toy:good was judged against toy:weak, which no longer serves\. .*--rejudge"
        ):
            people["carol"].approve(toy("good"), reason="fine")

    def test_once_approved_it_may_come_back_after_a_rollback(self, people):
        for name in ("bob", "carol"):
            people[name].approve(toy("good"), reason="fine")
        people["alice"].rollback("toy", reason="complaints")
        with pytest.raises(
            Refused, match=r"^os:alice rolled back from toy:good at .*: 'complaints'\. Promote it with "
        ):
            people["alice"].approve(toy("good"), reason="fine")
        people["bob"].readmit(toy("good"), reason="they were wrong")
        with pytest.raises(
            Refused, match=r"^toy:good already has its approvals, by os:bob and os:carol\. Run `promotion promote"
        ):
            people["alice"].approve(toy("good"), reason="fine")
        assert people["alice"].promote(toy("good"), reason="they were wrong").champion == "toy:good"

    def test_judged_again_by_hand_it_waits_again(self, people):
        people["bob"].approve(toy("good"), reason="fine")
        with pytest.raises(Refused, match=r"^toy:good was judged again and not promoted: it waits for approval\."):
            people["alice"].promote(toy("good"), reason="r", rejudge=True)
        assert people["alice"].state("toy").versions["toy:good"].votes == ()

    def test_an_override_goes_without_and_is_recorded_as_one_also_by_who_may_not_approve(self, people):
        people["dave"].promote(toy("good"), reason="it burns", override=True)
        override = next(entry for entry in reversed(people["dave"].history("toy")) if entry.kind == "override")
        assert (override.actor, override.body["verdict"], override.body["reason"]) == ("os:dave", "promote", "it burns")
        assert people["dave"].champion("toy").decision_id is None

    @pytest.fixture
    def late(self, people, opened):
        """Opens a registry for any person at any later moment."""
        config = people["alice"].config
        return lambda who, at=NOON + timedelta(days=8): opened(config=config, actor=lambda: who, clock=lambda: at)

    def test_when_its_time_is_over_nobody_can_approve_and_anyone_can_deny(self, people, late):
        people["bob"].approve(toy("good"), reason="fine")
        over = (
            r"^toy:good passed and could be approved until 2026-11-29 12:\d\d UTC, 7d after the decision, but 1 approval "
            r"is missing, from os:alice or os:carol\. Run `promotion gate toy:good` to judge it again\."
        )
        with pytest.raises(Refused, match=over + "$"):
            late("os:carol").approve(toy("good"), reason="at last")
        with pytest.raises(Refused, match=over + r" To promote it without approval, use --override\.$"):
            late("os:carol").promote(toy("good"), reason="r")
        with pytest.raises(Refused, match=r"^The approvers of 'toy' are .*, but you are os:dave\."):
            people["dave"].deny(toy("good"), reason="nobody came")
        assert late("os:dave").deny(toy("good"), reason="nobody came").cause == "denial"
        assert late("os:dave").gate(toy("good")).waits
        assert late("os:bob").approve(toy("good"), reason="in time") is None

    def test_enough_approvals_do_not_grow_old(self, people, late):
        for name in ("bob", "carol"):
            people[name].approve(toy("good"), reason="fine")
        people["alice"].rollback("toy", reason="complaints")
        people["alice"].readmit(toy("good"), reason="they were wrong")
        assert late("os:alice").promote(toy("good"), reason="they were wrong").champion == "toy:good"

    @pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
    def test_a_decision_dated_in_the_future_is_not_over(self, people, late, at):
        late("os:alice", at=at).gate(toy("good"))
        before = at - timedelta(days=1)
        assert late("os:bob", at=before).approve(toy("good"), reason="fine") is None

    def test_status_tells_until_when(self, people):
        version, panel = people["alice"].state("toy").versions["toy:good"], people["alice"].parts.panel("toy")
        told = approvals_sentence(version, panel, NOON)
        assert ": `promotion approve toy:good --reason …`, until 2026-11-29 12:" in told
        told = approvals_sentence(version, panel, NOON + timedelta(days=8))
        assert told.startswith("toy:good passed and could be approved until 2026-11-29 12:")
        assert told.endswith("judges it again, `promotion deny toy:good --reason …` ends it.")

    def test_the_one_who_trained_and_the_one_who_asked_are_not_enough_without_a_third(self, opened, tmp_path):
        config = settings_at(tmp_path, policy={"approval": "required", "min_approvals": 2})
        trainer, asker, third = (opened(config=config, actor=lambda who=who: who) for who in ("os:t", "os:a", "os:x"))
        trainer.register(toy("good"))
        asker.gate(toy("good"))
        assert trainer.approve(toy("good"), reason="r") is None
        assert asker.approve(toy("good"), reason="r") is None
        with pytest.raises(
            Refused, match=r": 1 approval is missing, from anyone but os:a and os:t\. Run `promotion approve"
        ):
            asker.promote(toy("good"), reason="r")
        assert third.approve(toy("good"), reason="r").champion == "toy:good"
