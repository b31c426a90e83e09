"""The registry: judge, promote, roll back, adopt, repair, delete. It does the I/O around the rules.

Every change goes the same way: complete what an interrupted command left, work out the change, append it to the ledger
(the champion changes there, or someone else was first), write the labels, bring the mirror up to date.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path

from promotion.errors import Conflict, LedgerError, MirrorAhead, MirrorError, PromotionError, Refused, StoreError
from promotion.interfaces import Names, Step, StoreMaintenance, call, shown
from promotion.ledger.chain import Head
from promotion.ledger.entries import FreshStart, TransitionPlanned
from promotion.ledger.state import Known, State
from promotion.patience import patience
from promotion.policy import Decision
from promotion.registry.by_hand import ByHand
from promotion.registry.foreign import UnknownChampion, foreign_told
from promotion.registry.later import put_off
from promotion.registry.mirroring import mirror_state
from promotion.registry.proposals import Proposal, proposal, required
from promotion.registry.record import Origin
from promotion.registry.serving import serving
from promotion.registry.transition import find
from promotion.vocabulary import Tag


class Registry(ByHand):
    """Decides which version of a model serves, and records why; the arguments are those of `Record`."""

    _changing = False

    def complete(self, model: str) -> State:
        """Complete the transition that an interrupted command left, if any; the state then."""
        self._changing = True
        return self._journal.completed(model)

    def fresh_start(self, state: State, reason: str | None = None) -> tuple[FreshStart, ...]:
        """As of `Proposals`; a command that changes something, other than a dry run, notes for `status` what it met."""
        try:
            return super().fresh_start(state, reason)
        except UnknownChampion as error:
            if self._changing:
                self.ledger.mark_foreign(state.model, error.aliases)
            raise

    def _in_the_way(self, state: State) -> PromotionError:
        """As of `Proposals`; a command that completed all that it found, and finds more, was overtaken."""
        if not self._changing or state.pending is None:
            return super()._in_the_way(state)
        seq, _ = state.pending
        return Conflict(state.model, seq, self.ledger.entries(state.model, after=seq - 1, limit=1)[0].actor)

    def start_anew(self, model: str, *, reason: str) -> None:
        """Record that the ledger goes on without a champion that MLflow has, or without its answer.

        Where nothing stands in the way of a first champion, nothing is recorded, and a notice says so.

        Args:
            model: its name.
            reason: one sentence for the record.
        """
        state = self.complete(model)
        begun = self.fresh_start(state, required(reason))
        if begun:
            self.carry_out(proposal(state, *begun))

    def carry_out(self, proposal: Proposal) -> Proposal:
        """Make a proposed change.

        Raises:
            Conflict: the record moved on since it was worked out; nothing was changed.
            StoreError: the labels cannot be written now; the change stands, and the next command writes them.
        """
        model = proposal.state.model
        state = self._journal.state(model) if proposal.takeover else self.complete(model)
        if state.seq != proposal.state.seq:
            next_seq = proposal.state.seq + 1
            raise Conflict(model, next_seq, self.ledger.entries(model, after=proposal.state.seq)[0].actor)
        if proposal.bodies:
            recorded = self._journal.append(state, *proposal.bodies)
            try:
                self._finish(model, proposal.foreign)
            finally:
                self._tell(model, state.seq, recorded.seq)
        if proposal.claims:
            self._journal.claim(model)
        self._clear(proposal)
        self._changing = False
        return proposal

    def register(self, tag: Tag | str, origin: Origin | None = None) -> Known:
        """Record a version of the store with the digest of its files; one that is recorded already stays as it is."""
        tag = Tag.parse(tag)
        state = self.complete(tag.model)
        if str(tag) not in state.versions:
            state = self._journal.append(state, self._registration(tag, origin or Origin()))
            self._finish(tag.model)
        return find(state, tag)

    def check(self, model: str) -> None:
        """See that a version of the model could be judged now: before hours of training rather than after.

        Raises:
            PromotionError: it could not; says why.
        """
        self.config.model(model)
        self._journal.check_signer()
        state = self.complete(model)
        self.fresh_start(state)
        serving(state, self.store)

    def gate(
        self,
        tag: Tag | str,
        *,
        data: str | Path | None = None,
        holdout: str | Path | None = None,
        step: Step = call,
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
            Conflict: the record moved on meanwhile; nothing was changed.
            PromotionError: it cannot be judged; nothing was changed.
        """
        tag = Tag.parse(tag)
        self._journal.check_signer()
        self.complete(tag.model)
        decision = self.carry_out(self.propose_gate(tag, data=data, holdout=holdout, step=step)).decision
        assert decision is not None  # noqa: S101 - a gate always decides
        return decision

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
            Conflict: the record moved on meanwhile; nothing was changed.
        """
        tag = Tag.parse(tag)
        self.complete(tag.model)
        done = self.carry_out(self.propose_promotion(tag, reason=reason, override=override, rejudge=rejudge))
        if not done.promotes:
            assert done.decision is not None  # noqa: S101 - it was judged again
            verdict = "it waits for approval" if done.decision.waits else done.decision.verdict
            message = f"{tag} was judged again and not promoted: {verdict}. {done.decision.summary}"
            raise Refused(message)
        return _planned(done)

    def rollback(
        self,
        model: str,
        *,
        reason: str,
        to: Tag | str | None = None,
        at: datetime | None = None,
        data: str | Path | None = None,
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
            Conflict: the record moved on meanwhile; nothing was changed.
        """
        self.complete(model)
        return _planned(self.carry_out(self.propose_rollback(model, reason=reason, to=to, at=at, data=data)))

    def approve(self, tag: Tag | str, *, reason: str) -> TransitionPlanned | None:
        """Approve a decision that waits; the approval that completes the number promotes. None when more are missing.

        Raises:
            Refused: nothing waits, or it is not this actor's to approve.
            Conflict: the record moved on meanwhile; nothing was changed.
        """
        tag = Tag.parse(tag)
        self.complete(tag.model)
        return self.carry_out(self.propose_answer(tag, reason=reason, approved=True)).plan

    def deny(self, tag: Tag | str, *, reason: str) -> TransitionPlanned:
        """Deny a decision that waits: the version is rejected, and can be judged again.

        Raises:
            Refused: nothing waits, or it is not this actor's to deny.
            Conflict: the record moved on meanwhile; nothing was changed.
        """
        tag = Tag.parse(tag)
        self.complete(tag.model)
        return _planned(self.carry_out(self.propose_answer(tag, reason=reason, approved=False)))

    def adopt(
        self,
        tag: Tag | str,
        *,
        reason: str,
        trained_before: float | str | date | None = None,
        assume_clean: bool = False,
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
        tag = Tag.parse(tag)
        self.complete(tag.model)
        known = {"trained_before": trained_before, "assume_clean": assume_clean}
        return self.carry_out(self.propose_adoption(tag, reason=reason, **known)).plan  # type: ignore[arg-type]

    def take(self, model: str, *, reason: str) -> None:
        """Hand the model in the store over to this ledger; the one that it belonged to is refused from then on.

        Raises:
            Refused: it is this ledger's already; or it changed hands meanwhile, and nothing was changed.
        """
        self.carry_out(self.propose_takeover(model, reason=reason))

    def readmit(self, tag: Tag | str, *, reason: str) -> Known:
        """Let a version that was rolled back from be judged and promoted like any other again; it moves nowhere.

        Raises:
            Refused: no rollback keeps it out.
        """
        tag = Tag.parse(tag)
        self.complete(tag.model)
        return find(self.carry_out(self.propose_readmission(tag, reason=reason)).state, tag)

    # What keeps it so

    def repair(self, model: str) -> Proposal:
        """Complete what was interrupted, write the ledger's stage over labels that disagree, move out what is torn.

        A store that does not say whose the model is says so then. MLflow is sent all of it again, and aliases that
        somebody else moved are written over.
        """
        self.complete(model)
        done = self.carry_out(self.propose_repair(model))
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
        proposal = self.propose_retention(model, keep=keep, reason=reason, registered_before=registered_before)
        return self.carry_out(proposal).plan

    def _finish(self, model: str, given_up: Names | None = None) -> None:
        """Labels and mirror of what was just recorded."""
        try:
            self.complete(model)
            if not put_off(partial(self._sync_after, model, given_up)):
                with patience():
                    self.sync(model, given_up=given_up)
        except (StoreError, LedgerError) as error:
            kind = StoreError if isinstance(error, StoreError) else LedgerError
            message = f"What was asked is recorded and stands; the next command finishes it. {error}"
            raise kind(message.removesuffix(" Nothing was recorded.")) from error

    def _sync_after(self, model: str, given_up: Names | None, notice: Callable[[str], None]) -> None:
        """Bring the mirror up to date once the answer is out, and tell there what could not be."""
        self.notice = notice
        try:
            self.sync(model, given_up=given_up)
        except (StoreError, LedgerError) as error:
            self.notice(f"What was asked is recorded and stands; `promotion sync` brings MLflow up to date. {error}")

    def _tell(self, model: str, before: int, last: int) -> None:
        """Announce the entries after `before` up to `last`; they stand, whatever becomes of the news."""
        try:
            self.announce(self.ledger.entries(model, after=before)[: last - before])
        except Exception as error:
            told = str(error) if isinstance(error, PromotionError) else f"{type(error).__name__}: {error}"
            self.notice(f"What was recorded stands, and could not be announced: {told}")

    def _clear(self, proposal: Proposal) -> None:
        """Move strays out of the store, and delete what killed commands left beside it."""
        if not isinstance(self.store, StoreMaintenance):  # and so there is nothing to clear
            return
        for stray in proposal.strays:
            place = self.store.quarantine(stray)
            if place:
                of = f" of '{stray.model}'" if stray.model not in {None, proposal.state.model} else ""
                self.notice(f"Moved {stray}{of} to {shown(place)}; `mv {shown(place)} {stray}` brings it back.")
        for leftover in proposal.leftovers:
            self.store.remove(leftover)
            self.notice(f"Deleted {leftover}, which {leftover.why}.")

    def sync(self, model: str, *, everything: bool = False, look: bool = False, given_up: Names | None = None) -> bool:
        """Bring the mirror up to date; False, with a notice, when that cannot be: the record stands.

        An alias that somebody else moved stays as it is, with a notice; `LedgerStore.foreign` tells of it from then on.

        Args:
            model: its name.
            everything: send also what was sent before.
            look: look at the aliases also where nothing is to be sent.
            given_up: foreign aliases that a person said may be written over, with what they name.
        """
        head, done = self.ledger.head(model), self.ledger.mirrored(model)
        behind = head is not None and (head.seq > done or everything)
        if not (behind or look):
            return True
        try:
            state = self._journal.state(model)
            if unknown := self._unknown(state):
                self.ledger.mark_foreign(model, unknown)
                self.notice(str(UnknownChampion(model, unknown, self.store.name)))
            elif behind:
                return self._send(state, done, seen=0 if everything else done, given_up=given_up)
            elif head is None or self._shows(head):
                return self._note_foreign(state, self.foreign(state))
        except MirrorAhead as error:
            self.notice(str(error))
        except MirrorError as error:
            self.notice(f"{error} What was decided stands. Once MLflow answers, `promotion sync` sends it.")
        return False

    def _send(self, state: State, done: int, *, seen: int, given_up: Names | None) -> bool:
        model = state.model
        entries = self.ledger.entries(model)[: state.seq]
        paths = {tag: self.store.path(Tag.parse(tag)) for tag in state.versions}
        names = self._names(state, done, given_up)
        sent = self.mirror.push(mirror_state(state, entries, paths, names, seen=seen, draw=self._draw))
        self._check_end(model)
        if sent.lost:
            self.notice(
                f"MLflow shows no decisions in {', '.join(sent.lost)}: such runs are not there, or deleted. What was "
                "decided stands. `mlflow runs restore --run-id RUN` brings back a deleted one, and "
                f"`promotion repair {model}` sends it all again."
            )
        if sent.refused:
            self._note_foreign(state, sent.foreign)
            return self._note_refused(model, sent.refused)
        self.ledger.mark_mirrored(model, state.seq)
        now = self._journal.state(model)
        if self.ledger.mirrored(model) > state.seq or (sent.foreign and now.seq > state.seq):
            # Someone sent a later state: ours may lie over it, or what we took for foreign is theirs.
            return self._send(now, done, seen=0, given_up=given_up)
        self._journal.mirrored(state)
        return self._note_foreign(state, sent.foreign)

    def _note_refused(self, model: str, refused: Mapping[str, str]) -> bool:
        """Tell of what MLflow does not take; the next command that sends tries it again."""
        each = "; ".join(f"{what} ({why})" for what, why in refused.items())
        self.notice(
            f"MLflow refuses {each}. It shows all else of '{model}', and what was decided stands. The next command "
            "that changes the model tries again, and so does `promotion sync`."
        )
        return False

    def _note_foreign(self, state: State, aliases: Names) -> bool:
        """Tell of aliases that were left alone, now and in `status`."""
        self.ledger.mark_foreign(state.model, aliases)
        if aliases:
            self.notice(foreign_told(state, aliases))
        return True

    def _shows(self, head: Head) -> bool:
        """Whether the mirror names what it was sent last; with a notice where somebody deleted it or put it back."""
        sent = self.mirror.head(head.model)
        if sent is not None and (sent[0] > head.seq or sent == (head.seq, head.hash)):
            return True
        self.notice(
            f"MLflow does not show entry {head.seq} of '{head.model}', which it was sent: somebody deleted it or put "
            f"it back there. `promotion audit {head.model}` says what to do."
        )
        return False

    def _check_end(self, model: str) -> None:
        """See that the mirror was sent no more than the ledger holds; no entry reaches it before the ledger.

        Raises:
            MirrorAhead: it was.
        """
        sent, head = self.mirror.head(model), self.ledger.head(model)
        if sent and head and sent[0] > head.seq:
            message = (
                f"MLflow was sent entry {sent[0]} of '{model}' once, and the ledger ends at entry {head.seq}: its end "
                f"was cut off, or it is an older copy. `promotion audit {model}` says what to do."
            )
            raise MirrorAhead(message)


def _planned(proposal: Proposal) -> TransitionPlanned:
    assert proposal.plan is not None  # noqa: S101 - these proposals always move
    return proposal.plan
