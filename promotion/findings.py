"""Findings of an audit, with a code for each kind."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Severity of a finding: an `error` may mean that the wrong model serves or that a record is false."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """The kinds of findings; `docs/reference/audit.md` explains the meaning of each and what to do."""

    CHAIN = "AUD001"
    HEAD = "AUD002"
    DECISION = "AUD003"
    UNFINISHED = "AUD004"
    FALSE_SIGNATURE = "AUD005"
    UNKNOWN_KEY = "AUD006"
    UNSIGNED = "AUD007"
    NEVER_SIGNED = "AUD008"
    CHECKPOINT = "AUD009"
    CHAMPION_LABEL = "AUD010"
    LABEL = "AUD011"
    FOREIGN_PROD = "AUD012"
    TORN = "AUD013"
    MISSING = "AUD014"
    UNRECORDED = "AUD015"
    NOT_DELETED = "AUD016"
    FOREIGN_FILE = "AUD017"
    STORE = "AUD018"
    FILES = "AUD020"
    ALIAS = "AUD030"
    STAGE = "AUD031"
    METRIC = "AUD032"
    BEHIND = "AUD033"
    MIRROR = "AUD034"
    TAIL_CUT = "AUD035"
    REWRITTEN = "AUD036"
    HEAD_GONE = "AUD037"
    FOREIGN_ALIAS = "AUD038"
    CLOCK_BACK = "AUD040"
    CLOCK_AHEAD = "AUD041"
    UNFOUNDED = "AUD050"
    UNAPPROVED = "AUD051"
    POLICY = "AUD052"
    CHECKS = "AUD053"
    VERDICT = "AUD054"
    ROLLBACK = "AUD055"
    OVERDUE = "AUD056"
    BUDGET = "AUD057"
    TRAINING_METRIC = "AUD058"
    RUN_DELETED = "AUD059"
    RUN_GONE = "AUD060"
    DATA_CHANGED = "AUD061"
    DATA_GONE = "AUD062"
    DATA_NEWER = "AUD063"
    LIBRARIES = "AUD064"
    SERVICE = "AUD065"
    SERVICE_AWAY = "AUD066"
    RECOMPUTED = "AUD070"
    UNSCORED = "AUD071"
    NOT_RECOMPUTED = "AUD072"
    OTHER_ROWS = "AUD073"
    STALE = "AUD074"
    DRIFT = "AUD075"
    OTHER_LEDGER = "AUD080"
    UNCLAIMED = "AUD081"


_WARNINGS = {
    Code.UNFINISHED,
    Code.UNRECORDED,
    Code.BEHIND,
    Code.MIRROR,
    Code.CLOCK_BACK,
    Code.CLOCK_AHEAD,
    Code.OVERDUE,
    Code.BUDGET,
    Code.DATA_GONE,
    Code.DATA_NEWER,
    Code.LIBRARIES,
    Code.SERVICE_AWAY,
    Code.NOT_RECOMPUTED,
    Code.OTHER_ROWS,
    Code.STALE,
    Code.DRIFT,
    Code.UNCLAIMED,
}

BROKEN = frozenset({Code.CHAIN, Code.HEAD, Code.DECISION})
"""Findings after which the ledger cannot be read further."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference between the record and reality.

    Attributes:
        code: stable, e.g. `AUD011`.
        severity: severity of the finding.
        subject: the entry, version or alias concerned.
        expected: the recorded state.
        found: the actual state.
        mend: what to do.
    """

    code: Code
    severity: Severity
    subject: str
    expected: str
    found: str
    mend: str


def severity_of(code: Code) -> Severity:
    """Return the default severity of findings of this kind."""
    return Severity.WARNING if code in _WARNINGS else Severity.ERROR


def finding(
    code: Code, subject: str, expected: str, found: str, mend: str, *, severity: Severity | None = None
) -> Finding:
    """Create a finding, with the default severity of its code unless given."""
    severity = severity or severity_of(code)
    return Finding(code=code, severity=severity, subject=subject, expected=expected, found=found, mend=mend)
