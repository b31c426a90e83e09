"""Simulate the gate's error rates: false promotions, coverage, reuse, power, an attacker, dependent rows.

    python benchmarks/decisions.py [--runs 10000] [--only a,c] [--workers 2] [--seed 27]

Every judgement runs the real code, `promotion.compare` and `promotion.decide`. Two models are *equally good* if they
are exchangeable: the joint distribution of their errors does not change when they are swapped. Each figure has its
Monte-Carlo standard error. It is `within` its target, `within error` (off by at most two standard errors; three in (g),
which has some 450 figures), `conservative` (off by more, but only at the cost of power), `held` (the gate finds too
little evidence and does not decide) or `MISSED`. A list at the end shows every figure off target; any `MISSED` makes
the exit code 1.
"""

import os
import time
from multiprocessing import Pool
from typing import Annotated

import typer
from simulation import attack, coverage, customers, dependence, false_promotions, power, reuse
from simulation.bench import Bench, heading
from simulation.rules import REGRESSION, RESAMPLED, SMOOTH, unknown

PARTS = {
    "a": false_promotions.part,
    "b": coverage.part,
    "c": reuse.one_holdout,
    "d": reuse.rolling_holdouts,
    "e": power.part,
    "f": attack.part,
    "g": dependence.part,
    "h": customers.part,
}


def main(
    runs: Annotated[
        int, typer.Option(help="Runs of the cheapest figures; the others scale with it.", min=100)
    ] = 10_000,
    only: Annotated[str, typer.Option(help="The parts to run, e.g. a,c.")] = ",".join(PARTS),
    workers: Annotated[int, typer.Option(help="Processes; the figures do not depend on it.", min=1)] = 2,
    seed: Annotated[int, typer.Option(help="Of all draws.", min=0)] = 27,
) -> None:
    letters = only.split(",")
    if wrong := sorted({*letters} - {*PARTS}) or unknown((*SMOOTH, *RESAMPLED, *REGRESSION)):
        raise typer.BadParameter(f"There is no part or metric named {', '.join(wrong)}; parts are {', '.join(PARTS)}.")
    print(f"{runs:,} runs, seed {seed}, {workers} processes on {os.cpu_count()} cores")
    with Pool(workers) as pool:
        bench = Bench(pool, runs, seed)
        for letter in letters:
            start = time.perf_counter()
            PARTS[letter](bench)
            print(f"\n({letter}) took {time.perf_counter() - start:.0f} s", flush=True)
    _tell(bench.noted)


def _tell(noted: list[tuple[str, str]]) -> None:
    """List the figures off target; exit with 1 if a target is missed."""
    heading("Off target:" if noted else "Every figure is on target.")
    for verdict, what in sorted(noted):
        print(f"{verdict}: {what}")
    if any(verdict == "MISSED" for verdict, _ in noted):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
