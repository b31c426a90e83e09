"""Check the ledger against itself: each entry's hash, the order of entries, and the head."""

import hashlib
from collections.abc import Iterator, Mapping

from promotion.canonical import canonical_json
from promotion.findings import Code, Finding, finding
from promotion.ledger.chain import GENESIS, Entry, Head, hash_of
from promotion.ledger.state import State

_RESTORE = "Restore the ledger from a backup. Something other than `promotion` changed it."


class ChainCheck:
    """Checks that every entry follows the one before, has the right hash, and that the head names the last one.

    `after` and `digest` are the `seq` and the hash of the entry before the first that is taken in. Up to entry `known`,
    the texts were checked before, so that their hashes say enough.
    """

    def __init__(self, after: int = 0, digest: str = GENESIS, known: int = 0) -> None:
        self._seq, self._hash, self._known = after, digest, known

    def take(self, entry: Entry) -> Iterator[Finding]:
        """Take in the next entry, and yield what is wrong with it."""
        subject = f"entry {entry.seq}"
        if entry.seq != self._seq + 1:
            yield finding(Code.CHAIN, subject, f"entry {self._seq + 1} next", f"entry {entry.seq}", _RESTORE)
        if entry.prev_hash != self._hash:
            expected, found = (f"a previous entry with {_short(one)}" for one in (self._hash, entry.prev_hash))
            yield finding(Code.CHAIN, subject, expected, found, _RESTORE)
        if entry.hashed is None or entry.seq > self._known:
            yield from _check_text(entry, subject)
        self._seq, self._hash = entry.seq, entry.hash

    def end(self, head: Head | None) -> Iterator[Finding]:
        """Compare the last entry with the head."""
        if head is not None and (head.seq, head.hash) != (self._seq, self._hash):
            ends = f"entry {head.seq} with {_short(head.hash)} as the last entry"
            yield finding(Code.HEAD, "head", ends, f"entry {self._seq} with {_short(self._hash)}", _RESTORE)


def check_head(state: State, head: Head | None, *, mirrored: int) -> Iterator[Finding]:
    """Check that the head names the champion that the entries give, and that the mirror was not sent more entries."""
    if head != state.head:
        expected, found = (_champion_of(one) for one in (state.head, head))
        yield finding(Code.HEAD, "head", expected, found, _RESTORE)
    if mirrored > state.seq:
        found = f"entry {mirrored} marked as sent to MLflow"
        yield finding(Code.HEAD, "head", f"entry {state.seq} as the last entry", found, _RESTORE)


def check_unfinished(state: State) -> Iterator[Finding]:
    """Check that every planned transition is applied."""
    if state.pending:
        seq, plan = state.pending
        yield finding(
            Code.UNFINISHED,
            f"entry {seq}",
            f"a completed {plan.cause}",
            f"an interrupted {plan.cause}",
            f"Run `promotion repair {state.model}` to complete it.",
        )


def _check_text(entry: Entry, subject: str) -> Iterator[Finding]:
    """Check that the hash is that of the canonical text, and that a decision has the digest recorded beside it."""
    texts = _texts_of(entry)
    if not _is_hashed(entry, texts):
        yield finding(Code.CHAIN, subject, _short(_hash_of(entry, texts)), _short(entry.hash), _RESTORE)
    elif entry.kind == "decision" and _sha256(texts.get("decision")) != entry.body.get("decision_digest"):
        recorded = "a decision with the digest recorded beside it"
        yield finding(Code.DECISION, subject, recorded, "a different digest", _RESTORE)


def _texts_of(entry: Entry) -> dict[str, str]:
    """Return the canonical JSON of each value of the body; of the decision, it is also needed alone."""
    if entry.hashed is not None and entry.kind != "decision":
        return {}
    try:
        return {key: canonical_json(entry.body[key]) for key in sorted(entry.body)}
    except (TypeError, ValueError, AttributeError):  # a row written by hand
        return {}


def _sha256(text: str | None) -> str:
    return hashlib.sha256((text or "null").encode()).hexdigest()


def _is_hashed(entry: Entry, texts: Mapping[str, str]) -> bool:
    """Whether the hash is that of the body's canonical text, or of a text that is equal to it."""
    if entry.hashed is None:
        return entry.hash == _hash_of(entry, texts)
    return entry.hashed == (_body(texts) if texts else canonical_json(entry.body))


def _hash_of(entry: Entry, texts: Mapping[str, str]) -> str:
    """Return the hash that the entry must have. `texts` are those of its body's values."""
    try:
        if not texts:
            return entry.expected_hash()
        return hash_of(entry.model, entry.seq, entry.kind, entry.at, entry.actor, _body(texts), entry.prev_hash)
    except (TypeError, ValueError):  # a column of another type, or text that is not valid Unicode
        return "of its text"


def _body(texts: Mapping[str, str]) -> str:
    values = ",".join(f"{canonical_json(key)}:{text}" for key, text in texts.items())
    return f"{{{values}}}"


def _short(entry_hash: object) -> str:
    """Return enough of a hash to identify it. Tampered rows can hold any value here."""
    return f"hash {str(entry_hash)[:12]}"


def _champion_of(head: Head | None) -> str:
    champion = head.champion if head else None
    return f"champion {champion.tag} since entry {champion.seq}" if champion else "no champion"
