"""Recompute past decisions: load the models, read and score the rows as the gate did, and compare the numbers.

Each file is read once, and a version scores the rows of a holdout once, however many decisions use them.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, TypeAlias

from promotion.audit.decisions import RecordedDecision, again, candidates_of, recorded_decisions
from promotion.audit.evidence_diff import evidence_differences
from promotion.draws import UNSAID, Draws
from promotion.errors import DataError, PromotionError
from promotion.findings import Code, Finding, finding
from promotion.holdout import Clean, holdout_digest
from promotion.interfaces import ModelStore
from promotion.ledger.chain import Entry
from promotion.ledger.state import State
from promotion.progress import Progress, counted, silent
from promotion.registry.candidate import Candidate, Scores, score_version
from promotion.registry.data import Reader, split
from promotion.registry.judge import clean_holdout, weigh
from promotion.registry.loaded import Data
from promotion.row_keys import keys_in

Scored: TypeAlias = "Scores | PromotionError"

WORKERS = 2
"""Number of threads that load and score, and number of decisions prepared ahead of the one being compared."""

_Key = tuple[str, str]
"""Tag of a version, and digest of the holdout that it scores."""


def check_recomputed(
    state: State,
    entries: Iterable[Entry],
    reader: Reader,
    store: ModelStore,
    *,
    since: datetime | None = None,
    workers: int = WORKERS,
    progress: Progress = silent,
) -> Iterator[Finding]:
    """Check that each decision since a moment gives its recorded numbers, to `1e-9`. Skips those on deleted versions.

    Skips decisions before `since`. `workers` threads load and score.
    """
    ours = sorted(recorded_decisions(state, entries, since), key=lambda one: (one.source, one.seq))
    phase, done = f"Recomputing the decisions of {state.model}", 0
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for _, decisions in groupby(ours, key=lambda one: one.source):
            group = tuple(decisions)
            jobs = counted(progress, phase, _jobs(group, state, reader, store), len(ours), before=done)
            yield from _Scoring(group, store, pool, ahead=workers).findings(jobs)
            done += len(group)


@dataclass(frozen=True)
class _Job:
    """A decision with its models and rows."""

    one: RecordedDecision
    candidates: tuple[Candidate, ...]
    holdout: Clean

    @property
    def keys(self) -> tuple[_Key, ...]:
        return tuple((str(candidate.tag), self.one.used.digest) for candidate in self.candidates)


def _jobs(
    group: Sequence[RecordedDecision], state: State, reader: Reader, store: ModelStore
) -> Iterator[_Job | Finding]:
    """Yield the decisions that use the same bytes, read in the same way; a finding for one that cannot be repeated."""
    try:
        with keys_in(group[0].form):
            data = reader.recorded(state.model, group[0].registration, group[0].used.data, group[0].used.data_digest)
        if data.digest != group[0].used.data_digest:
            raise DataError(f"{data.name} with digest {data.digest[:12]}")
        whole = SplitFile(data)
    except PromotionError as error:
        yield from (_unavailable(one, str(error)) for one in group)
        return
    for one in group:
        try:
            candidates = candidates_of(one, state, store, reader)
            with keys_in(one.form):
                holdout = whole.holdout(candidates, one.used.digest, one.draws)
        except PromotionError as error:
            yield _unscored(one, str(error))
        else:
            yield _Job(one, candidates, holdout) if holdout else _other_rows(one)


class _Scoring:
    """Scores of versions on holdouts, computed ahead and kept until the last decision that needs them.

    Args:
        group: the decisions.
        store: the store that holds the models.
        pool: loads and scores.
        ahead: number of decisions to compute ahead.
    """

    def __init__(
        self, group: Sequence[RecordedDecision], store: ModelStore, pool: ThreadPoolExecutor, *, ahead: int
    ) -> None:
        self._store, self._pool, self._ahead = store, pool, ahead
        self._uses = Counter((tag, one.used.digest) for one in group for tag in one.tags)
        self._scores: dict[_Key, Future[Scored]] = {}

    def findings(self, jobs: Iterable[_Job | Finding]) -> Iterator[Finding]:
        """Yield the differences, in the order of the jobs."""
        waiting: deque[_Job | Finding] = deque()
        for job in jobs:
            self._start(job)
            waiting.append(job)
            if len(waiting) > self._ahead:
                yield from self._finished(waiting.popleft())
        while waiting:
            yield from self._finished(waiting.popleft())

    def _start(self, job: _Job | Finding) -> None:
        if isinstance(job, Finding):
            return
        for key, candidate in zip(job.keys, job.candidates, strict=True):
            if key not in self._scores:
                self._scores[key] = self._pool.submit(_score, candidate, self._store, job.holdout.rows)

    def _finished(self, job: _Job | Finding) -> Iterator[Finding]:
        if isinstance(job, Finding):
            yield job
            return
        yield from _compared(job.one, job.candidates, job.holdout, [self._scores[key].result() for key in job.keys])
        self._uses.subtract(job.keys)
        for key in job.keys:
            if not self._uses[key]:
                self._scores.pop(key, None)


class SplitFile:
    """The rows of a file, split once: all of them, or the recipe's holdout."""

    def __init__(self, data: Data) -> None:
        self._all = replace(data, whole=True)
        self._held: Data | None = None
        self._clean: tuple[object, Clean] | None = None

    def holdout(self, candidates: Sequence[Candidate], wanted: str, draws: Draws = UNSAID) -> Clean | None:
        """Return the rows that have the digest; None if neither the recipe's holdout nor the whole file gives them."""
        recipe = candidates[0].recipe
        if self._clean and self._clean[0] == (wanted, recipe):
            return self._clean[1]
        if self._held is None:
            rows = split(recipe, replace(self._all, whole=False)).holdout
            self._held = replace(self._all, rows=rows)
        for data in (self._held, self._all):
            found = clean_holdout(replace(data, draws=draws), candidates)
            if holdout_digest(found, recipe) == wanted:
                self._clean = ((wanted, recipe), found)
                return found
        return None


