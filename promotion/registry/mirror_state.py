"""Build the state that the mirror should show from the ledger's state. Pure functions; the mirror sends it."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

from promotion.canonical import canonical_json, plain
from promotion.comparison import Comparison
from promotion.history.lineage import tags_in
from promotion.interfaces import Aliases, MirrorDecision, MirrorState, MirrorVersion
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement
from promotion.ledger.state import State, VersionState
from promotion.policy import Decision
from promotion.registry.mirror_description import Pages, descriptions
from promotion.visible import visible_in_json
from promotion.vocabulary import Stage, Tag

Draw = Callable[[State, Sequence[Entry], Entry], str | None]
"""Renders the page of a decision from the model's state, its entries, and the decision's own entry."""


class _Hashes(Sequence[str]):
    """The hash of every entry, read on access."""

    def __init__(self, state: State, history: Sequence[Entry]) -> None:
        self._state, self._history = state, history

    def __len__(self) -> int:
        return self._state.seq

    def __getitem__(self, place: int) -> str:  # type: ignore[override]  # nobody takes a slice
        last = place in {-1, self._state.seq - 1}
        return self._state.hash if last else self._history[place].hash


def mirror_state(
    state: State,
    history: Sequence[Entry],
    path: Callable[[Tag], Path],
    names: Aliases,
    *,
    seen: int = 0,
    draw: Draw | None = None,
    pages: Pages = lambda _: {},
) -> MirrorState:
    """Return what the mirror has not seen: versions with new descriptions, and decisions; and what each alias names.

    Args:
        state: the model's state.
        history: all its entries, of which only the new ones are read, and what they refer to.
        path: returns the folder of a version.
        names: the aliases.
        seen: number of entries that the mirror shows already.
        draw: renders a decision's page; None shows its numbers only.
        pages: returns the pages that descriptions link to.
    """
    new = history[seen : state.seq]
    described = descriptions(state, history, {tag for entry in new for tag in tags_in(entry)}, pages)
    named = {str(tag) for tag in names.wanted.values()}
    versions = (state.versions[tag] for tag in state.versions if tag in described or tag in named)
    return MirrorState(
        model=state.model,
        hashes=_Hashes(state, history),
        versions=tuple(
            _version(version, path, described.get(version.tag))
            for version in versions
            if version.stage is not None or version.deleted_at
        ),
        aliases=names,
        decisions=tuple(filter(None, (_decision(state, history, entry, draw) for entry in new))),
        inherited=state.inherited,
    )


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


@lru_cache(maxsize=256)
def logged_as(metric: str) -> str:
    """Return a metric's name in the form that MLflow accepts: `recall_at_fpr(0.01)` becomes `recall_at_fpr_0.01`."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", metric).strip("_")


def _version(version: VersionState, path: Callable[[Tag], Path], description: str | None) -> MirrorVersion:
    tag = Tag.parse(version.tag)
    return MirrorVersion(
        tag=tag,
        path=path(tag),
        run_id=version.registration.run_id,
        stage=version.stage,
        digest=version.registration.digest,
        description=description,
        origin=version.registration.mlflow,
    )


def _decision(state: State, history: Sequence[Entry], entry: Entry, draw: Draw | None) -> MirrorDecision | None:
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
        report=partial(draw, state, history, entry) if draw else None,
    )
