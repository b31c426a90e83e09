"""Show in three minutes whether anything became slower: each ratio and the recorded one, with both machines.

    python benchmarks/quick.py [--record]

Both sides of a ratio run in this process's turn on this machine, so that another machine gives similar ratios. The data
are small, so these are not the figures in README, which the other benchmarks print. The shortest of the turns counts.
Exits with 1 if a ratio is more than MARGIN times the recorded one; `--record` replaces the recorded ratios.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import compare
import growth
import numpy as np
import retrain
import typer

from promotion.comparison import compare as compare_scores

MARGIN, TURNS = 2.5, 2
RECORDED = Path(__file__).with_name("quick.json")
ROWS, SCORES, FEW, MANY, PAGES = 30_000, 200_000, 1_000, 10_000, 24
"""Rows to retrain on and to compare, entries of the short and long ledger, and of the ledger with a site."""

Run = Callable[[], float]


class Ratio(NamedTuple):
    """A ratio, from the seconds (or megabytes) of both sides."""

    what: str
    ours: float
    theirs: float

    @property
    def value(self) -> float:
        """The ratio."""
        return self.ours / self.theirs


def main(record: Annotated[bool, typer.Option(help="Replace the recorded ratios.")] = False) -> None:
    os.environ.update(DO_NOT_TRACK="1", BENTOML_DO_NOT_TRACK="True", MLFLOW_DISABLE_TELEMETRY="true")
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {"machine": "no machine", "ratios": {}}
    print(f"on {_machine()}\nrecorded on {recorded['machine']}\n")
    print(f"{'':62} {'ours':>8} {'other':>8} {'ratio':>6} {'recorded':>9}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-quick-") as folder:
        found = list(_told(_ratios(Path(folder)), recorded["ratios"]))
    if record:
        ratios = {one.what: round(one.value, 3) for one in found}
        RECORDED.write_text(json.dumps({"machine": _machine(), "ratios": ratios}, indent=2) + "\n")
        return
    slower = [one.what for one in found if one.value > MARGIN * recorded["ratios"].get(one.what, np.inf)]
    sys.exit(f"More than {MARGIN:g} times the recorded ratio: {'; '.join(slower)}." if slower else 0)


def _machine() -> str:
    names = [line.partition(":")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    name = names[0].strip() if names else platform.machine()
    load = f"{os.getloadavg()[0]:.1f} processes were running"
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}; {load}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _told(ratios: Iterator[Ratio], recorded: Mapping[str, float]) -> Iterator[Ratio]:
    for one in ratios:
        before = recorded.get(one.what)
        told = "" if before is None else f"{before:9.2f}"
        mark = "  SLOWER" if before is not None and one.value > MARGIN * before else ""
        print(f"{one.what:62} {one.ours:8.2f} {one.theirs:8.2f} {one.value:6.2f} {told}{mark}", flush=True)
        yield one


def _ratios(folder: Path) -> Iterator[Ratio]:
    yield from _retraining(folder / "retrain")
    few, many, site = (
        growth.filled(folder / f"entries{size}", f"sqlite:///{folder / f'ledger{size}.db'}", size)
        for size in (FEW, MANY, PAGES)
    )
    yield from _commands(few)
    yield from _growth(few, many)
    yield from _pages(site)
    yield from _scores()


def _retraining(folder: Path) -> Iterator[Ratio]:
    folder.mkdir()
    retrain.prepare(folder, ROWS)
    environment = retrain.environment(folder)
    plain, command = [sys.executable, "plain.py"], [_program("promotion"), "retrain", "fraud_classifier"]

    def ours(seed: int) -> growth.Measured:
        return growth.measured(folder, [*command, "--option", f"seed={seed}"], environment, retrain.VERDICTS)

    ours(27)
    theirs = {**environment, "BENTOML_HOME": "theirs"}
    turns = [(growth.measured(folder, plain, theirs), ours(28 + turn)) for turn in range(TURNS)]
    script, cold = (min(each) for each in zip(*turns, strict=True))
    again = ours(28)
    yield Ratio(f"retrain and gate, {ROWS:,} rows / plain script: seconds", cold.seconds, script.seconds)
    yield Ratio("the same: MB of the largest process", cold.megabytes, script.megabytes)
    yield Ratio("a second run on the same file / plain script: seconds", again.seconds, script.seconds)
    yield from _by_hand(folder, environment)


def _by_hand(folder: Path, environment: Mapping[str, str]) -> Iterator[Ratio]:
    mlflow = _seconds(folder, [sys.executable, "-c", "import mlflow"])
    entries = json.loads(
        subprocess.check_output([_program("promotion"), "history", "fraud_classifier", "--json"], cwd=folder, text=True)
    )
    judged = [entry["body"] for entry in entries if entry["kind"] == "decision"]
    held = next(body["tag"] for body in judged if body["decision"]["verdict"] != "promote")
    why = ("--yes", "--reason", "a benchmark")
    promote, back = ["promote", held, "--override", *why], ["rollback", "fraud_classifier", *why]
    for name, done, command in (("promote", "Promotion done", promote), ("rollback", "Rollback done", back)):
        answered, ended = _answered(folder, environment, done, command)
        yield Ratio(f"{name} by hand, until the answer / import mlflow", answered, mlflow)
        yield Ratio(f"{name} by hand, until the end / import mlflow", ended, mlflow)


def _answered(folder: Path, environment: Mapping[str, str], done: str, command: list[str]) -> tuple[float, float]:
    """Return the seconds until a command says what was done, and until it ends."""
    start, answered = time.perf_counter(), 0.0
    with subprocess.Popen(
        [_program("promotion"), *command], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            answered = time.perf_counter() - start if line.startswith(done) else answered
    if process.returncode or not answered:
        sys.exit(f"promotion {' '.join(command)} ended with {process.returncode}, and did not say {done!r}.")
    return answered, time.perf_counter() - start


def _commands(root: Path) -> Iterator[Ratio]:
    newest = json.loads((root / "newest.json").read_text())
    model, home = newest["model"], {**os.environ, "BENTOML_HOME": str(root / "bentoml")}
    listed = _seconds(root, [_program("bentoml"), "models", "list"], home)
    for name in ("champion", "status", "history"):
        yield Ratio(f"promotion {name} / bentoml models list", _promotion(root, name, model), listed)
    audited = [_promotion(root, "audit", model, turns=1, codes={0, 5}) for _ in range(2)]
    yield Ratio(f"audit of {FEW:,} entries / bentoml models list", audited[0], listed)
    yield Ratio("the next audit / bentoml models list", audited[1], listed)


def _growth(few: Path, many: Path) -> Iterator[Ratio]:
    light = ("status", "history --limit 20", "show TAG", "metrics --json --limit 20")
    for name, turns in (*((one, TURNS) for one in light), ("promote --dry-run", 1), ("sync", 1)):
        short, long = (growth.measured_command(root, growth.commands(root)[name], turns) for root in (few, many))
        yield Ratio(f"{name}, {MANY:,} / {FEW:,} entries", long.seconds, short.seconds)


def _pages(root: Path) -> Iterator[Ratio]:
    first, second = (_promotion(root, "report", "--site", "site", turns=1) for _ in range(2))
    yield Ratio("report --site, the second run / the first", second, first)


def _scores() -> Iterator[Ratio]:
    rows = compare.generate(SCORES)
    runs: tuple[Run, Run] = (
        lambda: _timed(lambda: compare_scores(*rows, metrics=compare.GAINS)),
        lambda: _timed(lambda: [np.sort(each) for each in rows[1:]]),
    )
    ours, sort = (min(run() for _ in range(5)) for run in runs)
    yield Ratio(f"compare, five metrics, {SCORES:,} rows / np.sort of the scores", ours, sort)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _promotion(root: Path, *arguments: str, turns: int = TURNS, codes: Collection[int] = (0,)) -> float:
    return min(growth.measured(root, [_program("promotion"), *arguments], codes=codes).seconds for _ in range(turns))


def _seconds(root: Path, command: list[str], environment: Mapping[str, str] | None = None) -> float:
    return min(growth.measured(root, command, environment).seconds for _ in range(TURNS))


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


if __name__ == "__main__":
    typer.run(main)
