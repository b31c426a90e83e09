"""Build the state that the mirror should show from the ledger's state. Pure functions; the mirror sends it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from promotion.canonical import canonical_json, plain
from promotion.comparison import Comparison
from promotion.interfaces import Aliases, MirrorDecision, MirrorState, MirrorVersion
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement, Takeover
from promotion.ledger.state import State, VersionState
from promotion.policy import Decision
from promotion.registry.mirror_description import descriptions
from promotion.visible import visible_in_json
from promotion.vocabulary import Stage, Tag

Draw = Callable[[State, Sequence[Entry], Entry], str | None]
"""Renders the page of a decision from the model's state, its entries, and the decision's own entry."""


def mirror_state(
    state: State,
    entries: Sequence[Entry],
    paths: Mapping[str, Path],
    names: Aliases,
    *,
    seen: int = 0,
    draw: Draw | None = None,
) -> MirrorState:
    """Return all versions and aliases, and what the mirror has not seen: decisions, and new descriptions of versions.

    Includes what follows the first `seen` entries. `paths` gives each version's folder by tag; `draw` renders a
    decision's page, None shows its numbers only.
    """
    described = descriptions(state, entries, seen)
    return MirrorState(
        model=state.model,
        hashes=tuple(entry.hash for entry in entries),
        versions=tuple(
            _version(version, paths, described.get(version.tag))
            for version in state.versions.values()
            if version.stage is not None or version.deleted_at
        ),
        aliases=names,
        decisions=tuple(filter(None, (_decision(state, entries, entry, draw) for entry in entries[seen:]))),
        inherited=inherited(entries),
    )


def inherited(entries: Iterable[Entry]) -> tuple[tuple[int, str], ...]:
    """Return the last `seq` and hash that each ledger sent to the mirror before the model was taken over from it."""
    taken = (entry.content() for entry in entries if entry.kind == "takeover")
    return tuple(body.mirrored for body in taken if isinstance(body, Takeover) and body.mirrored)


def aliases(state: State) -> Mapping[str, Tag]:
    """Return the version that each alias should name; leaves out aliases that name no version."""
    waiting = state.in_stage(Stage.STAGING)
    named = {
        "champion": state.champion.tag if state.champion else None,
        "challenger": waiting[-1] if waiting else None,
        "previous": state.previous,
    }
    return {alias: Tag.parse(tag) for alias, tag in named.items() if tag is not None}


def decision_metrics(decision: Decision) -> dict[str, float]:
    """Return the numbers of a decision under their logged names."""
    if decision.evidence is None:
        return {}
    if not isinstance(decision.evidence, Comparison):
        return {f"gate_{logged_as(found.metric)}": found.value for found in decision.evidence.metrics}
    numbers = {}
    for found in decision.evidence.metrics:
        name = f"gate_{logged_as(found.metric)}"
        numbers[name] = found.challenger
        numbers[f"{name}_champion"] = found.champion
        numbers[f"{name}_gain"] = found.gain
        numbers[f"{name}_gain_stderr"] = found.stderr
    return numbers


def logged_as(metric: str) -> str:
    """Return a metric's name in the form that MLflow accepts: `recall_at_fpr(0.01)` becomes `recall_at_fpr_0.01`."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", metric).strip("_")


def _version(version: VersionState, paths: Mapping[str, Path], description: str | None) -> MirrorVersion:
    return MirrorVersion(
        tag=Tag.parse(version.tag),
        path=paths.get(version.tag, Path(version.tag.replace(":", "/"))),
        run_id=version.registration.run_id,
        stage=version.stage,
        digest=version.registration.digest,
        description=description,
    )


def _decision(state: State, entries: Sequence[Entry], entry: Entry, draw: Draw | None) -> MirrorDecision | None:
    body = entry.content()
    run_id = state.versions[body.tag].registration.run_id if isinstance(body, Judgement) else None
    if run_id is None or not isinstance(body, Judgement):
        return None
    return MirrorDecision(
        run_id=run_id,
        seq=entry.seq,
        id=body.decision_digest[:12],
        verdict=body.decision.verdict.value,
        drawn=body.decision.drawn,
        metrics=decision_metrics(body.decision),
        document=visible_in_json(canonical_json(plain(body.decision))),
        report=partial(draw, state, entries, entry) if draw else None,
    )
