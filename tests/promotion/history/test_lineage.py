import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.errors import LedgerError
from promotion.history.lineage import champion_period_at, champion_periods
from promotion.ledger.chain import chain
from promotion.ledger.entries import Move, Registration, TransitionPlanned
from promotion.ledger.folding import fold
from promotion.ledger.state import champion_at
from promotion.vocabulary import Stage

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TAGS = ("toy:a", "toy:b", "toy:c")


def promoted(tag, cause):
    moves = (Move(tag=tag, before=Stage.STAGING, after=Stage.PROD),)
    return TransitionPlanned(cause=cause, moves=moves, champion=tag, reason="r")


@st.composite
def histories(draw):
    """A chain whose writers' clocks differ and jump."""
    bodies = [Registration(tag=tag, digest=tag * 8, stage=Stage.STAGING) for tag in TAGS]
    causes = st.sampled_from(["promotion", "rollback", "adoption"])
    bodies += [promoted(*one) for one in draw(st.lists(st.tuples(st.sampled_from(TAGS), causes), max_size=12))]
    entries, head = [], None
    for body in bodies:
        at = NOON + timedelta(minutes=draw(st.integers(-30, 30)))
        entries += chain("toy", head, [body], at=at, actor="os:alice")
        head = fold("toy", entries).head
    return entries


def began(period):
    return datetime.fromisoformat(period.champion.since)


@given(histories(), st.integers(-40, 40))
def test_whatever_the_clocks_say_reigns_follow_one_another_and_agree_with_the_ledger(entries, minutes):
    state, moment = fold("toy", entries), NOON + timedelta(minutes=minutes)
    served = champion_periods(state, entries)
    assert [one.champion.seq for one in served] == sorted({one.champion.seq for one in served})
    assert [one.until for one in served] == [*(later.champion.since for later in served[1:]), None][: len(served)]
    assert (served[-1].champion if served else None) == state.champion
    found, begun = champion_period_at(state, entries, moment), [one for one in served if began(one) <= moment]
    assert found == (begun[-1] if begun else None)
    assert champion_at(state, entries, moment) == (found.champion if found else None)
    assert all(before.champion.tag != after.champion.tag for before, after in itertools.pairwise(served))


def test_a_changed_entry_tells_no_history():
    entries = [*chain("toy", None, [Registration(tag="toy:a", digest="d", stage=None)], at=NOON, actor="os:alice")]
    forged = [type(entries[0])(**{**vars(entries[0]), "actor": "os:mallory"})]
    with pytest.raises(
        LedgerError,
        match="Entry 1 of 'toy' does not follow entry 0: something other than `promotion` changed the ledger",
    ):
        fold("toy", forged)
