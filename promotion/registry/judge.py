"""Judge a version: select and clean the holdout, score both candidates on the same rows, compare, decide.

Each part runs through a `Step`, so an orchestrator can show it as a task.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from promotion.canonical import plain
from promotion.comparison import Comparison, Evaluation, compare, measure
from promotion.comparison.curves import Curves
from promotion.comparison.drawing import draw_curves
from promotion.draws import UNSAID, Draws
from promotion.errors import DataError
from promotion.holdout import Clean, clean, holdout_digest
from promotion.interfaces import ModelStore, Recipe, Step, task_of_recipe
from promotion.ledger.entries import Judgement
from promotion.ledger.state import VersionState
from promotion.policy import (
    Budget,
    Check,
    Decision,
    HoldoutSketch,
    HoldoutUsed,
    Judged,
    Kind,
    Policy,
    Renamed,
    Trial,
    UnknownProvenance,
    Use,
    count_use,
    decide,
    seen_renamed,
)
from promotion.provenance import AssumedClean, UnknownRows
from promotion.registry.candidate import Candidate, Scores, footprint, score_version
from promotion.registry.data import split
from promotion.registry.loaded import Data
from promotion.registry.sample import SampleScores, sample_scores
from promotion.row_keys import FIRST_FORM
from promotion.vocabulary import Outcome, Task

if TYPE_CHECKING:
    import pandas as pd


def judge(
    challenger: Candidate,
    champion: Candidate | None,
    data: Data,
    policy: Policy,
    store: ModelStore,
    step: Step,
    earlier: Iterable[Trial | Use] = (),
) -> Judgement:
    """Judge the challenger. If a candidate cannot be scored, the verdict is `hold` and a check names the candidate.

    `step` runs the parts. `earlier` holds every earlier use of a holdout of this model, oldest first.
    """
    candidates = [_trusted(one, policy) for one in (challenger, champion) if one is not None]
    holdout = step(clean_holdout, data, candidates)
    used = _used(holdout, data, candidates)
    trial = _trial(candidates, policy, used, holdout, earlier)
    clean_checks = _provenance_checks(candidates, holdout, data.draws)
    if any(check.outcome is not Outcome.PASSED for check in clean_checks):
        decision, curves, sample = decide(None, policy, before=clean_checks), None, None
    else:
        budget = _budget(trial, policy, earlier)
        decision, curves, sample = _score_and_decide(
            candidates, holdout, data, policy, store, step, clean_checks, budget
        )
    decision = replace(
        decision,
        challenger=Judged(tag=str(challenger.tag), digest=challenger.digest),
        champion=Judged(tag=str(champion.tag), digest=champion.digest) if champion else None,
        holdout=used,
    )
    return Judgement(
        tag=str(challenger.tag),
        decision=decision,
        decision_digest=decision.digest,
        sketch=trial.sketch,
        curves=curves,
        policy=plain(policy),
        renamed=trial.renamed,
        draws=None if decision.evidence is None or data.draws == UNSAID else data.draws,
        sample=sample,
    )


def withhold(challenger: VersionState, champion: VersionState | None, policy: Policy, check: Check) -> Judgement:
    """Hold the challenger for a reason that does not depend on rows. Reads and scores nothing, and counts no use."""
    decision = replace(
        decide(None, policy, before=(check,)),
        challenger=Judged(tag=challenger.tag, digest=challenger.registration.digest),
        champion=Judged(tag=champion.tag, digest=champion.registration.digest) if champion else None,
    )
    return Judgement(tag=challenger.tag, decision=decision, decision_digest=decision.digest, policy=plain(policy))


def compare_candidates(
    candidates: Sequence[Candidate], data: Data, policy: Policy, store: ModelStore, notice: Callable[[str], None]
) -> Comparison:
    """Compare challenger and champion (in this order) without a decision. Unknown training rows only cause a notice.

    Raises:
        DataError: no row is left to judge with, or a candidate cannot be scored.
    """
    unknown = [one for one in candidates if isinstance(one.provenance, UnknownRows)]
    for one in unknown:
        notice(
            f"The training rows of {one.tag} are unknown. If some of them are among the rows that judge, it looks "
            "better than it is."
        )
    trusted = [_taken(one, by_policy=False) for one in candidates]
    holdout = clean_holdout(data, trusted)
    if len(holdout.rows) == 0:
        raise DataError(f"{_all_trained(holdout, data.draws)}. Name other rows with --data.")
    scores = [score_version(one, store, holdout.rows) for one in candidates]
    evidence = weigh(holdout.rows, scores, candidates[0], policy, data.draws)
    assert isinstance(evidence, Comparison)  # noqa: S101 - there are two candidates
    return evidence


def clean_holdout(data: Data, candidates: Sequence[Candidate]) -> Clean:
    """Return the holdout without the rows that a candidate was trained on."""
    recipe = candidates[0].recipe
    rows = split(recipe, data).holdout
    groups = data.draws.group_fingerprints(rows) if data.draws.clean_by else None
    return clean(rows, recipe, *(one.provenance for one in candidates), groups=groups)


def weigh(
    rows: "pd.DataFrame", scores: Sequence[Scores], candidate: Candidate, policy: Policy, draws: Draws
) -> Comparison | Evaluation:
    """Compare challenger and champion (in this order); measure the challenger alone if there is no champion."""
    labels, names = rows[candidate.recipe.label].to_numpy(), policy.names(task_of_recipe(candidate.recipe))
    if len(scores) == 1:
        return measure(labels, scores[0], metrics=names, columns=rows, **draws.arguments(rows))
    challenger, champion = scores
    return compare(
        labels,
        champion,
        challenger,
        metrics=names,
        slices=policy.slicings,
        columns=rows,
        confidence=policy.confidence,
        **draws.arguments(rows),
    )


PHASES: Mapping[Any, str] = {score_version: "Scoring", footprint: "Measuring sizes and speed", weigh: "Comparing"}


def _score_and_decide(
    candidates: Sequence[Candidate],
    holdout: Clean,
    data: Data,
    policy: Policy,
    store: ModelStore,
    step: Step,
    before: tuple[Check, ...],
    budget: Budget | None,
) -> tuple[Decision, Curves | None, SampleScores | None]:
    try:
        scores = [step(score_version, one, store, holdout.rows) for one in candidates]
        measured = step(footprint, candidates, store, holdout.rows, policy.limits)
    except DataError as error:
        unscored = Check(kind=Kind.SCORED, subject="", outcome=Outcome.MISSING, reason=str(error))
        return decide(None, policy, before=(*before, unscored)), None, None
    recipe = candidates[0].recipe
    evidence = step(weigh, holdout.rows, scores, candidates[0], policy, data.draws)
    curves = draw_curves(holdout.rows[recipe.label].to_numpy(), *scores, task=task_of_recipe(recipe))
    decision = step(decide, evidence, policy, budget=budget, footprint=measured, before=before)
    return decision, curves, sample_scores(holdout.rows, scores[0], recipe, data.path)


def _used(holdout: Clean, data: Data, candidates: Sequence[Candidate]) -> HoldoutUsed:
    recipe = candidates[0].recipe
    return HoldoutUsed(
        digest=holdout_digest(holdout, recipe),
        data=data.name,
        data_digest=data.digest,
        rows=len(holdout.rows),
        positives=int((holdout.rows[recipe.label] == 1).sum()) if task_of_recipe(recipe) is Task.BINARY else None,
        removed=holdout.removed,
        immature=data.immature,
        source=data.source,
        removed_by=data.draws.group.name if data.draws.clean_by and data.draws.group and holdout.removed else None,
    )


def _trial(
    candidates: Sequence[Candidate], policy: Policy, used: HoldoutUsed, holdout: Clean, earlier: Iterable[Trial | Use]
) -> Trial:
    """Return this decision's use of its rows. Without a champion, it does not count as a use."""
    trial = Trial(
        challenger=candidates[0].digest,
        champion=candidates[1].digest if len(candidates) > 1 else None,
        metric=policy.primary.metric,
        holdout=used.digest,
        sketch=HoldoutSketch.of(holdout.keys),
    )
    if trial.champion is None or not any(other.is_first_form for other in earlier):
        return trial
    return replace(trial, renamed=seen_renamed(trial, _renamed(holdout, candidates[0].recipe), earlier))


