"""What we require: a policy, its checks on a comparison, and the decision that follows. Pure; no I/O, no clock."""

from promotion.judgement.budget import Budget, Renamed, Sketch, Trial, count_use, seen_renamed
from promotion.judgement.checks import Check, Kind
from promotion.judgement.decision import Decision, HoldoutUsed, Judged, decide
from promotion.judgement.limits import Footprint
from promotion.judgement.policy import ApprovalRule, FirstModel, HoldoutReuse, Policy, Rule, UnknownProvenance
from promotion.judgement.rules import Floor, Guardrail, Limits, Primary, Require, SliceRule

__all__ = [
    "ApprovalRule",
    "Budget",
    "Check",
    "Decision",
    "FirstModel",
    "Floor",
    "Footprint",
    "Guardrail",
    "HoldoutReuse",
    "HoldoutUsed",
    "Judged",
    "Kind",
    "Limits",
    "Policy",
    "Primary",
    "Renamed",
    "Require",
    "Rule",
    "Sketch",
    "SliceRule",
    "Trial",
    "UnknownProvenance",
    "count_use",
    "decide",
    "seen_renamed",
]
