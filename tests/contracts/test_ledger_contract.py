"""What every ledger store keeps, in memory or in SQL."""

import threading
from datetime import UTC, datetime

import pytest

from promotion.adapters.memory import MemoryLedger
from promotion.adapters.sql import SqlLedger
from promotion.errors import Conflict
from promotion.registry.entries import GENESIS, Registration, chain
from promotion.registry.state import State, advance

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
def ledgers(request, tmp_path):
    """Two handles on one ledger, as two processes would have."""
    if request.param == "memory":
        return (MemoryLedger(),) * 2
    url = f"sqlite:///{tmp_path / 'folder' / 'ledger.db'}"
    return SqlLedger(url), SqlLedger(url)


@pytest.fixture
def ledger(ledgers):
    return ledgers[0]


def entries_after(head, *names, model="toy", actor="os:alice"):
    bodies = [Registration(tag=f"{model}:{name}", digest=64 * "a", stage=None) for name in names]
    return tuple(chain(model, head, bodies, at=NOW, actor=actor))


def write(ledger, entries):
    """Append to what was last read; the head as folding gives it."""
    state = State(model=entries[0].model, seq=entries[0].seq - 1, hash=entries[0].prev_hash)
    for entry in entries:
        state = advance(state, entry)
    ledger.append(entries, state.head)
    return state.head


def test_a_new_ledger_is_empty(ledger):
    assert ledger.models() == ()
    assert ledger.head("toy") is None
    assert ledger.entries("toy") == ()
    assert ledger.mirrored("toy") == 0


def test_what_is_appended_is_read_back_equal_and_in_order_by_every_handle(ledgers):
    first, second = ledgers
    entries = entries_after(None, "a", "b", "ü-c")
    head = write(first, entries)
    more = entries_after(head, "d")
    last = write(second, more)

    assert entries[0].prev_hash == GENESIS
    assert first.entries("toy") == second.entries("toy") == (*entries, *more)
    assert first.entries("toy", after=3) == more
    assert first.head("toy") == last


def test_models_are_apart(ledger):
    write(ledger, entries_after(None, "a"))
    write(ledger, entries_after(None, "a", "b", model="another"))

    assert ledger.models() == ("another", "toy")
    assert [ledger.head(model).seq for model in ledger.models()] == [2, 1]


@pytest.mark.parametrize("start", [(), ("a", "b")], ids=["first entry", "later entry"])
def test_of_two_writers_from_one_head_the_second_is_told_who_was_first(ledgers, start):
    head = write(ledgers[0], entries_after(None, *start)) if start else None
    winning = entries_after(head, "theirs", actor="config:ci")
    losing = entries_after(head, "ours", "ours too", actor="os:bob")
    won = write(ledgers[0], winning)

    seq = len(start) + 1
    expected = (
        rf"^The record of 'toy' moved on by config:ci while this command ran \(entry {seq} was taken\), so nothing was "
        r"changed\. Look at `promotion history toy` and run the command again\.$"
    )
    with pytest.raises(Conflict, match=expected) as raised:
        write(ledgers[1], losing)
    assert raised.value.exit_code == 6
    assert ledgers[1].head("toy") == won
    assert ledgers[1].entries("toy", after=len(start)) == winning


def test_an_append_ahead_of_the_end_leaves_nothing(ledger):
    head = write(ledger, entries_after(None, "a"))
    beyond = entries_after(head, "b", "c")[1:]

    with pytest.raises(Conflict, match=r"moved on while this command ran \(entry 3 was taken\)"):
        write(ledger, beyond)
    assert ledger.head("toy") == head
    assert len(ledger.entries("toy")) == 1


def test_of_many_writers_at_once_exactly_one_wins_each_place(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    head, n_writers = write(SqlLedger(url), entries_after(None, "start")), 6
    start, outcomes = threading.Barrier(n_writers), []

    def attempt(number):
        ledger = SqlLedger(url)
        entries = entries_after(head, f"w{number}", f"w{number}b", actor=f"os:{number}")
        start.wait()
        try:
            write(ledger, entries)
        except Conflict as conflict:
            outcomes.append(conflict.by)
        else:
            outcomes.append(None)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(n_writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = SqlLedger(url).entries("toy")
    assert outcomes.count(None) == 1
    assert {by for by in outcomes if by} == {entries[1].actor}
    assert [entry.seq for entry in entries] == [1, 2, 3]


def test_mirrored_never_moves_back(ledger):
    write(ledger, entries_after(None, "a", "b", "c"))
    ledger.mark_mirrored("toy", 2)
    ledger.mark_mirrored("toy", 1)
    assert ledger.mirrored("toy") == 2
    write(ledger, entries_after(ledger.head("toy"), "d"))
    assert ledger.mirrored("toy") == 2
