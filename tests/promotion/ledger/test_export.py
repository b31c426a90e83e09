"""Export and import: an export is imported unchanged, and a changed line is refused."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from promotion.adapters.memory import MemoryLedger
from promotion.adapters.sql import SqlLedger
from promotion.errors import LedgerError
from promotion.ledger.chain import Head, chain
from promotion.ledger.entries import (
    KINDS,
    Adoption,
    Move,
    Override,
    Registration,
    Takeover,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.ledger.export import entries_to_append, export_lines, read_export
from promotion.ledger.folding import fold
from promotion.vocabulary import Stage

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MODELS = st.from_regex(r"[a-z]([a-z0-9_]{0,8}[a-z0-9])?", fullmatch=True)


def bodies_of(model, steps):
    """A registration for each step, and what else the step says; a transition names what is registered."""
    for number, (kind, text) in enumerate(steps):
        tag = f"{model}:v{number}"
        yield Registration(tag=tag, digest=64 * "a", stage=Stage.STAGING, options={text: [text, 0.1, None, -0.0]})
        if kind == "adoption":
            yield Adoption(tag=tag, reason=text)
        elif kind == "override":
            yield Override(tag=tag, reason=text, verdict=None)
        elif kind == "takeover":
            yield Takeover(reason=text, ledger=64 * "b", place=text, seq=3, hash=64 * "c", mirrored=(4, 64 * "d"))
        elif kind == "transition":
            move = Move(tag=tag, before=Stage.STAGING, after=Stage.PROD)
            yield TransitionPlanned(cause="promotion", moves=(move,), champion=tag, reason=text)
            yield TransitionApplied(planned=number)


def chain_of(model, steps, *, actor="os:alice", sign=None):
    return tuple(chain(model, None, bodies_of(model, steps), at=NOW, actor=actor, sign=sign))


STEPS = st.lists(
    st.tuples(st.sampled_from(["none", "adoption", "override", "takeover", "transition"]), TEXTS),
    min_size=1,
    max_size=6,
)
CHAINS = st.dictionaries(MODELS, st.tuples(STEPS, TEXTS, st.booleans()), max_size=3).map(
    lambda drawn: {
        model: chain_of(model, steps, actor=actor, sign=(lambda text: f"ed25519:k:{text}") if signed else None)
        for model, (steps, actor, signed) in sorted(drawn.items())
    }
)
TOY = chain_of("toy", [("transition", "first"), ("adoption", "ü"), ("transition", "second")])


def file_of(chains):
    return [f"{line}\n".encode() for line in export_lines(chains, release="0.1.0")]


def read(lines):
    return read_export(lines, name="it.jsonl")


def refusal_of(lines):
    """What an import of them is refused with; empty when it is not."""
    try:
        read(lines)
    except LedgerError as error:
        return str(error)
    return ""


def take_in(ledger, chains):
    new = [(entries_to_append(chain, ledger.entries(model)), chain.head) for model, chain in chains.items()]
    ledger.append_all([pair for pair in new if pair[0]])


@given(chains=CHAINS)
def test_what_is_exported_is_imported_equal_into_any_ledger(chains):
    ledger = MemoryLedger()
    take_in(ledger, read(file_of(chains)))
    assert {model: ledger.entries(model) for model in ledger.models()} == chains
    assert {model: ledger.head(model) for model in chains} == {
        model: fold(model, entries).head for model, entries in chains.items()
    }
    assert file_of({model: ledger.entries(model) for model in ledger.models()}) == file_of(chains)


@given(chains=CHAINS, data=st.data())
def test_a_ledger_that_holds_the_beginning_is_given_the_rest(chains, data):
    ledger = MemoryLedger()
    for model, entries in chains.items():
        if n_held := data.draw(st.integers(0, len(entries)), label=f"held of {model}"):
            ledger.append(entries[:n_held], fold(model, entries[:n_held]).head)
    take_in(ledger, read(file_of(chains)))
    assert {model: ledger.entries(model) for model in ledger.models()} == chains


@pytest.mark.parametrize("held", ["other from the first", "other from the third", "more"])
def test_a_ledger_that_holds_anything_else_is_left_as_it_is(held):
    ours = {
        "other from the first": chain_of("toy", [("none", "other")]),
        "other from the third": chain_of("toy", [("transition", "first")], sign=None)[:2]
        + tuple(
            chain(
                "toy",
                Head(model="toy", seq=2, hash=TOY[1].hash, champion=None),
                [Override(tag="toy:v0", reason="mine")],
                at=NOW,
                actor="os:bob",
            )
        ),
        "more": TOY,
    }[held]
    found = read(file_of({"toy": TOY[:-1] if held == "more" else TOY}))["toy"]
    n_export, same = (
        len(found.entries),
        {"other from the first": 0, "other from the third": 2, "more": len(TOY) - 1}[held],
    )
    expected = (
        f"The ledger has {len(ours)} entries of 'toy' and the export has {n_export}, but they differ after entry {same}, "
        "so nothing was imported. An import can only continue a ledger at its end, or fill an empty one."
    )
    with pytest.raises(LedgerError, match=f"^{re.escape(expected)}$"):
        entries_to_append(found, ours)


def rewritten(line, **fields):
    """The line with other fields, as an export would write it."""
    return (
        json.dumps(json.loads(line) | fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        + b"\n"
    )


def rehashed(number, **fields):
    """An export of one whose entry says something else, with right hashes from there on."""
    entries, prev_hash = list(TOY), TOY[number - 1].prev_hash
    entries[number - 1] = replace(entries[number - 1], **fields)
    for place in range(number - 1, len(entries)):
        entry = replace(entries[place], prev_hash=prev_hash)
        entries[place] = replace(entry, hash=entry.expected_hash())
        prev_hash = entries[place].hash
    return file_of({"toy": tuple(entries)})


LINES = file_of({"toy": TOY})
EARLIER = Path(__file__).with_name("ledger_of_0_1_0.jsonl")
CHANGED_BODY = json.loads(LINES[1])["body"] | {"version": "2"}
DAMAGE = {
    "nothing at all": ([], "it.jsonl is empty, but must begin with the header that `promotion ledger export` writes."),
    "no JSON": ([b"Dear diary\n"], "Line 1 of it.jsonl is not a JSON value in UTF-8."),
    "another JSON": ([b"[1]\n"], "Line 1 of it.jsonl is not the header of a ledger export."),
    "no header": (LINES[1:], "Line 1 of it.jsonl is not the header of a ledger export."),
    "a later format": (
        [rewritten(LINES[0], version=2), *LINES[1:]],
        "Line 1 of it.jsonl has format 2, but this release reads format 1. Install a newer release.",
    ),
    "a header with more": (
        [rewritten(LINES[0], colour="red"), *LINES[1:]],
        "Line 1 of it.jsonl is not in the form that an export writes: it was changed, or written by a different release.",
    ),
    "a model of no name": (
        [rewritten(LINES[0], models={"../x": [1, ""]}), *LINES[1:]],
        "Line 1 of it.jsonl names '../x', which is not a model name.",
    ),
    "a second header": (
        [LINES[0], *LINES],
        "Line 2 of it.jsonl is not in the form that an export writes: it was changed",
    ),
    "not UTF-8": ([*LINES[:2], b'{"a": "\xff"}\n'], "Line 3 of it.jsonl is not a JSON value in UTF-8."),
    "NaN": ([*LINES[:2], b'{"a": NaN}\n'], "Line 3 of it.jsonl is not a JSON value in UTF-8."),
    "deep": ([*LINES[:2], b"[" * 100_000], "Line 3 of it.jsonl is not a JSON value in UTF-8."),
    "an empty line": ([*LINES[:2], b"\n", *LINES[2:]], "Line 3 of it.jsonl is not a JSON value in UTF-8."),
    "half a line": ([*LINES[:-1], LINES[-1][:40]], f"Line {len(LINES)} of it.jsonl is not a JSON value in UTF-8."),
    "other spaces": (
        [*LINES[:2], LINES[2].replace(b'":', b'": ', 1), *LINES[3:]],
        "Line 3 of it.jsonl is not in the form that an export writes: it was changed, or written by a different release.",
    ),
    "a key twice": (
        [*LINES[:2], LINES[2].replace(b"{", b'{"actor":"os:eve",', 1), *LINES[3:]],
        "Line 3 of it.jsonl is not in the form that an export writes: it was changed, or written by a different release.",
    ),
    "a number as text": (
        [*LINES[:2], rewritten(LINES[2], seq="2"), *LINES[3:]],
        "Line 3 of it.jsonl is not in the form that an export writes: it was changed, or written by a different release.",
    ),
    "a lone surrogate": (
        [*LINES[:2], LINES[2].replace(b"os:alice", b"\\ud800"), *LINES[3:]],
        "Line 3 of it.jsonl is not in the form that an export writes: it was changed, or written by a different release.",
    ),
    "another model": (
        [*LINES[:2], rewritten(LINES[2], model="x"), *LINES[3:]],
        "Line 3 of it.jsonl belongs to 'x', which the header does not name.",
    ),
    "an entry left out": (
        [*LINES[:2], *LINES[3:]],
        "Line 3 of it.jsonl has entry 3 of 'toy', but entry 2 must come next.",
    ),
    "an entry twice": (
        [*LINES[:3], *LINES[2:]],
        "Line 4 of it.jsonl has entry 2 of 'toy', but entry 3 must come next.",
    ),
    "two entries in the other order": (
        [*LINES[:2], LINES[3], LINES[2], *LINES[4:]],
        "Line 3 of it.jsonl has entry 3 of 'toy', but entry 2 must come next.",
    ),
    "another body": (
        [LINES[0], rewritten(LINES[1], body=CHANGED_BODY), *LINES[2:]],
        "Line 2 of it.jsonl has entry 1 of 'toy', which was changed: its hash does not match its content.",
    ),
    "another chain": (
        [*LINES[:2], rewritten(LINES[2], prev_hash=64 * "0"), *LINES[3:]],
        "Line 3 of it.jsonl has entry 2 of 'toy', whose previous hash is not the hash of entry 1.",
    ),
    "cut": (
        LINES[:-2],
        f"it.jsonl is cut off: 'toy' must end at entry {len(TOY)}, as its header says, but ends at entry ",
    ),
    "cut to the header": (
        LINES[:1],
        f"it.jsonl is cut off: 'toy' must end at entry {len(TOY)}, as its header says, but has no entry",
    ),
    "an unknown kind": (
        rehashed(2, kind="wedding"),
        "Line 3 of it.jsonl cannot be imported (Entry 2 of 'toy' has the kind 'wedding', which this release does not know).",
    ),
    "a version never registered": (
        rehashed(5, body={"tag": "toy:ghost", "reason": "r", "trained_before": None, "assumed_clean": False}),
        "Line 6 of it.jsonl cannot be imported (Entry 5 of 'toy' names 'toy:ghost', which is not registered).",
    ),
    "no reason": (
        rehashed(5, body={"tag": "toy:v1"}),
        "Line 6 of it.jsonl cannot be imported (Entry 5 of 'toy' is damaged: ",
    ),
    "no time": (
        rehashed(2, at="yesterday"),
        "Line 3 of it.jsonl has entry 2 of 'toy' dated 'yesterday', which is not a time.",
    ),
    "a time of no place": (
        rehashed(2, at="2026-11-22T12:00:00"),
        "Line 3 of it.jsonl has entry 2 of 'toy' dated '2026-",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_damage_is_one_sentence_that_names_the_line(damage):
    lines, sentence = DAMAGE[damage]
    with pytest.raises(LedgerError) as raised:
        read(lines)
    assert str(raised.value).startswith(sentence)
    assert str(raised.value).endswith(" Nothing was imported.")
    assert "\n" not in str(raised.value)


def test_every_single_byte_changed_or_left_out_is_found():
    whole = b"".join(LINES)
    for place, byte in enumerate(whole):
        if byte == ord("\n"):
            continue
        for other in (whole[:place] + bytes([byte ^ 1]) + whole[place + 1 :], whole[:place] + whole[place + 1 :]):
            try:
                chains = read(other.splitlines(keepends=True))
            except LedgerError:
                continue
            # Only the header's release may differ: nothing depends on it.
            assert chains["toy"].entries == TOY, (place, other[max(0, place - 20) : place + 20])
            assert b'"release":' in whole[max(0, place - 20) : place]


LINE = st.one_of(
    st.sampled_from(LINES),
    st.binary(max_size=40),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["format", "models", "version", "release", "seq", "body"]), inner, max_size=4), max_leaves=8).map(lambda data: json.dumps(data).encode()),
)  # fmt: skip


@given(lines=st.lists(LINE, max_size=8))
@example(lines=[b'{"format":"promotion-ledger","models":{"a":[1]},"release":"","version":1}'])
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_file_at_all_is_more_than_a_sentence(lines):
    said = refusal_of(lines)
    assert "\n" not in said


@given(number=st.integers(1, len(TOY)), kind=st.sampled_from(["registration", "decision", "approval", "adoption", "transition_planned", "transition_applied"]), body=st.dictionaries(st.sampled_from(["tag", "decision", "moves", "champion", "reason", "cause", "planned", "stage", "digest"]), st.none() | st.integers() | st.sampled_from(["toy:v0", "prod", "x"]) | st.lists(st.just({"tag": "toy:v0", "before": None, "after": "prod"}), max_size=2), max_size=7))  # fmt: skip
def test_no_entry_of_one_who_computes_hashes_is_more_than_a_sentence(number, kind, body):
    said = refusal_of(rehashed(number, kind=kind, body=body))
    assert re.match(r"^(Line \d+ of it\.jsonl cannot be imported \(.+\)\. Nothing was imported\.)?$", said)


def test_an_export_of_an_earlier_release_is_still_read_and_written_alike():
    lines = EARLIER.read_bytes().splitlines(keepends=True)
    (chain,) = read(lines).values()
    assert {entry.kind for entry in chain.entries} == set(KINDS) - {
        "takeover",
        "readmission",
        "fresh_start",
        "service",
    }  # which it did not know
    assert chain.head == fold("coin", chain.entries).head
    assert file_of({"coin": chain.entries}) == lines


def test_a_ledger_moves_from_sqlite_to_postgresql_and_back(tmp_path, postgres_server):
    ledgers = [SqlLedger(f"sqlite:///{tmp_path}/a.db"), SqlLedger(postgres_server.new_database()), SqlLedger(f"sqlite:///{tmp_path}/b.db")]  # fmt: skip
    chains = {"another": chain_of("another", [("none", "ü 🏅")], sign=str.upper), "toy": TOY}
    take_in(ledgers[0], read(file_of(chains)))
    for before, after in pairwise(ledgers):
        take_in(after, read(file_of({model: before.entries(model) for model in before.models()})))
    assert {model: ledgers[-1].entries(model) for model in ledgers[-1].models()} == chains
    assert ledgers[-1].head("toy") == fold("toy", TOY).head
