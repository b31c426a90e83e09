"""A past decision with all that it takes to make it again, as it was recorded."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promotion.canonical import canonical_json, restore
from promotion.comparison import Comparison, Evaluation, compare, measure
from promotion.draws import UNSAID, Draws
from promotion.errors import DataError, PromotionError
from promotion.holdout import Clean, UnknownRows
from promotion.interfaces import ModelStore
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement, Registration
from promotion.ledger.state import State
from promotion.policy import Decision, HoldoutUsed, Policy
from promotion.registry.candidate import Candidate
from promotion.registry.data import Reader
from promotion.registry.serving import provenance
from promotion.vocabulary import Tag


@dataclass(frozen=True, kw_only=True)
class RecordedDecision:
    """One decision with evidence.

    Attributes:
        seq: of its entry.
        tag: of the version judged.
        decision: as it was recorded.
        evidence: of the decision.
        used: the rows that judged.
        registration: of the version judged, whose options its recipe reads rows with.
        policy: as it was recorded with the decision; None where an earlier release did not.
        draws: what counted as a draw of its own among the rows.
        form: of the keys that the rows were read and fingerprinted by.
    """

    seq: int
    tag: str
    decision: Decision
    evidence: Comparison | Evaluation
    used: HoldoutUsed
    registration: Registration
    policy: Policy | None
    draws: Draws
    form: int

    @property
    def subject(self) -> str:
        """What a finding names."""
        return f"entry {self.seq} ({self.tag})"

    @property
    def tags(self) -> tuple[str, ...]:
        """Whose scores it rests on: the challenger's, and the champion's."""
        return tuple(candidate.tag for candidate in (self.decision.challenger, self.decision.champion) if candidate)

    @property
    def source(self) -> tuple[str, ...]:
        """Decisions of equal sources rest on the same rows, read in the same way."""
        made = canonical_json([self.registration.recipe, self.registration.options])
        return self.used.data, self.used.data_digest, made, str(self.form)


def recorded_decisions(state: State, entries: Iterable[Entry], since: datetime | None) -> Iterator[RecordedDecision]:
    """The decisions since a moment that rest on evidence, of versions whose files were not given up."""
    for entry in entries:
        if entry.kind != "decision" or (since and datetime.fromisoformat(entry.at) < since):
            continue
        body = entry.content()
        if not isinstance(body, Judgement):
            continue
        decision, version = body.decision, state.versions[body.tag]
        names = (candidate.tag for candidate in (decision.challenger, decision.champion) if candidate)
        gone = any(name in state.versions and state.versions[name].deleted_at for name in names)
        if decision.evidence is None or decision.holdout is None or gone:
            continue
        yield RecordedDecision(
            seq=entry.seq,
            tag=body.tag,
            decision=decision,
            evidence=decision.evidence,
            used=decision.holdout,
            registration=version.registration,
            policy=_policy(body),
            draws=body.draws or UNSAID,
            form=body.form,
        )


def candidates_of(one: RecordedDecision, state: State, store: ModelStore, reader: Reader) -> tuple[Candidate, ...]:
    """Challenger and champion, by the digests that they were registered with.

    Raises:
        PromotionError: one is not known, or its recipe cannot be made.
    """
    named = (("challenger", one.decision.challenger), ("champion", one.decision.champion))
    found = []
    for role, candidate in named:
        if candidate is None:
            continue
        version = state.versions.get(candidate.tag)
        if version is None or (candidate.digest or version.registration.digest) != version.registration.digest:
            message = f"The {role} {candidate.tag} is not registered with the files that were judged."
            raise DataError(message)
        trained = provenance(version, store, one.draws)
        tag = Tag.parse(candidate.tag)
        found.append(
            Candidate(
                role=role,
                tag=tag,
                digest=version.registration.digest,
                provenance=trained.taken_as_clean(by_policy=True) if isinstance(trained, UnknownRows) else trained,
                recipe=reader.recipe_of(tag.model, version.registration),
            )
        )
    return tuple(found)


def again(
    one: RecordedDecision, holdout: Clean, scores: Sequence[Any], candidate: Candidate
) -> Comparison | Evaluation:
    """The metrics of a decision whose policy was not recorded, without its slices."""
    names = [each.metric for each in (*one.evidence.metrics, *one.evidence.missing)]
    labels, drawn = holdout.rows[candidate.recipe.label].to_numpy(), one.draws.arguments(holdout.rows)
    if len(scores) == 1:
        return measure(labels, scores[0], metrics=names, columns=holdout.rows, **drawn)
    confidence = one.evidence.confidence if isinstance(one.evidence, Comparison) else 0.95
    return compare(labels, scores[1], scores[0], metrics=names, columns=holdout.rows, confidence=confidence, **drawn)


def _policy(body: Judgement) -> Policy | None:
    from pydantic import ValidationError

    recorded = getattr(body, "policy", None)
    try:
        return restore(Policy, recorded) if recorded else None
    except (ValidationError, PromotionError):
        return None
