"""Time an audit of many versions, first and repeated, against hashing all files and listing all models with BentoML.

Run: `python benchmarks/audit.py`; each figure comes from a separate process, with its CPU seconds and memory. The audit
of 10,000 versions starts a second one, whose CPU seconds are included, and whose memory is extra. No decision is
recomputed. Only the smaller registry has runs in MLflow (on SQLite), because creating them takes long; the peer there
is MLflow reading these runs.
"""

import gc
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from promotion.adapters.bento import BentoStore, digest_cached
from promotion.adapters.memory import MemoryMirror
from promotion.adapters.mlflow import MlflowMirror, connect
from promotion.adapters.sql import SqlLedger
from promotion.canonical import plain
from promotion.comparison import compare
from promotion.comparison.drawing import draw_curves
from promotion.config import Config
from promotion.interfaces import Mirror, Trained
from promotion.ledger.chain import chain
from promotion.ledger.entries import Adoption, Body, Judgement, Move, Registration, TransitionApplied, TransitionPlanned
from promotion.ledger.folding import advance
from promotion.ledger.state import State
from promotion.policy import HoldoutReuse, HoldoutSketch, Judged, Policy, Primary, decide
from promotion.registry.registry import Registry
from promotion.vocabulary import Stage, Tag, Verdict

SIDES = ("the first audit", "the next audit", "hashlib, all files", "bentoml.models.list")
WITH_MLFLOW = (*SIDES, "an audit with MLflow", "mlflow search_runs")
FILE_BYTES = 100_000
EXPERIMENT = "toy"
METRICS = ("roc_auc", "average_precision")


