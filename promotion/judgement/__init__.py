"""What we require: a policy, its checks on a comparison, and the decision that follows. Pure; no I/O, no clock."""

from promotion.judgement.checks import Check, Kind
from promotion.judgement.decision import Decision, HoldoutUsed, Judged, decide
from promotion.judgement.policy import Floor, Guardrail, Policy, Primary, Require

__all__ = [
    "Check",
    "Decision",
    "Floor",
    "Guardrail",
    "HoldoutUsed",
    "Judged",
    "Kind",
    "Policy",
    "Primary",
    "Require",
    "decide",
]
