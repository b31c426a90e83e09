import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from situation import toy

from promotion.errors import LedgerError, Refused, UnknownName
from promotion.ledger.chain import chain
from promotion.ledger.entries import Adoption, Judgement, Move, Registration, TransitionApplied
from promotion.ledger.folding import advance, fold
from promotion.ledger.state import State, champion_at
from promotion.policy import Check, Decision, Judged, Kind
from promotion.registry.moves import (
    adoption_moves,
    find,
    promotion_moves,
    verdict_moves,
)
from promotion.registry.rollback import rollback_moves, rollback_target
from promotion.vocabulary import Outcome, Stage, Verdict

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FOUND = {
    Verdict.PROMOTE: Outcome.PASSED,
    Verdict.HOLD: Outcome.INCONCLUSIVE,
    Verdict.REJECT: Outcome.FAILED,
}


class Record:
    """A model's entries with their state, without any store: each append is a minute after the one before."""

    def __init__(self, *names):
        self.entries, self.state = [], State(model="toy")
        for name in names:
            self.register(name)

    def append(self, *bodies):
        at = NOON + timedelta(minutes=len(self.entries))
        for entry in chain("toy", self.state.head, bodies, at=at, actor="os:alice"):
            self.entries.append(entry)
            self.state = advance(self.state, entry)

    def register(self, name, stage=Stage.STAGING):
        if str(toy(name)) not in self.state.versions:
            self.append(Registration(tag=f"toy:{name}", digest=name * 64, stage=stage))

    def apply(self, plan):
        self.append(plan)
        self.append(TransitionApplied(planned=self.state.seq))
        return plan

    def judge(self, name, verdict, champion="present"):
        serving = self.state.champion.tag if self.state.champion else None
        against = serving if champion == "present" else champion
        decision = Decision(
            verdict=verdict,
            checks=(Check(kind=Kind.PRIMARY, subject="roc_auc", outcome=FOUND[verdict], reason="So it came out."),),
            evidence=None,
            policy="",
            alpha=0.05,
            champion=Judged(tag=against, digest=None) if against else None,
        )
        self.append(Judgement(tag=f"toy:{name}", decision=decision, decision_digest=decision.digest))
        return decision

    def promote(self, name):
        return self.apply(promotion_moves(self.state, toy(name), reason="better", override=True, now=NOON))

    def rollback(self):
        target = rollback_target(self.state, self.entries)
        return self.apply(rollback_moves(self.state, target, reason="worse"))

    def serving(self):
        return [tag for tag, version in self.state.versions.items() if version.stage is Stage.PROD]


def test_the_new_champion_moves_before_the_old_one():
    record = Record("a", "b", "c")
    record.promote("a")
    plan = record.promote("b")

    assert plan.moves == (
        Move(tag="toy:b", before=Stage.STAGING, after=Stage.PROD),
        Move(tag="toy:a", before=Stage.PROD, after=Stage.ARCHIVED),
    )
    assert record.state.champion.tag == "toy:b"
    assert record.state.champion.digest == "b" * 64
    assert (record.state.previous, [version.tag for version in record.state.waiting]) == ("toy:a", ["toy:c"])


def test_rollback_goes_back_along_the_line_and_a_promotion_goes_on_from_there():
    record = Record("a", "b", "c", "d")
    for name in "abc":
        record.promote(name)
    assert record.rollback().champion == "toy:b"
    assert record.rollback().champion == "toy:a"
    with pytest.raises(Refused, match=r"^A rollback returned 'toy' to its first champion, toy:a\. Name the version "):
        record.rollback()
    record.promote("c")
    record.promote("d")
    assert record.state.line == ("toy:a", "toy:c", "toy:d")
    assert record.rollback().champion == "toy:c"
    assert record.rollback().champion == "toy:a"


def test_without_a_champion_there_is_nothing_to_roll_back():
    with pytest.raises(Refused, match=r"^There is no champion of 'toy', so there is nothing to roll back to\.$"):
        Record("a").rollback()


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda record: None, r"^toy:b has not been judged\. Run `promotion gate toy:b`, or .* with --override\.$"),
        (
            lambda record: record.judge("b", Verdict.HOLD),
            r"^The last decision on toy:b is hold: So it came out\. Judge it on new rows "
            r"with `promotion gate toy:b --data FILE`, or promote it against the rules with --override\.$",
        ),
        (lambda record: record.judge("b", Verdict.REJECT), "^The last decision on toy:b is reject"),
        (
            lambda record: record.judge("b", Verdict.PROMOTE, champion="toy:c"),
            r"^toy:b was judged against toy:c, which no longer serves\. To judge it against the present champion, run "
            r"`promotion gate toy:b` \(or `promotion promote toy:b --rejudge`\)\.$",
        ),
        (
            lambda record: record.judge("b", Verdict.PROMOTE, champion=None),
            r"^toy:b was judged before 'toy' had a champion\. To judge it against the present champion, run",
        ),
        (
            lambda record: record.promote("b"),
            r"^toy:b is already the champion \(since 2026-11-22 12:0. UTC\), so there is nothing to do\.$",
        ),
    ],
)
def test_a_promotion_by_hand_needs_a_standing_verdict(prepare, sentence):
    record = Record("a", "b", "c")
    record.promote("a")
    prepare(record)
    with pytest.raises(Refused, match=sentence):
        promotion_moves(record.state, toy("b"), reason="I like it", override=False, now=NOON)


