"""Compare `promotion.compare` with common alternatives on the same rows: time, agreement, growth and memory.

    python benchmarks/compare.py [--quick]

The scores are synthetic and seeded: two correlated models, each a calibrated probability from a latent normal score
with a shift for positives; doubles without ties, the most expensive kind to sort. The peers are scikit-learn's metric
functions with a paired bootstrap by SciPy, MLstatkit's DeLong test, and confidenceinterval's DeLong interval. The sides
alternate, so that other load affects all of them, and ratios are taken within a turn. The bootstrap is timed over a few
resamples and extrapolated, with the percentile method and batches of one, its cheapest settings in time and memory
(BCa, the default, would also evaluate each metric once per row). The command exits with 1 if a target is missed or
results disagree.
"""

import math
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from statistics import median
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from scipy import special, stats
from sklearn import metrics as sk

from promotion.comparison import Comparison, compare

POSITIVES, CORRELATION, SHIFTS = 0.035, 0.9, (1.90, 1.92)
PUBLISHED_RESAMPLES = 1_000
PEERS = ("MLstatkit", "confidenceinterval")
GAINS: Mapping[str, tuple[int, Callable[[Any, Any], float]]] = {
    "roc_auc": (1, sk.roc_auc_score),
    "average_precision": (1, sk.average_precision_score),
    "log_loss": (-1, sk.log_loss),
    "brier_score": (-1, sk.brier_score_loss),
    "accuracy": (1, lambda labels, scores: sk.accuracy_score(labels, scores > 0.5)),
}
"""scikit-learn's function for each metric, and the sign that makes a larger difference a gain."""


class Rows(NamedTuple):
    """Labels 0 or 1, and both models' scores, each of shape `(n_rows,)`."""

    labels: Any
    champion: Any
    challenger: Any


class Plan(NamedTuple):
    """How much to run."""

    rows: int
    repeat: int
    resamples: int
    whole: tuple[int, int]
    """Rows and resamples of the complete bootstrap that intervals are compared with."""


class Check(NamedTuple):
    """A figure, and the range that it must lie in."""

    what: str
    found: float
    low: float
    high: float

    @property
    def passed(self) -> bool:
        """Whether the figure lies in its range."""
        return self.low <= self.found <= self.high


FULL, QUICK = Plan(590_540, 5, 10, (20_000, 1_000)), Plan(59_054, 3, 5, (5_000, 300))


