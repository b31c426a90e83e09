"""The registry: completes what was interrupted, plans a change (each verb has its own file here), and applies it."""
# Each method imports its verb when it is called, so that a command that only looks does not import what judges.

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
    from promotion.data_sources import Where
    from promotion.findings import Finding
    from promotion.history.replay import Replayed
    from promotion.interfaces import Names, Step
    from promotion.ledger.chain import Entry
    from promotion.ledger.entries import TransitionPlanned
    from promotion.ledger.state import State, VersionState
    from promotion.policy import Decision, Policy
    from promotion.registry.adopt import Vouched
    from promotion.registry.champion import Version
    from promotion.registry.plan import Plan
    from promotion.registry.register import Origin
    from promotion.registry.status import Status


class Registry:
    """Decides which version of a model serves, and records why.

    Args:
        config: models, recipes and policies.
        around: the store, the ledger, the mirror and who acts; `promotion.open` takes them from the configuration.

    Every method that changes something raises `Conflict` if somebody else was first; in that case nothing was changed.
    In all methods, `reason` is a sentence for the record, `data` names the rows whose holdout is scored (None for those
    that the version was trained on), and `holdout` rows that are all scored (None: the configured ones).
    """

    def __init__(self, config: Config, **around: Unpack[Around]) -> None:
        self.parts = parts = compose(config, **around)
        self.config, self.store, self.ledger, self.mirror = parts.config, parts.store, parts.ledger, parts.mirror
        self.reader = parts.reader

    def __dir__(self) -> list[str]:
        hidden = {"apply", "collect", "parts", "reader"}  # for the flows and the commands
        return [name for name in super().__dir__() if not name.startswith("_") and name not in hidden]

    def __repr__(self) -> str:
        return f"Registry(ledger={self.ledger.place!r}, store={str(getattr(self.store, 'home', self.store.name))!r})"

    def champion(self, model: str, at: datetime | None = None) -> Version | None:
        """Return the champion now, in O(1), or at a past moment; None if no version serves or served.

        Raises `UnclearTime` if the moment has no zone, and occurred twice or never in local time.
        """
        from promotion.registry.champion import champion

        return champion(self.parts, model, at)

    def state(self, model: str) -> State:
        """Return the model's state, folded from its entries."""
        return self.parts.writer.state(model)

    def status(self, model: str) -> Status:
        """Return who serves, what needs attention, and how to roll back; raises `UnknownName` for an unknown model."""
        from promotion.registry.status import status

        return status(self.parts, model)

    def history(self, model: str, *, last: int | None = None, since: datetime | None = None) -> Sequence[Entry]:
        """Return the entries of the model, oldest first, read on access; `last` and `since` keep only the newest."""
        from promotion.ledger.reading import recorded

        return recorded(self.ledger, model, last=last, since=since)

    def models(self) -> tuple[str, ...]:
        """Return every model that is configured or recorded."""
        return self.parts.models()

    def compare(
        self, champion: Tag | str, challenger: Tag | str, *, data: Where | None = None, holdout: Where | None = None
    ) -> Comparison:
        """Compare any two versions on the rows that trained neither; raises `DataError` if there are none."""
        from promotion.registry.compare import compare_versions

        return compare_versions(self.parts, Tag.parse(champion), Tag.parse(challenger), data, holdout)

    def replay(self, model: str, policy: Policy) -> tuple[Replayed, ...]:
        """Return what another policy would have decided in every past decision, from the stored comparisons."""
        from promotion.history.replay import replay

        return replay(self.history(model), policy)

    def audit(
        self, model: str, *, recompute: bool = False, since: datetime | None = None, full: bool = False
    ) -> tuple[Finding, ...]:
        """Compare the record with labels, files and the mirror; empty if all agree. Changes nothing.

        `recompute` repeats past decisions. `since` limits the checks of decisions, champion changes and clocks to what
        was recorded from then on; all other checks are complete. `full` ignores what earlier audits kept.
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
        """Record that the ledger goes on without MLflow's champion or answer; a notice if neither is in the way."""
        from promotion.registry.preflight import plan_fresh_start

        self.complete(model)
        self.apply(plan_fresh_start(self.parts, model, reason=reason))

    def gate(
        self, tag: Tag | str, *, data: Where | None = None, holdout: Where | None = None, step: Step = call
    ) -> Decision:
        """Judge a version against the champion, record the decision and make the moves that follow.

        If a held or rejected version gets the same decision again, it is not recorded again. `step` runs each part.

        Raises:
            Refused: the version is the champion.
            PromotionError: the version cannot be judged; nothing was changed.
        """
        from promotion.registry.gate import plan_gate

        self.parts.writer.check_signer()
        return self.apply(plan_gate(self.parts, self._completed(tag), data=data, holdout=holdout, step=step)).decided

    def promote(
        self, tag: Tag | str, *, reason: str, override: bool = False, rejudge: bool = False
    ) -> TransitionPlanned:
        """Put a version into `prod` by hand: with a standing `promote` decision, or with `override` without one.

        Judges the version again first if the file that judged it has changed since, or with `rejudge`.

        Raises:
            Refused: without an override, there is no such decision or it waits for approvals; or the version was judged
                again and did not pass, which is recorded.
            DataError: the version cannot score.
        """
        from promotion.registry.promote import plan_promotion, promoted

        tag = self._completed(tag)
        plan = plan_promotion(self.parts, tag, reason=reason, override=override, rejudge=rejudge)
        return promoted(tag, self.apply(plan))

    def rollback(
        self,
        model: str,
        *,
        reason: str,
        to: Tag | str | None = None,
        at: datetime | None = None,
        data: Where | None = None,
    ) -> TransitionPlanned:
        """Bring back the previous champion, or an earlier one: `to`, or the champion `at` a moment.

        Scores a few rows of `data` (or of the configured file) first. If no file can be read, records that instead.

        Raises:
            Refused, DigestMismatch: there is no such champion, or its files have changed since it was registered.
            DataError: the version cannot score.
        """
        from promotion.registry.rollback import plan_rollback

        self.complete(model)
        return self.apply(plan_rollback(self.parts, model, reason=reason, to=to, at=at, data=data)).moved

    def approve(self, tag: Tag | str, *, reason: str) -> TransitionPlanned | None:
        """Approve a decision that waits; None if more approvals are missing. Raises `Refused` if this actor may not."""
        from promotion.registry.approve import plan_approval

        return self.apply(plan_approval(self.parts, self._completed(tag), reason=reason, approved=True)).transition

    def deny(self, tag: Tag | str, *, reason: str) -> TransitionPlanned:
        """Deny a decision that waits, which rejects the version. Raises `Refused` if this actor may not."""
        from promotion.registry.approve import plan_approval

        return self.apply(plan_approval(self.parts, self._completed(tag), reason=reason, approved=False)).moved

    def adopt(self, tag: Tag | str, *, reason: str, **vouched: Unpack[Vouched]) -> TransitionPlanned | None:
        """Adopt a version whose training rows are unknown. A version labelled `prod` becomes the champion.

        Raises `Refused` for none or several statements of `Vouched` or another champion, `DataError` for a wrong time.
        """
        from promotion.registry.adopt import plan_adoption

        return self.apply(plan_adoption(self.parts, self._completed(tag), reason=reason, **vouched)).transition

    def adopt_from_mlflow(
        self, named: str, model: str | None = None, *, reason: str, **vouched: Unpack[Vouched]
    ) -> VersionState:
        """Adopt a copy of MLflow's `MODEL[@ALIAS|/NUMBER]` as `model`: first champion, or waiting in staging."""
        from promotion.registry.adopt_from_mlflow import adopt_from_mlflow

        tag = adopt_from_mlflow(self.parts, named, model, reason=reason, **vouched)
        return self.state(tag.model).versions[str(tag)]

    def adopt_all(self, model: str) -> tuple[str, ...]:
        """Register every version in the store with the stage of its label; return the tags of the new ones."""
        from promotion.registry.adopt import plan_registrations

        self.complete(model)
        return self.apply(plan_registrations(self.parts, model)).registered

    def adopt_service(self, tag: Tag | str, since: datetime, until: datetime, *, reason: str) -> None:
        """Record a person's word that a version served in a period before the ledger's first champion."""
        from promotion.registry.adopt import plan_service

        self.apply(plan_service(self.parts, self._completed(tag), since, until, reason=reason))

    def take(self, model: str, *, reason: str) -> None:
        """Hand the model in the store over to this ledger. The store then refuses the ledger that owned it before.

        Raises `Refused` if this ledger already owns it, or if it changed hands meanwhile; then nothing was changed.
        """
        from promotion.registry.take import plan_takeover

        self.apply(plan_takeover(self.parts, model, reason=reason))

    def readmit(self, tag: Tag | str, *, reason: str) -> VersionState:
        """Readmit a rolled-back version to be judged again, in its stage; raises `Refused` if no rollback blocks it."""
        from promotion.registry.readmit import plan_readmission

        tag = self._completed(tag)
        return self.apply(plan_readmission(self.parts, tag, reason=reason)).state.versions[str(tag)]

    def repair(self, model: str) -> Plan:
        """Complete interrupted changes, rewrite labels that disagree with the ledger, and move torn folders out.

        Claims a model without a claim. Sends everything to MLflow again, and overwrites aliases that others moved.
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
        """Delete the files of versions that are no longer needed, and snapshots of data that no record needs.

        Keeps the `keep` newest deletable versions, and those registered at or after `registered_before`, if given.
        """
        from promotion.registry.gc import delete_snapshots, plan_gc

        self.complete(model)
        plan = plan_gc(self.parts, model, keep=keep, reason=reason, registered_before=registered_before)
        return delete_snapshots(self.parts, self.apply(plan)).transition

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
