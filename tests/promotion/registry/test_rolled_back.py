"""A rolled-back version serves again only if a person overrides or readmits it, whatever the gate decides."""

import contextlib
import re
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recipes import synthetic_rows
from situation import faults, kinds, open_at, settings_at, stages, toy

from promotion import Policy
from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.errors import DigestMismatch, PromotionError, Refused
from promotion.history.lineage import consequences, decisions, ending
from promotion.ledger.briefs import Versions
from promotion.registry.gate import plan_gate
from promotion.registry.rolled_back import blocking
from promotion.report.lineage import ending_sentence
from promotion.report.record import budget_sentence, rolled_back_lines
from promotion.vocabulary import Verdict

pytestmark = pytest.mark.integration

BACK = r"os:alice rolled back from toy:good at 2026-11-22 12:\d\d UTC: 'merchants complain'\."
KEPT_OUT = (
    rf"^{BACK} Promote it with `promotion promote toy:good --override --reason …`, or let the gate judge it again with "
    r"`promotion readmit toy:good --reason …`\.$"
)


def back_of(registry, version):
    return registry.state("toy").versions[f"toy:{version}"].rolled_back


class TestTheGate:
    def test_holds_it_and_says_who_rolled_back_when_why_and_what_lifts_it(self, complained_of):
        decision = complained_of.gate(toy("good"))
        assert decision.verdict is Verdict.HOLD
        assert re.match(KEPT_OUT, decision.summary)
        assert complained_of.champion("toy").tag == toy("weak")
        assert stages(complained_of) == {"weak": "prod", "good": "archived"}
        assert faults(complained_of) == ()

    def test_reads_no_row_spends_nothing_and_records_it_once(self, complained_of, rows_file):
        told, trials = budget_sentence(complained_of.state("toy")), complained_of.state("toy").trials
        rows_file.unlink()
        assert plan_gate(complained_of.parts, toy("good")).decision.verdict is Verdict.HOLD
        complained_of.gate(toy("good"))
        recorded = kinds(complained_of)
        complained_of.gate(toy("good"))
        assert kinds(complained_of) == recorded
        assert complained_of.state("toy").trials == trials
        assert budget_sentence(complained_of.state("toy")) == told != ""

    def test_holds_the_same_files_under_another_tag(self, complained_of):
        decision = complained_of.gate(toy("twin"))
        assert decision.verdict is Verdict.HOLD
        assert re.match(
            rf"^{BACK} toy:twin has identical files\. Promote it with `promotion promote toy:twin --override --reason "
            r"…`, or let the gate judge it again with `promotion readmit toy:good --reason …`\.$",
            decision.summary,
        )
        with pytest.raises(Refused, match=r"toy:twin has identical files"):
            complained_of.promote(toy("twin"), reason="it is new")
        with pytest.raises(
            Refused,
            match=r"^Nobody rolled back from toy:twin itself\. \S+ rolled back from toy:good at .* `promotion readmit toy:good ",
        ):
            complained_of.readmit(toy("twin"), reason="r")
        complained_of.readmit(toy("good"), reason="the shop was down")
        assert complained_of.gate(toy("twin")).verdict is Verdict.PROMOTE

    @pytest.mark.parametrize("registered", ["before", "after"])
    def test_holds_them_also_once_the_other_folder_is_gone(self, complained_of, registered):
        if registered == "before":
            complained_of.register(toy("twin"))
        shutil.rmtree(complained_of.store.path(toy("good")))
        assert "toy:twin has identical files." in complained_of.gate(toy("twin")).summary
        with pytest.raises(Refused, match=r"toy:twin has identical files"):
            complained_of.promote(toy("twin"), reason="it is new")
        assert complained_of.gate(toy("noisy")).verdict is Verdict.REJECT

    def test_hashes_files_where_an_earlier_release_recorded_no_digest_of_them(self, complained_of):
        complained_of.register(toy("twin"))
        state, store = complained_of.state("toy"), complained_of.store
        good = state.versions["toy:good"]
        older = replace(good, registration=replace(good.registration, files=None))
        state = replace(state, versions=Versions(changed={**state.versions, "toy:good": older}))
        assert blocking(state, store, toy("twin")) == older
        shutil.rmtree(store.path(toy("good")))
        assert blocking(state, store, toy("twin")) is None

    def test_judges_a_version_that_was_only_passed_over(self, registry_after_three_champions):
        """From `twin` back to `weak`: nobody complained of `good`, but `twin` has its files."""
        registry = registry_after_three_champions
        registry.promote(toy("noisy"), reason="try it", override=True)
        registry.rollback("toy", reason="it is noise", to=toy("weak"))
        assert registry.gate(toy("good")).verdict is Verdict.PROMOTE
        assert registry.gate(toy("noisy")).summary.startswith("os:alice rolled back from toy:noisy at ")

    def test_a_replay_by_another_policy_holds_it_too(self, complained_of):
        complained_of.gate(toy("good"))
        easy = Policy.from_toml({"primary": {"metric": "roc_auc"}, "min_rows": 2, "min_positives": 1})
        assert [each.now.verdict.value for each in complained_of.replay("toy", easy)][1:] == ["promote", "hold"]


