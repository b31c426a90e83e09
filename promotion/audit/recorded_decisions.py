"""A recorded decision with everything needed to recompute it."""

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
    """A decision with evidence.

    Attributes:
        seq: number of its entry.
        tag: the version judged.
        decision: the decision as recorded.
        evidence: the evidence of the decision.
        used: the rows that judged.
        registration: registration of the version judged; its recipe reads rows with these options.
        policy: the policy as recorded with the decision; None if an earlier release recorded none.
        draws: what counted as an independent draw among the rows.
        form: form of the row keys that the rows were read and fingerprinted with.
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
        """The subject of a finding on this decision."""
        return f"entry {self.seq} ({self.tag})"

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the versions that were scored: challenger and champion."""
        return tuple(candidate.tag for candidate in (self.decision.challenger, self.decision.champion) if candidate)

    @property
    def source(self) -> tuple[str, ...]:
        """Decisions with equal sources use the same rows, read in the same way."""
        made = canonical_json([self.registration.recipe, self.registration.options])
        return self.used.data, self.used.data_digest, made, str(self.form)


def recorded_decisions(state: State, entries: Iterable[Entry], since: datetime | None) -> Iterator[RecordedDecision]:
    """Yield the decisions since a moment that have evidence and whose versions are not deleted."""
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
    """Return challenger and champion with their registered digests.

    Raises:
        PromotionError: one is not registered, or its recipe cannot be created.
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
    """Recompute the metrics, without slices, of a decision whose policy was not recorded."""
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
