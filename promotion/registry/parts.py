"""The components of a registry, and the function that composes them from store, ledger and mirror."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Required, TypeAlias, TypedDict, Unpack

from promotion.config import Config
from promotion.interfaces import (
    Aliases,
    ImportsModels,
    Keyring,
    LedgerStore,
    Mirror,
    ModelSource,
    ModelStore,
    Names,
    Recall,
    Stored,
    read_anew,
)
from promotion.ledger.chain import Entry
from promotion.ledger.reading import History
from promotion.ledger.state import State
from promotion.policy.approval import ANYONE, Panel
from promotion.progress import Progress, silent
from promotion.registry.announced import Announce
from promotion.registry.claims import Claims
from promotion.registry.data import Reader
from promotion.registry.foreign_aliases import foreign, of_ours, to_send, unknown_champion
from promotion.registry.ledger_writer import LedgerWriter, utc_now
from promotion.registry.mirror_description import Pages
from promotion.registry.mirror_state import Draw
from promotion.registry.serving import present
from promotion.timeouts import patience
from promotion.visible import visible_message
from promotion.vocabulary import Tag

DigestCached: TypeAlias = Callable[[bool], AbstractContextManager[ModelStore]]


class Around(TypedDict, total=False):
    """The services that a registry is composed of, besides its configuration."""

    store: Required[ModelStore]
    """Holds the versions with their files and labels."""
    ledger: Required[LedgerStore]
    """The record, and the source of truth for stages."""
    mirror: Required[Mirror]
    """The copy in MLflow."""
    actor: Required[Callable[[], str]]
    """Returns the actor and how it is known, e.g. `os:alice`."""
    sign: Callable[[str], str] | None
    """Returns the signature of an entry's hash; None if there is no signing key."""
    keys: Keyring | None
    """The public keys that verify signatures; None if entries need no signature."""
    clock: Callable[[], datetime]
    """Returns the time to record. The order of entries never depends on it."""
    notice: Callable[[str], None]
    """Called with each warning message, e.g. that the mirror is behind. Control characters in it are escaped."""
    progress: Progress
    """Called when a phase of long work begins, and as it goes on."""
    announce: Announce
    """Called with new entries and their versions' files after they are recorded. An error in it becomes a notice."""
    recall: Recall
    """Caches the rows of files across processes, for recipes with repeatable reads."""
    draw: Draw | None
    """Renders the report page of a decision for the mirror; on failure, gives a notice and returns None."""
    pages: Pages
    """Returns the pages that descriptions in the mirror link to."""
    digest_cached: DigestCached | None
    """Opens the store for an audit, which hashes only files that look changed, or every file if called with True."""


@dataclass(kw_only=True, eq=False)
class Parts:
    """The components of the registry, passed to each verb.

    Attributes:
        config: models, recipes and policies.
        claims: which ledger each model in the store belongs to.
        writer: appends to the ledger, and writes the labels that an entry plans.
        reader: reads recipes and rows.
        changing: whether a command that changes something is running, rather than a dry run.

    `Around` describes the others.
    """

    config: Config
    store: ModelStore
    ledger: LedgerStore
    mirror: Mirror
    claims: Claims
    writer: LedgerWriter
    reader: Reader
    keys: Keyring | None
    clock: Callable[[], datetime]
    notice: Callable[[str], None]
    progress: Progress
    announce: Announce
    draw: Draw | None
    pages: Pages
    digest_cached: DigestCached | None
    changing: bool = False

    def models(self) -> tuple[str, ...]:
        """Return every model that is configured or recorded."""
        return tuple(dict.fromkeys((*self.config.models, *self.ledger.models())))

    def history(self, state: State) -> History:
        """Return all entries up to a state, to be read on access."""
        return History(state.model, partial(self.ledger.entries, state.model), state.seq)

    def panel(self, model: str) -> Panel:
        """Return who may approve promotions and for how long; if the model is not configured, any one person."""
        return self.config.models[model].policy.panel if model in self.config.models else ANYONE

    def stored(self, tag: Tag | str) -> Stored:
        """Return the version in the store; raises as `present` does."""
        tag = Tag.parse(tag)
        return present(self.writer.state(tag.model), self.store, tag)

    def foreign(self, state: State) -> Names:
        """Return the aliases that MLflow shows now, that this ledger did not send, and that no person gave up."""
        names = self.names(state, self.ledger.mirrored(state.model))
        return foreign(state, self.mirror.aliases(state.model), self.mirror.head(state.model), names)

    def names(self, state: State, done: int, given_up: Names | None = None) -> Aliases:
        """Return the aliases to send. Names that this ledger sent from entry `done` on count as its own."""
        return to_send(state, lambda seq: self.writer.sent(state, min(seq, done)), given_up)

    @property
    def copied_by_hand(self) -> str | None:
        """The name of the store if it or the mirror cannot copy models from MLflow; None if they can."""
        able = isinstance(self.mirror, ModelSource) and isinstance(self.store, ImportsModels)
        return None if able else self.store.name

    def unknown(self, state: State) -> dict[str, str]:
        """Return MLflow's aliases if its champion is unknown to the ledger and nobody recorded a fresh start."""
        if state.champion or state.fresh_start:
            return {}
        self.progress(f"Asking MLflow for a champion of {state.model}")
        with patience():
            shown = self.mirror.aliases(state.model)
        return of_ours(shown) if unknown_champion(state, shown) else {}

    def signed_by(self, entry: Entry) -> str | None:
        """Return the name of the public key that verifies the entry's signature; None if no key verifies it."""
        if self.keys is None or entry.signature is None or not self.keys.vouches(entry.hash, entry.signature):
            return None
        return self.keys.claimed(entry.signature)


def compose(config: Config, **around: Unpack[Around]) -> Parts:
    """Compose the components of a registry."""
    store, ledger = around["store"], around["ledger"]
    clock, claims = around.get("clock", utc_now), Claims(ledger, store)
    tell: Callable[[str], None] = around.get("notice", lambda _: None)
    progress = around.get("progress", silent)

    def notice(sentence: str) -> None:
        tell(visible_message(sentence))

    return Parts(
        config=config,
        store=store,
        ledger=ledger,
        mirror=around["mirror"],
        claims=claims,
        writer=LedgerWriter(
            ledger, store, claims, actor=around["actor"], clock=clock, notice=notice, sign=around.get("sign")
        ),
        reader=Reader(config, around.get("recall", read_anew), progress),
        keys=around.get("keys"),
        clock=clock,
        notice=notice,
        progress=progress,
        announce=around.get("announce", lambda *_: None),
        draw=around.get("draw"),
        pages=around.get("pages", lambda _: {}),
        digest_cached=around.get("digest_cached"),
    )
