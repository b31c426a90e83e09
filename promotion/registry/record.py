"""What is so: who serves, who did, how versions compare, what an audit finds. Reads, and changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from promotion.comparison import Comparison
from promotion.config import Config
from promotion.draws import Draws
from promotion.errors import StoreError
from promotion.findings import Finding
from promotion.history.replay import Replayed, replay
from promotion.interfaces import (
    Aliases,
    Keyring,
    LedgerStore,
    Mirror,
    ModelStore,
    Names,
    Recall,
    Recipe,
    Split,
    Stored,
    read_anew,
)
from promotion.iso import in_utc
from promotion.ledger.chain import Champion, Entry
from promotion.ledger.entries import Registration
from promotion.ledger.state import State, champion_at
from promotion.policy import Policy
from promotion.policy.approval import ANYONE, Panel
from promotion.registry.candidate import Side
from promotion.registry.claims import Claims
from promotion.registry.data import Data, Reader
from promotion.registry.foreign import foreign, to_send
from promotion.registry.gate import compare_sides
from promotion.registry.journal import Journal, utc_now
from promotion.registry.mirroring import Draw
from promotion.registry.recipes import draws_by, load_recipe
from promotion.registry.serving import present, provenance
from promotion.registry.transition import find
from promotion.vocabulary import Tag


class Auditor(Protocol):
    """Compares the record of a model with its labels, files and mirror: `promotion.audit.audit`, which lies above."""

    def __call__(
        self,
        model: str,
        *,
        config: Config,
        ledger: LedgerStore,
        store: ModelStore,
        mirror: Mirror,
        keys: Keyring | None,
        now: datetime,
        recompute: bool,
        since: datetime | None,
        full: bool,
    ) -> tuple[Finding, ...]:
        """What was found, as of `Registry.audit`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a version comes from, as far as its trainer tells.

    Attributes:
        run_id: the MLflow run that trained it.
        data: the rows it was trained from.
        version: the trainer's own name for it, e.g. `1.0.1`.
        options: of the recipe, over the configured ones.
    """

    run_id: str | None = None
    data: Data | None = None
    version: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Version:
    """Who serves: tag, folder of its files, their digest, since when, and the decision that put it there."""

    tag: Tag
    path: Path
    digest: str
    since: str
    decision_id: str | None


class Record:
    """The registry as one who only looks has it.

    Args:
        config: models, recipes and policies.
        store: the versions with their files and labels.
        ledger: the record, and the truth about stages.
        mirror: the copy for people who look in MLflow.
        actor: says who acts, and how we know, e.g. `os:alice`.
        sign: gives a signature of an entry's hash; None where the writer has no key.
        keys: the public keys that signatures are held against; None where entries need none.
        clock: gives the time that is written down; order never depends on it.
        notice: is told in a sentence what went on beside the main thing, e.g. that the mirror is behind.
        announce: is told what was recorded, after it was; whatever it raises is noticed and changes nothing.
        recall: keeps the rows of files beyond this process, for recipes that read repeatably.
        draw: gives the page of a decision for the mirror; it tells by itself when it cannot, and gives None then.
        auditor: compares the record with all else, `promotion.audit.audit`.
    """

    def __init__(
        self,
        config: Config,
        *,
        store: ModelStore,
        ledger: LedgerStore,
        mirror: Mirror,
        actor: Callable[[], str],
        sign: Callable[[str], str] | None = None,
        keys: Keyring | None = None,
        clock: Callable[[], datetime] = utc_now,
        notice: Callable[[str], None] = lambda _: None,
        announce: Callable[[Sequence[Entry]], None] = lambda _: None,
        recall: Recall = read_anew,
        draw: Draw | None = None,
        auditor: Auditor,
    ) -> None:
        self.config, self.store, self.ledger, self.mirror = config, store, ledger, mirror
        self.notice, self.announce, self.recall = notice, announce, recall
        self._keys, self._clock, self._draw, self._auditor = keys, clock, draw, auditor
        self.claims = Claims(ledger, store)
        self._journal = Journal(ledger, store, self.claims, actor=actor, clock=clock, notice=notice, sign=sign)
        self._reader = Reader(config, recall)

    def champion(self, model: str, at: datetime | None = None) -> Version | None:
        """Who serves now, in O(1), or served at a moment; None when nobody does or did.

        Raises:
            UnclearTime: the moment has no zone, and was twice or never in local time.
        """
        if at is not None:
            return self._as_version(champion_at(model, self.ledger.entries(model), in_utc(at)))
        head = self.ledger.head(model)
        return self._as_version(head.champion if head else None)

    def state(self, model: str) -> State:
        """The model's state, folded from its entries."""
        return self._journal.state(model)

    def history(self, model: str) -> Sequence[Entry]:
        """Every entry of the model, oldest first."""
        return self.ledger.entries(model)

    def other_ledger(self, model: str) -> str:
        """Which ledger the model in the store belongs to, in a sentence; empty where it is this one, or nobody's."""
        first = self.ledger.entries(model, limit=1)
        origin = first[0].hash if first else None
        try:
            claim = self.claims.other(model, origin)
        except StoreError as error:
            return str(error)
        return self.claims.told(model, claim, origin) if claim else ""

    def models(self) -> tuple[str, ...]:
        """Every model that is configured or recorded."""
        return tuple(dict.fromkeys((*self.config.models, *self.ledger.models())))

    def compare(
        self,
        champion: Tag | str,
        challenger: Tag | str,
        *,
        data: str | Path | None = None,
        holdout: str | Path | None = None,
    ) -> Comparison:
        """Compare any two versions on the rows of a holdout that trained neither; nothing is decided or recorded.

        Args:
            champion: the version to gain on.
            challenger: the version that may be better.
            data: as of `gate`.
            holdout: as of `gate`.

        Raises:
            DataError: no row is left to judge by.
        """
        champion, challenger = Tag.parse(champion), Tag.parse(challenger)
        self.config.model(champion.model)
        state = self._journal.state(champion.model)
        self._foresee(state, challenger, data, holdout)
        known = self._journal.foreseen(state, self._registrations(state, champion, challenger))
        rows = self._reader.judging(challenger.model, find(known, challenger).registration, data, holdout)
        sides = [self._side(role, known, tag) for role, tag in (("challenger", challenger), ("champion", champion))]
        return compare_sides(sides, rows, self.config.model(challenger.model).policy, self.store, self.notice)

    def _foresee(self, state: State, tag: Tag, data: str | Path | None, holdout: str | Path | None) -> None:
        """See that what judges a version can be found, before anything is imported for it."""
        known = state.versions.get(str(tag))
        trained = known.registration if known else Registration(tag=str(tag), digest="", stage=None)
        self._reader.foresee(tag.model, trained, data, holdout)

    def replay(self, model: str, policy: Policy) -> tuple[Replayed, ...]:
        """What another policy would have decided in every past decision, from the comparisons that were stored."""
        return replay(self.ledger.entries(model), policy)

    def load(
        self, model: str, data: str | Path | None = None, *, options: Mapping[str, Any] | None = None
    ) -> tuple[Recipe, Data]:
        """The model's recipe and rows: of the file given, or of the configuration; read once while it stays the same.

        Args:
            model: its name in the configuration.
            data: CSV or Parquet file; relative to the configuration's folder.
            options: of the recipe, over the configured ones.

        Raises:
            DataError: there is no such file, or its rows cannot be used.
        """
        return self._reader.training(model, data, options or {})

    def rows_key(
        self, model: str, data: str | Path | None = None, *, options: Mapping[str, Any] | None = None
    ) -> str | None:
        """A digest of all that the rows of `load` depend on: file, recipe, its code and options, reading libraries.

        None where the recipe does not say, by `repeatable`, that reading again gives the same.
        """
        return self._reader.key(model, data, options or {})

    def draws(self, model: str, recipe: Recipe) -> Draws:
        """What counts as a draw of its own among the model's rows."""
        return draws_by(self.config.model(model), recipe)

    def split(self, model: str, recipe: Recipe, data: Data, *, options: Mapping[str, Any] | None = None) -> Split:
        """The rows that train and the rows that judge: by the recipe, or all and those of the model's holdout file."""
        return self._reader.split(model, recipe, data, options or {})

    def signed_by(self, entry: Entry) -> str | None:
        """Name of the public key whose signature the entry carries, verified; None where it carries none such."""
        if self._keys is None or entry.signature is None or not self._keys.vouches(entry.hash, entry.signature):
            return None
        return self._keys.claimed(entry.signature)

    def audit(
        self, model: str, *, recompute: bool = False, since: datetime | None = None, full: bool = False
    ) -> tuple[Finding, ...]:
        """Compare the record with labels, files and the mirror; empty when all agree. Changes nothing.

        Args:
            model: its name.
            recompute: whether past decisions are made again from their models and rows.
            since: decisions, changes of champion and clocks are looked at from then on only; chain, signatures, labels,
                files and what stands are checked whole all the same.
            full: whether every file is hashed, whatever the cache of digests says.
        """
        return self._auditor(
            model,
            config=self.config,
            ledger=self.ledger,
            store=self.store,
            mirror=self.mirror,
            keys=self._keys,
            now=self._clock().astimezone(UTC),
            recompute=recompute,
            since=in_utc(since) if since else None,
            full=full,
        )

    def panel(self, model: str) -> Panel:
        """Who may approve promotions, and how long; anyone, once, where the model is not configured."""
        return self.config.models[model].policy.panel if model in self.config.models else ANYONE

    def stored(self, tag: Tag | str) -> Stored:
        """The version in the store; where it is not there, what became of it.

        Raises:
            Refused: it was deleted, or lost.
            UnknownName: there never was such a version.
            StoreError: it is not whole, or cannot be read.
        """
        tag = Tag.parse(tag)
        return present(self._journal.state(tag.model), self.store, tag)

    def foreign(self, state: State) -> Names:
        """The aliases that MLflow shows now, and that neither this ledger sent nor a person gave up.

        Raises:
            MirrorError: MLflow does not answer.
        """
        names = self._names(state, self.ledger.mirrored(state.model))
        return foreign(state, self.mirror.aliases(state.model), self.mirror.head(state.model), names)

    def _names(self, state: State, done: int, given_up: Names | None = None) -> Aliases:
        """What the aliases shall name; of what was sent, that from entry `done` on is taken for ours."""
        return to_send(state, lambda seq: self._journal.sent(state, min(seq, done)), given_up)

    def _registrations(self, state: State, *tags: Tag) -> tuple[Registration, ...]:
        """Of those versions that are not registered yet."""
        new = (tag for tag in dict.fromkeys(tags) if str(tag) not in state.versions)
        return tuple(self._registration(tag, Origin()) for tag in new)

    def _registration(self, tag: Tag, origin: Origin) -> Registration:
        stored, rows = self.store.get(tag), self.store.training_rows(tag)
        run_id = origin.run_id or stored.metadata.get("mlflow_run_id")
        settings = self.config.models.get(tag.model)
        named = origin.version or stored.metadata.get("version")
        digests = self.store.digests(tag)
        return Registration(
            tag=str(tag),
            digest=digests.whole,
            files=digests.files,
            stage=stored.known_stage,
            version=None if named is None else str(named),
            run_id=None if run_id is None else str(run_id),
            data=origin.data.name if origin.data else None,
            data_digest=origin.data.digest if origin.data else None,
            training_rows=None if rows is None else len(rows.fingerprints),
            recipe=settings.recipe if settings else None,
            options=dict(origin.options),
        )

    def _side(self, role: str, state: State, tag: Tag) -> Side:
        known, settings = find(state, tag), self.config.model(tag.model)
        recipe = load_recipe(settings, known.registration.options)
        return Side(
            role=role,
            tag=tag,
            digest=known.registration.digest,
            provenance=provenance(known, self.store, draws_by(settings, recipe)),
            recipe=recipe,
        )

    def _as_version(self, champion: Champion | None) -> Version | None:
        if champion is None:
            return None
        tag = Tag.parse(champion.tag)
        return Version(
            tag=tag,
            path=self.store.path(tag),
            digest=champion.digest,
            since=champion.since,
            decision_id=champion.decision[:12] if champion.decision else None,
        )