def test_a_standing_verdict_allows_it_and_is_named():
    record = Record("a", "b")
    record.promote("a")
    decision = record.judge("b", Verdict.PROMOTE)
    plan = promotion_moves(record.state, toy("b"), reason="I like it", override=False, now=NOON)
    assert (plan.decision, plan.cause, plan.reason) == (decision.digest, "promotion", "I like it")
    assert promotion_moves(record.state, toy("b"), reason="I insist", override=True, now=NOON).decision is None


def test_a_verdict_moves_only_whom_it_concerns():
    record = Record("a", "b", "c")
    record.promote("a")
    for verdict in Verdict:
        assert verdict_moves(record.state, toy("a"), record.judge("a", verdict)) is None
    assert verdict_moves(record.state, toy("b"), record.judge("b", Verdict.HOLD)) is None
    rejection = record.apply(verdict_moves(record.state, toy("b"), record.judge("b", Verdict.REJECT)))
    assert rejection.moves == (Move(tag="toy:b", before=Stage.STAGING, after=Stage.REJECTED),)
    assert rejection.champion == "toy:a"
    assert verdict_moves(record.state, toy("b"), record.judge("b", Verdict.REJECT)) is None


def test_an_adoption_makes_champion_whom_the_label_names_unless_there_is_one():
    record = Record()
    record.register("a", Stage.PROD)
    record.apply(adoption_moves(record.state, toy("a"), reason="serves since May"))
    record.register("b", Stage.PROD)
    with pytest.raises(Refused, match=r"^toy:a is the champion of 'toy' in the ledger, so toy:b cannot be adopted\."):
        adoption_moves(record.state, toy("b"), reason="so does this")
    assert record.state.champion.tag == "toy:a"


def test_an_unknown_version_names_the_nearest():
    with pytest.raises(
        UnknownName,
        match=r"^There is no registered version 'toy:aa'\. Did you mean 'toy:a'\? Run `promotion history toy`",
    ):
        promotion_moves(Record("a").state, toy("aa"), reason="why", override=True, now=NOON)


def test_who_served_at_a_moment_is_told_by_the_entries():
    record = Record("a", "b")
    record.promote("a")
    record.promote("b")
    record.rollback()
    minutes = [champion_at(record.state, record.entries, NOON + timedelta(minutes=n, seconds=30)) for n in range(-1, 9)]
    assert [one.tag if one else None for one in minutes] == [
        *(3 * [None]),
        *(2 * ["toy:a"]),
        *(2 * ["toy:b"]),
        *(3 * ["toy:a"]),
    ]


def test_an_entry_out_of_turn_is_refused():
    record = Record("a", "b", "c")
    with pytest.raises(
        LedgerError,
        match=r"^Entry 3 of 'toy' does not follow entry 1: something other than `promotion` changed the ledger\. Run ",
    ):
        fold("toy", [record.entries[0], record.entries[2]])


moves = st.lists(
    st.tuples(
        st.sampled_from(["register", "register prod", "promote", "rollback", "reject", "gate", "adopt"]),
        st.sampled_from("abcd"),
    ),
    max_size=25,
)


def do(record, action, name):
    match action:
        case "register":
            record.register(name)
        case "register prod":
            record.register(name, Stage.STAGING if record.state.champion else Stage.PROD)
        case "promote":
            record.promote(name)
        case "rollback":
            record.rollback()
        case "reject" | "gate":
            find(record.state, toy(name))
            verdict = Verdict.REJECT if action == "reject" else Verdict.PROMOTE
            plan = verdict_moves(record.state, toy(name), record.judge(name, verdict))
            if plan:
                record.apply(plan)
        case "adopt":
            plan = adoption_moves(record.state, toy(name), reason="known")
            record.append(Adoption(tag=f"toy:{name}", reason="known", assumed_clean=True))
            record.apply(plan)


def attempt(record, action, name):
    """One command; what the rules refuse, or what is not registered, changes nothing."""
    with contextlib.suppress(Refused, UnknownName):
        do(record, action, name)


@given(moves)
def test_whatever_is_done_one_champion_serves_and_the_fold_is_the_same_from_any_point(actions):
    record = Record()
    for action, name in actions:
        attempt(record, action, name)
        if record.state.champion:
            assert record.serving() == [record.state.champion.tag]
            assert record.state.line[-1] == record.state.champion.tag
    assert fold("toy", record.entries) == record.state


@given(moves)
def test_a_plain_reader_of_labels_always_sees_a_champion_once_there_is_one(actions):
    record, labels = Record("a", "b"), {"toy:a": Stage.STAGING, "toy:b": Stage.STAGING}
    for action, name in [("promote", "a"), *actions]:
        written = len(record.entries)
        attempt(record, action, name)
        for entry in record.entries[written:]:
            body = entry.content()
            if isinstance(body, Registration):
                labels[body.tag] = body.stage
            for move in getattr(body, "moves", ()):
                assert labels[move.tag] is move.before
                labels[move.tag] = move.after
                assert Stage.PROD in labels.values()
    assert labels == {tag: version.stage for tag, version in record.state.versions.items()}
