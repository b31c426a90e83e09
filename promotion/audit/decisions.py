"""Check each decision against itself: policy digest, checks recomputed from evidence and policy, and verdict."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from promotion.canonical import canonical_json, restore
from promotion.comparison import Comparison, Evaluation, compare, measure
from promotion.draws import UNSAID, Draws
from promotion.errors import DataError, PromotionError
from promotion.findings import Code, Finding, finding
from promotion.holdout import Clean
from promotion.interfaces import ModelStore
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement, Registration
from promotion.ledger.state import State
from promotion.metrics.lookup import is_built_in
from promotion.policy import Check, Decision, HoldoutUsed, Policy, decide
from promotion.policy.checks import BEFORE
from promotion.policy.decision import verdict_of
from promotion.policy.policy import policy_digest
from promotion.provenance import UnknownRows
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
        used: the rows on which the version was judged.
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
            policy=_recorded_policy(body),
            draws=body.draws or UNSAID,
            form=body.form,
        )


def candidates_of(one: RecordedDecision, state: State, store: ModelStore, reader: Reader) -> tuple[Candidate, ...]:
    """Return challenger and champion with their registered digests."""
    named = (("challenger", one.decision.challenger), ("champion", one.decision.champion))
    found = []
    for role, candidate in named:
        if candidate is None:
            continue
        version = state.versions.get(candidate.tag)
        if version is None or (candidate.digest or version.registration.digest) != version.registration.digest:
            raise DataError(f"The {role} {candidate.tag} is not registered with the files that were judged.")
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


def _recorded_policy(body: Judgement) -> Policy | None:
    recorded = getattr(body, "policy", None)
    try:
        return restore(Policy, recorded) if recorded else None
    except (ValidationError, PromotionError):
        return None


_RESTORE = "Restore the ledger from a backup. Something other than `promotion` changed it."
_TOLERANCE = 1e-9


def check_decision(seq: int, body: Judgement) -> Iterator[Finding]:
    """Check that a decision follows from the policy and evidence recorded with it; without a policy, only its verdict.

    If the policy names a metric that this process does not know, only its digest can be checked.
    """
    subject = f"entry {seq}"
    then = body.decision
    if body.policy is not None:
        text = canonical_json(body.policy)  # most decisions have the same policy
        named = _policy_digest(text)
        if named != then.policy:
            expected, found = (
                f"a policy with digest {then.policy[:12]}, as named in the decision",
                f"a policy with digest {named[:12]}",
            )
            yield finding(Code.POLICY, subject, expected, found, _RESTORE)
        else:
            yield from _check_again(subject, then, _policy(text))
    follows = verdict_of(then.checks)
    if follows is not then.verdict:
        expected = f"verdict {follows}, which follows from the checks"
        yield finding(Code.VERDICT, subject, expected, f"verdict {then.verdict} on {body.tag}", _RESTORE)


def is_made_again(body: Judgement) -> bool:
    """Whether `check_decision` repeats the checks with code of this package alone, not with a metric of somebody's."""
    return body.policy is None or _is_ours(canonical_json(body.policy))


@lru_cache(maxsize=64)
def _is_ours(text: str) -> bool:
    policy = _policy(text)
    return policy is not None and all(map(is_built_in, (*policy.required, *(policy.metrics or ()))))


def _policy(text: str) -> Policy | None:
    try:
        return _restored_policy(text)
    except (PromotionError, ValidationError):  # only the recipe's module registers one of its metrics
        return None


@lru_cache(maxsize=64)
def _restored_policy(text: str) -> Policy:
    return restore(Policy, json.loads(text))


@lru_cache(maxsize=64)
def _policy_digest(text: str) -> str:
    return policy_digest(json.loads(text))


def _check_again(subject: str, then: Decision, policy: Policy | None) -> Iterator[Finding]:
    """Repeat the checks with the recorded level; take the checks of holdout and scoring as recorded."""
    if policy is None:
        return
    before = tuple(check for check in then.checks if check.kind in BEFORE)
    now = decide(then.evidence, policy, budget=then.budget, footprint=then.footprint, before=before)
    expected, found = _differing(now, then)
    if expected != found:
        yield finding(Code.CHECKS, subject, f"{expected}, as the evidence and policy give", found, _RESTORE)
        return
    alpha = policy.alpha if isinstance(then.evidence, Comparison) and policy.budgeted else None
    counted = then.budget.alpha if then.budget else None
    if alpha != counted:
        given = f"the holdout's uses counted with alpha {alpha}" if alpha else "no count of uses, as the policy sets"
        found = f"uses counted with alpha {counted}" if counted else "no count of uses"
        yield finding(Code.CHECKS, subject, given, found, _RESTORE)


def _differing(now: Decision, then: Decision) -> tuple[str, str]:
    """Return the first difference as text, expected and found; two equal texts if there is none."""
    if [check.name for check in now.checks] != [check.name for check in then.checks]:
        return _names(now), _names(then)
    for made, recorded in zip(now.checks, then.checks, strict=True):
        if not _same(made, recorded):
            return _sentence(made), _sentence(recorded)
    if not _close(now.alpha, then.alpha):
        return f"level {now.alpha!r}", f"level {then.alpha!r}"
    return f"approval {now.approval}", f"approval {then.approval}"


def _names(decision: Decision) -> str:
    return f"the checks {', '.join(check.name for check in decision.checks)}" if decision.checks else "no checks"


def _same(made: Check, recorded: Check) -> bool:
    numbers = ((getattr(made, name), getattr(recorded, name)) for name in ("value", "bound", "required"))
    return made.outcome is recorded.outcome and all(_close(one, other) for one, other in numbers)


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _sentence(check: Check) -> str:
    return f"{check.name} {check.outcome} (value {check.value!r}, bound {check.bound!r}, required {check.required!r})"
