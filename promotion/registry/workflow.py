"""The registry: judge, promote, roll back, adopt, audit, repair. It does the I/O around the rules.

Every change goes the same way: complete what an interrupted command left, plan, append to the ledger (the champion
changes there, or someone else was first), write the labels, bring the mirror up to date.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from promotion.config import Config
from promotion.errors import MirrorError, Refused
from promotion.judgement import Decision
from promotion.registry.audit import Finding, audit_model
from promotion.registry.entries import (
    Adoption,
    Body,
    Champion,
    Entry,
    Judgement,
    Move,
    Override,
    Registration,
    TransitionPlanned,
)
from promotion.registry.gating import Side, judge
from promotion.registry.journal import Journal, utc_now
from promotion.registry.mirroring import mirror_state
from promotion.registry.reading import Data, Reader, load_recipe
from promotion.registry.serving import adoption_hint, labelled_prod, provenance, serving
from promotion.registry.state import Known, State, champion_at, fold
from promotion.registry.transition import find, plan_adoption, plan_promotion, plan_rollback, plan_verdict
from promotion.seams import LedgerStore, Mirror, ModelStore, Recipe, Step, call
from promotion.vocabulary import Stage, Tag


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


class Registry:
    """Decides which version of a model serves, and records why.

    Args:
        config: models, recipes and policies.
        store: the versions with their files and labels.
        ledger: the record, and the truth about stages.
        mirror: the copy for people who look in MLflow.
        actor: says who acts, and how we know, e.g. `os:alice`.
        clock: gives the time that is written down; order never depends on it.
        notice: is told in a sentence what went on beside the main thing, e.g. that the mirror is behind.
    """

    def __init__(
        self,
        config: Config,
        *,
        store: ModelStore,
        ledger: LedgerStore,
        mirror: Mirror,
        actor: Callable[[], str],
        clock: Callable[[], datetime] = utc_now,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.config, self.store, self.ledger, self.mirror = config, store, ledger, mirror
        self.notice = notice
        self._journal = Journal(ledger, store, actor=actor, clock=clock, notice=notice)
        self._reader = Reader(config.root)

    # What is so

    def champion(self, model: str, at: datetime | None = None) -> Version | None:
        """Who serves now, in O(1), or served at a moment; None when nobody does or did."""
        if at is not None:
            return self._as_version(champion_at(model, self.ledger.entries(model), at))
        head = self.ledger.head(model)
        return self._as_version(head.champion if head else None)

    def state(self, model: str) -> State:
        """The model's state, folded from its entries."""
        return self._journal.state(model)

    def history(self, model: str) -> Sequence[Entry]:
        """Every entry of the model, oldest first."""
        return self.ledger.entries(model)

    def models(self) -> tuple[str, ...]:
        """Every model that is configured or recorded."""
        return tuple(dict.fromkeys((*self.config.models, *self.ledger.models())))

    # What changes it

    def register(self, tag: Tag, origin: Origin | None = None) -> Known:
        """Record a version of the store with the digest of its files; one that is recorded already stays as it is."""
        state = self._journal.completed(tag.model)
        if str(tag) not in state.versions:
            state = self._journal.append(state, self._registration(tag, origin or Origin()))
            self.sync(tag.model)
        return find(state, tag)

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
        return self._reader.read(model, self.config.model(model), data, options or {})

    def check(self, model: str) -> None:
        """See that a version of the model could be judged now: before hours of training rather than after.

        Raises:
            PromotionError: it could not; says why.
        """
        self.config.model(model)
        serving(self._journal.completed(model), self.store)

    def gate(self, tag: Tag, *, data: str | Path | None = None, step: Step = call) -> Decision:
        """Judge a version against the champion, record the decision and make the moves that follow from it.

        Raises:
            Refused: it is the champion.
            Conflict: the record moved on meanwhile; nothing was changed.
            PromotionError: it cannot be judged; nothing was changed.
        """
        self.store.get(tag)
        self.config.model(tag.model)
        state = self._journal.completed(tag.model)
        rival = serving(state, self.store)
        if rival == tag:
            message = f"{tag} serves already; a challenger is judged against it with `promotion gate TAG`."
            raise Refused(message + adoption_hint(state, tag))
        news = self._registrations(state, *filter(None, (tag, rival)))
        known = self._journal.foreseen(state, news)
        trained = find(known, tag).registration
        _, rows = self.load(tag.model, data or trained.data, options=trained.options)
        champion = self._side("champion", known, rival) if rival else None
        policy = self.config.model(tag.model).policy
        decision = judge(self._side("challenger", known, tag), champion, rows, policy, self.store, step)
        judgement = Judgement(tag=str(tag), decision=decision, decision_digest=decision.digest)
        plan = plan_verdict(known, tag, decision)
        self._carry_out(state, *news, judgement, *((plan,) if plan else ()))
        return decision

    def promote(self, tag: Tag, *, reason: str, override: bool = False) -> TransitionPlanned:
        """Put a version into `prod` by hand: with a `promote` decision, or as a recorded override.

        Raises:
            Refused: there is no such decision, and it is no override.
            Conflict: the record moved on meanwhile; nothing was changed.
        """
        self.store.get(tag)
        state = self._journal.completed(tag.model)
        news = self._registrations(state, tag, *labelled_prod(self.store, tag.model))
        known = self._journal.foreseen(state, news)
        self._verify(known, tag)
        plan = plan_promotion(known, tag, reason=_required(reason), override=override)
        bodies: tuple[Body, ...] = (plan,)
        if override:
            last = find(known, tag).decision
            bodies = (Override(tag=str(tag), reason=reason, verdict=last.verdict.value if last else None), plan)
        self._carry_out(state, *news, *bodies)
        return plan

    def rollback(self, model: str, *, reason: str) -> TransitionPlanned:
        """Bring back the champion before this one.

        Raises:
            Refused: there was none.
            DigestMismatch: its files have changed since it was registered.
        """
        state = self._journal.completed(model)
        plan = plan_rollback(state, reason=_required(reason))
        self._verify(state, Tag.parse(plan.moves[0].tag))
        self._carry_out(state, plan)
        return plan

    def adopt(
        self, tag: Tag, *, reason: str, trained_before: float | None = None, assume_clean: bool = False
    ) -> TransitionPlanned | None:
        """Vouch for a version whose training rows are unknown; one that carries `prod` becomes the champion.

        Raises:
            Refused: neither or both of `trained_before` and `assume_clean`; or another version is champion.
        """
        if (trained_before is None) != assume_clean:
            message = "Say what is known of its training rows: either --trained-before TIME or --assume-clean."
            raise Refused(message)
        stored = self.store.get(tag)
        labelled = labelled_prod(self.store, tag.model)
        state = self._journal.completed(tag.model)
        news = self._registrations(state, tag, *(labelled if stored.stage == Stage.PROD else ()))
        adoption = Adoption(
            tag=str(tag), reason=_required(reason), trained_before=trained_before, assumed_clean=assume_clean
        )
        known = self._journal.foreseen(state, news)
        plan = plan_adoption(known, tag, reason=reason) if stored.stage == Stage.PROD else None
        self._carry_out(state, *news, adoption, *((plan,) if plan else ()))
        return plan

    # What keeps it so

    def audit(self, model: str) -> tuple[Finding, ...]:
        """Compare the record with labels, files and the mirror; empty when all agree. Changes nothing."""
        return audit_model(model, self.ledger, self.store, self.mirror)

    def repair(self, model: str) -> tuple[Move, ...]:
        """Complete what was interrupted, and write the ledger's stage over every label that disagrees."""
        state = self._journal.completed(model)
        stored = {str(one.tag): one for one in self.store.versions(model) if one.torn is None}
        foreign = [one.tag for one in stored.values() if one.stage == Stage.PROD] if state.champion else []
        news = self._registrations(state, *foreign)
        moves = tuple(
            Move(tag=tag, before=stored[tag].known_stage, after=_mended(state, known))
            for tag, known in self._journal.foreseen(state, news).versions.items()
            if tag in stored and known.stage and stored[tag].stage != _mended(state, known).value
        )
        if moves:
            champion = state.champion.tag if state.champion else None
            reason = "Labels that disagreed with the ledger were written again."
            plan = TransitionPlanned(cause="repair", moves=moves, champion=champion, reason=reason)
            self._carry_out(state, *news, plan)
        self.sync(model, everything=True)
        return moves

    def sync(self, model: str, *, everything: bool = False) -> bool:
        """Bring the mirror up to date; False, with a notice, when it cannot be reached: the record stands."""
        head, done = self.ledger.head(model), self.ledger.mirrored(model)
        if head is None or (head.seq <= done and not everything):
            return True
        entries = self.ledger.entries(model)
        state, unseen = fold(model, entries), entries if everything else entries[done:]
        paths = {str(stored.tag): stored.path for stored in self.store.versions(model)}
        try:
            self.mirror.push(mirror_state(state, unseen, paths))
        except MirrorError as error:
            self.notice(f"{error} What was decided stands; `promotion sync` brings the mirror up to date.")
            return False
        self.ledger.mark_mirrored(model, state.seq)
        return True

    # How it is done

    def _carry_out(self, state: State, *bodies: Body) -> None:
        self._journal.append(state, *bodies)
        self._journal.completed(state.model)
        self.sync(state.model)

    def _registrations(self, state: State, *tags: Tag) -> tuple[Registration, ...]:
        """Of those versions that are not registered yet."""
        new = (tag for tag in dict.fromkeys(tags) if str(tag) not in state.versions)
        return tuple(self._registration(tag, Origin()) for tag in new)

    def _registration(self, tag: Tag, origin: Origin) -> Registration:
        stored, rows = self.store.get(tag), self.store.training_rows(tag)
        settings = self.config.models.get(tag.model)
        named = origin.version or stored.metadata.get("version")
        return Registration(
            tag=str(tag),
            digest=self.store.digest(tag),
            stage=stored.known_stage,
            version=None if named is None else str(named),
            run_id=origin.run_id or stored.metadata.get("mlflow_run_id"),
            data=origin.data.name if origin.data else None,
            data_digest=origin.data.digest if origin.data else None,
            training_rows=None if rows is None else len(rows),
            recipe=settings.recipe if settings else None,
            options=dict(origin.options),
        )

    def _side(self, role: str, state: State, tag: Tag) -> Side:
        known = find(state, tag)
        return Side(
            role=role,
            tag=tag,
            digest=known.registration.digest,
            provenance=provenance(known, self.store),
            recipe=load_recipe(self.config.model(tag.model), known.registration.options),
        )

    def _verify(self, state: State, tag: Tag) -> None:
        """Load the version, its files verified: what cannot be loaded must not serve."""
        self.store.load(tag, digest=find(state, tag).registration.digest)

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


def _required(reason: str) -> str:
    if not reason.strip():
        message = "A change by hand needs a reason: --reason 'why'."
        raise Refused(message)
    return reason


def _mended(state: State, known: Known) -> Stage:
    """The stage that the label must carry: one labelled `prod` behind the ledger's back goes back to wait."""
    assert known.stage is not None  # noqa: S101 - callers filter
    serves = state.champion is not None and state.champion.tag == known.tag
    return Stage.STAGING if known.stage is Stage.PROD and not serves else known.stage
