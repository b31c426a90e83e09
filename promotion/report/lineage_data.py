"""Lineage as plain data: ids and digests that connect data, run, decision and service."""

from collections.abc import Iterable, Sequence
from typing import Any

from promotion.canonical import plain
from promotion.history.lineage import ChampionPeriod, Ending, Passage, concerning, decisions, ending, passages
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement, Registration
from promotion.ledger.state import VersionState


def champion_period_data(period: ChampionPeriod) -> dict[str, Any]:
    """Return one champion period, its cause, and the data and run behind the version."""
    decision = period.decision
    return {
        **plain(period.champion),
        "until": period.until,
        "actor": period.actor,
        "cause": period.cause,
        "reason": period.plan.reason,
        "decision_id": period.decision_id,
        "verdict": decision.verdict.value if decision else None,
        "holdout": plain(decision.holdout) if decision else None,
        **_origin(period.registration),
    }


def version_data(version: VersionState, entries: Sequence[Entry], among: Iterable[ChampionPeriod]) -> dict[str, Any]:
    """Return the life of one version; takes the arguments of `promotion.report.lineage.version_pages`."""
    own = concerning(version.tag, entries)
    lineage = {
        **_origin(version.registration),
        "version": {"tag": version.tag, "digest": version.registration.digest, "registered_at": version.registered_at},
        "decisions": [_judged(entry, judgement) for entry, judgement in decisions(own)],
        "transitions": [_passage(passage) for passage in passages(version.tag, entries)],
        "in_production": [champion_period_data(period) for period in among if period.champion.tag == version.tag],
    }
    return {**plain(version), "lineage": lineage, "entries": [vars(entry) for entry in own]}


def decision_data(entry: Entry, judgement: Judgement, followed: Sequence[Entry]) -> dict[str, Any]:
    """Return one decision, where it is recorded, what followed, and what ended the champion period that it began."""
    evidence = {"decision": plain(judgement.decision), "followed": [vars(one) for one in followed]}
    ended = {"no_longer_serving": _ending(ending(judgement, followed))}
    return {"tag": judgement.tag, **_judged(entry, judgement), **ended, **evidence}


def _ending(ended: Ending | None) -> dict[str, Any] | None:
    if ended is None:
        return None
    replaced = {"champion": ended.champion, "at": ended.at, "seq": ended.seq, "actor": ended.actor}
    return {**replaced, "cause": ended.plan.cause, "reason": ended.plan.reason}


def _origin(registration: Registration) -> dict[str, Any]:
    return {
        "data": {"name": registration.data, "digest": registration.data_digest, "rows": registration.training_rows},
        "recipe": {"name": registration.recipe, "options": registration.options},
        "run_id": registration.run_id,
    }


def _judged(entry: Entry, judgement: Judgement) -> dict[str, Any]:
    decision = judgement.decision
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "decision_id": judgement.decision_digest[:12],
        "digest": judgement.decision_digest,
        "verdict": decision.verdict.value,
        "champion": plain(decision.champion),
        "holdout": plain(decision.holdout),
    }


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "seq": passage.entry.seq,
        "at": passage.entry.at,
        "actor": passage.entry.actor,
        "cause": passage.plan.cause,
        "before": passage.before,
        "after": passage.after,
        "deleted": passage.deleted,
        "decision": passage.plan.decision,
        "applied": passage.applied,
    }
