"""The registry: completes what was interrupted, plans a change (each verb has its own file here), and applies it.

Each method imports its verb when it is called, so that a command that only looks does not import what judges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from promotion.interfaces import call
from promotion.registry.parts import Around, compose
from promotion.vocabulary import Tag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from promotion.comparison import Comparison
    from promotion.config import Config
    from promotion.data_files import StrPath
    from promotion.findings import Finding
    from promotion.history.replay import Replayed
    from promotion.interfaces import Names, Step
    from promotion.ledger.chain import Entry
    from promotion.ledger.entries import TransitionPlanned
    from promotion.ledger.state import State, VersionState
    from promotion.policy import Decision, Policy
    from promotion.registry.champion import Version
    from promotion.registry.plan import Plan
    from promotion.registry.register import Origin
    from promotion.times import TimeBound


class Registry:
    """Decides which version of a model serves, and records why.

    Args:
        config: models, recipes and policies.
        around: the store, the ledger, the mirror and who acts; `promotion.open` takes them from the configuration.

    Every method that changes something raises `Conflict` if somebody else was first; in that case nothing was changed.
    """

    def __init__(self, config: Config, **around: Unpack[Around]) -> None:
        self.parts = parts = compose(config, **around)
        self.config, self.store, self.ledger, self.mirror = parts.config, parts.store, parts.ledger, parts.mirror
        self.reader = reader = parts.reader
        self.load, self.split, self.draws, self.rows_key = reader.load, reader.split, reader.draws, reader.key
        self.stored, self.panel = parts.stored, parts.panel
        self.foreign, self.signed_by = parts.foreign, parts.signed_by

    def champion(self, model: str, at: datetime | None = None) -> Version | None:
        """Return the champion now, in O(1), or at a past moment; None if no version serves or served.

        Raises:
            UnclearTime: the moment has no zone, and occurred twice or never in local time.
        """
        from promotion.registry.champion import champion

        return champion(self.parts, model, at)

    def state(self, model: str) -> State:
        """Return the model's state, folded from its entries."""
        return self.parts.writer.state(model)

    def history(self, model: str, *, last: int | None = None, since: datetime | None = None) -> Sequence[Entry]:
        """Return the entries of the model, oldest first; all entries as a sequence that reads each one on access.

        `last` keeps at most this many of the newest, `since` those recorded from this moment on, by their own times.
        """
        from promotion.ledger.reading import recorded

        return recorded(self.ledger, model, last=last, since=since)

    def models(self) -> tuple[str, ...]:
        """Return every model that is configured or recorded."""
        return self.parts.models()

    def compare(
        self, champion: Tag | str, challenger: Tag | str, *, data: StrPath | None = None, holdout: StrPath | None = None
    ) -> Comparison:
        """Compare any two versions on holdout rows that trained neither. Decides and records nothing.

        `data` and `holdout` are as in `gate`.

        Raises:
            DataError: no row is left to judge with.
        """
        from promotion.registry.compare import compare_versions

        return compare_versions(self.parts, Tag.parse(champion), Tag.parse(challenger), data, holdout)

    def replay(self, model: str, policy: Policy) -> tuple[Replayed, ...]:
        """Return what another policy would have decided in every past decision, from the stored comparisons."""
        from promotion.history.replay import replay

        return replay(self.ledger.entries(model), policy)

    def audit(
        self, model: str, *, recompute: bool = False, since: datetime | None = None, full: bool = False
    ) -> tuple[Finding, ...]:
        """Compare the record with labels, files and the mirror; empty if all agree. Changes nothing.

        Args:
            model: its name.
            recompute: whether to repeat past decisions from their models and rows.
            since: check decisions, champion changes and clocks only from this moment on. Chain, signatures, labels,
                files and the present state are always checked completely.
            full: whether to hash every file instead of using the digest cache.
        """
        from promotion.audit.audit import audit

        return audit(model, self.parts, recompute=recompute, since=since, full=full)

    def complete(self, model: str) -> State:
        """Complete the transition that an interrupted command left, if any, and return the resulting state."""
        from promotion.registry.apply import complete

        return complete(self.parts, model)

    def apply(self, plan: Plan) -> Plan:
        """Append a plan to the ledger, which fails if somebody else was first; write the labels, update the mirror."""
        from promotion.registry.apply import apply

        return apply(self.parts, plan)

    def register(self, tag: Tag | str, origin: Origin | None = None) -> VersionState:
        """Record a version of the store with the digest of its files. A registered version stays unchanged."""
        from promotion.registry.register import register

        return register(self.parts, Tag.parse(tag), origin)

    def check(self, model: str) -> None:
        """Raise anything that prevents judging a version of the model now, before a long training rather than after."""
        from promotion.registry.preflight import check

        check(self.parts, model)

    def start_anew(self, model: str, *, reason: str) -> None:
        """Record that the ledger goes on without MLflow's champion, or without MLflow's answer.

        If nothing prevents a first champion, records nothing and gives a notice.
        """
        from promotion.registry.plan import plan_of, required
        from promotion.registry.preflight import fresh_start

        state = self.complete(model)
        self.apply(plan_of(state, *fresh_start(self.parts, state, required(reason))))

    def gate(
        self, tag: Tag | str, *, data: StrPath | None = None, holdout: StrPath | None = None, step: Step = call
    ) -> Decision:
        """Judge a version against the champion, record the decision and make the moves that follow.

        If a held or rejected version gets the same decision again, it is not recorded again.

        Args:
            tag: the version.
            data: file whose holdout judges; None for the file that the version was trained on.
            holdout: holdout file, whose rows all judge; None for the configured one, if any.
            step: runs the parts.

        Raises:
            Refused: the version is the champion.
            PromotionError: the version cannot be judged; nothing was changed.
        """
        from promotion.registry.gate import plan_gate

        self.parts.writer.check_signer()
        tag = self._completed(tag)
        return self.apply(plan_gate(self.parts, tag, data=data, holdout=holdout, step=step)).decided

    def promote(
        self, tag: Tag | str, *, reason: str, override: bool = False, rejudge: bool = False
    ) -> TransitionPlanned:
        """Put a version into `prod` by hand: with a standing `promote` decision, or as a recorded override.

        Judges the version again first if the file that judged it has changed since.

        Args:
            tag: the version.
            reason: one sentence for the record.
            override: promote without a decision.
            rejudge: always judge it again.

        Raises:
            Refused: without an override, there is no such decision or it waits for approvals; or the version was judged
                again and did not pass, which is recorded.
            DataError: the version cannot score.
        """
        from promotion.registry.promote import plan_promotion, require_promoted

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
        """Bring back the previous champion, or an earlier one.

        Args:
            model: its name.
            reason: one sentence for the record.
            to: the version to bring back; it must have been champion.
            at: the moment whose champion to bring back.
            data: file to score a few rows from beforehand; defaults to the file that the version was trained on, or the
                configured one. If no file can be read, the rollback goes on and records that.

        Raises:
            Refused: there is no such champion.
            DigestMismatch: its files have changed since it was registered.
            DataError: the version cannot score.
        """
        from promotion.registry.rollback import plan_rollback

        self.complete(model)
        return self.apply(plan_rollback(self.parts, model, reason=reason, to=to, at=at, data=data)).moved

    def approve(self, tag: Tag | str, *, reason: str) -> TransitionPlanned | None:
        """Approve a decision that waits. The last required approval promotes; None if more are missing.

        Raises:
            Refused: no decision waits, or this actor may not approve it.
        """
        from promotion.registry.approve import plan_approval

        return self.apply(plan_approval(self.parts, self._completed(tag), reason=reason, approved=True)).transition

    def deny(self, tag: Tag | str, *, reason: str) -> TransitionPlanned:
        """Deny a decision that waits. The version is rejected, and can be judged again.

        Raises:
            Refused: no decision waits, or this actor may not deny it.
        """
        from promotion.registry.approve import plan_approval

        return self.apply(plan_approval(self.parts, self._completed(tag), reason=reason, approved=False)).moved

    def adopt(
        self, tag: Tag | str, *, reason: str, trained_before: TimeBound | None = None, assume_clean: bool = False
    ) -> TransitionPlanned | None:
        """Adopt a version whose training rows are unknown. A version labelled `prod` becomes the champion.

        Args:
            tag: the version.
            reason: one sentence for the record.
            trained_before: the version was trained only on rows before this: a number in the unit of the recipe's time
                column; or a date, a datetime, or either as ISO 8601 text. A moment without a zone is in UTC if the rows
                have a zone.
            assume_clean: the version was trained on no row that will ever judge.

        Raises:
            DataError: `trained_before` is not a time, or not of the kind in the recipe's time column.
            Refused: neither or both of `trained_before` and `assume_clean`; or another version is champion.
        """
        from promotion.registry.adopt import plan_adoption

        tag = self._completed(tag)
        plan = plan_adoption(self.parts, tag, reason=reason, trained_before=trained_before, assume_clean=assume_clean)
        return self.apply(plan).transition

    def take(self, model: str, *, reason: str) -> None:
        """Hand the model in the store over to this ledger. The store then refuses the ledger that owned it before.

        Raises:
            Refused: this ledger already owns it; or it changed hands meanwhile, and nothing was changed.
        """
        from promotion.registry.take import plan_takeover

        self.apply(plan_takeover(self.parts, model, reason=reason))

    def readmit(self, tag: Tag | str, *, reason: str) -> VersionState:
        """Readmit a rolled-back version, so that it can be judged and promoted again. Its stage does not change.

        Raises:
            Refused: no rollback blocks the version.
        """
        from promotion.registry.moves import find
        from promotion.registry.readmit import plan_readmission

        tag = self._completed(tag)
        return find(self.apply(plan_readmission(self.parts, tag, reason=reason)).state, tag)

    def repair(self, model: str) -> Plan:
        """Complete interrupted changes, rewrite labels that disagree with the ledger, and move torn folders out.

        Claims the model if the store has no claim for it. Sends everything to MLflow again, and overwrites aliases that
        somebody else moved.
        """
        from promotion.registry.repair import plan_repair

        self.parts.writer.replace_checkpoint(model)
        self.complete(model)
        done = self.apply(plan_repair(self.parts, model))
        self.sync(model, everything=True, given_up=done.foreign)
        return done

    def gc(
        self, model: str, *, keep: int, reason: str, registered_before: datetime | None = None
    ) -> TransitionPlanned | None:
        """Delete the files of versions that are no longer needed. The ledger keeps their records.

        Args:
            model: its name.
            keep: number of the newest deletable versions to keep.
            reason: one sentence for the record.
            registered_before: delete only versions registered before this moment; None for any age.
        """
        from promotion.registry.gc import plan_gc

        self.complete(model)
        plan = plan_gc(self.parts, model, keep=keep, reason=reason, registered_before=registered_before)
        return self.apply(plan).transition

    collect = gc  # the name in release 0.1.0

    def _completed(self, tag: Tag | str) -> Tag:
        """Complete any unfinished transition of the tag's model, and return the tag."""
        tag = Tag.parse(tag)
        self.complete(tag.model)
        return tag

    def sync(self, model: str, *, everything: bool = False, look: bool = False, given_up: Names | None = None) -> bool:
        """Bring the mirror up to date. If that fails, gives a notice and returns False; the record stands.

        With `everything`, sends again what was sent before. With `look`, checks aliases even if there is nothing to
        send. `given_up` maps aliases that somebody else moved, and that may be overwritten, to the versions they name.
        """
        from promotion.registry.sync import sync

        return sync(self.parts, model, everything=everything, look=look, given_up=given_up)
