"""Judging one version: holdout, cleaning, scoring both sides on the same rows, comparison, decision.

The parts run through a `Step`, so that each shows as a task where something orchestrates them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from promotion.errors import DataError, as_data_error
from promotion.evidence import Comparison, Evaluation, compare, measure
from promotion.holdout import Clean, Provenance, UnknownRows, clean, holdout_digest
from promotion.judgement import Check, Decision, HoldoutUsed, Judged, Kind, Policy, decide
from promotion.registry.reading import Data
from promotion.seams import ModelStore, Recipe, Step
from promotion.vocabulary import Outcome, Tag

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Side:
    """Champion or challenger, with what is known of it and the recipe, as it was made for it, that scores it."""

    role: str
    tag: Tag
    digest: str
    provenance: Provenance
    recipe: Recipe


def judge(
    challenger: Side,
    champion: Side | None,
    data: Data,
    policy: Policy,
    store: ModelStore,
    step: Step,
) -> Decision:
    """Decide on the challenger; a side that cannot be scored is named in the decision, which then holds."""
    recipe, sides = challenger.recipe, [side for side in (challenger, champion) if side is not None]
    holdout = step(clean_holdout, data.rows, recipe, [side.provenance for side in sides])
    unknown = _provenance_checks(sides, holdout)
    if any(check.outcome is not Outcome.PASSED for check in unknown):
        decision = decide(None, policy, before=unknown)
    else:
        decision = _score_and_decide(sides, holdout, policy, store, step, unknown)
    return replace(
        decision,
        challenger=Judged(tag=str(challenger.tag), digest=challenger.digest),
        champion=Judged(tag=str(champion.tag), digest=champion.digest) if champion else None,
        holdout=HoldoutUsed(
            digest=holdout_digest(holdout.rows, recipe),
            data=data.name,
            data_digest=data.digest,
            rows=len(holdout.rows),
            positives=int(holdout.rows[recipe.label].sum()),
            removed=holdout.removed,
        ),
    )


def clean_holdout(rows: "pd.DataFrame", recipe: Recipe, provenances: Sequence[Provenance]) -> Clean:
    """The recipe's holdout without the rows that a side was trained on."""
    with as_data_error("The recipe could not split the rows"):
        holdout = recipe.split(rows).holdout
    return clean(holdout, recipe, *provenances)


def score_version(side: Side, store: ModelStore, rows: "pd.DataFrame") -> "Scores":
    """Load a version, its files verified, and score the rows: shape (n_rows,).

    Raises:
        StoreError: it cannot be loaded, or its files have changed.
        DataError: the recipe cannot score with it.
    """
    import numpy as np

    trained = store.load(side.tag, digest=side.digest)
    with as_data_error(f"The {side.role} {side.tag} could not be scored"):
        # float64 for both sides: log_loss clips by precision, and neither shall be judged more mildly
        scores = np.asarray(side.recipe.score(trained, rows), dtype=np.float64)
    if scores.shape != (len(rows),):
        message = f"The {side.role} {side.tag} gave scores of shape {scores.shape}, expected ({len(rows)},)."
        raise DataError(message)
    return scores


def weigh(labels: "NDArray[Any]", scores: Sequence["Scores"], policy: Policy) -> Comparison | Evaluation:
    """Compare challenger and champion (in this order); measure the challenger alone when there is no champion."""
    if len(scores) == 1:
        return measure(labels, scores[0], metrics=policy.names)
    challenger, champion = scores
    return compare(labels, champion, challenger, metrics=policy.names, confidence=policy.confidence)


def _score_and_decide(
    sides: Sequence[Side],
    holdout: Clean,
    policy: Policy,
    store: ModelStore,
    step: Step,
    before: tuple[Check, ...],
) -> Decision:
    try:
        scores = [step(score_version, side, store, holdout.rows) for side in sides]
    except DataError as error:
        unscored = Check(kind=Kind.SCORED, subject="", outcome=Outcome.MISSING, reason=str(error))
        return decide(None, policy, before=(*before, unscored))
    evidence = step(weigh, holdout.rows[sides[0].recipe.label].to_numpy(), scores, policy)
    return step(decide, evidence, policy, before=before)


def _provenance_checks(sides: Sequence[Side], holdout: Clean) -> tuple[Check, ...]:
    """One check that the holdout is clean for all sides, or one for each side whose training rows are unknown."""
    unknown = [side for side in sides if isinstance(side.provenance, UnknownRows)]
    if unknown:
        return tuple(
            Check(kind=Kind.CLEAN, subject=side.role, outcome=Outcome.MISSING, reason=_unknown(side))
            for side in unknown
        )
    if len(holdout.rows) == 0:
        reason = (
            f"All {holdout.removed:,} rows of the holdout trained one of the models, so no row is left to judge by."
        )
        return (Check(kind=Kind.CLEAN, subject="", outcome=Outcome.MISSING, reason=reason),)
    left_out = f"; {holdout.removed:,} that did were left out" if holdout.removed else ""
    trained = "either model" if len(sides) > 1 else "the model"
    reason = f"None of the {len(holdout.rows):,} rows that judge trained {trained}{left_out}."
    return (Check(kind=Kind.CLEAN, subject="", outcome=Outcome.PASSED, reason=reason),)


def _unknown(side: Side) -> str:
    return (
        f"The training rows of the {side.role} {side.tag} are unknown, so the holdout may not be clean. If you know "
        f"that it was trained before a time, `promotion adopt {side.tag} --trained-before TIME --reason …` records it; "
        "if you are sure that it saw none of the holdout's rows, use --assume-clean."
    )