class TestPeople:
    def test_a_standing_decision_promotes_nothing(self, complained_of):
        before = kinds(complained_of)
        with pytest.raises(Refused, match=KEPT_OUT):
            complained_of.promote(toy("good"), reason="once more")
        assert kinds(complained_of) == before
        with pytest.raises(Refused, match=r"^toy:good was judged again and not promoted: hold\. os:alice rolled back"):
            complained_of.promote(toy("good"), reason="once more", rejudge=True)

    def test_an_approval_that_was_waited_for_brings_it_not_back(self, opened, tmp_path):
        config = settings_at(tmp_path, policy={"approval": "required"})
        alice, bob = (opened(config=config, actor=lambda name=name: f"os:{name}") for name in ("alice", "bob"))
        alice.promote(toy("weak"), reason="to begin with", override=True)
        alice.gate(toy("good"))
        alice.gate(toy("twin"))
        alice.promote(toy("good"), reason="in a hurry", override=True)
        alice.rollback("toy", reason="merchants complain")
        before = kinds(bob)
        for version in ("good", "twin"):
            with pytest.raises(Refused, match=r"^os:alice rolled back from toy:good at .*`promotion readmit toy:good"):
                bob.approve(toy(version), reason="fine")
        assert kinds(bob) == before
        assert bob.deny(toy("twin"), reason="the same again").cause == "denial"
        assert alice.gate(toy("good")).verdict is Verdict.HOLD
        with pytest.raises(Refused, match=r"^The last decision on toy:good is hold, which does not need approval"):
            bob.deny(toy("good"), reason="nothing waits any more")

    @pytest.mark.parametrize(
        "lift",
        [
            lambda registry: registry.promote(toy("good"), reason="the shop was down", override=True),
            lambda registry: registry.rollback("toy", reason="the shop was down", to=toy("good")),
            lambda registry: (registry.readmit(toy("good"), reason="the shop was down"), registry.gate(toy("good"))),
        ],
        ids=["override", "rollback to it", "readmission and gate"],
    )
    def test_a_persons_word_lifts_it_until_the_next_rollback(self, complained_of, lift):
        complained_of.gate(toy("good"))
        lift(complained_of)
        assert complained_of.champion("toy").tag == toy("good")
        assert back_of(complained_of, "good") is None
        assert faults(complained_of) == ()
        complained_of.rollback("toy", reason="they complain again", to=toy("weak"))
        assert (back_of(complained_of, "good").reason, back_of(complained_of, "weak")) == ("they complain again", None)
        assert complained_of.gate(toy("good")).verdict is Verdict.HOLD