def _renamed(holdout: Clean, recipe: Recipe) -> Iterator[Renamed]:
    """Yield the holdout's possible digests in releases that used the first form of row keys."""
    from promotion.earlier_keys import possible_first_fingerprints

    for keys in possible_first_fingerprints(holdout.rows[recipe.key]):
        digest = holdout_digest(replace(holdout, keys=keys), recipe)
        yield Renamed(holdout=digest, sketch=HoldoutSketch.of(keys, FIRST_FORM))


def _budget(trial: Trial, policy: Policy, earlier: Iterable[Trial | Use]) -> Budget | None:
    """Return this decision's budget; None if there is no champion, or the policy counts no uses."""
    if trial.champion is None or not policy.budgeted:
        return None
    return Budget(alpha=policy.alpha, use=count_use(trial, earlier))


def _trusted(candidate: Candidate, policy: Policy) -> Candidate:
    """Return the candidate, with unknown training rows assumed clean if the policy says so."""
    trusts = policy.unknown_provenance is UnknownProvenance.ASSUME_CLEAN
    return _taken(candidate, by_policy=True) if trusts else candidate


def _taken(candidate: Candidate, *, by_policy: bool) -> Candidate:
    found = candidate.provenance
    return (
        replace(candidate, provenance=found.taken_as_clean(by_policy=by_policy))
        if isinstance(found, UnknownRows)
        else candidate
    )