def main(
    quick: Annotated[bool, typer.Option(help="Fewer rows and runs: shows that it works, no figures.")] = False,
) -> None:
    plan = QUICK if quick else FULL
    _require_peers()
    rows = generate(plan.rows)
    print(
        f"{plan.rows:,} rows, {POSITIVES:.1%} positives, synthetic scores (seeded) of two models, correlated "
        f"by {CORRELATION} within a class\n{os.cpu_count()} cores; seconds and ratios: median of {plan.repeat} turns "
        f"(least-most){'; QUICK: not the published figures, no targets judged' if quick else ''}\n"
    )
    replicates: dict[str, list[float]] = {name: [] for name in GAINS}
    seconds, results = _take_turns(_sides(rows, plan.resamples, replicates), plan.repeat)
    targets = _print_times(seconds, plan.resamples)
    targets += _growth((plan.rows // 10, plan.rows, plan.rows * 10), plan.repeat)
    agreement = [*_agreement(results, replicates), *_intervals(*plan.whole)]
    _print_checks(agreement if quick else [*targets, *agreement])


def _require_peers() -> None:
    """Exit with an error if a package of the `bench` group is missing."""
    absent = [name for name in PEERS if find_spec(name) is None]
    if absent:
        sys.exit(
            f"This benchmark sets ours beside {' and '.join(PEERS)}, but not installed: {', '.join(absent)}. "
            "Install the bench group: .venv/bin/uv pip install --constraint constraints.txt --group bench"
        )


def generate(n_rows: int, seed: int = 20) -> Rows:
    """Return binormal scores as calibrated probabilities: log odds of a normal score shifted by `d` for positives."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_rows) < round(n_rows * POSITIVES)).astype(np.int64)
    common = math.sqrt(CORRELATION) * rng.standard_normal(n_rows)
    prior = special.logit(POSITIVES)
    latent = [d * labels + common + math.sqrt(1 - CORRELATION) * rng.standard_normal(n_rows) for d in SHIFTS]
    return Rows(labels, *(special.expit(d * z - d * d / 2 + prior) for d, z in zip(SHIFTS, latent, strict=True)))


def _sides(rows: Rows, resamples: int, replicates: dict[str, list[float]]) -> dict[str, Callable[[int], Any]]:
    """Return the timed functions by name; each takes the number of the turn."""
    from confidenceinterval import roc_auc_score
    from MLstatkit import Delong_test

    labels, *models = rows

    def bootstrap(turn: int) -> None:
        for name, found in _bootstrap(rows, resamples, seed=turn).items():
            replicates[name].extend(found)

    return {
        "ours": lambda _: compare(*rows, metrics=GAINS),
        "values": lambda _: {name: tuple(score(labels, each) for each in models) for name, (_, score) in GAINS.items()},
        "bootstrap": bootstrap,
        "ours, roc_auc": lambda _: compare(*rows, metrics=["roc_auc"]),
        "MLstatkit": lambda _: Delong_test(*rows),
        "confidenceinterval": lambda _: tuple(roc_auc_score(labels, each) for each in models),
    }


def _bootstrap(rows: Rows, resamples: int, seed: int) -> dict[str, Any]:
    """Return resampled gains of each metric, shape `(resamples,)`, as SciPy's documentation recommends."""

    def gain(name: str) -> Callable[[Any, Any, Any], float]:
        sign, score = GAINS[name]
        return lambda labels, before, after: sign * (score(labels, after) - score(labels, before))

    options: dict[str, Any] = {"paired": True, "vectorized": False, "method": "percentile", "batch": 1, "rng": seed}
    return {
        name: stats.bootstrap(rows, gain(name), n_resamples=resamples, **options).bootstrap_distribution
        for name in GAINS
    }


def _take_turns(
    sides: Mapping[str, Callable[[int], Any]], repeat: int
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Return seconds of each side per turn, after one uncounted turn, and its last result."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    results: dict[str, Any] = {}
    for turn in range(-1, repeat):
        for name, side in sides.items():
            if turn < 0 and name == "bootstrap":
                continue  # has nothing to warm up that the others do not
            start = time.perf_counter()
            results[name] = side(turn)
            if turn >= 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds, results


def _print_times(seconds: dict[str, list[float]], resamples: int) -> list[Check]:
    scale = PUBLISHED_RESAMPLES / resamples
    bootstrap = [value + scale * one for value, one in zip(seconds["values"], seconds["bootstrap"], strict=True)]
    print(f"{'five metrics, both models':74} {'seconds':>26} {'times ours':>24}")
    ours = seconds["ours"]
    _line("promotion.compare: values, gains, standard errors, intervals", ours)
    _line("scikit-learn: the ten values alone, no errors", seconds["values"], ours)
    _line(f"scikit-learn + scipy.stats.bootstrap, 1,000, EXTRAPOLATED from {resamples}", bootstrap, ours)
    print("\nroc_auc alone, both models")
    alone = seconds["ours, roc_auc"]
    _line("promotion.compare", alone)
    for name, what in zip(PEERS, ("Delong_test", "roc_auc_score of each, no paired difference"), strict=True):
        _line(f"{name} {version(name)}: {what}", seconds[name], alone)
    print()
    return [
        Check("times faster than the bootstrap", median(_ratios(bootstrap, ours)), 200, math.inf),
        Check("times faster than MLstatkit", median(_ratios(seconds["MLstatkit"], alone)), 5, math.inf),
    ]


def _line(name: str, runs: list[float], ours: list[float] | None = None) -> None:
    ratios = _spread(_ratios(runs, ours), ",.1f") if ours else ""
    print(f"  {name:72} {_spread(runs, ',.3f'):>26} {ratios:>24}")


def _spread(runs: list[float], form: str) -> str:
    return f"{median(runs):{form}} ({min(runs):{form}}-{max(runs):{form}})"


def _ratios(theirs: list[float], ours: list[float]) -> list[float]:
    """Return ratios turn by turn, so that other load affects both sides."""
    return [one / other for one, other in zip(theirs, ours, strict=True)]


def _agreement(results: dict[str, Any], replicates: dict[str, list[float]]) -> Iterator[Check]:
    """Check that our values and standard errors equal those of the peers."""
    ours: Comparison = results["ours"]
    auc, (*_, delong_before, delong_after, delong) = ours["roc_auc"], results["MLstatkit"]
    values = [(ours[name].champion, ours[name].challenger) for name in GAINS]
    yield Check("values: off scikit-learn's", _off(values, [results["values"][name] for name in GAINS]), 0, 1e-12)
    yield Check("roc_auc: off MLstatkit's", _off(values[0], (delong_before, delong_after)), 0, 1e-12)
    error = math.sqrt(delong["var_diff"])
    yield Check("roc_auc, gain: standard error off MLstatkit's, relative", _off(auc.stderr / error, 1), 0, 1e-8)
    mine = (values[0][0], auc.champion_stderr), (values[0][1], auc.challenger_stderr)
    for (value, (low, high)), (my_value, my_error) in zip(results["confidenceinterval"], mine, strict=True):
        yield Check("roc_auc: off confidenceinterval's, which is in single precision", _off(value, my_value), 0, 1e-6)
        error = (high - low) / 2 / stats.norm.ppf(0.975)
        yield Check("roc_auc: standard error off confidenceinterval's, relative", _off(my_error / error, 1), 0, 1e-4)
    for name, found in replicates.items():
        freedom = len(found) - 1
        low, high = np.sqrt(stats.chi2.ppf((1e-5, 1 - 1e-5), freedom) / freedom)
        ratio = float(np.std(found, ddof=1)) / ours[name].stderr
        yield Check(f"{name}, gain: standard error by {len(found)} resamples / ours", ratio, low, high)


def _off(these: Any, those: Any) -> float:
    """Return the largest absolute difference."""
    return float(np.abs(np.subtract(these, those)).max())


def _intervals(n_rows: int, resamples: int) -> Iterator[Check]:
    """Check our intervals against percentile intervals of a full bootstrap on fewer rows, within its chance error."""
    rows = generate(n_rows)
    ours = compare(*rows, metrics=GAINS)
    # Standard error of a 2.5 % quantile of a normal sample, in standard deviations: four of it, plus 0.1 for skewness.
    allowed = 0.1 + 4 * math.sqrt(0.025 * 0.975 / resamples) / stats.norm.pdf(stats.norm.ppf(0.025))
    for name, found in _bootstrap(rows, resamples, seed=1).items():
        off = _off(np.quantile(found, (0.025, 0.975)), (ours[name].low, ours[name].high)) / ours[name].stderr
        what = (
            f"{name}, gain: ends of {resamples:,} resamples' interval on {n_rows:,} rows off ours, in standard errors"
        )
        yield Check(what, off, 0, allowed)


def _growth(sizes: tuple[int, ...], repeat: int) -> list[Check]:
    """Compare time with n log n, peak memory with n, and both with a plain sort, which has the same cache misses."""
    data = {size: generate(size) for size in sizes}
    sides = {f"ours {n}": lambda _, n=n: compare(*data[n], metrics=GAINS) for n in sizes}
    sides |= {f"sort {n}": lambda _, n=n: [np.argsort(each) for each in data[n][1:]] for n in sizes}
    seconds, _ = _take_turns(sides, repeat)
    peaks = {size: _peak(data[size]) for size in sizes}
    print(f"{'five metrics, rows':>18} {'seconds':>22}   peak MB  bytes/row  (tracemalloc: arrays given not counted)")
    for size, peak in peaks.items():
        print(f"{size:18,} {_spread(seconds[f'ours {size}'], '.3f'):>22} {peak / 1e6:9,.1f} {peak / size:10.1f}")
    print(f"\n{'from':>10} {'to':>11}   {'time grew':>18} {'n log n':>8}   a bare np.argsort of both scores grew")
    checks = [_grew(seconds, small, large) for small, large in pairwise(sizes)]
    per_row = [peak / size for size, peak in peaks.items()]
    return [*checks, Check("peak memory per row, most / least", max(per_row) / min(per_row), 1, 1.05)]


def _grew(seconds: dict[str, list[float]], small: int, large: int) -> Check:
    ours, sort = (_ratios(seconds[f"{what} {large}"], seconds[f"{what} {small}"]) for what in ("ours", "sort"))
    expected = large * math.log(large) / (small * math.log(small))
    print(f"{small:10,} {large:11,}   {_spread(ours, '.1f'):>18} {expected:8.1f}   {_spread(sort, '.1f')}")
    # The number of comparisons grows as n log n; each takes longer once the arrays exceed the processor's caches.
    return Check(
        f"time grew from {small:,} to {large:,} rows, / that of a bare sort", median(ours) / median(sort), 0, 1.1
    )


def _peak(rows: Rows) -> int:
    """Return the peak memory of one call in bytes, in a run that is not timed."""
    tracemalloc.start()
    compare(*rows, metrics=GAINS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _print_checks(checks: list[Check]) -> None:
    for check in checks:
        limits = f"at least {check.low:g}" if math.isinf(check.high) else f"{check.low:.5g} to {check.high:.5g}"
        print(f"{'ok  ' if check.passed else 'MISS'} {check.what:96} {check.found:10.4g}   ({limits})")
    missed = sum(not check.passed for check in checks)
    sys.exit(f"{missed} of {len(checks)} missed." if missed else 0)


if __name__ == "__main__":
    typer.run(main)
