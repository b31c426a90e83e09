"""What a registry is composed of."""

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
    """Compares the record of a model with all else: `promotion.audit.audit`, which lies above."""

    def __call__(
        self, model: str, parts: "Parts", *, recompute: bool, since: datetime | None, full: bool
    ) -> tuple[Finding, ...]:
        """What was found, as of `Registry.audit`."""
        ...


@dataclass(kw_only=True, eq=False)
class Parts:
    """What the registry is composed of, handed to each verb.

    Attributes:
        config: models, recipes and policies.
        store: the versions with their files and labels.
        ledger: the record, and the truth about stages.
        mirror: the copy for people who look in MLflow.
        claims: which ledger each model of the store belongs to.
        journal: appends to the ledger, and writes the labels that it plans.
        reader: recipes and rows.
        keys: the public keys that signatures are held against; None where entries need none.
        clock: gives the time that is written down; order never depends on it.
        notice: is told in a sentence what went on beside the main thing, e.g. that the mirror is behind.
        announce: is told what was recorded, after it was; whatever it raises is noticed and changes nothing.
        draw: gives the page of a decision for the mirror; it tells by itself when it cannot, and gives None then.
        auditor: compares the record with all else, `promotion.audit.audit`.
        changing: whether a command that changes something is under way, rather than a dry run.
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
        """Every model that is configured or recorded."""
        return tuple(dict.fromkeys((*self.config.models, *self.ledger.models())))

    def panel(self, model: str) -> Panel:
        """Who may approve promotions, and how long; anyone, once, where the model is not configured."""
        return self.config.models[model].policy.panel if model in self.config.models else ANYONE

    def stored(self, tag: Tag | str) -> Stored:
        """The version in the store; raises as `present` does."""
        tag = Tag.parse(tag)
        return present(self.journal.state(tag.model), self.store, tag)

    def foreign(self, state: State) -> Names:
        """The aliases that MLflow shows now, and that neither this ledger sent nor a person gave up.

        Raises:
            MirrorError: MLflow does not answer.
        """
        names = self.names(state, self.ledger.mirrored(state.model))
        return foreign(state, self.mirror.aliases(state.model), self.mirror.head(state.model), names)

    def names(self, state: State, done: int, given_up: Names | None = None) -> Aliases:
        """What the aliases shall name; of what was sent, that from entry `done` on is taken for ours."""
        return to_send(state, lambda seq: self.journal.sent(state, min(seq, done)), given_up)

    def unknown(self, state: State) -> dict[str, str]:
        """MLflow's aliases, where it has a champion that the ledger does not know, and nobody said to start anew."""
        if state.champion or state.fresh_start:
            return {}
        with patience():
            shown = self.mirror.aliases(state.model)
        return of_ours(shown) if unknown_champion(state, shown) else {}

    def signed_by(self, entry: Entry) -> str | None:
        """Name of the public key whose signature the entry carries, verified; None where it carries none such."""
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
    """The parts of a registry, from what it stands on; `Parts` says what each is.

    `actor` says who acts, and how we know, e.g. `os:alice`. `sign` gives a signature of an entry's hash; it is None
    where the writer has no key. `recall` keeps the rows of files beyond this process, for recipes that read repeatably.
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
