from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.canonical import digest, plain
from promotion.errors import ConfigError
from promotion.policy import Policy
from promotion.policy.approval import ANYONE, Panel, consent

PEOPLE = ["os:alice", "os:bob", "os:carol", "config:alice", "prefect:run"]
PANELS = st.builds(Panel, approvers=st.lists(st.sampled_from(PEOPLE), unique=True).map(tuple), needed=st.integers(1, 4))
ANSWERS = st.lists(st.tuples(st.sampled_from(PEOPLE), st.booleans())).map(dict)
CONCERNED = st.sets(st.sampled_from(PEOPLE), min_size=1, max_size=2)


def policy(**keys):
    return Policy.from_toml({"primary": {"metric": "roc_auc"}, "approval": "required", **keys})


@given(panel=PANELS, answers=ANSWERS, concerned=CONCERNED)
def test_consent_is_given_just_when_enough_who_count_approved_and_one_of_them_is_not_concerned(
    panel, answers, concerned
):
    said = consent(panel, answers, concerned)
    counting = {actor for actor, yes in answers.items() if yes and (not panel.approvers or actor in panel.approvers)}
    assert said.given is (
        False not in answers.values() and len(counting) >= panel.needed and bool(counting - concerned)
    )


@given(panel=PANELS, answers=ANSWERS, concerned=CONCERNED, newcomers=st.permutations([*PEOPLE, "os:dave", "os:erin"]))
def test_what_is_missing_is_what_it_takes(panel, answers, concerned, newcomers):
    """Approvals by those who are named, one after another, bring consent after as many as were missing, not before."""
    answers = dict.fromkeys((actor for actor, yes in answers.items() if yes), True)
    said = consent(panel, answers, concerned)
    named = [actor for actor in newcomers if actor in said.open_to] if said.listed else newcomers
    others = [actor for actor in named if actor not in said.approved and actor not in said.concerned]
    if len(others) < said.missing:
        return
    for number, actor in enumerate(others[: said.missing]):
        assert consent(panel, answers, concerned).missing == said.missing - number
        answers[actor] = True
    assert consent(panel, answers, concerned).given


@given(panel=PANELS, answers=ANSWERS, concerned=CONCERNED, stranger=st.sampled_from(["os:dave", "config:bob"]))
def test_who_is_not_listed_changes_nothing_and_one_denial_ends_it(panel, answers, concerned, stranger):
    before = consent(panel, answers, concerned)
    if panel.approvers:
        assert consent(panel, {**answers, stranger: True}, concerned) == before
    assert not consent(panel, {**answers, stranger: False}, concerned).given


@pytest.mark.parametrize(
    ("panel", "answers", "sentence"),
    [
        (ANYONE, {}, "1 approval is missing, from anyone but os:alice"),
        (ANYONE, {"os:alice": True}, "1 approval is missing, from anyone but os:alice"),
        (Panel(needed=2), {}, "2 approvals are missing, from anyone, and not only from os:alice"),
        (Panel(needed=2), {"os:bob": True}, "1 approval is missing, from anyone"),
        (Panel(approvers=("os:alice", "os:bob")), {}, "1 approval is missing, from os:bob"),
        (
            Panel(approvers=("os:alice", "os:bob", "os:carol"), needed=2),
            {},
            "2 approvals are missing, from os:alice or os:bob or os:carol, and not only from os:alice",
        ),
        (
            Panel(approvers=("os:alice", "os:bob", "os:carol"), needed=2),
            {"os:alice": True},
            "1 approval is missing, from os:bob or os:carol",
        ),
        (Panel(approvers=("os:alice",)), {}, "1 approval is missing, and none of the approvers can give it"),
    ],
)
def test_what_is_missing_is_told_with_whose_it_is(panel, answers, sentence):
    assert consent(panel, answers, {"os:alice"}).wanting == sentence


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            {"approval": "automatic", "approvers": ["os:bob"]},
            "'approvers' has an effect only with approval = \"required\". Set that too, or leave out 'approvers'.",
        ),
        (
            {"approval": "automatic", "min_approvals": 2},
            "'min_approvals' has an effect only with approval = \"required\". Set that too, or leave out 'min_approvals'.",
        ),
        ({"min_approvals": 0}, "'min_approvals' must be at least 1, but is 0."),
        (
            {"approvers": ["alice"]},
            "Each of 'approvers' must be SOURCE:NAME, as in the ledger, but one is 'alice'. An operating system's user "
            "is 'os:alice'.",
        ),
        ({"approvers": [":"]}, "Each of 'approvers' must be SOURCE:NAME, as in the ledger, but one is ':'."),
        (
            {"approvers": ["os:bob", "os:bob"]},
            "'approvers' must name each person once, but repeats one: os:bob, os:bob.",
        ),
        (
            {"approvers": ["os:alice", "os:bob"], "min_approvals": 3},
            "'min_approvals' requires 3 people, but 'approvers' names only 2.",
        ),
        (
            {"approval": "automatic", "approval_timeout": "3d"},
            "'approval_timeout' has an effect only with approval = \"required\". Set that too, or leave out 'approval_timeout'.",
        ),
        *(
            (
                {"approval_timeout": text},
                "'approval_timeout' must be a whole number of hours, days or weeks above 0, like 12h, 3d or 2w, but is "
                f"'{text}'.",
            )
            for text in ("0d", "soon", "-3d", "3 days", "999999999w")
        ),
    ],
)
def test_approvals_that_nobody_could_give_are_one_sentence(keys, sentence):
    with pytest.raises(ConfigError) as raised:
        policy(**keys)
    assert str(raised.value) == sentence


def test_a_policy_names_its_panel():
    assert policy().panel == ANYONE
    assert policy(approvers=["os:alice", "config:bob"], min_approvals=2, approval_timeout="36h").panel == Panel(
        approvers=("os:alice", "config:bob"), needed=2, within="36h"
    )
    assert policy(approval_timeout="36h").panel.time == timedelta(days=1, hours=12)


def test_a_policy_whose_time_is_the_usual_one_has_the_digest_that_it_had_before_there_was_a_time():
    plainly = plain(policy())
    del plainly["approval_timeout"], plainly["min_groups"]
    assert policy().digest == policy(approval_timeout="7d").digest == digest(plainly)
    assert policy(approval_timeout="3d").digest != policy().digest
