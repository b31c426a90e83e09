"""Which events follow from what was recorded, and where Prefect is told of them."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from situation import NOON, kinds, settings_at, toy

from promotion.canonical import plain
from promotion.findings import Code, Finding, Severity
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
from registry_flows import news, sending
from registry_flows.news import events_of, touched_by

PROMOTED, HELD, REJECTED = "promotion.promoted", "promotion.held", "promotion.rejected"
ROLLED_BACK, REQUESTED = "promotion.rolled_back", "promotion.approval_requested"
DIGEST = "c0ffee" * 10 + "0000"


@pytest.fixture
def told():
    """What each change of `registry` announced, in order."""
    return []


@pytest.fixture
def registry(opened, told):
    return opened(announce=lambda entries: told.append([(one.name, one.version) for one in events_of(entries)]))


class TestOfRealChanges:
    def test_each_verdict_and_each_change_by_hand_has_its_event(self, registry, told):
        registry.gate(toy("weak"))
        registry.gate(toy("spoilt"))
        registry.gate(toy("spoilt"))  # rejected already, so nothing moves
        registry.gate(toy("good"))
        registry.gate(toy("twin"))
        registry.promote(toy("noisy"), reason="try it", override=True)
        registry.rollback("toy", reason="complaints")
        news_of_each = [change for change in told if change]
        assert news_of_each[0] == [(PROMOTED, "toy:weak")]
        assert {tuple(change) for change in news_of_each[1:-4]} == {((REJECTED, "toy:spoilt"),)}
        assert news_of_each[-4:] == [
            [(PROMOTED, "toy:good")],
            [(HELD, "toy:twin")],
            [(PROMOTED, "toy:noisy")],
            [(ROLLED_BACK, "toy:good")],
        ]

    def test_what_changes_nothing_for_those_who_use_the_model_is_no_news(self, registry, told):
        registry.gate(toy("weak"))
        del told[:]
        registry.adopt(toy("good"), reason="trained last year", trained_before=0.0)
        registry.store.write_stage(toy("weak"), Stage.ARCHIVED)
        registry.repair("toy")
        registry.gate(toy("spoilt"))
        del told[:]
        registry.collect("toy", keep=0, reason="room")
        assert "retention" in str(registry.history("toy")[-2].body)
        assert [change for change in told if change] == []

    def test_a_promotion_that_waits_is_requested_and_then_promoted_or_rejected(self, opened, told, tmp_path):
        def hear(entries):
            told.extend((one.name, one.payload["actor"], one.payload["reason"]) for one in events_of(entries))

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

    def test_the_payload_says_what_an_automation_needs(self, registry_after_three_champions):
        registry = registry_after_three_champions
        registry.rollback("toy", reason="complaints")
        last, good = (events_of(registry.history("toy"))[place] for place in (-1, 1))
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
        }
        assert last.payload["champion_before"] == "toy:twin"
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
    (decided(Verdict.PROMOTE, AUTOMATIC), ()),  # its transition tells of it
    (decided(Verdict.PROMOTE, REQUIRED), (REQUESTED,)),
    (decided(Verdict.HOLD, AUTOMATIC), (HELD,)),
    (decided(Verdict.HOLD, REQUIRED), (HELD,)),
    (decided(Verdict.REJECT, AUTOMATIC), (REJECTED,)),
    (decided(Verdict.REJECT, REQUIRED), (REJECTED,)),
    (moved("promotion", Stage.PROD), (PROMOTED,)),
    (moved("rollback", Stage.PROD), (ROLLED_BACK,)),
    (moved("denial", Stage.REJECTED), (REJECTED,)),
    (moved("rejection", Stage.REJECTED), ()),  # its decision tells of it
    (moved("reopening", Stage.STAGING), ()),
    (moved("adoption", Stage.PROD), ()),
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
def test_whatever_is_recorded_has_its_events_in_order_however_it_is_cut_up(places, cut):
    bodies = [FOLLOWS[place] for place in places]
    entries = tuple(chain("toy", None, (body for body, _ in bodies), at=NOON, actor="os:alice"))
    events = events_of(entries)
    assert [one.name for one in events] == [name for _, names in bodies for name in names]
    assert events == events_of(entries[:cut]) + events_of(entries[cut:])
    assert len({one.id for one in events}) == len(events)
    json.dumps([one.payload for one in events], allow_nan=False)


def test_an_event_is_known_again_by_its_entry_alone():
    body = moved("promotion", Stage.PROD)
    first, again = (events_of(tuple(chain("toy", None, (body,), at=NOON, actor="os:alice"))) for _ in range(2))
    other = events_of(tuple(chain("toy", None, (body,), at=NOON + timedelta(seconds=1), actor="os:alice")))
    assert first[0].id == again[0].id != other[0].id
    assert plain(first[0].at) == plain(NOON)


class TestWhetherPrefectIsConfigured:
    PROFILES = '[profiles.here]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"\n[profiles.quiet]\n'

    @pytest.fixture(autouse=True)
    def nothing_set(self, monkeypatch, tmp_path):
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
        (tmp_path / "prefect").mkdir()

    def test_nothing_hints_at_it_in_a_fresh_place(self):
        assert not sending._is_hinted()

    @pytest.mark.parametrize(("active", "hinted"), [("here", True), ("quiet", False), ("gone", False)])
    def test_only_the_active_profile_counts(self, tmp_path, monkeypatch, active, hinted):
        (tmp_path / "prefect" / "profiles.toml").write_text(f'active = "{active}"\n{self.PROFILES}')
        assert sending._is_hinted() is hinted
        monkeypatch.setenv("PREFECT_PROFILE", "here")
        assert sending._is_hinted()

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("prefect.toml", '[api]\nurl = "http://127.0.0.1:4200/api"\n'),
            ("pyproject.toml", '[tool.prefect.api]\nurl = "http://127.0.0.1:4200/api"\n'),
            (".env", "PREFECT_API_URL=http://127.0.0.1:4200/api\n"),
            ("prefect/profiles.toml", "not toml ["),
        ],
    )
    def test_prefect_is_asked_where_a_file_may_name_a_server(self, tmp_path, name, text):
        (tmp_path / name).write_text(text)
        assert sending._is_hinted()

    def test_a_profile_whose_server_is_away_costs_one_sentence_and_no_secret(self, tmp_path):
        """In a process of its own, as a command is: this one may have Prefect imported, and settings of its own."""
        url = "http://ann:hunter2@127.0.0.1:9/api"  # nothing listens there
        (tmp_path / "prefect" / "profiles.toml").write_text(f'active = "x"\n[profiles.x]\nPREFECT_API_URL = "{url}"\n')
        findings = 'Finding(code=Code.LABEL, severity="error", subject="s", expected="e", found="f", mend="m")'
        code = (
            "from promotion.assembly import announce_findings\n"
            "from promotion.findings import Code, Finding\n"
            f"announce_findings('toy', [{findings}], notice=print)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert re.sub(r"\(.*\)", "(why)", done.stdout) == (
            "What was found could not be announced. Prefect at http://***@127.0.0.1:9/api did not take the event "
            "promotion.audit_failed (why), so no automation heard of it. See that the server runs; the ledger has what "
            "was recorded.\n"
        )
        assert done.stderr == ""


def test_the_waiting_gate_runs_of_all_that_moved_are_woken_once_the_news_is_out(
    registry_after_three_champions, monkeypatch
):
    done = []
    monkeypatch.setattr(sending, "is_configured", lambda: True)
    monkeypatch.setattr(sending, "send", lambda events: done.append([one.name.value for one in events]))
    monkeypatch.setattr("registry_flows.approval.resume_waiting", lambda tag: done.append(tag) or 1)
    news.spread(registry_after_three_champions.history("toy")[-3:])
    assert done == [[PROMOTED], "toy:twin", "toy:good"]


def test_what_an_audit_found_is_news_of_the_model_and_not_the_whole_report(monkeypatch):
    sent = []
    monkeypatch.setattr(sending, "is_configured", lambda: True)
    monkeypatch.setattr(sending, "send", sent.extend)
    finding = Finding(code=Code.LABEL, severity=Severity.ERROR, subject="s", expected="e", found="f", mend="mend it")
    late = Finding(code=Code.BEHIND, severity=Severity.WARNING, subject="s", expected="e", found="f", mend="sync")
    news.spread_findings("toy", [finding] * 30 + [late])
    (event,) = sent
    assert (event.name, event.version) == ("promotion.audit_failed", None)
    told = event.payload.pop("findings")
    assert event.payload == {
        "model": "toy",
        "reason": "The audit found AUD011, AUD033.",
        "codes": ["AUD011", "AUD033"],
        "errors": 30,
        "warnings": 1,
    }
    assert told == [{"code": "AUD011", "subject": "s", "mend": "mend it"}] * 20
