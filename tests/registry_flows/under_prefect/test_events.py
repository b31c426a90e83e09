"""The events that follow from recorded entries."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from situation import NOON, kinds, settings_at, toy

from promotion.canonical import plain
from promotion.ledger.chain import chain
from promotion.ledger.entries import (
    Adoption,
    Approval,
    Judgement,
    Move,
    Override,
    Readmission,
    Registration,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.policy import Check, Decision, Kind
from promotion.policy.policy import ApprovalRule
from promotion.vocabulary import Outcome, Stage, Verdict
from registry_flows.under_prefect.events import events_of, touched_by

pytestmark = pytest.mark.integration

PROMOTED, HELD, REJECTED = "promotion.promoted", "promotion.held", "promotion.rejected"
ROLLED_BACK, REQUESTED = "promotion.rolled_back", "promotion.approval_requested"
DIGEST = "c0ffee" * 10 + "0000"


@pytest.fixture
def told():
    """The announcements of each change of `registry`, in order."""
    return []


@pytest.fixture
def registry(opened, told):
    return opened(announce=lambda *given: told.append([(one.name, one.version) for one in events_of(*given)]))


class TestOfRealChanges:
    def test_each_verdict_and_each_change_by_hand_has_its_event(self, registry, told):
        registry.gate(toy("weak"))
        registry.gate(toy("spoilt"))
        registry.gate(toy("spoilt"))  # already rejected, so nothing moves
        registry.gate(toy("good"))
        registry.gate(toy("twin"))
        registry.promote(toy("noisy"), reason="try it", override=True)
        registry.rollback("toy", reason="complaints")
        events_of_each = [change for change in told if change]
        assert events_of_each[0] == [(PROMOTED, "toy:weak")]
        assert {tuple(change) for change in events_of_each[1:-4]} == {((REJECTED, "toy:spoilt"),)}
        assert events_of_each[-4:] == [
            [(PROMOTED, "toy:good")],
            [(HELD, "toy:twin")],
            [(PROMOTED, "toy:noisy")],
            [(ROLLED_BACK, "toy:good")],
        ]

    def test_entries_that_change_nothing_for_users_have_no_event(self, registry, told):
        registry.gate(toy("weak"))
        del told[:]
        registry.adopt(toy("good"), reason="trained last year", trained_before=0.0)
        registry.store.write_stage(toy("weak"), Stage.ARCHIVED)
        registry.repair("toy")
        registry.gate(toy("spoilt"))
        del told[:]
        registry.gc("toy", keep=0, reason="room")
        assert "retention" in str(registry.history("toy")[-2].body)
        assert [change for change in told if change] == []

    def test_a_promotion_that_waits_is_requested_and_then_promoted_or_rejected(self, opened, told, tmp_path):
        def hear(*given):
            told.extend((one.name, one.payload["actor"], one.payload["reason"]) for one in events_of(*given))

        keys = {"approval": "required", "min_approvals": 2}
        config = settings_at(tmp_path, policy=keys)
        ann, bob, eve = (opened(config=config, announce=hear, actor=lambda w=w: f"os:{w}") for w in ("a", "b", "e"))
        ann.gate(toy("weak"))
        bob.approve(toy("weak"), reason="fine")
        assert touched_by(ann.history("toy")) == ("toy:weak",)
        eve.approve(toy("weak"), reason="fine by me")
        ann.gate(toy("good"))
        bob.deny(toy("good"), reason="too costly")
        assert [(name, who) for name, who, _ in told] == [
            (REQUESTED, "os:a"),
            (PROMOTED, "os:e"),
            (REQUESTED, "os:a"),
            (REJECTED, "os:b"),
        ]
        assert [reason for _, _, reason in told][1::2] == ["Approved by os:b and os:e: fine by me", "too costly"]

    def test_a_first_champion_that_was_adopted_is_promoted_once(self, registry, told):
        registry.store.write_stage(toy("weak"), Stage.PROD)
        registry.adopt(toy("weak"), reason="it serves", assume_clean=True)
        registry.adopt(toy("weak"), reason="it was trained last year", trained_before=0.0)
        assert told == [[(PROMOTED, "toy:weak")], []]

    def test_the_payload_says_what_an_automation_needs(self, opened, registry_after_three_champions, tmp_path):
        sent = []
        registry = opened(announce=lambda *given: sent.extend(events_of(*given)))
        registry.rollback("toy", reason="complaints")
        registry.promote(toy("weak"), reason="older still", override=True)
        (good,) = (one for one in events_of(registry.history("toy"), {}) if one.payload["seq"] == 7)
        last, override = sent
        files = {one: registry.store.path(toy(one)) for one in ("good", "weak")}
        assert [(one.name, one.payload["tag"], one.payload["champion_before"]) for one in sent] == [
            (ROLLED_BACK, "toy:good", "toy:twin"),
            (PROMOTED, "toy:weak", "toy:good"),
        ]
        assert [one.payload["path"] for one in sent] == [str(files["good"]), str(files["weak"])]
        assert override.payload["digest"] == registry.champion("toy").digest
        assert [one.payload["mlflow_run"] for one in sent] == ["run-good", "run-weak"]
        assert last.payload["mlflow_version"] is None
        decision = registry.state("toy").versions["toy:good"].decision
        assert good.payload == {
            "model": "toy",
            "tag": "toy:good",
            "cause": "promotion",
            "verdict": "promote",
            "decision": decision.id,
            "reason": decision.summary,
            "champion": "toy:good",
            "champion_before": "toy:weak",
            "actor": "os:alice",
            "seq": 7,
            **dict.fromkeys(("digest", "path", "mlflow_run", "mlflow_version")),  # their files are not given
        }
        assert (last.payload["decision"], last.payload["verdict"]) == (None, None)
        assert last.as_sent["resource"] == {
            "prefect.resource.id": "promotion.model.toy",
            "prefect.resource.name": "toy",
        }
        assert last.as_sent["related"] == [
            {
                "prefect.resource.id": "promotion.version.toy:good",
                "prefect.resource.name": "toy:good",
                "prefect.resource.role": "version",
            }
        ]
        entry = registry.history("toy")[last.payload["seq"] - 1]
        assert (entry.kind, datetime.fromisoformat(entry.at)) == ("transition_planned", last.at)
        assert kinds(registry)[-1] == "transition_applied"


def decided(verdict, approval):
    check = Check(kind=Kind.PRIMARY, subject="roc_auc", outcome=Outcome.PASSED, reason="The gain is +0.1.")
    decision = Decision(verdict=verdict, checks=(check,), evidence=None, policy="p", alpha=0.05, approval=approval)
    return Judgement(tag="toy:a", decision=decision, decision_digest=decision.digest)


def moved(cause, after):
    moves = (
        Move(tag="toy:a", before=Stage.STAGING, after=after),
        Move(tag="toy:b", before=after, after=Stage.ARCHIVED),
    )
    return TransitionPlanned(cause=cause, moves=moves, champion="toy:a", reason="r", decision=DIGEST)


AUTOMATIC, REQUIRED = ApprovalRule.AUTOMATIC, ApprovalRule.REQUIRED
FOLLOWS = [
    (decided(Verdict.PROMOTE, AUTOMATIC), ()),  # its transition gives the event
    (decided(Verdict.PROMOTE, REQUIRED), (REQUESTED,)),
    (decided(Verdict.HOLD, AUTOMATIC), (HELD,)),
    (decided(Verdict.HOLD, REQUIRED), (HELD,)),
    (decided(Verdict.REJECT, AUTOMATIC), (REJECTED,)),
    (decided(Verdict.REJECT, REQUIRED), (REJECTED,)),
    (moved("promotion", Stage.PROD), (PROMOTED,)),
    (moved("rollback", Stage.PROD), (ROLLED_BACK,)),
    (moved("denial", Stage.REJECTED), (REJECTED,)),
    (moved("rejection", Stage.REJECTED), ()),  # its decision gives the event
    (moved("reopening", Stage.STAGING), ()),
    (moved("adoption", Stage.PROD), (PROMOTED,)),
    (moved("repair", Stage.PROD), ()),
    (moved("retention", Stage.ARCHIVED), ()),
    (Approval(tag="toy:a", decision=DIGEST, approved=True, reason="r"), ()),
    (Approval(tag="toy:a", decision=DIGEST, approved=False, reason="r"), ()),
    (Adoption(tag="toy:a", reason="r", assumed_clean=True), ()),
    (Override(tag="toy:a", reason="r"), ()),
    (Readmission(tag="toy:a", reason="r"), ()),
    (Registration(tag="toy:a", digest=DIGEST, stage=None), ()),
    (TransitionApplied(planned=1), ()),
]


@given(places=st.lists(st.integers(0, len(FOLLOWS) - 1), max_size=12), cut=st.integers(0, 12))
def test_events_are_the_same_however_the_entries_are_split(places, cut):
    bodies = [FOLLOWS[place] for place in places]
    entries = tuple(chain("toy", None, (body for body, _ in bodies), at=NOON, actor="os:alice"))
    events = events_of(entries, {})
    assert [one.name for one in events] == [name for _, names in bodies for name in names]
    assert events == events_of(entries[:cut], {}) + events_of(entries[cut:], {})
    assert len({one.id for one in events}) == len(events)
    json.dumps([one.payload for one in events], allow_nan=False)


def test_the_id_of_an_event_depends_only_on_its_entry():
    body = moved("promotion", Stage.PROD)
    first, again = (events_of(tuple(chain("toy", None, (body,), at=NOON, actor="os:alice")), {}) for _ in range(2))
    other = events_of(tuple(chain("toy", None, (body,), at=NOON + timedelta(seconds=1), actor="os:alice")), {})
    assert first[0].id == again[0].id != other[0].id
    assert plain(first[0].at) == plain(NOON)
