"""The policy, its checks on a comparison, and the decision that follows. Pure; no I/O, no clock."""

from promotion.policy.budget import Budget as Budget
from promotion.policy.budget import HoldoutSketch as HoldoutSketch
from promotion.policy.budget import Renamed as Renamed
from promotion.policy.budget import Trial as Trial
from promotion.policy.budget import count_use as count_use
from promotion.policy.budget import seen_renamed as seen_renamed
from promotion.policy.checks import Check as Check
from promotion.policy.checks import Kind as Kind
from promotion.policy.decision import Decision as Decision
from promotion.policy.decision import HoldoutUsed as HoldoutUsed
from promotion.policy.decision import Judged as Judged
from promotion.policy.decision import decide as decide
from promotion.policy.limits import Footprint as Footprint
from promotion.policy.policy import ApprovalRule as ApprovalRule
from promotion.policy.policy import FirstModel as FirstModel
from promotion.policy.policy import HoldoutReuse as HoldoutReuse
from promotion.policy.policy import Policy as Policy
from promotion.policy.policy import Rule as Rule
from promotion.policy.policy import UnknownProvenance as UnknownProvenance
from promotion.policy.rules import Floor as Floor
from promotion.policy.rules import Guardrail as Guardrail
from promotion.policy.rules import Limits as Limits
from promotion.policy.rules import Primary as Primary
from promotion.policy.rules import Require as Require
from promotion.policy.rules import SliceRule as SliceRule
