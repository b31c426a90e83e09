"""What `promotion status` says first, for every way to become champion, and how it sums up many models."""

from datetime import timedelta

import pytest
from situation import NOON

from promotion.ledger.chain import chain
from promotion.ledger.entries import Move, Registration, TransitionPlanned
from promotion.ledger.folding import advance
from promotion.ledger.state import State
from promotion.registry.status import OTHER_LEDGER, Problem, Status
from promotion.report.page import Page
from promotion.report.status import cause_of, lead, overview_pages, problems_sentence
from promotion.vocabulary import Stage

DECISION = "3f2a90c1d4e7" + "0" * 52
AFTER = NOON + timedelta(hours=2, minutes=30)
SINCE = "since 2026-11-22 12:00 UTC."


def champion_of(*changes, model="toy"):
    """Return the state after changes, each a cause, a version, a reason and a decision."""
    state = State(model=model)

    def append(*bodies):
        nonlocal state
        state = advance(state, *chain(model, state.head, bodies, at=NOON, actor="os:root"))

    for cause, version, reason, decision in changes:
        tag = f"{model}:{version}"
        if tag not in state.versions:
            append(Registration(tag=tag, digest="d" * 64, stage=Stage.STAGING))
        move = Move(tag=tag, before=state.versions[tag].stage, after=Stage.PROD)
        append(TransitionPlanned(cause=cause, moves=(move,), champion=tag, reason=reason, decision=decision))
    return state


FIRST = ("promotion", "one", "the floors hold", DECISION)
SECOND = ("promotion", "two", "looks good", None)


@pytest.mark.parametrize(
    ("changes", "cause", "told"),
    [
        ([FIRST], "promotion", "promoted it as the first champion, by decision 3f2a90c1d4e7: 'the floors hold'."),
        (
            [FIRST, ("promotion", "two", "the gain is large", DECISION)],
            "promotion",
            "promoted it in place of toy:one, by decision 3f2a90c1d4e7: 'the gain is large'.",
        ),
        ([FIRST, SECOND], "override", "promoted it by hand in place of toy:one, without a passing decision: 'looks good'."),
        ([SECOND], "override", "promoted it by hand as the first champion, without a passing decision: 'looks good'."),
        (
            [FIRST, SECOND, ("rollback", "one", "merchants complain", None)],
            "rollback",
            "rolled back from toy:two: 'merchants complain'.",
        ),
        ([("adoption", "old", "serves since May", None)], "adoption", "adopted it as the first champion: 'serves since May'."),
    ],
    ids=lambda one: one if isinstance(one, str) and " " not in one else "",
)  # fmt: skip
def test_the_lead_says_who_serves_since_when_and_who_made_it_champion(changes, cause, told):
    state = champion_of(*changes)
    assert lead(state, AFTER) == (f"{state.champion.tag} has served for 2 h, {SINCE}", f"os:root {told}")
    assert cause_of(state) == cause


def test_without_a_champion_or_with_a_clock_that_is_ahead_the_lead_claims_no_age():
    assert lead(State(model="toy"), NOON) == ("toy has no champion yet.",)
    assert lead(champion_of(FIRST), NOON - timedelta(hours=1))[0] == f"toy:one has served {SINCE}"


def test_a_rejection_or_retention_after_it_leaves_the_champion_and_how_it_became_one():
    state = champion_of(FIRST, SECOND)
    kept = TransitionPlanned(cause="retention", moves=(), champion="toy:two", reason="old", deletions=("toy:one",))
    after = advance(state, *chain("toy", state.head, [kept], at=AFTER, actor="os:cron"))
    assert (after.succession, after.champion) == (state.succession, state.champion)


def standings(count, wrong):
    return [
        Status(
            state=champion_of(FIRST, model=f"team_{number:03}"),
            problems=(Problem(kind="label", sentence=f"team_{number:03} has no label."),) if number < wrong else (),
            approvals=("it waits",) if number == count - 1 else (),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (0, ()),
        (3, ("team_000 has no label.", "team_001 has no label.", "team_002 has no label.")),
        (
            120,
            ("team_000 has no label. 119 other models have the same kind of problem: team_001, team_002, team_003 and 116 more.",),
        ),
    ],
)  # fmt: skip
def test_of_many_models_each_kind_of_problem_is_told_once_and_all_are_counted(wrong, told):
    among = standings(200, wrong)
    table, total = overview_pages(among, among, AFTER)
    assert problems_sentence(among) == told
    assert [note.text for note in table.notes] == ["it waits", *(f"! {sentence}" for sentence in told)]
    assert total == Page(summary=(f"200 models, {wrong or 'none'} with problems, 1 waiting for approval.",))
    rows = [[cell.text for cell in cells] for cells in table.tables[0].rows]
    assert len(rows) == 200
    assert rows[-1] == ["team_199", "one", "2 h", "promotion", "", "approval"]
    assert [cells[-1] for cells in rows[:-1]] == ["label"] * wrong + [""] * (199 - wrong)


def test_a_model_of_another_ledger_is_known_as_such():
    assert Status(state=State(model="toy"), problems=(Problem(kind=OTHER_LEDGER, sentence="It is theirs."),)).foreign
    assert not standings(1, 1)[0].foreign
