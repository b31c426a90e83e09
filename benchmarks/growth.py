"""Growth of everyday commands with the ledger: each as a whole process, on 1,000 and on 100,000 entries of one model.

    python benchmarks/growth.py [--entries 100000] [--turns 3]

The ledger is that of hourly retraining: every version registered, judged and promoted, rejected or held, with decisions
as a gate records them, on rows that change once a day. Seconds are medians; memory is the peak of the process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer

from promotion.adapters.bento import BentoStore
from promotion.adapters.sql import SqlLedger
from promotion.canonical import plain
from promotion.comparison import compare
from promotion.comparison.curves import draw_curves
from promotion.interfaces import Trained
from promotion.ledger.chain import chain
from promotion.ledger.entries import Body, Judgement, Move, Registration, TransitionApplied, TransitionPlanned
from promotion.ledger.state import State, advance
from promotion.policy import Budget, HoldoutSketch, HoldoutUsed, Judged, Policy, Primary, decide
from promotion.vocabulary import Stage, Tag

SHORT, MODEL = 1_000, "toy"
STORED = 20
"""Number of versions whose files the store holds: the newest."""
METRICS = ("roc_auc", "average_precision", "brier_score", "log_loss")
CONFIGURATION = """
bentoml_home = "bentoml"
ledger = "{url}"
[models.toy]
recipe = "registry_flows.fraud:FraudRecipe"
data = "rows.csv"
[models.toy.policy]
primary = {{ metric = "roc_auc" }}
"""


def main(
    entries: Annotated[int, typer.Option(help="Entries of the long ledger.")] = 100_000,
    turns: Annotated[int, typer.Option(help="Runs of each command.")] = 3,
) -> None:
    print(f"{os.cpu_count()} cores; medians of {turns} whole processes")
    with tempfile.TemporaryDirectory(prefix="bench-growth-") as folder:
        for database, url in _databases(Path(folder)):
            short, long = (_filled(Path(folder) / f"{database}{size}", url(size), size) for size in (SHORT, entries))
            print(f"\n{database:34} {SHORT:>9,} entries      {entries:>9,} entries      ratio")
            for name, arguments in _commands(long).items():
                few, many = (_measured(root, _commands(root)[name], turns) for root in (short, long))
                sizes = "  ".join(f"{seconds:8.2f} s {megabytes:6.0f} MB" for seconds, megabytes in (few, many))
                print(f"  {name:30} {sizes}  {many[0] / few[0]:8.2f}")
                assert arguments


def _databases(folder: Path) -> Iterator[tuple[str, Any]]:
    yield "SQLite", lambda size: f"sqlite:///{folder / f'ledger{size}.db'}"


def _commands(root: Path) -> dict[str, list[str]]:
    newest = json.loads((root / "newest.json").read_text())
    return {
        "champion": ["champion", MODEL],
        "status": ["status", MODEL],
        "history --limit 20": ["history", MODEL, "--limit", "20"],
        "show TAG": ["show", newest["tag"]],
        "show DECISION": ["show", newest["decision"]],
        "metrics --json --limit 20": ["metrics", MODEL, "--json", "--limit", "20"],
        "promote --dry-run": ["promote", newest["held"], "--override", "--reason", "try", "--dry-run"],
    }


def _measured(root: Path, arguments: list[str], turns: int) -> tuple[float, float]:
    """Return seconds and megabytes."""
    command = [str(Path(sys.executable).with_name("promotion")), *arguments]
    seconds, memory = [], []
    for _ in range(turns):
        start = time.perf_counter()
        with Path(os.devnull).open("w") as nowhere, (root / "err.txt").open("w") as err:
            process = subprocess.Popen(command, cwd=root, stdout=nowhere, stderr=err)
            _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        memory.append(usage.ru_maxrss / 1000)
        if status:
            sys.exit(f"{' '.join(arguments)}: exit {status}: {(root / 'err.txt').read_text()}")
    return median(seconds), median(memory)


def _filled(root: Path, url: str, entries: int) -> Path:
    from sklearn.linear_model import LogisticRegression

    root.mkdir()
    (root / "promotion.toml").write_text(CONFIGURATION.format(url=url))
    (root / "rows.csv").write_text("a,b\n1,2\n")
    store, rng = BentoStore(root / "bentoml"), np.random.default_rng(27)
    ledger, state, at = SqlLedger(url), State(model=MODEL), datetime.now(UTC) - timedelta(hours=entries // 3)
    templates = _judged(rng)
    pending: list[Body] = []
    newest: dict[str, str] = {}
    champion, number, written = None, 0, 0
    while written < entries:
        number += 1
        tag = Tag(MODEL, f"v{number}")
        stored = entries - written < STORED * 4
        if stored:
            store.save(tag, Trained(model=LogisticRegression().fit([[0.0], [1.0]], [0, 1])), metadata={})
        registration = Registration(
            tag=str(tag),
            digest=store.digest(tag) if stored else f"{number:064x}",
            stage=Stage.STAGING,
            run_id=f"{number:032x}",
            data="rows.csv",
            data_digest="1" * 64,
            training_rows=40_000,
        )
        turn = "promotion" if number % 10 == 1 else ("rejection", "hold")[number % 2]
        told = templates[turn][number % 20]
        day = number // 24
        decision = replace(
            told.decision,
            challenger=Judged(tag=str(tag), digest=registration.digest),
            champion=champion,
            holdout=HoldoutUsed(
                digest=f"{day:064x}", data="rows.csv", data_digest=f"{day:064x}", rows=20_000, positives=1000, removed=0
            ),
        )
        sketch = HoldoutSketch.of(np.random.default_rng(day).integers(0, 2**63, 600).astype(np.uint64))
        pending += [
            registration,
            replace(told, tag=str(tag), decision=decision, decision_digest=decision.digest, sketch=sketch),
        ]
        if turn != "hold":
            moves = (
                Move(tag=str(tag), before=Stage.STAGING, after=Stage.PROD if turn == "promotion" else Stage.REJECTED),
            )
            if turn == "promotion" and champion:
                moves += (Move(tag=champion.tag, before=Stage.PROD, after=Stage.ARCHIVED),)
            if turn == "promotion":
                champion = Judged(tag=str(tag), digest=registration.digest)
            pending += [
                TransitionPlanned(
                    cause=turn, moves=moves, champion=champion.tag, reason=decision.summary, decision=decision.digest
                ),
                TransitionApplied(planned=written + len(pending) + 1),
            ]
            if stored:
                store.write_stage(tag, moves[0].after)
        newest |= {"tag": str(tag), "decision": decision.digest[:12]} | ({"held": str(tag)} if turn == "hold" else {})
        if len(pending) >= 500 or written + len(pending) >= entries:
            made = tuple(chain(MODEL, state.head, pending, at=at + timedelta(hours=number), actor="os:bench"))
            state = advance(state, *made)
            ledger.append(made, state.head)
            written, pending = state.seq, []
    ledger.mark_mirrored(MODEL, state.seq)
    from promotion.ledger.checkpoint import checkpoint_of

    if os.environ.get("KEEP"):
        ledger.keep(checkpoint_of(state))
    (root / "newest.json").write_text(json.dumps(newest))
    return root


def _judged(rng: np.random.Generator) -> dict[str, list[Judgement]]:
    """Return decisions as a gate records them, with policy and curves: twenty each promoted, rejected and held."""
    policy = Policy(primary=Primary(metric="roc_auc"), metrics=METRICS)
    labels = (np.arange(5_000) % 20 == 0).astype(np.int64)
    made: dict[str, list[Judgement]] = {"promotion": [], "rejection": [], "hold": []}
    for turn, skill in (("promotion", 2.5), ("rejection", 0.3), ("hold", 1.0)):
        while len(made[turn]) < 20:
            shared = rng.normal(size=len(labels))
            scores = [
                1 / (1 + np.exp(2 - one * labels - 0.8 * shared - 0.4 * rng.normal(size=len(labels))))
                for one in (1.0, skill)
            ]
            decision = decide(compare(labels, *scores, metrics=METRICS), policy, budget=Budget(alpha=0.05, use=1.0))
            curves = draw_curves(labels, scores[1], scores[0])
            made[turn].append(
                Judgement(tag="", decision=decision, decision_digest="", curves=curves, policy=plain(policy))
            )
    return made


if __name__ == "__main__":
    typer.run(main)
