"""The registry: what is so, what would be so, and what changes it; each verb is a file of its own beside this one.

Every change goes the same way: complete what an interrupted command left, work out the change (`plan_…`), and `apply`
it: append it to the ledger, where someone else may have been first; write the labels; bring the mirror up to date.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Unpack

from promotion.comparison import Comparison
from promotion.config import Config
from promotion.data_files import StrPath
from promotion.findings import Finding
from promotion.history.replay import Replayed, replay
from promotion.interfaces import Names, Step, call
from promotion.ledger.chain import Entry
from promotion.ledger.entries import TransitionPlanned
from promotion.ledger.state import State, VersionState
from promotion.policy import Decision, Policy
from promotion.registry.adopt import plan_adoption
from promotion.registry.apply import apply, complete
from promotion.registry.approve import plan_approval
from promotion.registry.champion import Version, champion
from promotion.registry.gate import plan_gate
from promotion.registry.gc import plan_gc
from promotion.registry.parts import Around, compose
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import check, fresh_start
from promotion.registry.promote import plan_promotion, require_promoted
from promotion.registry.readmit import plan_readmission
from promotion.registry.register import Origin, register
from promotion.registry.repair import plan_repair
from promotion.registry.rollback import plan_rollback
from promotion.registry.sync import sync
from promotion.registry.takeover import plan_takeover
from promotion.registry.transition import find
from promotion.registry.versions import compare_versions
from promotion.times import TimeBound
from promotion.vocabulary import Tag


class Registry:
    """Decides which version of a model serves, and records why.

    Args:
        config: models, recipes and policies.
        around: the store, the ledger, the mirror and who acts; `promotion.open` takes them from the configuration.

    Whatever changes something raises `Conflict` where the record moved on meanwhile; nothing was changed then.
    """

    def __init__(self, config: Config, **around: Unpack[Around]) -> None:
        self.parts = parts = compose(config, **around)
        self.config, self.store, self.ledger, self.mirror = parts.config, parts.store, parts.ledger, parts.mirror
        self.reader = reader = parts.reader
        self.load, self.split, self.draws, self.rows_key = reader.load, reader.split, reader.draws, reader.key
        self.stored, self.panel, self.foreign, self.signed_by = (
            parts.stored,
            parts.panel,
            parts.foreign,
            parts.signed_by,
        )

    def champion(self, model: str, at: datetime | None = None) -> Version | None:
        """Who serves now, in O(1), or served at a moment; None when nobody does or did.

        Raises:
            UnclearTime: the moment has no zone, and was twice or never in local time.
        """
        return champion(self.parts, model, at)

    def state(self, model: str) -> State:
        """The model's state, folded from its entries."""
        return self.parts.journal.state(model)

    def history(self, model: str) -> Sequence[Entry]:
        """Every entry of the model, oldest first."""
        return self.ledger.entries(model)

    def models(self) -> tuple[str, ...]:
        """Every model that is configured or recorded."""
        return self.parts.models()

    def compare(
        self, champion: Tag | str, challenger: Tag | str, *, data: StrPath | None = None, holdout: StrPath | None = None
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
        return compare_versions(self.parts, Tag.parse(champion), Tag.parse(challenger), data, holdout)

    def replay(self, model: str, policy: Policy) -> tuple[Replayed, ...]:
        """What another policy would have decided in every past decision, from the comparisons that were stored."""
        return replay(self.ledger.entries(model), policy)

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
        from promotion.audit.audit import audit

        return audit(model, self.parts, recompute=recompute, since=since, full=full)

    def complete(self, model: str) -> State:
        """Complete the transition that an interrupted command left, if any; the state then."""
        return complete(self.parts, model)

    def apply(self, plan: Plan) -> Plan:
        """Make a planned change.

        Raises:
            Conflict: the record moved on since it was worked out; nothing was changed.
            StoreError: the labels cannot be written now; the change stands, and the next command writes them.
        """
        return apply(self.parts, plan)

    def register(self, tag: Tag | str, origin: Origin | None = None) -> VersionState:
        """Record a version of the store with the digest of its files; one that is recorded already stays as it is."""
        return register(self.parts, Tag.parse(tag), origin)

    def check(self, model: str) -> None:
        """Raise whatever keeps a version of the model from being judged now: before hours of training, not after."""
        check(self.parts, model)

    def start_anew(self, model: str, *, reason: str) -> None:
        """Record that the ledger goes on without a champion that MLflow has, or without its answer.

        Where nothing stands in the way of a first champion, nothing is recorded, and a notice says so.
        """
        state = self.complete(model)
        self.apply(plan_of(state, *fresh_start(self.parts, state, required(reason))))

    def gate(
        self, tag: Tag | str, *, data: StrPath | None = None, holdout: StrPath | None = None, step: Step = call
    ) -> Decision:
        """Judge a version against the champion, record the decision and make the moves that follow from it.

        The same decision as stands already on a version that was held or rejected is not recorded again.

        Args:
            tag: the version.
            data: file whose holdout judges; None for the one that the version was trained from.
            holdout: file that judges whole; None for the configured one, if any.
            step: runs the parts.

        Raises:
            Refused: it is the champion.
            PromotionError: it cannot be judged; nothing was changed.
        """
        self.parts.journal.check_signer()
        tag = self._completed(tag)
        return self.apply(plan_gate(self.parts, tag, data=data, holdout=holdout, step=step)).decided

    def promote(
        self, tag: Tag | str, *, reason: str, override: bool = False, rejudge: bool = False
    ) -> TransitionPlanned:
        """Put a version into `prod` by hand: with a standing `promote` decision, or as a recorded override.

        It is judged again first where the file whose rows judged it has changed since.

        Args:
            tag: the version.
            reason: one sentence for the record.
            override: go without a decision.
            rejudge: judge it again in any case.

        Raises:
            Refused: there is no such decision, or it waits for approvals, and it is no override; or it was judged
                again and did not pass, and that is recorded.
            DataError: it cannot score.
        """
        tag = self._completed(tag)
        done = self.apply(plan_promotion(self.parts, tag, reason=reason, override=override, rejudge=rejudge))
        require_promoted(tag, done)
        return done.moved

    def rollback(
        self,
        model: str,
        *,
        reason: str,
        to: Tag | str | None = None,
        at: datetime | None = None,
        data: StrPath | None = None,
    ) -> TransitionPlanned:
        """Bring back the champion before this one, or an earlier one.

        Args:
            model: its name.
            reason: one sentence for the record.
            to: the version to bring back; it was champion once.
            at: the moment whose champion is brought back.
            data: file of which some rows are scored beforehand; by default the one that the version was trained from,
                or the configured one. Where none can be read it goes on, and that is recorded.

        Raises:
            Refused: there is no such champion.
            DigestMismatch: its files have changed since it was registered.
            DataError: it cannot score.
        """
        self.complete(model)
        return self.apply(plan_rollback(self.parts, model, reason=reason, to=to, at=at, data=data)).moved

    def approve(self, tag: Tag | str, *, reason: str) -> TransitionPlanned | None:
        """Approve a decision that waits; the approval that completes the number promotes. None when more are missing.

        Raises:
            Refused: nothing waits, or it is not this actor's to approve.
        """
        return self.apply(plan_approval(self.parts, self._completed(tag), reason=reason, approved=True)).transition

    def deny(self, tag: Tag | str, *, reason: str) -> TransitionPlanned:
        """Deny a decision that waits: the version is rejected, and can be judged again.

        Raises:
            Refused: nothing waits, or it is not this actor's to deny.
        """
        return self.apply(plan_approval(self.parts, self._completed(tag), reason=reason, approved=False)).moved

    def adopt(
        self, tag: Tag | str, *, reason: str, trained_before: TimeBound | None = None, assume_clean: bool = False
    ) -> TransitionPlanned | None:
        """Vouch for a version whose training rows are unknown; one that carries `prod` becomes the champion.

        Args:
            tag: of the version.
            reason: one sentence.
            trained_before: it was trained on rows before this only: a number in the unit of the recipe's time; or a
                date, a datetime, or either as ISO 8601 text. A moment without a zone is in UTC where the rows name one.
            assume_clean: it was trained on no row that will ever judge.

        Raises:
            DataError: `trained_before` is no time, or the recipe's time column holds the other kind.
            Refused: neither or both of `trained_before` and `assume_clean`; or another version is champion.
        """
        tag = self._completed(tag)
        plan = plan_adoption(self.parts, tag, reason=reason, trained_before=trained_before, assume_clean=assume_clean)
        return self.apply(plan).transition

    def take(self, model: str, *, reason: str) -> None:
        """Hand the model in the store over to this ledger; the one that it belonged to is refused from then on.

        Raises:
            Refused: it is this ledger's already; or it changed hands meanwhile, and nothing was changed.
        """
        self.apply(plan_takeover(self.parts, model, reason=reason))

    def readmit(self, tag: Tag | str, *, reason: str) -> VersionState:
        """Let a version that was rolled back from be judged and promoted like any other again; it moves nowhere.

        Raises:
            Refused: no rollback keeps it out.
        """
        tag = self._completed(tag)
        return find(self.apply(plan_readmission(self.parts, tag, reason=reason)).state, tag)

    def repair(self, model: str) -> Plan:
        """Complete what was interrupted, write the ledger's stage over labels that disagree, move out what is torn.

        A store that does not say whose the model is says so then. MLflow is sent all of it again, and aliases that
        somebody else moved are written over.
        """
        self.complete(model)
        done = self.apply(plan_repair(self.parts, model))
        self.sync(model, everything=True, given_up=done.foreign)
        return done

    def collect(
        self, model: str, *, keep: int, reason: str, registered_before: datetime | None = None
    ) -> TransitionPlanned | None:
        """Delete the files of versions that nobody will need again; the ledger remembers them.

        Args:
            model: its name.
            keep: how many of the newest that might go are kept all the same.
            reason: one sentence for the record.
            registered_before: only versions registered before this moment go; None for those of any age.
        """
        self.complete(model)
        plan = plan_gc(self.parts, model, keep=keep, reason=reason, registered_before=registered_before)
        return self.apply(plan).transition

    def _completed(self, tag: Tag | str) -> Tag:
        """The tag, with nothing left unfinished of its model."""
        tag = Tag.parse(tag)
        self.complete(tag.model)
        return tag

    def sync(self, model: str, *, everything: bool = False, look: bool = False, given_up: Names | None = None) -> bool:
        """Bring the mirror up to date; False, with a notice, when that cannot be: the record stands.

        With `everything`, also what was sent before; with `look`, aliases are looked at also where nothing is to be
        sent; `given_up` are aliases that somebody else moved, with what they name, which may be written over.
        """
        return sync(self.parts, model, everything=everything, look=look, given_up=given_up)
