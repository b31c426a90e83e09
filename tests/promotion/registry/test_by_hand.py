from datetime import UTC, datetime, timedelta

import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import NOON, kinds, settings_at, snapshot, stages, toy

from promotion.errors import DataError, DigestMismatch, Refused, UnknownName
from promotion.ledger.entries import TransitionPlanned
from promotion.registry.register import Origin
from promotion.report.plan import approvals_told
from promotion.vocabulary import Stage, Tag, Verdict


def planned(registry):
    """Every transition, oldest first."""
    bodies = (entry.content() for entry in registry.history("toy"))
    return [body for body in bodies if isinstance(body, TransitionPlanned)]


def with_recipe(config, **changes):
    models = {"toy": config.models["toy"].model_copy(update=changes)}
    return config.model_copy(update={"models": models})


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
        plan = good_may_come_back.promote(toy("good"), reason="they were wrong")
        changed, scored = good_may_come_back.notices
        assert changed == (
            "rows.csv, whose rows judged toy:good, cannot be read, so nobody knows whether it has changed since; the "
            "decision stands."
        )
        assert scored == (
            f"toy:good was loaded and not scored beforehand, since no rows could be had: There is no data file at "
            f"{rows_file}."
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
            "toy:good was judged by fresh.csv, which has changed since. `promotion gate toy:good --data fresh.csv` (or "
            "--holdout) judges it again by that file, --rejudge by rows.csv."
        )
        assert kinds(registry_with_champion) == before
        registry_with_champion.promote(toy("good"), reason="they were wrong", rejudge=True)
        assert registry_with_champion.state("toy").versions["toy:good"].decision.holdout.data == "rows.csv"

    def test_judging_again_and_overriding_are_two_things(self, registry_with_champion):
        with pytest.raises(
            Refused, match=r"^--override goes without a decision, and --rejudge asks for a new one; give"
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


class TestWhatIsToServeIsSeenToScore:
    @pytest.mark.parametrize(
        ("recipe", "error", "sentence"),
        [
            (
                "MuteRecipe",
                DataError,
                r"^The version toy:good could not be scored \(ZeroDivisionError: no scores today\)\.$",
            ),
            (
                "NanRecipe",
                Refused,
                r"^toy:good cannot serve: its scores of 100 of 100 rows are no numbers\. Nothing was changed\.$",
            ),
        ],
    )
    def test_what_cannot_score_is_refused_before_anything_moves(
        self, opened, registry_after_three_champions, recipe, error, sentence
    ):
        store = registry_after_three_champions.store
        registry = opened(config=with_recipe(registry_after_three_champions.config, recipe=f"recipes:{recipe}"))
        before, labels = kinds(registry), snapshot(store.home)
        for act in (
            lambda: registry.rollback("toy", reason="r"),
            lambda: registry.promote(toy("good"), reason="r", override=True),
        ):
            with pytest.raises(error, match=sentence):
                act()
        assert (kinds(registry), snapshot(store.home)) == (before, labels)

    def test_so_is_what_is_adopted(self, opened, registry, store):
        store.write_stage(toy("good"), Stage.PROD)
        with pytest.raises(DataError, match=r"^The version toy:good could not be scored"):
            opened(config=with_recipe(registry.config, recipe="recipes:MuteRecipe")).adopt(
                toy("good"), reason="it serves", assume_clean=True
            )
        assert kinds(registry) == []
        assert registry.adopt(toy("good"), reason="it serves", assume_clean=True).champion == "toy:good"

    def test_an_approval_that_promotes_verifies_too(self, opened, tmp_path):
        registry = opened(config=settings_at(tmp_path, policy={"approval": "required"}))
        registry.gate(toy("weak"))
        (registry.store.path(toy("weak")) / "extra").touch()
        before = kinds(registry)
        with pytest.raises(DigestMismatch, match=r"^The files of toy:weak are not the ones"):
            opened(config=registry.config, actor=lambda: "os:bob").approve(toy("weak"), reason="r")
        assert kinds(registry) == before

    def test_it_is_scored_as_it_was_registered_and_on_few_rows(self, registry, monkeypatch):
        seen = []
        real = ToyRecipe.score

        def score(recipe, trained, rows):
            seen.append((recipe.seed, len(rows)))
            return real(recipe, trained, rows)

        registry.register(toy("good"), Origin(options={"seed": 5}))
        monkeypatch.setattr(ToyRecipe, "score", score)
        registry.promote(toy("good"), reason="r", override=True)
        assert seen == [(5, 100)]

    def test_rows_come_from_where_it_was_trained_else_from_the_configured_file(self, registry, rows_file, tmp_path):
        own = tmp_path / "own.csv"
        synthetic_rows(seed=8).to_csv(own, index=False)
        registry.register(toy("good"), Origin(data=registry.reader.load("toy", own)[1]))
        rows_file.rename("aside.csv")
        registry.promote(toy("good"), reason="r", override=True)
        own.unlink()
        (tmp_path / "aside.csv").rename(rows_file)
        registry.promote(toy("weak"), reason="r", override=True)
        registry.rollback("toy", reason="r")
        assert registry.notices == []

    def test_a_rollback_goes_on_without_rows_and_says_so_in_the_record(self, opened, registry_after_three_champions):
        registry = opened(config=with_recipe(registry_after_three_champions.config, data="absent.csv"))
        with pytest.raises(DataError, match=r"^There is no data file at .*/named\.csv\."):
            registry.rollback("toy", reason="complaints", data="named.csv")
        plan = registry.rollback("toy", reason="complaints")
        assert plan.champion == "toy:good"
        (notice,) = registry.notices
        assert notice.startswith(
            "toy:good was loaded and not scored beforehand, since no rows could be had: There is no"
        )
        assert (plan.reason, plan.unseen) == ("complaints", notice)
        assert planned(registry)[-1] == plan


class TestRollback:
    def test_to_a_version_cuts_the_line_there(self, registry_after_three_champions):
        registry = registry_after_three_champions
        plan = registry.rollback("toy", reason="r", to=toy("weak"))
        assert (plan.champion, plan.cause) == ("toy:weak", "rollback")
        assert registry.state("toy").line == ("toy:weak",)
        assert registry.rollback("toy", reason="r", to=toy("twin")).champion == "toy:twin"
        assert registry.state("toy").line == ("toy:weak", "toy:twin")

    def test_versions_may_be_named_by_text(self, registry_after_three_champions):
        registry = registry_after_three_champions
        last = registry.state("toy").champion.tag
        first = registry.state("toy").line[0]
        assert registry.rollback("toy", to=first, reason="as asked").champion == first
        registry.readmit(last, reason="as asked")
        assert registry.gate(last).challenger.tag == last
        assert {one.metric for one in registry.compare(first, last).metrics} >= {"roc_auc"}
        with pytest.raises(UnknownName, match="A tag is MODEL:VERSION in lower case"):
            registry.gate("toy")

    def test_to_a_moment_is_to_whom_served_then(self, registry_after_three_champions):
        registry = registry_after_three_champions
        moments = [
            datetime.fromisoformat(entry.at) for entry in registry.history("toy") if entry.kind == "transition_planned"
        ]
        for moment, version in ((moments[1], "good"), (moments[0], "weak"), (moments[1], "good")):
            assert registry.rollback("toy", reason="r", at=moment).champion == f"toy:{version}"
        with pytest.raises(Refused, match=r"^toy:good serves already, since .*; there is nothing to roll back\.$"):
            registry.rollback("toy", reason="r", at=moments[1] + timedelta(seconds=1))
        with pytest.raises(Refused, match=r"^Nobody served as 'toy' at .*: the first champion, toy:weak, began at 2"):
            registry.rollback("toy", reason="r", at=moments[0] - timedelta(days=1))

    def test_to_whom_it_cannot_go_is_a_sentence_and_nothing_moves(self, registry_after_three_champions):
        registry = registry_after_three_champions
        registry.register(toy("noisy"))
        before = kinds(registry)
        for to, error, sentence in (
            (toy("twin"), Refused, r"^toy:twin serves already, since "),
            (toy("noisy"), Refused, r"^toy:noisy never served, .* with --override also against the rules\.$"),
            (toy("spoilt"), UnknownName, r"^There is no registered version 'toy:spoilt'\."),
            (Tag("other", "a"), Refused, r"^other:a is a version of 'other', and 'toy' is to be rolled back\.$"),
        ):
            with pytest.raises(error, match=sentence):
                registry.rollback("toy", reason="r", to=to)
        with pytest.raises(
            Refused, match=r"^A rollback goes to a version or to a moment: give --to or --at, not both\.$"
        ):
            registry.rollback("toy", reason="r", to=toy("weak"), at=datetime.fromisoformat("2026-11-22T12:00Z"))
        assert kinds(registry) == before


class TestApproval:
    @pytest.fixture
    def people(self, opened, tmp_path):
        """A registry for each, of which two must approve; alice trained and asked for the decision on `toy:good`."""
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
                r"^You are os:alice and have approved toy:good already; 1 approval is missing, from os:bob or os:c",
            ),
            ("dave", r"^You are os:dave, and the approvers of 'toy' are os:alice, os:bob, os:carol\.$"),
            ("other alice", r"^You are config:alice, and the approvers of 'toy' are os:alice, os:bob, os:carol\.$"),
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
            ("weak", r"^toy:weak serves already, since .*; nothing waits for an answer\.$"),
            ("noisy", r"^The last decision on toy:noisy, reject, waits for nobody's answer\.$"),
            (
                "twin",
                r"^toy:twin has not been judged, so nothing waits for an answer\. Run `promotion gate toy:twin`\.$",
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
                Refused, match=r"^toy:good was denied by os:bob at .*: on second thoughts not\. `promotion"
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
            Refused, match=r"^toy:good has its approvals already, by os:bob and os:carol: `promotion promote"
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
        """A registry for anybody at any later moment."""
        config = people["alice"].config
        return lambda who, at=NOON + timedelta(days=8): opened(config=config, actor=lambda: who, clock=lambda: at)

    def test_when_its_time_is_over_nobody_can_approve_and_anyone_can_deny(self, people, late):
        people["bob"].approve(toy("good"), reason="fine")
        over = (
            r"^toy:good passed and could be approved until 2026-11-29 12:\d\d UTC, 7d after the decision; 1 approval is "
            r"missing, from os:alice or os:carol\. `promotion gate toy:good` judges it again, which begins anew\."
        )
        with pytest.raises(Refused, match=over + "$"):
            late("os:carol").approve(toy("good"), reason="at last")
        with pytest.raises(Refused, match=over + r" With --override it is promoted without\.$"):
            late("os:carol").promote(toy("good"), reason="r")
        with pytest.raises(Refused, match=r"^You are os:dave, and the approvers"):
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
        told = approvals_told(version, panel, NOON)
        assert ": `promotion approve toy:good --reason …`, until 2026-11-29 12:" in told
        told = approvals_told(version, panel, NOON + timedelta(days=8))
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
            Refused, match=r": 1 approval is missing, from anyone but os:a and os:t \(`promotion approve"
        ):
            asker.promote(toy("good"), reason="r")
        assert third.approve(toy("good"), reason="r").champion == "toy:good"