def main(
    quick: Annotated[bool, typer.Option(help="A smaller store: shows that it works, no figures.")] = False,
    side: Annotated[str | None, typer.Option(hidden=True)] = None,
    home: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    os.environ.update(DO_NOT_TRACK="1", BENTOML_DO_NOT_TRACK="True")
    if side and home:
        print(json.dumps(_measured(side, home)))
        return
    print(f"{os.cpu_count()} cores{'; QUICK: not the published figures' if quick else ''}")
    few, many = (50, 100) if quick else (1_000, 10_000)
    for versions, sides in ((few, WITH_MLFLOW), (many, SIDES)):
        with tempfile.TemporaryDirectory(prefix="bench-audit-") as folder:
            _fill(Path(folder), versions, runs=sides is WITH_MLFLOW)
            _print(versions, {side: _child(side, folder) for side in sides})


def _print(versions: int, found: dict[str, list[float]]) -> None:
    print(f"\n{versions:,} versions of {FILE_BYTES // 1000} kB, each with a decision")
    peer = found["hashlib, all files"][0]
    for side, (seconds, megabytes, cpu) in found.items():
        line = f"  {side:24} {seconds:8.2f} s   {seconds / peer:6.1f} x hashlib   {megabytes:6.0f} MB at most"
        print(f"{line}   {cpu:6.1f} s CPU")


def _child(side: str, folder: str) -> list[float]:
    command = [sys.executable, __file__, "--side", side, "--home", folder]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found: list[float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[-1])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [*found, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime]


def _measured(side: str, home: Path) -> list[float]:
    os.environ["BENTOML_HOME"] = str(home)
    if side == "bentoml.models.list":
        import bentoml
    gc.set_threshold(500_000, 50, 100)  # as the command does
    start = time.perf_counter()
    if side == "bentoml.models.list":
        assert bentoml.models.list("toy")
    elif side == "hashlib, all files":
        for path in sorted((home / "models").rglob("*")):
            if path.is_file():
                hashlib.sha256(path.read_bytes()).hexdigest()
    elif side == "mlflow search_runs":
        client = connect(_mlflow(home))
        experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
        page = client.search_runs([experiment], max_results=1000)
        while page.token:
            page = client.search_runs([experiment], max_results=1000, page_token=page.token)
    else:
        mirror = MlflowMirror(_mlflow(home)) if "MLflow" in side else MemoryMirror()
        found = {one.code.value for one in _registry(home, mirror).audit("toy")}
        assert found <= ({"AUD033", "AUD037"} if isinstance(mirror, MemoryMirror) else set()), found
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()  # getrusage also counts the memory of the parent
    return [seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1000]


def _mlflow(home: Path) -> str:
    return f"sqlite:///{home / 'mlflow.db'}"


def _registry(home: Path, mirror: Mirror) -> Registry:
    return Registry(
        Config(root=home),
        store=BentoStore(home),
        ledger=SqlLedger(f"sqlite:///{home / 'ledger.db'}"),
        mirror=mirror,
        actor=lambda: "os:bench",
        digest_cached=lambda full: digest_cached(home, home / "cache", full=full),
    )


def _fill(home: Path, versions: int, *, runs: bool) -> None:
    """Create copies of one version, each with its own name and bytes; registered, judged and rejected."""
    from sklearn.linear_model import LogisticRegression

    store, rng = BentoStore(home), np.random.default_rng(27)
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    store.save("toy:v0", Trained(model=model), metadata={}, training_rows=np.arange(10, dtype=np.uint64))
    first = store.path(Tag("toy", "v0"))
    (first / "weights.bin").write_bytes(rng.bytes(FILE_BYTES))
    text = (first / "model.yaml").read_text("utf-8").replace("stage: staging", "stage: rejected")
    for number in range(1, versions):
        folder = first.parent / f"v{number}"
        shutil.copytree(first, folder)
        (folder / "model.yaml").write_text(text.replace("version: v0", f"version: v{number}"), "utf-8")
        (folder / "weights.bin").write_bytes(rng.bytes(FILE_BYTES))
    store.write_stage(Tag("toy", "v0"), Stage.PROD)
    ledger, after, state = SqlLedger(f"sqlite:///{home / 'ledger.db'}"), None, State(model="toy")
    for bodies in _sentence(store, versions, rng, _runs(home) if runs else repeat(None)):
        entries = tuple(chain("toy", after, bodies, at=datetime.now(UTC), actor="os:bench"))
        state = advance(state, *entries)
        after = state.head
        ledger.append(entries, after)
    if runs:
        assert _registry(home, MlflowMirror(_mlflow(home))).sync("toy")
    _registry(home, MemoryMirror()).parts.writer.claim("toy")
    time.sleep(2.5)  # the digest cache skips files that were just written


def _runs(home: Path) -> Iterator[str]:
    """Yield runs in MLflow, each with the parameters and metrics of a training."""
    from mlflow.entities import Metric, Param

    client = connect(_mlflow(home))
    experiment = client.create_experiment(EXPERIMENT, artifact_location=(home / "artifacts").as_uri())
    while True:
        run_id = client.create_run(experiment).info.run_id
        params = [Param(f"parameter_{number}", "0.1") for number in range(12)]
        client.log_batch(run_id, [Metric(f"metric_{number}", 0.9, 0, 0) for number in range(8)], params)
        yield run_id


def _sentence(
    store: BentoStore, versions: int, rng: np.random.Generator, runs: Iterator[str | None]
) -> Iterator[list[Body]]:
    """Adopt the first version, and reject all others against it, a hundred at a time."""
    first = Tag("toy", "v0")
    policy = Policy(primary=Primary(metric="roc_auc"), metrics=METRICS, holdout_reuse=HoldoutReuse.IGNORE)
    up = Move(tag=str(first), before=Stage.STAGING, after=Stage.PROD)
    bodies: list[Body] = [
        _registered(store, first, next(runs)),
        Adoption(tag=str(first), reason="It served before.", assumed_clean=True),
        TransitionPlanned(cause="adoption", moves=(up,), champion=str(first), reason="It served before."),
        TransitionApplied(planned=3),
    ]
    judged = _judged(policy, rng)
    for number in range(1, versions):
        registration = _registered(store, Tag("toy", f"v{number}"), next(runs))
        sentence = judged[number % len(judged)]
        decision = replace(sentence.decision, challenger=Judged(tag=registration.tag, digest=registration.digest))
        down = Move(tag=registration.tag, before=Stage.STAGING, after=Stage.REJECTED)
        bodies += [
            registration,
            replace(sentence, tag=registration.tag, decision=decision, decision_digest=decision.digest),
            TransitionPlanned(cause="rejection", moves=(down,), champion=str(first), reason=decision.summary),
            TransitionApplied(planned=4 * number + 3),
        ]
        if number % 100 == 0 or number == versions - 1:
            yield bodies
            bodies = []


def _registered(store: BentoStore, tag: Tag, run_id: str | None) -> Registration:
    return Registration(tag=str(tag), digest=store.digest(tag), stage=Stage.STAGING, run_id=run_id)


def _judged(policy: Policy, rng: np.random.Generator) -> list[Judgement]:
    """Return decisions as a gate records them, with policy, curves and sketch, on models that guess."""
    labels = (np.arange(20_000) % 20 == 0).astype(np.int64)
    champion, sketch = labels + rng.normal(size=len(labels)), HoldoutSketch.of(np.arange(len(labels), dtype=np.uint64))
    made = []
    for _ in range(20):
        challenger = rng.normal(size=len(labels))
        decision = decide(compare(labels, champion, challenger, metrics=METRICS), policy)
        assert decision.verdict is Verdict.REJECT
        curves = draw_curves(labels, challenger, champion)
        made.append(
            Judgement(tag="", decision=decision, decision_digest="", sketch=sketch, curves=curves, policy=plain(policy))
        )
    return made


if __name__ == "__main__":
    typer.run(main)
