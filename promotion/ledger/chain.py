"""The hash chain: each entry carries the hash of the previous one, and the head records the last entry and champion."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import LedgerError
from promotion.ledger.entries import FORMAT, KINDS, NAMES, Body

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the ledger.

    Attributes:
        model: e.g. `fraud_classifier`.
        seq: 1, 2, 3, …; entries are ordered by it, never by time.
        kind: e.g. `transition_planned`.
        at: time by the writer's clock: `2026-11-22T11:14:54.895460+00:00`. For information, not for
            ordering.
        actor: who wrote the entry, and the source of that name: `os:alice`, `config:ci`,
            `form:alice`, `prefect:swift-otter`.
        body: the kind's fields as plain data.
        prev_hash: hash of the previous entry; 64 zeros for the first.
        hash: SHA-256 of the canonical JSON of all the above.
        signature: signature of the hash by the writer's key; None if the writer has no key. It also
            covers all previous entries, because each hash includes the previous one.
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

    @property
    def hashed(self) -> str | None:
        """The text of the body that the hash was verified on when it was read; None for an entry made otherwise."""
        return vars(self).get("_hashed")

    def verified_on(self, body: str) -> "Entry":
        """Note that the hash is that of this text of the body. A copy with other fields does not have this note."""
        object.__setattr__(self, "_hashed", body)
        return self

    def content(self) -> Body:
        """Return the body as a value.

        Raises:
            LedgerError: a later release wrote the entry, or the entry is damaged.
        """
        if self.kind not in KINDS:
            message = (
                f"Entry {self.seq} of '{self.model}' has the kind '{self.kind}', which this release does not know. "
                "Install a newer release."
            )
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
        """Return the hash that the entry must have."""
        body = canonical_json(self.body)
        return hash_of(self.model, self.seq, self.kind, self.at, self.actor, body, self.prev_hash)


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The current champion, stored in the head so that it can be looked up without reading the entries."""

    tag: str
    digest: str
    since: str
    seq: int
    decision: str | None


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last entry of a model's chain and the champion at that point."""

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
    """Yield entries that record the bodies, each chained to the previous one, and signed if the writer has a key."""
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
    """Return the SHA-256 of the canonical JSON list of `FORMAT` and the arguments; `body` is given as its JSON text."""
    before = canonical_json([FORMAT, model, seq, kind, at, actor]).removesuffix("]")
    return hashlib.sha256(f"{before},{body},{canonical_json(prev_hash)}]".encode()).hexdigest()
