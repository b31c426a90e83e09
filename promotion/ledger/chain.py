"""The chain: each entry carries the hash of the one before; the head says where it ends and who serves."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import LedgerError
from promotion.ledger.entries import FORMAT, KINDS, NAMES, Body

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        model: e.g. `fraud_classifier`.
        seq: 1, 2, 3, …; order is by it, never by time.
        kind: e.g. `transition_planned`.
        at: when, by the writer's clock: `2026-11-22T11:14:54.895460+00:00`. Information, not order.
        actor: who, and how we know: `os:alice`, `config:ci`, `form:alice`, `prefect:swift-otter`.
        body: the kind's fields as plain data.
        prev_hash: hash of the entry before; 64 zeros for the first.
        hash: SHA-256 of the canonical JSON of all the above.
        signature: of the hash, by the writer's key; None where the writer has none. It vouches for all entries before
            too, since each hash covers the one before.
    """

    model: str
    seq: int
    kind: str
    at: str
    actor: str
    body: dict[str, Any] = field(hash=False)
    prev_hash: str
    hash: str
    signature: str | None = None

    def content(self) -> Body:
        """The body as a value.

        Raises:
            LedgerError: the entry was written by a later release, or is damaged.
        """
        from pydantic import ValidationError

        if self.kind not in KINDS:
            message = f"Entry {self.seq} of '{self.model}' is of kind '{self.kind}', which this release does not know."
            raise LedgerError(message, model=self.model, seq=self.seq)
        try:
            content: Body = restore(KINDS[self.kind], self.body)
        except ValidationError as error:
            message = (
                f"Entry {self.seq} of '{self.model}' is damaged: {error.errors()[0]['msg']}. Run `promotion audit`."
            )
            raise LedgerError(message, model=self.model, seq=self.seq) from error
        return content

    def expected_hash(self) -> str:
        """What `hash` must be."""
        body = canonical_json(self.body)
        return hash_of(self.model, self.seq, self.kind, self.at, self.actor, body, self.prev_hash)


@dataclass(frozen=True, kw_only=True)
class Champion:
    """Who serves, as the head of the ledger knows without reading the entries."""

    tag: str
    digest: str
    since: str
    seq: int
    decision: str | None


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of a model's chain and what holds there."""

    model: str
    seq: int
    hash: str
    champion: Champion | None


def chain(
    model: str,
    after: "Head | None",
    bodies: Iterable[Body],
    *,
    at: datetime,
    actor: str,
    sign: Callable[[str], str] | None = None,
) -> Iterator[Entry]:
    """The entries that record the bodies, each tied to the one before, and signed where the writer has a key."""
    seq, prev_hash = (after.seq, after.hash) if after else (0, GENESIS)
    for body in bodies:
        seq += 1
        kind, data, moment = NAMES[type(body)], plain(body), at.astimezone(UTC).isoformat()
        entry_hash = hash_of(model, seq, kind, moment, actor, canonical_json(data), prev_hash)
        yield Entry(
            model=model,
            seq=seq,
            kind=kind,
            at=moment,
            actor=actor,
            body=data,
            prev_hash=prev_hash,
            hash=entry_hash,
            signature=sign(entry_hash) if sign else None,
        )
        prev_hash = entry_hash


def hash_of(model: str, seq: int, kind: str, at: str, actor: str, body: str, prev_hash: str) -> str:
    """SHA-256 of the canonical JSON of the list of `FORMAT` and all these; of the body, that text is given."""
    before = canonical_json([FORMAT, model, seq, kind, at, actor]).removesuffix("]")
    return hashlib.sha256(f"{before},{body},{canonical_json(prev_hash)}]".encode()).hexdigest()
