"""The ledger held against itself: each entry's hash, the order of entries, and the head."""

from collections.abc import Iterator, Sequence

from promotion.canonical import digest
from promotion.registry.audit.findings import Code, Finding, finding
from promotion.registry.entries import GENESIS, Entry, Head
from promotion.registry.state import State

_RESTORE = "The ledger was changed from outside. Restore it from a backup."


def check_chain(entries: Sequence[Entry], head: Head | None) -> Iterator[Finding]:
    """Every entry follows the one before, is hashed right, and the last one is the head's."""
    seq, prev_hash = 0, GENESIS
    for entry in entries:
        subject = f"entry {entry.seq}"
        if entry.seq != seq + 1:
            yield finding(Code.CHAIN, subject, f"entry {seq + 1} to come next", f"entry {entry.seq}", _RESTORE)
        if entry.prev_hash != prev_hash:
            yield finding(Code.CHAIN, subject, f"to follow {_short(prev_hash)}", _short(entry.prev_hash), _RESTORE)
        expected = _hash_of(entry)
        if entry.hash != expected:
            yield finding(Code.CHAIN, subject, _short(expected), _short(entry.hash), _RESTORE)
        elif entry.kind == "decision" and digest(entry.body.get("decision")) != entry.body.get("decision_digest"):
            recorded = "a decision with the digest recorded beside it"
            yield finding(Code.DECISION, subject, recorded, "another digest", _RESTORE)
        seq, prev_hash = entry.seq, entry.hash
    if head is not None and (head.seq, head.hash) != (seq, prev_hash):
        ends = f"entry {head.seq} with {_short(head.hash)} at the end"
        yield finding(Code.HEAD, "head", ends, f"entry {seq} with {_short(prev_hash)}", _RESTORE)


def check_head(state: State, head: Head | None, *, mirrored: int) -> Iterator[Finding]:
    """The head names the champion that the entries give, and the mirror was sent no more than there is."""
    if head != state.head:
        expected, found = (_tag_of(one) for one in (state.head, head))
        yield finding(Code.HEAD, "head", f"champion {expected}", f"champion {found}", _RESTORE)
    if mirrored > state.seq:
        found = f"the mirror marked as up to date to entry {mirrored}"
        yield finding(Code.HEAD, "head", f"entry {state.seq} at the end", found, _RESTORE)


def check_unfinished(state: State) -> Iterator[Finding]:
    """No transition is planned and not applied."""
    if state.pending:
        seq, plan = state.pending
        yield finding(
            Code.UNFINISHED,
            f"entry {seq}",
            f"the {plan.cause} to be applied",
            "it was interrupted before all of it was done",
            f"`promotion repair {state.model}` completes it.",
        )


def _hash_of(entry: Entry) -> str:
    """The hash that the entry must have."""
    try:
        return entry.expected_hash()
    except (TypeError, ValueError):  # a column of another type, text that is no Unicode
        return "of any text"


def _short(entry_hash: object) -> str:
    """Enough of a hash to tell it from another; who changes rows may leave anything there."""
    return f"hash {str(entry_hash)[:12]}"


def _tag_of(head: Head | None) -> str:
    return f"{head.champion.tag} since entry {head.champion.seq}" if head and head.champion else "none"
