"""The components of a registry, and the function that composes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from promotion.config import Config
from promotion.findings import Finding
from promotion.interfaces import Aliases, Keyring, LedgerStore, Mirror, ModelStore, Names, Recall, Stored, read_anew
from promotion.ledger.chain import Entry
from promotion.ledger.state import State
from promotion.policy.approval import ANYONE, Panel
from promotion.registry.claims import Claims
from promotion.registry.data import Reader
from promotion.registry.foreign import foreign, of_ours, to_send, unknown_champion
from promotion.registry.journal import Journal, utc_now
from promotion.registry.mirror_state import Draw
from promotion.registry.serving import present
from promotion.timeouts import patience
from promotion.vocabulary import Tag


class Auditor(Protocol):
    """Compares a model's record with labels, files and mirror; `promotion.audit.audit` implements it."""

    def __call__(
        self, model: str, parts: "Parts", *, recompute: bool, since: datetime | None, full: bool
    ) -> tuple[Finding, ...]:
        """Return the findings; see `Registry.audit`."""
        ...


@dataclass(kw_only=True, eq=False)
class Parts:
    """The components of the registry, passed to each verb.

    Attributes:
        config: models, recipes and policies.
        store: the versions with their files and labels.
        ledger: the record, and the source of truth for stages.
        mirror: the copy in MLflow.
        claims: the ledger that owns each model of the store.
        journal: appends to the ledger, and writes the planned labels.
        reader: reads recipes and rows.
        keys: the public keys that verify signatures; None if entries need no signature.
        clock: gives the recorded time; the order of entries does not depend on it.
        notice: called with each warning message, e.g. that the mirror is behind.
        announce: called with new entries once they are recorded; an error it raises becomes a notice, nothing more.
        draw: renders the page of a decision for the mirror; on failure, gives a notice and returns None.
        auditor: compares the record with labels, files and mirror: `promotion.audit.audit`.
        changing: whether a command that changes something is running, rather than a dry run.
    """

    config: Config
    store: ModelStore
    ledger: LedgerStore
    mirror: Mirror
    claims: Claims
    journal: Journal
    reader: Reader
    keys: Keyring | None
    clock: Callable[[], datetime]
    notice: Callable[[str], None]
    announce: Callable[[Sequence[Entry]], None]
    draw: Draw | None
    auditor: Auditor
    changing: bool = False

    def models(self) -> tuple[str, ...]:
        """Return every model that is configured or recorded."""
        return tuple(dict.fromkeys((*self.config.models, *self.ledger.models())))

    def panel(self, model: str) -> Panel:
        """Return who may approve promotions and for how long; if the model is not configured, any one person."""
        return self.config.models[model].policy.panel if model in self.config.models else ANYONE

    def stored(self, tag: Tag | str) -> Stored:
        """Return the version in the store; raises as `present` does."""
        tag = Tag.parse(tag)
        return present(self.journal.state(tag.model), self.store, tag)

    def foreign(self, state: State) -> Names:
        """Return the aliases that MLflow shows now, that this ledger did not send, and that no person gave up.

        Raises:
            MirrorError: MLflow does not answer.
        """
        names = self.names(state, self.ledger.mirrored(state.model))
        return foreign(state, self.mirror.aliases(state.model), self.mirror.head(state.model), names)

    def names(self, state: State, done: int, given_up: Names | None = None) -> Aliases:
        """Return the aliases to send. Names that this ledger sent from entry `done` on count as its own."""
        return to_send(state, lambda seq: self.journal.sent(state, min(seq, done)), given_up)

    def unknown(self, state: State) -> dict[str, str]:
        """Return MLflow's aliases if its champion is unknown to the ledger and nobody recorded a fresh start."""
        if state.champion or state.fresh_start:
            return {}
        with patience():
            shown = self.mirror.aliases(state.model)
        return of_ours(shown) if unknown_champion(state, shown) else {}

    def signed_by(self, entry: Entry) -> str | None:
        """Return the name of the public key that verifies the entry's signature; None if no key verifies it."""
        if self.keys is None or entry.signature is None or not self.keys.vouches(entry.hash, entry.signature):
            return None
        return self.keys.claimed(entry.signature)


def compose(
    config: Config,
    *,
    store: ModelStore,
    ledger: LedgerStore,
    mirror: Mirror,
    actor: Callable[[], str],
    auditor: Auditor,
    sign: Callable[[str], str] | None = None,
    keys: Keyring | None = None,
    clock: Callable[[], datetime] = utc_now,
    notice: Callable[[str], None] = lambda _: None,
    announce: Callable[[Sequence[Entry]], None] = lambda _: None,
    recall: Recall = read_anew,
    draw: Draw | None = None,
) -> Parts:
    """Compose the components of a registry; `Parts` describes each.

    `actor` returns who acts and how that is known, e.g. `os:alice`. `sign` signs an entry's hash; None if the writer
    has no key. `recall` caches the rows of files across processes, for recipes with repeatable reads.
    """
    claims = Claims(ledger, store)
    return Parts(
        config=config,
        store=store,
        ledger=ledger,
        mirror=mirror,
        claims=claims,
        journal=Journal(ledger, store, claims, actor=actor, clock=clock, notice=notice, sign=sign),
        reader=Reader(config, recall),
        keys=keys,
        clock=clock,
        notice=notice,
        announce=announce,
        draw=draw,
        auditor=auditor,
    )