def _provenance_checks(candidates: Sequence[Candidate], holdout: Clean, draws: Draws) -> tuple[Check, ...]:
    """Return one check that the holdout is clean for all candidates, or one per candidate of unknown provenance."""
    unknown = [one for one in candidates if isinstance(one.provenance, UnknownRows)]
    if unknown:
        return tuple(
            Check(kind=Kind.CLEAN, subject=one.role, outcome=Outcome.MISSING, reason=_unknown(one, one.provenance))
            for one in unknown
            if isinstance(one.provenance, UnknownRows)
        )
    if len(holdout.rows) == 0:
        reason = f"{_all_trained(holdout, draws)}, so no evaluation row is left. Use newer rows."
        return (Check(kind=Kind.CLEAN, subject="", outcome=Outcome.MISSING, reason=reason),)
    by_group = draws.clean_by and draws.group
    trained = "either model" if len(candidates) > 1 else "the model"
    group = f"group by {draws.group.name} of the" if draws.clean_by and draws.group else "of the"
    which = "rows of training groups" if by_group else "training rows"
    left_out = f"; {holdout.removed:,} {which} were left out" if holdout.removed else ""
    reason = (
        f"{'No' if by_group else 'None'} {group} {len(holdout.rows):,} evaluation rows was used to train "
        f"{trained}{left_out}.{_taken_as_clean(candidates)}"
    )
    return (Check(kind=Kind.CLEAN, subject="", outcome=Outcome.PASSED, reason=reason),)


def _all_trained(holdout: Clean, draws: Draws) -> str:
    if draws.clean_by and draws.group:
        named = draws.group.name
        return f"Every group by {named} of the holdout's {holdout.removed:,} rows was used to train one of the models"
    return f"All {holdout.removed:,} rows of the holdout were used to train one of the models"


def _taken_as_clean(candidates: Sequence[Candidate]) -> str:
    """Return a sentence about what the policy assumed, if anything."""
    taken = [one for one in candidates if isinstance(one.provenance, AssumedClean) and one.provenance.by_policy]
    named = " and ".join(f"the {one.role} {one.tag}" for one in taken)
    return (
        f" The training rows of {named} are unknown and assumed not to be in the holdout "
        '(unknown_provenance = "assume_clean").'
        if taken
        else ""
    )


def _unknown(candidate: Candidate, unknown: UnknownRows) -> str:
    named = f"the {candidate.role} {candidate.tag}"
    if unknown.groups:
        return (
            f"It is unknown which groups (by {unknown.groups}) are in the training rows of {named}, and "
            'clean_by = "group" requires this. Train a new version with `group` set. If you are sure that the version '
            "was trained on none of the holdout's groups, record that with "
            f"`promotion adopt {candidate.tag} --assume-clean --reason …`."
        )
    return (
        f"The training rows of {named} are unknown, so the holdout may not be clean. If you know a time before which "
        f"all its training rows lie, record it with `promotion adopt {candidate.tag} --trained-before TIME --reason "
        "…`. If you are sure that it was trained on none of the holdout's rows, use --assume-clean. Otherwise, use "
        "--trained-on-everything, and only later rows judge it."
    )