class TestFromTheFirstOfTheLine:
    def test_a_rollback_names_the_earlier_champions_and_how_to_bring_them_back(self, complained_of):
        with pytest.raises(Refused) as raised:
            complained_of.rollback("toy", reason="again")
        assert re.fullmatch(
            r"A rollback returned 'toy' to its first champion, toy:weak\. Name the version to bring back:\n"
            r"- toy:good, which served from 2026-11-22 12:\d\d to 2026-11-22 12:\d\d UTC; os:alice rolled back from it: "
            r"'merchants complain': `promotion rollback toy --to toy:good --reason …`",
            str(raised.value),
        )

    def test_where_the_one_before_is_gone_the_others_that_are_there_come_first(self, registry_after_three_champions):
        registry = registry_after_three_champions
        shutil.rmtree(registry.store.path(toy("good")))
        before = kinds(registry)
        for to in (None, toy("good")):
            with pytest.raises(Refused) as raised:
                registry.rollback("toy", reason="merchants complain", to=to)
            assert re.fullmatch(
                r"toy:good cannot be brought back, but these earlier champions of 'toy' can:\n"
                r"- toy:weak, which served from 2026-11-22 12:\d\d to 2026-11-22 12:\d\d UTC: "
                r"`promotion rollback toy --to toy:weak --reason …`\n"
                r"toy:good was registered at .* Restore /.*/toy/good from a backup, or train a new version\.",
                str(raised.value),
            )
        (registry.store.path(toy("weak")) / "extra").touch()
        with pytest.raises(
            Refused, match=r"^toy:good was .* version\. Cannot be .*: toy:weak \(its files have changed\)\.$"
        ):
            registry.rollback("toy", reason="merchants complain")
        (missing,) = [one for one in registry.audit("toy") if one.code == "AUD014"]
        assert "a rollback lists the other champions that it can bring back" in missing.mend
        shutil.rmtree(registry.store.path(toy("weak")))
        with pytest.raises(Refused, match=r"^toy:good was registered at .*: toy:weak \(not in the store\)\.$"):
            registry.rollback("toy", reason="merchants complain")
        assert kinds(registry) == before

    def test_of_those_whose_files_changed_or_are_gone_none_is_offered(self, registry_after_three_champions):
        registry = registry_after_three_champions
        registry.rollback("toy", reason="merchants complain", to=toy("weak"))
        (registry.store.path(toy("good")) / "extra").touch()
        first = r"^A rollback returned 'toy' to its first champion, toy:weak\. "
        with pytest.raises(
            Refused, match=rf"{first}Name the .*\n- toy:twin, which .*\nCannot be .*: toy:good \(its files"
        ):
            registry.rollback("toy", reason="again")
        shutil.rmtree(registry.store.path(toy("twin")))
        both = r"toy:twin \(not in the store\), toy:good \(its files have changed\)\. Restore one of them"
        with pytest.raises(Refused, match=rf"{first}Cannot be brought back: {both}"):
            registry.rollback("toy", reason="again")

    def test_where_the_one_before_was_changed_the_others_come_first(self, registry_after_three_champions):
        registry = registry_after_three_champions
        (registry.store.path(toy("good")) / "extra").touch()
        with pytest.raises(
            DigestMismatch, match=r"^toy:good cannot be .* can:\n- toy:weak, .*\nThe files of toy:good are"
        ):
            registry.rollback("toy", reason="merchants complain")


