"""The contract of every ledger store: in memory, on SQLite, on PostgreSQL."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from promotion.adapters.memory import MemoryLedger
from promotion.adapters.sql import SqlLedger
from promotion.errors import Conflict
from promotion.ledger.chain import GENESIS, chain
from promotion.ledger.checkpoint import Checkpoint
from promotion.ledger.entries import FreshStart, Registration
from promotion.ledger.folding import advance
from promotion.ledger.state import State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
N_WRITERS = 8


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def handle(request, tmp_path):
    """Opens the test's ledger again, as another process would."""
    if request.param == "memory":
        ledger = MemoryLedger()
        return lambda: ledger
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'folder' / 'ledger.db'}"
    else:
        url = request.getfixturevalue("postgres_server").new_database()
    return lambda: SqlLedger(url)


@pytest.fixture
def ledger(handle):
    return handle()


@pytest.fixture
def ledgers(handle):
    """Two handles on one ledger."""
    return handle(), handle()


def entries_after(head, *names, model="toy", actor="os:alice", sign=None):
    bodies = [Registration(tag=f"{model}:{name}", digest=64 * "a", stage=None) for name in names]
    return tuple(chain(model, head, bodies, at=NOW, actor=actor, sign=sign))


def head_after(entries):
    state = State(model=entries[0].model, seq=entries[0].seq - 1, hash=entries[0].prev_hash)
    return advance(state, *entries).head


def write(ledger, entries):
    """Append to what was last read; the head as folding gives it."""
    ledger.append(entries, head_after(entries))
    return head_after(entries)


def at_once(n_threads, work):
    """What each of many threads that start together comes to: its result, or what it raised."""
    start, outcomes = threading.Barrier(n_threads), [None] * n_threads

    def attempt(number):
        start.wait()
        try:
            outcomes[number] = work(number)
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_a_new_ledger_is_empty(ledger):
    assert ledger.models() == ()
    assert ledger.head("toy") is None
    assert ledger.entries("toy") == ()
    assert ledger.mirrored("toy") == 0
    ledger.mark_mirrored("toy", 3)
    assert ledger.models() == ()


def test_what_is_appended_is_read_back_equal_and_in_order_by_every_handle(ledgers):
    first, second = ledgers
    entries = entries_after(None, "a", "b", "ü-c")
    head = write(first, entries)
    more = entries_after(head, "d")
    last = write(second, more)

    assert entries[0].prev_hash == GENESIS
    assert first.entries("toy") == second.entries("toy") == (*entries, *more)
    assert [first.entries("toy", after=seq) for seq in (3, 4, 99)] == [more, (), ()]
    assert [first.entries("toy", after=1, limit=limit) for limit in (0, 2, 99)] == [
        (),
        entries[1:],
        (*entries[1:], *more),
    ]
    assert first.head("toy") == second.head("toy") == last


def test_the_last_entries_and_those_since_a_time_are_read_alone(ledger):
    """Times are compared as times, whether or not they have microseconds, and whatever the order of the entries."""
    times, head, written = ["12:00:00", "12:00:00.5", "11:59:59.999999", "12:00:01", "12:00:00.499999"], None, []
    for number, time in enumerate(times):
        at = datetime.fromisoformat(f"2026-11-22T{time}+00:00")
        written += chain("toy", head, [FreshStart(reason=str(number))], at=at, actor="os:alice")
        head = write(ledger, tuple(written[-1:]))
    one, two, three, four, five = written
    since = "2026-11-22T12:00:00+00:00"

    assert ledger.entries("toy", last=2) == (four, five)
    assert ledger.entries("toy", last=9) == tuple(written)
    assert ledger.entries("toy", since=since) == (one, two, four, five)
    assert ledger.entries("toy", since=since, limit=1) == (one,)
    assert ledger.entries("toy", since=since, last=2) == (four, five)
    assert ledger.entries("toy", since=two.at) == (two, four)
    assert ledger.entries("toy", after=2, since=three.at) == (three, four, five)


def test_the_last_checkpoint_is_kept_for_each_model(ledgers):
    first, second = ledgers
    write(first, entries_after(None, "a"))
    assert first.checkpoint("toy") is None
    for seq, text in ((1, "{}"), (2, "[]")):
        kept = Checkpoint(model="toy", seq=seq, hash="a" * 64, text=text, digest="b" * 64)
        first.keep(kept)
        assert first.checkpoint("toy") == second.checkpoint("toy") == kept
    assert first.checkpoint("pet") is None


def test_foreign_aliases_are_noted_for_a_model_without_entries_too(ledgers):
    first, second = ledgers
    assert first.foreign("toy") == {}
    for found in ({"champion": "toy/2", "previous": None}, {"challenger": "ü"}):
        first.mark_foreign("toy", found)
        first.mark_foreign("another", {"champion": "another/1"})
        assert second.foreign("toy") == found
    first.mark_foreign("toy", {})
    assert (second.foreign("toy"), second.foreign("another")) == ({}, {"champion": "another/1"})
    assert (second.models(), second.head("toy")) == ((), None)


def test_models_are_apart(ledger):
    write(ledger, entries_after(None, "a"))
    write(ledger, entries_after(None, "a", "b", model="another"))

    assert ledger.models() == ("another", "toy")
    assert [ledger.head(model).seq for model in ledger.models()] == [2, 1]


