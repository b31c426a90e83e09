"""Compare two pieces of evidence number by number."""

import math
from collections.abc import Iterator
from typing import Any

from promotion.canonical import plain
from promotion.comparison import Comparison, Evaluation

TOLERANCE = 1e-9
MAX_DIFFERENCES = 6

_SIDES = ("champion", "challenger", "value", "champion_stderr", "challenger_stderr", "challenger_dof")
_TOLD = (*_SIDES, "gain", "stderr", "low", "high", "dof")
_BESIDE = ("beside", "challenger_beside")
_OF_ERROR = {"stderr", "low", "high"}
_OF_SIDE = {"champion_stderr", "challenger_stderr"}
_ZERO = 1e-12


def evidence_differences(
    recorded: Comparison | Evaluation, found: Comparison | Evaluation, *, slices: bool
) -> tuple[tuple[str, Any, Any], ...]:
    """Return name, recorded and recomputed value of numbers that differ by more than `TOLERANCE`: the first few."""
    expected, came = (_numbers(plain(one), slices=slices) for one in (recorded, found))
    apart = [
        (name, expected.get(name, "none"), came.get(name, "none"))
        for name in dict.fromkeys([*expected, *came])
        if not _same(expected.get(name), came.get(name)) and not _is_error_of_tie(name, expected, came)
    ]
    return tuple(apart[:MAX_DIFFERENCES])


def _numbers(evidence: dict[str, Any], *, slices: bool) -> dict[str, Any]:
    """Return the numbers by name, e.g. `roc_auc gain`; names of slice metrics begin with the slice."""
    own = {key: evidence.get(key) for key in ("rows", "positives", "weight")}
    own |= {f"dependence {key}": value for key, value in (evidence.get("dependence") or {}).items()}
    own |= dict(_metrics("", evidence))
    for part in evidence.get("slices") or () if slices else ():
        own |= dict(_metrics(f"{part.get('by')} {part.get('name', part.get('slice'))}: ", part))
    return own


def _metrics(before: str, evidence: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for one in evidence["metrics"]:
        for key in _TOLD:
            if key in one:
                yield f"{before}{one['metric']} {key}", one[key]
        for key in _BESIDE:
            for of, number in (one.get(key) or {}).items():
                yield f"{before}{one['metric']} {key}.{of}", number


def _is_error_of_tie(name: str, expected: dict[str, Any], came: dict[str, Any]) -> bool:
    """Whether this is a zero error that an earlier release recorded for a tie.

    Today, models with equal values and different scores get an error above 0. Because the gain is 0, the primary metric
    does not pass with either error. The same holds for a single model's error of 0.
    """
    what, _, key = name.rpartition(" ")
    if key in _OF_SIDE:
        return expected.get(name) == 0
    if key not in _OF_ERROR:
        return False
    zeros = (expected.get(name), *(numbers.get(f"{what} gain") for numbers in (expected, came)))
    return all(number is not None and abs(number) < _ZERO for number in zeros)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)
