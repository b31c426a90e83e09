"""What the mirror shall show, built from the state. Pure; sending it is the mirror's."""

from collections.abc import Mapping
from pathlib import Path

from promotion.canonical import canonical_json, plain
from promotion.evidence import Comparison
from promotion.judgement import Decision
from promotion.registry.state import Known, State
from promotion.seams import MirrorDecision, MirrorState, MirrorVersion
from promotion.vocabulary import Tag


def mirror_state(state: State, paths: Mapping[str, Path], *, after: int) -> MirrorState:
    """All versions and aliases, and the decisions made after an entry.

    Args:
        state: of the ledger.
        paths: where each version's files lie, by tag.
        after: the `seq` up to which the mirror is done.
    """
    known = tuple(state.versions.values())
    return MirrorState(
        model=state.model,
        seq=state.seq,
        versions=tuple(_version(version, paths) for version in known if version.stage is not None),
        aliases=aliases(state),
        decisions=tuple(filter(None, (_decision(version, after) for version in known))),
    )


def aliases(state: State) -> Mapping[str, Tag]:
    """Which version each alias shall name; an alias that names none is left out."""
    newest = state.waiting[-1].tag if state.waiting else None
    named = {
        "champion": state.champion.tag if state.champion else None,
        "challenger": newest,
        "previous": state.previous,
    }
    return {alias: Tag.parse(tag) for alias, tag in named.items() if tag is not None}


def decision_metrics(decision: Decision) -> dict[str, float]:
    """The numbers of a decision under the names that they are logged by."""
    if decision.evidence is None:
        return {}
    if not isinstance(decision.evidence, Comparison):
        return {f"gate_{found.metric}": found.value for found in decision.evidence.metrics}
    numbers = {}
    for found in decision.evidence.metrics:
        numbers[f"gate_{found.metric}"] = found.challenger
        numbers[f"gate_{found.metric}_champion"] = found.champion
        numbers[f"gate_{found.metric}_gain"] = found.gain
        numbers[f"gate_{found.metric}_gain_stderr"] = found.stderr
    return numbers


def _version(known: Known, paths: Mapping[str, Path]) -> MirrorVersion:
    assert known.stage is not None  # noqa: S101 - the caller has filtered
    return MirrorVersion(
        tag=Tag.parse(known.tag),
        path=paths.get(known.tag, Path(known.tag.replace(":", "/"))),
        run_id=known.registration.run_id,
        stage=known.stage,
        digest=known.registration.digest,
    )


def _decision(known: Known, after: int) -> MirrorDecision | None:
    run_id, decision, seq = known.registration.run_id, known.decision, known.decided_seq
    if run_id is None or decision is None or seq is None or seq <= after:
        return None
    return MirrorDecision(
        run_id=run_id,
        seq=seq,
        verdict=decision.verdict.value,
        metrics=decision_metrics(decision),
        document=canonical_json(plain(decision)),
    )
