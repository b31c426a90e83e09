"""A checkpoint gives the state that folding all entries gives, or is ignored."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import record_history

from promotion.adapters.memory import MemoryLedger
from promotion.ledger.checkpoint import checkpoint_of, condensed, state_of
from promotion.ledger.state import advance, fold
from promotion.registry.holdout_uses import last_spent

DECISIONS = 40


@pytest.fixture(scope="module")
def ledger():
    ledger = MemoryLedger()
    record_history(ledger, "toy", DECISIONS, rows=300)
    return ledger


def entries_of(ledger):
    return lambda **which: ledger.entries("toy", **which)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_checkpoint_and_the_entries_after_it_give_the_state_of_all_entries(ledger, data):
    entries = ledger.entries("toy")
    place = data.draw(st.integers(1, len(entries)))
    middle = data.draw(st.integers(place, len(entries)))
    state = state_of(checkpoint_of(fold("toy", entries[:place])), entries_of(ledger))
    state = condensed(advance(state, *entries[place:middle]), entries_of(ledger))
    state, whole = advance(state, *entries[middle:]), fold("toy", entries)
    assert state == whole
    assert list(state.versions) == list(whole.versions)
    assert list(state.trials) == list(whole.trials)
    assert checkpoint_of(state) == checkpoint_of(whole)
    assert last_spent(state) == last_spent(whole)
