"""The policy, its checks on a comparison, and the decision that follows. Pure; no I/O, no clock."""

from promotion.policy.budget import Budget, HoldoutSketch, Renamed, Trial, Use, count_use, seen_renamed, share_of
from promotion.policy.checks import Check, Kind
from promotion.policy.decision import Decision, HoldoutUsed, Judged, decide
from promotion.policy.limits import Footprint
from promotion.policy.policy import HoldoutReuse, Policy, UnknownProvenance
from promotion.policy.rules import Floor, Guardrail, Limits, Primary, Require, SliceRule