@pytest.mark.parametrize(
    "text",
    ["Zoë 日本語 🏅 'quoted' \"twice\" \\ %s {} -- ;", "\t\r\n\x01\u2028", "x" * 5_000_000],
    ids=["words", "signs", "5 MB"],
)
def test_any_text_is_kept_to_the_letter(ledger, text):
    body = Registration(tag="toy:a", digest=64 * "a", stage=None, data=text, options={text[:50]: [0.1, 1e300, None]})
    entries = tuple(chain("toy", None, [body], at=NOW, actor=f"os:{text[:50]}"))
    write(ledger, entries)

    (read,) = ledger.entries("toy")
    assert read == entries[0]
    assert read.hash == read.expected_hash()


def test_signatures_are_kept_where_there_are_any(ledger):
    head = write(ledger, entries_after(None, "a", sign=lambda text: f"ed25519:k:{text[:8]}"))
    write(ledger, entries_after(head, "b"))
    first, second = ledger.entries("toy")
    assert (first.signature, second.signature) == (f"ed25519:k:{first.hash[:8]}", None)


@pytest.mark.parametrize("start", [(), ("a", "b")], ids=["first entry", "later entry"])
def test_of_two_writers_from_one_head_the_second_is_told_who_was_first(ledgers, start):
    head = write(ledgers[0], entries_after(None, *start)) if start else None
    winning = entries_after(head, "theirs", actor="config:ci")
    losing = entries_after(head, "ours", "ours too", actor="os:bob")
    won = write(ledgers[0], winning)

    seq = len(start) + 1
    expected = (
        rf"^config:ci wrote entry {seq} to the ledger of 'toy' while this command ran, so nothing was "
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

    with pytest.raises(Conflict, match=r"^Another process wrote entry 3 to the ledger of '\w+' while this command ran"):
        write(ledger, beyond)
    assert ledger.head("toy") == head
    assert len(ledger.entries("toy")) == 1


def test_several_entries_are_appended_whole_or_not_at_all(ledger):
    entries = entries_after(None, "a", "b", "c")
    twice = (*entries[:2], replace(entries[2], seq=2))
    with pytest.raises(Conflict):
        ledger.append(twice, head_after(entries))
    assert (ledger.entries("toy"), ledger.head("toy")) == ((), None)
    write(ledger, entries)


def test_several_models_are_appended_to_whole_or_not_at_all(ledger):
    theirs = entries_after(None, "theirs", actor="config:ci", model="zoo")
    write(ledger, theirs)
    ours = [entries_after(None, "a", "b", model=model) for model in ("another", "toy", "zoo")]

    with pytest.raises(Conflict, match=r"^config:ci wrote entry 1 to the ledger of 'zoo' while"):
        ledger.append_all([(entries, head_after(entries)) for entries in ours])
    assert ledger.models() == ("zoo",)
    assert ledger.entries("toy") == ()

    ledger.append_all([(entries, head_after(entries)) for entries in ours[:2]])
    assert [ledger.entries(model) for model in ledger.models()] == [*ours[:2], theirs]


@pytest.mark.parametrize("start", [(), ("a",)], ids=["first entry", "later entry"])
def test_of_many_writers_at_once_exactly_one_wins_each_place(handle, start):
    ledger = handle()
    head = write(ledger, entries_after(None, *start)) if start else None
    handles = [handle() for _ in range(N_WRITERS)]

    def attempt(number):
        return write(handles[number], entries_after(head, f"w{number}", f"w{number}b", actor=f"os:{number}"))

    outcomes = at_once(N_WRITERS, attempt)
    entries = ledger.entries("toy", after=len(start))
    assert len(entries) == 2
    won = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert won == [ledger.head("toy")]
    lost = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert {type(outcome) for outcome in lost} == {Conflict}
    assert {outcome.by for outcome in lost} == {entries[0].actor}


def test_writers_that_try_again_all_come_through_on_one_handle_and_many(handle):
    shared, others = handle(), [handle() for _ in range(N_WRITERS // 2)]

    def work(number):
        ledger = others[number // 2] if number % 2 else shared
        n_written = 0
        while n_written < 5:
            try:
                write(ledger, entries_after(ledger.head("toy"), f"w{number}n{n_written}", actor=f"os:{number}"))
            except Conflict:
                continue
            ledger.mark_mirrored("toy", ledger.head("toy").seq)
            n_written += 1

    assert at_once(N_WRITERS, work) == [None] * N_WRITERS
    entries = shared.entries("toy")
    assert [entry.seq for entry in entries] == list(range(1, 5 * N_WRITERS + 1))
    assert head_after(entries) == shared.head("toy")
    assert shared.mirrored("toy") == 5 * N_WRITERS


def test_readers_see_an_append_whole_or_not_at_all(handle):
    writing, reading, done = handle(), handle(), threading.Event()

    def work(number):
        if number == 0:
            head = None
            for n in range(20):
                head = write(writing, entries_after(head, *(f"v{n}e{one}" for one in range(3))))
            return done.set()
        while not done.is_set():
            head, entries = reading.head("toy"), reading.entries("toy")
            assert len(entries) % 3 == 0
            assert head is None or (head.seq % 3 == 0 and entries[head.seq - 1].hash == head.hash)
        return None

    assert at_once(3, work) == [None] * 3


def test_mirrored_never_moves_back(ledger):
    write(ledger, entries_after(None, "a", "b", "c"))
    ledger.mark_mirrored("toy", 2)
    ledger.mark_mirrored("toy", 1)
    assert ledger.mirrored("toy") == 2
    write(ledger, entries_after(ledger.head("toy"), "d"))
    assert ledger.mirrored("toy") == 2