def _score(candidate: Candidate, store: ModelStore, rows: Any) -> Scored:
    try:
        return score_version(candidate, store, rows)
    except PromotionError as error:
        return error


def _compared(
    one: RecordedDecision, candidates: Sequence[Candidate], holdout: Clean, scores: Sequence[Scored]
) -> Iterator[Finding]:
    failed = [error for error in scores if isinstance(error, PromotionError)]
    if failed:
        yield _unscored(one, " ".join(dict.fromkeys(map(str, failed))))
        return
    policy, numbers = one.policy, [each for each in scores if not isinstance(each, PromotionError)]
    try:
        found = (
            weigh(holdout.rows, numbers, candidates[0], policy, one.draws)
            if policy
            else again(one, holdout, numbers, candidates[0])
        )
    except PromotionError as error:
        yield _unscored(one, str(error))
        return
    apart = evidence_differences(one.evidence, found, slices=policy is not None)
    if apart:
        yield finding(
            Code.RECOMPUTED,
            one.subject,
            "; ".join(f"{name} {expected!r}" for name, expected, _ in apart),
            "; ".join(f"{name} {value!r}" for name, _, value in apart),
            "Restore the ledger from a backup, because the decision does not follow from these models and rows, and "
            f"judge again with `promotion gate {one.tag}`. A different release of a library can also change numbers "
            "(AUD064).",
        )


def _unavailable(one: RecordedDecision, why: str) -> Finding:
    expected = f"{one.used.data} with digest {one.used.data_digest[:12]}"
    mend = "Put the original file back to recompute this decision. The decision remains valid."
    return finding(Code.NOT_RECOMPUTED, one.subject, expected, why, mend)


def _unscored(one: RecordedDecision, why: str) -> Finding:
    mend = "Restore the versions from a backup, and the recipe's code from version control."
    return finding(Code.UNSCORED, one.subject, "models that still load and score", why, mend)


def _other_rows(one: RecordedDecision) -> Finding:
    return finding(
        Code.OTHER_ROWS,
        one.subject,
        f"a holdout of {one.used.rows:,} rows with digest {one.used.digest[:12]} from {one.used.data}",
        "different rows from the same file",
        "Check whether the recipe now reads or splits rows differently, and whether `mature_after` has changed or a "
        "version was adopted.",
    )
