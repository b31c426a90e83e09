"""Check each decision against itself: policy digest, checks recomputed from evidence and policy, and verdict."""

import math
from collections.abc import Iterator

from pydantic import ValidationError

from promotion.canonical import restore
from promotion.comparison import Comparison
from promotion.errors import PromotionError
from promotion.findings import Code, Finding, finding
from promotion.ledger.entries import Judgement
from promotion.policy import Check, Decision, Policy, decide
from promotion.policy.checks import BEFORE
from promotion.policy.decision import verdict_of
from promotion.policy.policy import policy_digest

_RESTORE = "Restore the ledger from a backup. Something other than `promotion` changed it."
_TOLERANCE = 1e-9


def check_decision(seq: int, body: Judgement) -> Iterator[Finding]:
    """Check that a decision follows from the policy and evidence recorded with it; without a policy, only its verdict.

    If the policy names a metric that this process does not know, only its digest can be checked.
    """
    subject = f"entry {seq}"
    then = body.decision
    if body.policy is not None:
        named = policy_digest(body.policy)
        if named != then.policy:
            expected, found = (
                f"a policy with digest {then.policy[:12]}, as named in the decision",
                f"a policy with digest {named[:12]}",
            )
            yield finding(Code.POLICY, subject, expected, found, _RESTORE)
        else:
            yield from _check_again(subject, then, _policy(body.policy))
    follows = verdict_of(then.checks)
    if follows is not then.verdict:
        expected = f"verdict {follows}, which follows from the checks"
        yield finding(Code.VERDICT, subject, expected, f"verdict {then.verdict} on {body.tag}", _RESTORE)


def _policy(data: dict[str, object]) -> Policy | None:
    try:
        return restore(Policy, data)
    except (PromotionError, ValidationError):  # only the recipe's module registers one of its metrics
        return None


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
            return _told(made), _told(recorded)
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


def _told(check: Check) -> str:
    return f"{check.name} {check.outcome} (value {check.value!r}, bound {check.bound!r}, required {check.required!r})"