class TestWhatIsTold:
    def test_the_decision_tells_every_later_move_of_both_and_what_ended_it(self, complained_of):
        entries = complained_of.history("toy")
        ((entry, judged),) = [one for one in decisions(entries) if one[1].tag == "toy:good"]
        followed = consequences(entries)[entry.seq]
        assert [one.body.get("cause") for one in followed] == ["promotion", "rollback"]
        assert re.fullmatch(
            r"No longer serving: os:alice rolled back to toy:weak at 2026-11-22 12:\d\d UTC: merchants complain",
            ending_sentence(ending(judged, followed)),
        )
        complained_of.promote(toy("good"), reason="the shop was down", override=True)
        followed = consequences(complained_of.history("toy"))[entry.seq]
        assert [one.kind for one in followed[2:]] == ["override", "transition_planned"]
        assert ending(judged, followed) is None
        complained_of.promote(toy("noisy"), reason="for a test", override=True)
        followed = consequences(complained_of.history("toy"))[entry.seq]
        assert ending_sentence(ending(judged, followed)).startswith(
            "No longer serving: os:alice promoted toy:noisy at "
        )

    def test_a_decision_that_promoted_nothing_has_nothing_to_end(self, complained_of):
        complained_of.gate(toy("spoilt"))
        entries = complained_of.history("toy")
        followed = consequences(entries)
        for entry, judged in decisions(entries):
            if judged.tag == "toy:spoilt":
                assert ending(judged, followed[entry.seq]) is None

    def test_the_status_names_the_last_rollback_and_how_many_more(self, complained_of):
        (told,) = rolled_back_lines(complained_of.state("toy"))
        assert re.fullmatch(rf"{BACK} The gate holds it until `promotion readmit toy:good --reason …`\.", told)
        complained_of.promote(toy("noisy"), reason="try it", override=True)
        complained_of.rollback("toy", reason="it is noise")
        (told,) = rolled_back_lines(complained_of.state("toy"))
        assert re.search(
            r"'it is noise'\. The gate holds it until `promotion readmit toy:n.+`\. It also holds 1 rolled back", told
        )


def test_what_the_status_says_of_the_budget_is_what_the_next_decision_is_asked(opened, tmp_path):
    """A decision that waits is recorded again when it is asked for again, with the use of its first time."""
    registry = opened(config=settings_at(tmp_path, policy={"approval": "required"}))
    registry.promote(toy("weak"), reason="to begin with", override=True)
    for version in ("good", "noisy", "good"):
        registry.gate(toy(version))
    assert registry.state("toy").versions["toy:good"].decision.budget.use == 1
    told = budget_sentence(registry.state("toy"))
    assert "3 times. The next decision on them is tested at the 0.19 % level" in told
    assert registry.gate(toy("spoilt")).budget.use == 4


VERSIONS = ("weak", "good", "noisy", "twin")
SAME_FILES = {"toy:good": "toy:twin", "toy:twin": "toy:good"}
ACTIONS = st.tuples(
    st.sampled_from(["gate", "gate", "promote", "override", "rollback", "rollback to", "readmit"]),
    st.sampled_from(VERSIONS),
)


def act(registry, name, version):
    tag = toy(version)
    match name:
        case "gate":
            registry.gate(tag)
        case "promote" | "override":
            registry.promote(tag, reason="r", override=name == "override")
        case "rollback":
            registry.rollback("toy", reason="r")
        case "rollback to":
            registry.rollback("toy", reason="r", to=tag)
        case "readmit":
            registry.readmit(tag, reason="r")


@pytest.mark.slow
@settings(max_examples=12)
@given(actions=st.lists(ACTIONS, min_size=4, max_size=14))
def test_whatever_is_done_it_serves_again_only_after_a_persons_entry(trained_store, actions):
    with TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(trained_store, root / "bentoml")
        synthetic_rows().to_csv(root / "rows.csv", index=False)
        registry = open_at(settings_at(root), store=BentoStore(root / "bentoml"), mirror=MemoryMirror())
        for name, version in [("gate", "weak"), ("gate", "good"), ("rollback", "weak"), *actions]:
            with contextlib.suppress(PromotionError):
                act(registry, name, version)
        kept_out, serving = set(), None
        for entry in registry.history("toy"):
            body = entry.body
            if entry.kind in {"override", "readmission"}:
                kept_out.discard(body["tag"])
            elif entry.kind == "transition_planned" and body["champion"] != serving:
                if body["cause"] == "rollback":
                    kept_out = (kept_out | {serving}) - {body["champion"]}
                serving = body["champion"]
                assert serving not in kept_out, f"entry {entry.seq}"
                assert not (body["decision"] and SAME_FILES.get(serving) in kept_out), f"entry {entry.seq}"
        assert {tag for tag, one in registry.state("toy").versions.items() if one.rolled_back} == kept_out
